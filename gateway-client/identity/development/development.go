// Package development is an OpenID provider for trying the service out: it lists the organisation's users and logs anybody in as
// any of them, without a password. It stands on the service's own loopback listener and says on its page what it is.
package development

import (
	"crypto/rand"
	"crypto/rsa"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/tallystick/tallystick/network/profile"
)

// Path is where the provider stands below the service's URL; its issuer is that URL with the path.
const Path = "/dev-login"

// ClientID is the service as a client of the provider, and Secret everybody's secret at the token endpoint.
const (
	ClientID = "tallyd"
	Secret   = "development"
)

const rsaBits = 2048

//go:embed page.html page.css
var files embed.FS

// Provider is the development provider of one organisation.
type Provider struct {
	op    *op.Provider
	store *store
	page  *template.Template
	org   string
}

// New returns the provider below the service's base URL, which must be on a loopback address.
func New(base string, p *profile.Profile, log *slog.Logger) (*Provider, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the development provider lets everybody in, so it runs on a loopback address only, not on %s", u.Host)
	}
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, err
	}
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	d := &Provider{store: newStore(base, p.Users, key), page: page, org: p.Org}
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true, SupportedScopes: []string{"openid", "profile"}, DefaultLogoutRedirectURI: base}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return nil, err
	}
	d.op, err = op.NewProvider(config, d.store, op.StaticIssuer(base+Path), op.WithAllowInsecure(), op.WithLogger(log))
	return d, err
}

// Handler serves the provider's endpoints and its page, with the path taken off.
func (d *Provider) Handler() http.Handler {
	r := chi.NewRouter()
	issuer := op.NewIssuerInterceptor(d.op.IssuerFromRequest)
	r.Get("/users", d.users)
	r.Post("/users", issuer.HandlerFunc(d.choose))
	r.Get("/page.css", func(w http.ResponseWriter, req *http.Request) { http.ServeFileFS(w, req, files, "page.css") })
	r.Mount("/", d.op)
	return http.StripPrefix(Path, r)
}

// users shows who can be logged in as.
func (d *Provider) users(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	data := map[string]any{"Org": d.org, "Request": r.URL.Query().Get("request"), "Users": d.store.users}
	if err := d.page.ExecuteTemplate(w, "page.html", data); err != nil {
		slog.ErrorContext(r.Context(), "development login page", "error", err)
	}
}

// choose ends the login as the chosen user.
func (d *Provider) choose(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	request := r.PostFormValue("request")
	if err := d.store.login(request, r.PostFormValue("user")); err != nil {
		http.Error(w, "This login has ended. Go back to the service and log in again.", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(d.op)(r.Context(), request), http.StatusFound)
}
