package portal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/tallystick/tallystick/gateway-client/identity"
)

// get is the answer to a page as somebody in a language.
func (d *demo) get(org, user, language, address string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	d.portal(org).ServeHTTP(w, r.WithContext(identity.With(r.Context(), d.person(org, user))))
	return w
}

// TestEveryPageThatIsReached follows every link from the first page as each role and language: each page must be well formed for a
// reader and a screen reader.
func TestEveryPageThatIsReached(t *testing.T) {
	d := newDemo(t, "nodes return")
	for _, who := range people() {
		for _, language := range []string{"en", "zh"} {
			t.Run(who[0]+"/"+who[1]+"/"+language, func(t *testing.T) {
				seen, todo := map[string]bool{}, []string{"/"}
				for len(todo) > 0 && len(seen) < 400 {
					address := todo[0]
					todo = todo[1:]
					if seen[address] {
						continue
					}
					seen[address] = true
					w := d.get(who[0], who[1], language, address)
					for w.Code == http.StatusSeeOther {
						w = d.get(who[0], who[1], language, w.Header().Get("Location"))
					}
					if !assert.Equal(t, http.StatusOK, w.Code, "%s: %s", address, w.Body.String()) {
						continue
					}
					todo = append(todo, checked(t, address, language, w.Body)...)
				}
				assert.Greater(t, len(seen), 5)
				t.Logf("%d pages", len(seen))
			})
		}
	}
}

// untranslated is a key of the catalogue that stands in a page.
var untranslated = regexp.MustCompile(`>\s*[a-z_]+(\.[a-z_]+)+\s*<`)

// checked checks a page and returns the addresses of ours that it leads to.
func checked(t *testing.T, address, language string, body io.Reader) []string {
	t.Helper()
	raw, err := io.ReadAll(body)
	require.NoError(t, err)
	for _, key := range untranslated.FindAllString(string(raw), -1) {
		t.Errorf("%s shows the key %s", address, key)
	}
	assert.NotContains(t, string(raw), "<no value>", address)
	assert.NotContains(t, string(raw), "%!", address)
	doc, err := html.Parse(strings.NewReader(string(raw)))
	require.NoError(t, err)
	p := &inspected{t: t, at: address, ids: map[string]int{}, labels: map[string]bool{}}
	p.walk(doc)
	assert.Equal(t, 1, p.count["h1"], "%s: one h1", address)
	assert.Equal(t, 1, p.count["main"], "%s: one main", address)
	assert.Equal(t, language, p.lang, "%s: lang", address)
	assert.NotZero(t, p.count["header"], "%s: header", address)
	assert.Equal(t, 1, p.count["footer"], "%s: footer", address)
	assert.Equal(t, p.count["fieldset"], p.count["legend"], "%s: each group of controls has a legend", address)
	assert.Equal(t, p.count["details"], p.count["summary"], "%s: each fold has a summary", address)
	for id, n := range p.ids {
		assert.Equal(t, 1, n, "%s: id %s", address, id)
	}
	for _, of := range p.refs {
		assert.NotZero(t, p.ids[of], "%s: nothing has the id %s", address, of)
	}
	for _, c := range p.controls {
		assert.True(t, p.labels[c], "%s: no label for %s", address, c)
	}
	return p.links
}

// linksIn are the addresses of ours that a page leads to.
func linksIn(t testing.TB, body io.Reader) []string {
	t.Helper()
	doc, err := html.Parse(body)
	require.NoError(t, err)
	var list []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if n.Data == "a" && a.Key == "href" && strings.HasPrefix(a.Val, "/") {
				list = append(list, a.Val)
			}
		}
	}
	return list
}

// inspected is what was found in a page.
type inspected struct {
	t        *testing.T
	at, lang string
	ids      map[string]int
	labels   map[string]bool // ids that have a label
	controls []string        // ids of controls that need one
	refs     []string        // ids that others refer to
	links    []string
	count    map[string]int
	heading  int
}

func (p *inspected) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		p.element(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.walk(c)
	}
}

func (p *inspected) element(n *html.Node) {
	if p.count == nil {
		p.count = map[string]int{}
	}
	p.count[n.Data]++
	a := map[string]string{}
	for _, x := range n.Attr {
		a[x.Key] = x.Val
	}
	if id, ok := a["id"]; ok {
		p.ids[id]++
	}
	for _, name := range []string{"aria-labelledby", "aria-describedby"} {
		p.refs = append(p.refs, strings.Fields(a[name])...)
	}
	_, style := a["style"]
	assert.False(p.t, style, "%s: inline style", p.at)
	for name := range a {
		assert.False(p.t, strings.HasPrefix(name, "on"), "%s: inline script %s", p.at, name)
	}
	if order, err := strconv.Atoi(a["tabindex"]); err == nil {
		assert.LessOrEqual(p.t, order, 0, "%s: the Tab key follows the order of the page", p.at)
	}
	if a["aria-invalid"] == "true" {
		assert.NotEmpty(p.t, a["aria-describedby"], "%s: a wrong field does not say why", p.at)
	}
	switch n.Data {
	case "html":
		p.lang = a["lang"]
	case "nav":
		assert.NotEmpty(p.t, a["aria-label"], "%s: a nav without a name", p.at)
	case "table":
		p.tables(n)
	case "img":
		assert.Contains(p.t, a, "alt", "%s: an image without alt", p.at)
	case "meta":
		assert.NotRegexp(p.t, "maximum-scale|user-scalable", a["content"], "%s: people may enlarge the page", p.at)
	case "script":
		assert.NotEmpty(p.t, a["src"], "%s: inline script", p.at)
	case "h1", "h2", "h3", "h4":
		level := int(n.Data[1] - '0')
		if inMain(n) {
			assert.LessOrEqual(p.t, level, p.heading+1, "%s: heading %s skips a level", p.at, text(n))
			p.heading = level
		}
		assert.NotEmpty(p.t, text(n), "%s: empty heading", p.at)
	case "label":
		p.labels[a["for"]] = true
		p.refs = append(p.refs, a["for"])
		assert.NotEmpty(p.t, text(n), "%s: empty label", p.at)
	case "input", "select", "textarea":
		if a["type"] != "hidden" && a["aria-label"] == "" {
			p.controls = append(p.controls, a["id"])
		}
	case "button":
		assert.NotEmpty(p.t, text(n), "%s: a button without a name", p.at)
	case "th":
		assert.NotEmpty(p.t, a["scope"], "%s: a th without scope", p.at)
	case "svg":
		assert.True(p.t, a["aria-hidden"] == "true" || a["role"] != "", "%s: an svg that is neither named nor hidden", p.at)
	case "a":
		href := a["href"]
		if href == "" {
			p.t.Errorf("%s: a link to nowhere: %s", p.at, text(n))
		}
		if strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "/static/") {
			p.links = append(p.links, href)
		}
		assert.NotEmpty(p.t, text(n)+a["aria-label"], "%s: a link without a name", p.at)
		assert.NotContains(p.t, href, "about:invalid", p.at)
	}
}

