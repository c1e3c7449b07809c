package identity

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/database/databasetest"
	"github.com/tallystick/tallystick/network/profile"
)

var users = []profile.User{{Name: "amy", Party: "p-acme", PartyAlias: "acme", Roles: []string{"maker"}}, {Name: "adam", Party: "p-acme", Roles: []string{"checker"}}}

type directory map[string]Person

func (d directory) Lookup(_ context.Context, user string) (Person, bool, error) {
	p, ok := d[user]
	return p, ok, nil
}

// site is a service with a page and an API route that say who is logged in.
type site struct {
	url       string
	directory directory
	identity  *Identity
	browser   *http.Client
}

func start(t *testing.T, limit int) *site {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	db, err := database.Open(t.Context(), databasetest.Fresh(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, err := NewStore(t.Context(), db)
	require.NoError(t, err)
	s := &site{url: server.URL, directory: directory{
		"amy":  {User: "amy", Org: "supplier", MSP: "SupplierMSP", Kind: member.Supplier, Party: "p-acme", Roles: []member.Role{member.Maker}},
		"adam": {User: "adam", Org: "supplier", MSP: "SupplierMSP", Kind: member.Supplier, Party: "p-acme", Roles: []member.Role{member.Checker}},
	}}
	s.identity, err = New(Config{URL: server.URL, Development: true}, &profile.Profile{Org: "supplier", Users: users}, s.directory, store, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	r := chi.NewRouter()
	r.Use(FromProxy, s.identity.Protect, s.identity.Sessions)
	s.identity.Mount(r)
	r.Group(func(r chi.Router) {
		r.Use(Limit(limit), s.identity.Require)
		who := func(w http.ResponseWriter, r *http.Request) {
			p, _ := From(r.Context())
			assert.NoError(t, json.NewEncoder(w).Encode(p))
		}
		r.Get("/page", who)
		r.Post("/page", who)
		r.Get("/api/v1/me", who)
	})
	handler = r
	s.browser = s.newBrowser(t)
	return s
}

func (s *site) newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar}
}

func (s *site) cookie(t *testing.T) string {
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	for _, c := range s.browser.Jar.Cookies(u) {
		if c.Name == "tally-supplier" {
			return c.Value
		}
	}
	return ""
}

func body(t *testing.T, response *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// choose logs in on the development provider's page and returns where the browser ends.
func (s *site) choose(t *testing.T, page *http.Response, user string) *http.Response {
	t.Helper()
	require.Equal(t, "/dev-login/users", page.Request.URL.Path)
	answer, err := s.browser.PostForm(s.url+"/dev-login/users", url.Values{"request": {page.Request.URL.Query().Get("request")}, "user": {user}})
	require.NoError(t, err)
	return answer
}

func (s *site) token(t *testing.T, user, secret string) (int, string) {
	request, err := http.NewRequest(http.MethodPost, s.url+"/dev-login/oauth/token", strings.NewReader("grant_type=client_credentials&scope=openid"))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(user, secret)
	response, err := http.DefaultClient.Do(request)
	var answer struct {
		Token string `json:"access_token"`
	}
	text := body(t, response, err)
	require.NoError(t, json.Unmarshal([]byte(text), &answer), text)
	return response.StatusCode, answer.Token
}

func (s *site) me(t *testing.T, token string) (int, string) {
	request, err := http.NewRequest(http.MethodGet, s.url+"/api/v1/me", nil)
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	text := body(t, response, err)
	return response.StatusCode, text
}

func TestABrowserLogsInComesBackAndLogsOut(t *testing.T) {
	s := start(t, 1000)
	page, err := s.browser.Get(s.url + "/page?x=1")
	text := body(t, page, err)
	assert.Contains(t, text, "not real people")
	assert.Contains(t, text, "acme")
	before := s.cookie(t)
	require.NotEmpty(t, before)

	there := s.choose(t, page, "amy")
	text = body(t, there, nil)
	assert.Equal(t, "/page?x=1", there.Request.URL.RequestURI(), "back where it began")
	assert.Contains(t, text, `"user":"amy"`)
	assert.Contains(t, text, `"kind":"supplier"`)
	assert.NotEqual(t, before, s.cookie(t), "a session id from before the login is worth nothing after it")
	assert.Contains(t, there.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	assert.Equal(t, "no-store", there.Header.Get("Cache-Control"))

	response, err := s.browser.PostForm(s.url+"/logout", nil)
	body(t, response, err)
	page, err = s.browser.Get(s.url + "/page")
	body(t, page, err)
	assert.Equal(t, "/dev-login/users", page.Request.URL.Path, "logged out")
}

func TestAnAnswerToAnotherLoginIsRefused(t *testing.T) {
	s := start(t, 1000)
	page, err := s.browser.Get(s.url + "/login")
	body(t, page, err)
	victim := s.newBrowser(t)
	begun, err := victim.Get(s.url + "/login")
	body(t, begun, err)
	// The attacker's own login ends in the victim's browser.
	s.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	answer := s.choose(t, page, "adam")
	body(t, answer, nil)
	location := answer.Header.Get("Location")
	require.Contains(t, location, "/callback?")
	response, err := victim.Get(location)
	assert.Contains(t, body(t, response, err), "not started here")
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	response, err = victim.Get(s.url + "/callback?error=access_denied&state=")
	body(t, response, err)
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
}

func TestWhoIsNoUserDoesNotGetIn(t *testing.T) {
	s := start(t, 1000)
	delete(s.directory, "adam")
	page, err := s.browser.Get(s.url + "/page")
	body(t, page, err)
	refused := s.choose(t, page, "adam")
	assert.Contains(t, body(t, refused, nil), "no user of this organisation")
	assert.Equal(t, http.StatusForbidden, refused.StatusCode)

	page, err = s.browser.Get(s.url + "/page")
	body(t, page, err)
	body(t, s.choose(t, page, "amy"), nil)
	delete(s.directory, "amy")
	page, err = s.browser.Get(s.url + "/page")
	body(t, page, err)
	assert.Equal(t, "/dev-login/users", page.Request.URL.Path, "taken from the organisation since")
}

func TestMachinesComeWithTokens(t *testing.T) {
	s := start(t, 1000)
	status, text := s.me(t, "")
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, text, `"code":"LOGIN_REQUIRED"`)
	_, token := s.token(t, "amy", "development")
	status, text = s.me(t, token)
	assert.Equal(t, http.StatusOK, status, text)
	assert.Contains(t, text, `"party":"p-acme"`)

	status, _ = s.token(t, "amy", "guessed")
	assert.GreaterOrEqual(t, status, 400)
	status, _ = s.token(t, "nobody", "development")
	assert.GreaterOrEqual(t, status, 400)
	status, _ = s.me(t, token[:len(token)-4]+"AAAA")
	assert.Equal(t, http.StatusUnauthorized, status)
	_, foreign := start(t, 1000).token(t, "amy", "development")
	status, _ = s.me(t, foreign)
	assert.Equal(t, http.StatusUnauthorized, status, "another issuer's")
	s.identity.provider = nil
	s.identity.config.Audience = "another-service"
	status, _ = s.me(t, token)
	assert.Equal(t, http.StatusUnauthorized, status, "issued for another service")
}

func TestWritesFromOtherSitesAreRefused(t *testing.T) {
	s := start(t, 1000)
	page, err := s.browser.Get(s.url + "/page")
	body(t, page, err)
	body(t, s.choose(t, page, "amy"), nil)
	for site, want := range map[string]int{"cross-site": http.StatusForbidden, "same-site": http.StatusForbidden, "same-origin": http.StatusOK} {
		request, err := http.NewRequest(http.MethodPost, s.url+"/page", nil)
		require.NoError(t, err)
		request.Header.Set("Sec-Fetch-Site", site)
		response, err := s.browser.Do(request)
		body(t, response, err)
		assert.Equal(t, want, response.StatusCode, site)
	}
}

func TestWhoAsksTooOftenWaits(t *testing.T) {
	s := start(t, 3)
	_, amy := s.token(t, "amy", "development")
	_, adam := s.token(t, "adam", "development")
	for range 3 {
		status, _ := s.me(t, amy)
		require.Equal(t, http.StatusOK, status)
	}
	status, text := s.me(t, amy)
	assert.Equal(t, http.StatusTooManyRequests, status)
	assert.Contains(t, text, "SERVICE_BUSY")
	status, _ = s.me(t, adam)
	assert.Equal(t, http.StatusOK, status, "others go on")
}

func TestWhoeverComesThroughTheProxyHasALimitOfTheirOwn(t *testing.T) {
	s := start(t, 3)
	ask := func(from string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/me", nil)
		require.NoError(t, err)
		request.Header.Set("X-Forwarded-For", from)
		response, err := http.DefaultClient.Do(request)
		body(t, response, err)
		return response.StatusCode
	}
	for range 3 {
		require.Equal(t, http.StatusUnauthorized, ask("203.0.113.9"))
	}
	assert.Equal(t, http.StatusTooManyRequests, ask("203.0.113.9"))
	assert.Equal(t, http.StatusTooManyRequests, ask("198.51.100.1, 203.0.113.9"), "what a caller writes before the proxy's own entry changes nothing")
	assert.Equal(t, http.StatusUnauthorized, ask("203.0.113.10"), "others go on")
}

func TestPagesToComeBackToAreOurs(t *testing.T) {
	for to, want := range map[string]string{"/loans?x=1": "/loans?x=1", "": "/", "https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/",
		"javascript:alert(1)": "/", "/" + strings.Repeat("a", maxReturnBytes): "/"} {
		assert.Equal(t, want, local(to), to)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	err := Config{URL: "ftp://x"}.Validate()
	for _, field := range []string{"identity.url", "identity.issuer", "identity.client_id"} {
		assert.ErrorContains(t, err, field)
	}
	require.NoError(t, Config{URL: "https://tally.bank.example", Issuer: "https://login.bank.example", ClientID: "tallyd"}.Validate())
	_, err = New(Config{URL: "http://192.0.2.1:80", Development: true}, &profile.Profile{}, nil, nil, slog.Default())
	assert.ErrorContains(t, err, "loopback")
	c := Config{Users: map[string]string{"a.smith": "amy"}}
	assert.Equal(t, "amy", c.user("a.smith"))
	assert.Empty(t, c.user("amy"), "who is not in the map is nobody")
}
