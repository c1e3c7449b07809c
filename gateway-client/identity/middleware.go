package identity

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of requests, for each person or, before a login, for each address.
const (
	loginsPerMinute       = 60
	DefaultRequestsMinute = 1200
)

// apiPrefix begins the paths that answer machines: with problems instead of pages.
const apiPrefix = "/api/"

// Sessions reads the session of a request, or its bearer token, and puts who is logged in into its context. Nobody is turned
// away here: Require does that.
func (i *Identity) Sessions(next http.Handler) http.Handler {
	return i.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if token, ok := bearer(r); ok {
			p, err := i.machine(r, token)
			if err != nil {
				i.log.WarnContext(ctx, "bearer token refused", "error", err)
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				Problem(w, http.StatusUnauthorized, fault.New(fault.LoginRequired, "the access token is not valid for this service"))
				return
			}
			next.ServeHTTP(w, r.WithContext(With(ctx, p)))
			return
		}
		user := i.sessions.GetString(ctx, keyUser)
		if user == "" {
			next.ServeHTTP(w, r)
			return
		}
		p, err := i.person(ctx, i.sessions.GetString(ctx, keySubject), user, i.sessions.GetString(ctx, keyName))
		switch {
		case errors.Is(err, errNoUser):
			// The user was taken from the organisation since the login.
			next.ServeHTTP(w, r)
		case err != nil:
			i.fail(w, r, http.StatusServiceUnavailable, "The service cannot look you up now. Try again in a moment.", err)
		default:
			next.ServeHTTP(w, r.WithContext(With(ctx, p)))
		}
	}))
}

// Require turns away whom nobody has logged in: a page sends them to the login, the API answers 401.
func (i *Identity) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := From(r.Context()); ok {
			next.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, apiPrefix) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			Problem(w, http.StatusUnauthorized, fault.New(fault.LoginRequired, "log in, or send an access token"))
			return
		}
		to := "/"
		if r.Method == http.MethodGet {
			to = r.URL.RequestURI()
		}
		http.Redirect(w, r, "/login?to="+url.QueryEscape(to), http.StatusSeeOther)
	})
}

// bearer is the request's access token (RFC 6750, section 2.1).
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

// machine is whom an access token names.
func (i *Identity) machine(r *http.Request, token string) (Person, error) {
	if len(token) > maxTokenBytes {
		return Person{}, errors.New("the token is too long")
	}
	p, err := i.discover(r.Context())
	if err != nil {
		return Person{}, err
	}
	verified, err := p.access.Verify(r.Context(), token)
	if err != nil {
		return Person{}, err
	}
	user, name, err := i.named(verified)
	if err != nil {
		return Person{}, err
	}
	return i.person(r.Context(), verified.Issuer+"|"+verified.Subject, user, name)
}

// Protect sets the headers that browsers hold pages to, and refuses writes that come from other sites' pages.
func (i *Identity) Protect(next http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Problem(w, http.StatusForbidden, fault.New(fault.NotPermitted, "this request comes from a page of another site"))
	}))
	guarded := csrf.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+i.formTargets())
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if i.config.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.HasPrefix(r.URL.Path, "/static/") {
			h.Set("Cache-Control", "no-store")
		}
		guarded.ServeHTTP(w, r)
	})
}

// formTargets lets the logout form lead on to the provider, which browsers count as the form's target.
func (i *Identity) formTargets() string {
	u, err := url.Parse(i.config.Issuer)
	if err != nil || i.config.Development {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}

// Limit answers 429 to a person, or an address, that asks more often than this many times a minute.
func Limit(perMinute int) func(http.Handler) http.Handler {
	return limit(perMinute, func(r *http.Request) (string, error) {
		if p, ok := From(r.Context()); ok {
			return "user " + p.User, nil
		}
		return address(r)
	})
}

// FromProxy puts the address of who asked into the request's context, as the proxy on this machine names it in X-Forwarded-For.
// Headers from elsewhere are not believed. Callers on this machine itself have no address, and so one limit together.
func FromProxy(next http.Handler) http.Handler {
	return middleware.ClientIPFromXFF("127.0.0.0/8", "::1/128")(next)
}

// address is a caller's, as FromProxy found it: a single one for a network of IPv6 (/64), as one caller has many.
func address(r *http.Request) (string, error) {
	return "address " + httprate.CanonicalizeIP(middleware.GetClientIP(r.Context())), nil
}

func limitLogins() func(http.Handler) http.Handler { return limit(loginsPerMinute, address) }

func limit(perMinute int, key httprate.KeyFunc) func(http.Handler) http.Handler {
	return httprate.LimitBy(perMinute, time.Minute, key, httprate.WithLimitHandler(func(w http.ResponseWriter, _ *http.Request) {
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", strconv.Itoa(int(time.Minute/time.Second)))
		}
		Problem(w, http.StatusTooManyRequests, fault.New(fault.ServiceBusy, "more than %d requests a minute", perMinute))
	}))
}

// Problem answers with an RFC 9457 problem, of the same form as the API's.
func Problem(w http.ResponseWriter, status int, err error) {
	code, detail := fault.CodeOf(err), err.Error()
	var f *fault.Error
	if errors.As(err, &f) {
		detail = f.Detail
	}
	row, _ := fault.Describe(code)
	body, _ := json.Marshal(map[string]any{ // strings and a number: it cannot fail
		"type": "urn:tallystick:problem:" + string(code), "title": row.Meaning, "status": status, "code": code, "detail": detail,
	})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader has gone: nobody to tell
}
