package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServiceCallIsTheAPIForScripts(t *testing.T) {
	away(t)
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dev-login/oauth/token" {
			if user, secret, _ := r.BasicAuth(); user == "amy" && secret == "development" {
				_, _ = io.WriteString(w, `{"access_token":"amys"}`)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = []string{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"), string(body)}
		switch r.URL.Path {
		case "/api/v1/moved":
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		case "/api/v1/busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"code":"SERVICE_BUSY","detail":"full"}`)
		case "/api/v1/wrong":
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"code":"INPUT_INVALID","errors":[{"location":"query.size","message":"too much","value":"9"}]}`)
		default:
			_, _ = io.WriteString(w, `{"items":[]}`)
		}
	}))
	defer server.Close()
	call := func(args ...string) (int, string, string) {
		return tally(t, nil, append([]string{"--user", "amy", "service", "call", "--url", server.URL}, args...)...)
	}
	for _, same := range []string{"/alerts?limit=2", "alerts?limit=2", "/api/v1/alerts?limit=2"} {
		status, out, errs := call(same)
		assert.Equal(t, ExitOK, status, errs)
		assert.Equal(t, `{"items":[]}`, out)
		assert.Equal(t, []string{"GET", "/api/v1/alerts?limit=2", "Bearer amys", "", "", ""}, got)
	}
	file := filepath.Join(t.TempDir(), "invoice.xml")
	require.NoError(t, os.WriteFile(file, []byte("\n<Invoice/>"), 0o600))
	status, _, _ := call("/receivables", "--body", file, "--key", "erp-1")
	assert.Equal(t, ExitOK, status)
	assert.Equal(t, []string{"POST", "/api/v1/receivables", "Bearer amys", "application/xml", "erp-1", "\n<Invoice/>"}, got)
	status, _, errs := call("post", "/receivables/x/propose")
	assert.Equal(t, ExitOK, status)
	require.NotEmpty(t, got[4])
	assert.Contains(t, errs, got[4], "the key by which to repeat it")
	assert.Equal(t, "POST", got[0])

	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("another\n"), 0o600))
	_, _, _ = call("/me", "--token-file", token)
	assert.Equal(t, "Bearer another", got[2])

	for path, wanted := range map[string]struct {
		status int
		text   string
	}{"/busy": {ExitFailed, "again after 7 s"}, "/wrong": {ExitInvalid, "query.size"}, "/moved": {ExitFailed, "302"}, "https://elsewhere.example/x": {ExitInvalid, "not a path"}} {
		status, out, errs := call(path)
		assert.Equal(t, wanted.status, status, path)
		assert.Contains(t, errs, wanted.text, path)
		assert.Empty(t, out)
	}
	status, _, errs = tally(t, nil, "--user", "bea", "service", "call", "/me", "--url", server.URL)
	assert.Equal(t, ExitFailed, status)
	assert.Contains(t, errs, "LOGIN_REQUIRED")
	status, _, errs = tally(t, nil, "--user", "amy", "service", "call", "/me", "--url", "http://192.0.2.1")
	assert.Equal(t, ExitInvalid, status)
	assert.Contains(t, errs, "TLS")
	status, _, errs = tally(t, nil, "--user", "amy", "service", "call", "/me", "--url", "https://tally.example")
	assert.Equal(t, ExitInvalid, status)
	assert.True(t, strings.Contains(errs, "--token-file"), errs)
}
