package static_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/portal/static"
)

func TestFilesAreKeptByTheirContent(t *testing.T) {
	for _, name := range []string{"portal.css", "portal.js", "mark.svg"} {
		url := static.URL(name)
		assert.Regexp(t, `^/static/[a-z]+\.[0-9a-f]{16}\.[a-z]+$`, url)
		w := httptest.NewRecorder()
		static.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Contains(t, w.Header().Get("Cache-Control"), "immutable")
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, string(raw), w.Body.String())
	}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/static/portal.css", nil))
	assert.Equal(t, http.StatusNotFound, w.Code, "only under the name with its hash")
	assert.Empty(t, static.URL("no.css"))
}

// pairs are what is written on what, and how much contrast it needs: 4.5 for text, 3 for what is drawn and for the edges of
// controls (WCAG 2.2, 1.4.3 and 1.4.11).
var pairs = []struct {
	on, what string
	least    float64
}{
	{"bg", "ink", 4.5}, {"bg", "muted", 4.5}, {"bg", "accent", 4.5}, {"surface", "ink", 4.5}, {"surface", "muted", 4.5}, {"surface", "accent", 4.5},
	{"surface", "accent-hover", 4.5}, {"accent", "on-accent", 4.5}, {"accent-hover", "on-accent", 4.5}, {"accent-soft", "accent", 4.5}, {"accent-soft", "ink", 4.5},
	{"accent-soft", "muted", 4.5}, {"good-soft", "good", 4.5}, {"warn-soft", "warn", 4.5}, {"bad-soft", "bad", 4.5}, {"idle-soft", "ink", 4.5},
	{"good-soft", "ink", 4.5}, {"warn-soft", "ink", 4.5}, {"bad-soft", "ink", 4.5}, {"bad-soft", "muted", 4.5}, {"warn-soft", "muted", 4.5}, {"good-soft", "muted", 4.5},
	{"surface", "bad", 4.5}, {"surface", "edge", 3}, {"bg", "edge", 3}, {"surface", "focus", 3}, {"bg", "focus", 3}, {"accent-soft", "focus", 3},
	{"surface", "chart-1", 3}, {"surface", "chart-2", 3}, {"surface", "chart-3", 3}, {"surface", "chart-4", 3}, {"surface", "chart-5", 3},
}

func TestContrast(t *testing.T) {
	raw, err := os.ReadFile("portal.css")
	require.NoError(t, err)
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(raw), -1)
	require.Len(t, schemes, 2, "a light and a dark scheme")
	variable := regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`)
	for i, scheme := range schemes {
		colours := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(scheme[1], -1) {
			colours[m[1]] = m[2]
		}
		for _, p := range pairs {
			ratio := contrast(t, colours[p.on], colours[p.what])
			assert.GreaterOrEqual(t, ratio, p.least, "scheme %d: %s on %s", i, p.what, p.on)
		}
	}
	plain := regexp.MustCompile(`(?s)@media \(prefers-color-scheme: dark\).*?\n\}|:root \{.*?\}`).ReplaceAllString(string(raw), "")
	assert.Empty(t, regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`).FindAllString(plain, -1), "colours are variables, so that this test sees them all")
}

// contrast is the ratio of WCAG 2.2 between two colours.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	require.Len(t, colour, 7, "a colour that is not there: %q", colour)
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#")[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
