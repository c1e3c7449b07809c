package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What a session holds.
const (
	keyState, keyNonce, keyVerifier, keyReturn = "state", "nonce", "verifier", "return"
	keySubject, keyUser, keyName, keyIDToken   = "subject", "user", "name", "id_token"
)

// maxReturnBytes limits the page to come back to.
const maxReturnBytes = 2048

// login sends the browser to the provider (authorization code flow with PKCE, RFC 7636).
func (i *Identity) login(w http.ResponseWriter, r *http.Request) {
	p, err := i.discover(r.Context())
	if err != nil {
		i.fail(w, r, http.StatusBadGateway, "The login provider does not answer. Try again in a moment.", err)
		return
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	for key, value := range map[string]string{keyState: state, keyNonce: nonce, keyVerifier: verifier, keyReturn: local(r.URL.Query().Get("to"))} {
		i.sessions.Put(r.Context(), key, value)
	}
	http.Redirect(w, r, p.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
}

// callback takes the provider's answer.
func (i *Identity) callback(w http.ResponseWriter, r *http.Request) {
	ctx, query := r.Context(), r.URL.Query()
	state := i.sessions.PopString(ctx, keyState)
	nonce, verifier := i.sessions.PopString(ctx, keyNonce), i.sessions.PopString(ctx, keyVerifier)
	to := i.sessions.PopString(ctx, keyReturn)
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(query.Get("state"))) == 0 {
		i.fail(w, r, http.StatusBadRequest, "This login was not started here, or it took too long. Log in again.", errors.New("state"))
		return
	}
	if code := query.Get("error"); code != "" {
		i.fail(w, r, http.StatusForbidden, "The login provider refused: "+code, errors.New(code))
		return
	}
	p, err := i.discover(ctx)
	if err != nil {
		i.fail(w, r, http.StatusBadGateway, "The login provider does not answer. Try again in a moment.", err)
		return
	}
	raw, token, err := p.exchange(r, query.Get("code"), verifier, nonce)
	if err != nil {
		i.fail(w, r, http.StatusForbidden, "The login provider's answer is not valid. Log in again.", err)
		return
	}
	user, name, err := i.named(token)
	if err == nil {
		_, err = i.person(ctx, "", user, name)
	}
	if errors.Is(err, errNoUser) || errors.Is(err, errNoClaim) {
		i.fail(w, r, http.StatusForbidden, "You are known to the login provider, but you are no user of this organisation. Ask its governor to register you.", err)
		return
	}
	if err == nil {
		// A session id from before the login must not be worth anything after it.
		err = i.sessions.RenewToken(ctx)
	}
	if err != nil {
		i.fail(w, r, http.StatusServiceUnavailable, "The login cannot be completed now. Try again in a moment.", err)
		return
	}
	for key, value := range map[string]string{keySubject: token.Issuer + "|" + token.Subject, keyUser: user, keyName: name, keyIDToken: raw} {
		i.sessions.Put(ctx, key, value)
	}
	http.Redirect(w, r, local(to), http.StatusSeeOther)
}

// exchange trades the code for a verified ID token.
func (p *provider) exchange(r *http.Request, code, verifier, nonce string) (string, *oidc.IDToken, error) {
	answer, err := p.oauth.Exchange(oidc.ClientContext(r.Context(), &http.Client{Timeout: providerTimeout}), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", nil, err
	}
	raw, ok := answer.Extra("id_token").(string)
	if !ok {
		return "", nil, errors.New("the answer has no ID token")
	}
	token, err := p.ids.Verify(r.Context(), raw)
	if err != nil {
		return "", nil, err
	}
	if nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) == 0 {
		return "", nil, errors.New("the ID token answers another login")
	}
	return raw, token, nil
}

// logout ends the session here, and at the provider where it can (OpenID Connect RP-Initiated Logout 1.0).
func (i *Identity) logout(w http.ResponseWriter, r *http.Request) {
	hint := i.sessions.GetString(r.Context(), keyIDToken)
	if err := i.sessions.Destroy(r.Context()); err != nil {
		i.fail(w, r, http.StatusServiceUnavailable, "The session cannot be ended now. Close the browser.", err)
		return
	}
	to := i.config.URL + "/"
	if p, err := i.discover(r.Context()); err == nil && p.endSession != "" && hint != "" {
		to = p.endSession + "?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {to}, "client_id": {i.config.ClientID}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (i *Identity) fail(w http.ResponseWriter, r *http.Request, status int, text string, err error) {
	i.log.WarnContext(r.Context(), "login failed", "status", status, "error", err)
	http.Error(w, text, status)
}

// local is the path to come back to; "/" where it leads anywhere else.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || len(to) > maxReturnBytes || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
