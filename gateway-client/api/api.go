// Package api is the HTTP API of an organisation's service: what its people may read, from the read model, and what they ask of
// the ledger, through the outbox. Its OpenAPI document is made from the Go types.
//
//go:generate go test . -run OpenAPIDocument -update
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
	"github.com/tallystick/tallystick/gateway-client/webhook"
)

// Limits of requests.
const (
	readTime      = 10 * time.Second // for a body to arrive
	answerTime    = 30 * time.Second // for everything but exports and streams
	waitTime      = 25 * time.Second // for ?wait=true
	exportTime    = 5 * time.Minute
	maxBody       = 1 << 20
	maxDocument   = 8 << 20  // one invoice, as XML
	maxBulk       = 32 << 20 // up to 500 of them
	maxStreams    = 256
	maxPerPerson  = 8 // streams
	maxURLBytes   = 4096
	prefix        = "/api/v1"
	documentPath  = "/api/openapi"
	metricsPath   = "/metrics"
	documentTitle = "Tallystick"
)

// Sessions opens sessions of the organisation's users.
type Sessions interface {
	// Session returns the session of a user of the organisation's profile.
	Session(ctx context.Context, user string) (*consortium.Session, error)
}

// Config is what the API needs. Store, Outbox, DB and Sessions must be set.
type Config struct {
	Store    *projection.Store
	Outbox   *outbox.Outbox
	DB       *database.DB // for the webhooks' tables
	Sessions Sessions
	Now      func() time.Time
	Log      *slog.Logger
	// Metrics, where it is set, is a registry that /metrics shows, too; the API registers its own there.
	Metrics *Metrics
	// Queue is what the bank's underwriter has before it, and whether it runs here; nil where the organisation has none.
	Queue func() (items []underwriting.Item, running bool)
}

// API serves /api/v1/…, /api/openapi.json, /api/openapi.yaml and /metrics. Who asks is in the request's context
// (identity.From); without a person everything below /api/v1 is answered with 401.
type API struct {
	c       Config
	huma    huma.API
	handler http.Handler
	hooks   *webhook.Webhooks
	exports map[string]bool // paths that have a twin with .csv

	mu      sync.Mutex
	streams map[string]int // open event streams, by person
}

// version is the version of the API, which only grows within /api/v1.
const version = "1.0.0"

var replaceErrors = sync.OnceFunc(func() { huma.NewError = fromHuma })

// New returns the API.
func New(ctx context.Context, c Config) (*API, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	replaceErrors()
	a := &API{c: c, exports: map[string]bool{}, streams: map[string]int{}}
	if err := a.openWebhooks(ctx); err != nil {
		return nil, err
	}
	c.Metrics.watch(c.Store, c.Outbox)
	router := chi.NewMux()
	router.Use(a.observe, a.rescue, a.limit)
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		newProblem(fault.RecordNotFound, "there is no "+shortPath(r)).write(w)
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		p := newProblem(fault.FunctionUnknown, r.Method+" is nothing that "+shortPath(r)+" does")
		p.Status = http.StatusMethodNotAllowed
		p.write(w)
	})
	router.Method(http.MethodGet, metricsPath, c.Metrics.Handler())
	router.Group(func(r chi.Router) {
		r.Use(a.knownPerson)
		a.huma = humachi.New(r, configuration())
		a.routes()
	})
	a.handler = a.negotiate(router)
	return a, nil
}

// configuration is the framework's: no links to schemas in answers, no pages of its own.
func configuration() huma.Config {
	c := huma.DefaultConfig(documentTitle, version)
	c.Info.Description = "What an organisation's people may read of the consortium's ledger, and what they ask of it. See docs/api.md."
	c.Components.Schemas = newRegistry()
	c.CreateHooks = nil
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = documentPath, "", ""
	c.RejectUnknownQueryParameters = true
	c.OnAddOperation = append(c.OnAddOperation, anyProblem)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A token of a machine or a person"},
		"login":  {Type: "apiKey", In: "cookie", Name: "tallystick", Description: "The session of a person who has logged in"},
	}
	return c
}

// anyProblem says that every operation may end with a problem, whatever its status.
func anyProblem(doc *huma.OpenAPI, op *huma.Operation) {
	schema := doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	op.Responses["default"] = &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{problemType: {Schema: schema}}}
}

// ServeHTTP implements http.Handler. Below a router of the service, its routes are the API's own, not a continuation.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var outer *chi.Context
	a.handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, outer)))
}

// OpenAPI is the API's document.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// routes registers every operation.
func (a *API) routes() {
	a.receivableRoutes()
	a.fragmentRoutes()
	a.documentRoutes()
	a.applicationRoutes()
	a.queueRoutes()
	a.loanRoutes()
	a.deskRoutes()
	a.receiptRoutes()
	a.deviceRoutes()
	a.modelRoutes()
	a.memberRoutes()
	a.operationRoutes()
	a.overviewRoutes()
	a.eventRoutes()
	a.webhookRoutes()
}

// visit is a request of somebody who is logged in.
type visit struct {
	person identity.Person
	viewer projection.Viewer
	today  calendar.Date
	api    *API
}

func (a *API) visit(ctx context.Context) (visit, error) {
	p, ok := identity.From(ctx)
	if !ok {
		return visit{}, newProblem(fault.LoginRequired, "")
	}
	return visit{person: p, viewer: projection.Viewer{MSP: p.MSP, Kind: p.Kind, Party: p.Party}, today: calendar.From(a.c.Now().UTC()), api: a}, nil
}

// session opens the person's session on the ledger.
func (v visit) session(ctx context.Context) (*consortium.Session, error) {
	return v.api.c.Sessions.Session(ctx, v.person.User)
}

func (a *API) knownPerson(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := identity.From(r.Context()); !ok && strings.HasPrefix(r.URL.Path, prefix+"/") {
			newProblem(fault.LoginRequired, "log in, or send a bearer token").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limit bounds a request's time. Exports and streams have bounds of their own.
func (a *API) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.RequestURI()) > maxURLBytes {
			p := newProblem(fault.InputTooLarge, "the address is too long")
			p.Status = http.StatusRequestURITooLong
			p.write(w)
			return
		}
		most := answerTime
		switch {
		case r.URL.Path == eventsPath:
			next.ServeHTTP(w, r)
			return
		case strings.HasSuffix(r.URL.Path, csvSuffix):
			most = exportTime
		}
		ctx, cancel := context.WithTimeout(r.Context(), most)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// rescue answers a defect with 500, and keeps the service up.
func (a *API) rescue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				panic(cause)
			default:
				a.c.Log.ErrorContext(r.Context(), "a handler panicked", "path", r.URL.Path, "cause", cause)
				newProblem(fault.InternalError, "").write(w)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func shortPath(r *http.Request) string {
	const most = 100
	if len(r.URL.Path) > most {
		return r.URL.Path[:most] + "…"
	}
	return r.URL.Path
}
