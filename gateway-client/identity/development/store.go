package development

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/tallystick/tallystick/network/profile"
)

// Limits of what the provider remembers.
const (
	maxRequests   = 1000
	loginLifetime = 10 * time.Minute
	tokenLifetime = 8 * time.Hour
)

var errUnknown = errors.New("unknown or over")

// store is the provider's memory: logins that are under way, and its key. Tokens prove themselves, so none are kept.
type store struct {
	base  string
	users []profile.User
	key   signingKey

	mu       sync.Mutex
	requests map[string]*request
	codes    map[string]string
}

func newStore(base string, users []profile.User, key *rsa.PrivateKey) *store {
	return &store{base: base, users: users, key: signingKey{id: rand.Text(), key: key}, requests: map[string]*request{}, codes: map[string]string{}}
}

type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) ID() string                                  { return k.id }

type publicKey struct{ signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.key.PublicKey }

// request is a login under way, or a script's request of a token.
type request struct {
	id, user    string
	made        time.Time
	redirectURI string
	state       string
	nonce       string
	scopes      []string
	challenge   *oidc.CodeChallenge
}

func (r *request) GetID() string                         { return r.id }
func (r *request) GetACR() string                        { return "" }
func (r *request) GetAMR() []string                      { return nil }
func (r *request) GetAudience() []string                 { return []string{ClientID} }
func (r *request) GetAuthTime() time.Time                { return r.made }
func (r *request) GetClientID() string                   { return ClientID }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge { return r.challenge }
func (r *request) GetNonce() string                      { return r.nonce }
func (r *request) GetRedirectURI() string                { return r.redirectURI }
func (r *request) GetResponseType() oidc.ResponseType    { return oidc.ResponseTypeCode }
func (r *request) GetResponseMode() oidc.ResponseMode    { return "" }
func (r *request) GetScopes() []string                   { return r.scopes }
func (r *request) GetState() string                      { return r.state }
func (r *request) GetSubject() string                    { return r.user }
func (r *request) Done() bool                            { return r.user != "" }

func (s *store) user(name string) (profile.User, bool) {
	at := slices.IndexFunc(s.users, func(u profile.User) bool { return u.Name == name })
	if at < 0 {
		return profile.User{}, false
	}
	return s.users[at], true
}

// login says who a login is for.
func (s *store) login(id, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if _, known := s.user(user); !ok || !known || time.Since(r.made) > loginLifetime {
		return errUnknown
	}
	r.user = user
	return nil
}

func (s *store) CreateAuthRequest(_ context.Context, a *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	r := &request{id: rand.Text(), made: time.Now(), redirectURI: a.RedirectURI, state: a.State, nonce: a.Nonce, scopes: a.Scopes}
	if a.CodeChallenge != "" {
		r.challenge = &oidc.CodeChallenge{Challenge: a.CodeChallenge, Method: a.CodeChallengeMethod}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.requests {
		if time.Since(old.made) > loginLifetime {
			delete(s.requests, id)
		}
	}
	if len(s.requests) >= maxRequests {
		return nil, oidc.ErrServerError().WithDescription("too many logins under way")
	}
	s.requests[r.id] = r
	return r, nil
}

func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.requests[id]; ok {
		return r, nil
	}
	return nil, errUnknown
}

func (s *store) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	for code, of := range s.codes {
		if of == id {
			delete(s.codes, code)
		}
	}
	return nil
}

func (s *store) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(tokenLifetime), nil
}

func (s *store) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, oidc.ErrUnsupportedGrantType()
}

func (s *store) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, op.ErrInvalidRefreshToken
}

func (s *store) TerminateSession(context.Context, string, string) error { return nil }

func (s *store) RevokeToken(context.Context, string, string, string) *oidc.Error { return nil }

func (s *store) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *store) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.key}}, nil }

func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != ClientID {
		return nil, errUnknown
	}
	return client{id: id, base: s.base}, nil
}

func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(Secret)) == 0 {
		return errUnknown
	}
	return nil
}

// ClientCredentials lets scripts ask for a token: the client is the name of a user.
func (s *store) ClientCredentials(_ context.Context, id, secret string) (op.Client, error) {
	if _, ok := s.user(id); !ok || subtle.ConstantTimeCompare([]byte(secret), []byte(Secret)) == 0 {
		return nil, errUnknown
	}
	return client{id: id, base: s.base}, nil
}

func (s *store) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &request{id: rand.Text(), user: id, made: time.Now(), scopes: scopes}, nil
}

func (s *store) claims(info *oidc.UserInfo, subject string) error {
	u, ok := s.user(subject)
	if !ok {
		return errUnknown
	}
	info.Subject, info.PreferredUsername, info.Name = subject, u.Name, u.Name
	return nil
}

func (s *store) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, _ []string) error {
	return s.claims(info, subject)
}

func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, _, subject, _ string) error {
	return s.claims(info, subject)
}

func (s *store) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnknown
}

func (s *store) GetPrivateClaimsFromScopes(_ context.Context, user, _ string, _ []string) (map[string]any, error) {
	return map[string]any{"preferred_username": user, "name": user}, nil
}

func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnknown
}

func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnknown
}

func (s *store) Health(context.Context) error { return nil }

// client is the service, or a script that asks for a token.
type client struct{ id, base string }

func (c client) GetID() string                    { return c.id }
func (c client) RedirectURIs() []string           { return []string{c.base + "/callback"} }
func (c client) PostLogoutRedirectURIs() []string { return []string{c.base + "/"} }
func (c client) ApplicationType() op.ApplicationType {
	return op.ApplicationTypeWeb
}
func (c client) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodBasic }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}
}
func (c client) LoginURL(id string) string {
	return c.base + Path + "/users?request=" + url.QueryEscape(id)
}
func (c client) AccessTokenType() op.AccessTokenType                             { return op.AccessTokenTypeJWT }
func (c client) IDTokenLifetime() time.Duration                                  { return time.Hour }
func (c client) DevMode() bool                                                   { return true }
func (c client) RestrictAdditionalIdTokenScopes() func(scopes []string) []string { return keep }
func (c client) RestrictAdditionalAccessTokenScopes() func(scopes []string) []string {
	return keep
}
func (c client) IsScopeAllowed(string) bool           { return true }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) ClockSkew() time.Duration             { return 0 }

func keep(scopes []string) []string { return scopes }
