package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-chi/chi/v5"
	"golang.org/x/oauth2"

	"github.com/tallystick/tallystick/gateway-client/identity/development"
	"github.com/tallystick/tallystick/network/profile"
)

// Lifetimes and limits.
const (
	sessionLifetime = 12 * time.Hour
	sessionIdle     = 30 * time.Minute
	providerTimeout = 10 * time.Second
	maxTokenBytes   = 16 << 10
)

// Directory knows the organisation's users.
type Directory interface {
	// Lookup returns who signs as the user; ok is false where the organisation has none of that name.
	Lookup(ctx context.Context, user string) (p Person, ok bool, err error)
}

// Identity logs people and machines in. Make one with New.
type Identity struct {
	config    Config
	secret    string
	directory Directory
	sessions  *scs.SessionManager
	embedded  *development.Provider
	log       *slog.Logger

	mu       sync.Mutex
	provider *provider
}

// provider is what discovery has found.
type provider struct {
	oauth      oauth2.Config
	ids        *oidc.IDTokenVerifier
	access     *oidc.IDTokenVerifier
	endSession string
}

// New returns the logins of one organisation. Sessions are kept in the store. It fails where the configuration is wrong or the
// secret cannot be read; the provider is asked at the first login only.
func New(c Config, p *profile.Profile, directory Directory, sessions scs.Store, log *slog.Logger) (*Identity, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	i := &Identity{config: c.provided(), directory: directory, log: log, sessions: scs.New()}
	if c.Development {
		var err error
		if i.embedded, err = development.New(i.config.URL, p, log); err != nil {
			return nil, err
		}
		i.secret = development.Secret
	} else if c.ClientSecretFile != "" {
		raw, err := os.ReadFile(c.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("identity.client_secret_file: %w", err)
		}
		i.secret = strings.TrimSpace(string(raw))
	}
	i.sessions.Store, i.sessions.HashTokenInStore = sessions, true
	i.sessions.Lifetime, i.sessions.IdleTimeout = sessionLifetime, sessionIdle
	i.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		log.ErrorContext(r.Context(), "session store", "error", err)
		http.Error(w, "The service cannot read its sessions now. Try again in a moment.", http.StatusServiceUnavailable)
	}
	cookie := &i.sessions.Cookie
	// Browsers share cookies between the ports of a host, so each organisation's has a name of its own.
	cookie.Name = "tally-" + p.Org
	if i.config.secure() {
		cookie.Name = "__Host-" + cookie.Name
	}
	cookie.HttpOnly, cookie.Secure, cookie.SameSite, cookie.Persist = true, i.config.secure(), http.SameSiteLaxMode, false
	return i, nil
}

// Mount adds the routes of the login: /login, /callback and /logout, and the development provider's where it is on.
func (i *Identity) Mount(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(limitLogins())
		r.Get("/login", i.login)
		r.Get("/callback", i.callback)
		r.Post("/logout", i.logout)
		if i.embedded != nil {
			r.Mount(development.Path, i.embedded.Handler())
		}
	})
}

// discover asks the provider for its endpoints, once it has answered.
func (i *Identity) discover(ctx context.Context) (*provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, nil
	}
	// The provider keeps the context's client for fetching keys later, so it must not end with the request.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: providerTimeout})
	found, err := oidc.NewProvider(ctx, i.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the OpenID provider %s does not answer: %w", i.config.Issuer, err)
	}
	var extra struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := found.Claims(&extra); err != nil {
		return nil, err
	}
	i.provider = &provider{
		oauth: oauth2.Config{ClientID: i.config.ClientID, ClientSecret: i.secret, Endpoint: found.Endpoint(),
			RedirectURL: i.config.URL + "/callback", Scopes: []string{oidc.ScopeOpenID, "profile"}},
		ids:        found.VerifierContext(ctx, &oidc.Config{ClientID: i.config.ClientID}),
		access:     found.VerifierContext(ctx, &oidc.Config{ClientID: i.config.Audience}),
		endSession: extra.EndSession,
	}
	return i.provider, nil
}

// Why a login fails.
var (
	errNoUser  = errors.New("this login belongs to no user of the organisation")
	errNoClaim = errors.New("the token does not name the person")
)

// named reads who a verified token is of.
func (i *Identity) named(t *oidc.IDToken) (user, name string, err error) {
	var claims map[string]any
	if err := t.Claims(&claims); err != nil {
		return "", "", err
	}
	value, _ := claims[i.config.Claim].(string)
	if value == "" {
		return "", "", errNoClaim
	}
	if user = i.config.user(value); user == "" {
		return "", "", errNoUser
	}
	if name, _ = claims["name"].(string); name == "" {
		name = value
	}
	return user, name, nil
}

// person is who signs as the user.
func (i *Identity) person(ctx context.Context, subject, user, name string) (Person, error) {
	p, ok, err := i.directory.Lookup(ctx, user)
	if err != nil {
		return p, err
	}
	if !ok {
		return p, errNoUser
	}
	p.Subject, p.Name = subject, name
	return p, nil
}