// tables checks that a table has heads of columns, and in each row one of the row.
func (p *inspected) tables(table *html.Node) {
	for n := range table.Descendants() {
		if n.Data != "tr" {
			continue
		}
		heads := 0
		for c := range n.ChildNodes() {
			if c.Data == "th" {
				heads++
			}
		}
		assert.NotZero(p.t, heads, "%s: a row without a head: %s", p.at, text(n))
	}
}

func inMain(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == "main" {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return strings.TrimSpace(n.Data)
	}
	var all []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if t := text(c); t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, " ")
}

// TestWorkspacesEnd asks for the pages and forms of other workspaces.
func TestWorkspacesEnd(t *testing.T) {
	d := newDemo(t, "applied")
	for _, c := range []struct {
		org, user, address string
		status             int
	}{
		{"buyer", "alice", "/claims", http.StatusForbidden},
		{"supplier", "amy", "/portfolio", http.StatusForbidden},
		{"supplier", "amy", "/graph", http.StatusForbidden},
		{"warehouse", "wes", "/invoices", http.StatusForbidden},
		{"supplier", "bea", "/applications/" + d.Vars["application_acme"], http.StatusNotFound},
		{"supplier", "bea", "/invoices/" + d.Vars["inv1001"], http.StatusNotFound},
		{"supplier", "amy", "/nowhere", http.StatusNotFound},
		{"bankB", "nils", "/applications/" + d.Vars["application_acme"], http.StatusNotFound},
	} {
		w := d.get(c.org, c.user, "en", c.address)
		assert.Equal(t, c.status, w.Code, "%s/%s %s", c.org, c.user, c.address)
		checked(t, c.address, "en", w.Body)
	}
	icon := httptest.NewRecorder()
	d.portal("supplier").ServeHTTP(icon, httptest.NewRequest(http.MethodGet, "/favicon.ico", nil))
	assert.Equal(t, http.StatusFound, icon.Code, "the icon begins no login")
	r := httptest.NewRequest(http.MethodGet, "/claims?show=all", nil)
	w := httptest.NewRecorder()
	d.portal("supplier").ServeHTTP(w, r)
	assert.Equal(t, http.StatusSeeOther, w.Code, "nobody is logged in")
	assert.Equal(t, "/login?to="+url.QueryEscape("/claims?show=all"), w.Header().Get("Location"))
}

// TestOnePersonDoesNotConfirmAlone sends what the page does not offer: the ledger refuses the maker the checker's part, and everybody
// what the regulator's workspace leaves out.
func TestOnePersonDoesNotConfirmAlone(t *testing.T) {
	d := newDemo(t, "nodes return")
	d.furnish()
	send := func(org, user, address, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		d.portal(org).ServeHTTP(w, r.WithContext(identity.With(r.Context(), d.person(org, user))))
		return w
	}
	var proposed string
	for _, link := range linksIn(t, d.get("buyer", "alice", "en", "/invoices?show=proposed").Body) {
		if strings.HasPrefix(link, "/invoices/rcv-") {
			proposed = link
		}
	}
	require.NotEmpty(t, proposed)
	assert.NotContains(t, d.get("buyer", "alice", "en", proposed).Body.String(), `value="confirm"`, "the page does not offer it")
	w := send("buyer", "alice", proposed, "do=confirm")
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	answered := d.get("buyer", "alice", "en", w.Header().Get("Location")).Body.String()
	assert.Contains(t, answered, `role="alert"`)
	assert.NotContains(t, answered, "Done: the ledger has it.")
	assert.Contains(t, d.get("buyer", "alice", "en", proposed).Body.String(), "proposed</span>", "nothing has changed")

	for _, form := range [][2]string{{proposed, "do=confirm"}, {"/loans/" + d.Vars["loan"], "do=repay&amount=1.00"}, {"/policies", "file="}, {"/devices/" + d.Vars["sensor"], "do=revoke"}} {
		w := send("regulator", "reg", form[0], form[1])
		assert.Equal(t, http.StatusForbidden, w.Code, "the regulator at %s", form[0])
	}
}
