//go:generate go tool templ generate -path .

// Package portal is the web pages of an organisation's service: a workspace for each role, in English and Chinese. It reads the
// read model, asks the ledger through the outbox, and works without script.
package portal

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/static"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// Outbox takes what people ask of the ledger; *outbox.Outbox is one.
type Outbox interface {
	Put(ctx context.Context, s outbox.Submission, build outbox.Build) (op outbox.Operation, replayed bool, err error)
	Get(ctx context.Context, person, id string) (outbox.Operation, error)
	Wait(ctx context.Context, person, id string) (outbox.Operation, error)
	List(ctx context.Context, person string, state outbox.State, after string, limit int) ([]outbox.Operation, error)
}

// Sessions gives each user of the organisation a session on the ledger.
type Sessions interface {
	Session(ctx context.Context, user string) (*consortium.Session, error)
}

// Config is what the portal needs. Who is logged in comes with the request's context (identity.From).
type Config struct {
	Store    *projection.Store
	Outbox   Outbox
	Sessions Sessions
	// Now is the clock by which pages say what is due; time.Now where it is nil.
	Now func() time.Time
	// Login is where somebody who is not logged in is sent, with the page to come back to added; "/login?to=" where it is "".
	Login string
	Log   *slog.Logger
	// Queue is what a bank's underwriter has before it, and whether it runs here; nil where there is none.
	Queue func() (items []underwriting.Item, running bool)
}

// Limits of requests and of waiting.
const (
	maxFormBytes = 6 << 20 // of a document, in base64, and what stands beside it
	// waitForOutcome is how long a form waits for the ledger before it shows that the operation is under way; waitForModel how
	// long it then waits for the read model to have the block.
	waitForOutcome = 8 * time.Second
	waitForModel   = 3 * time.Second
	namesKept      = time.Minute
)

type server struct {
	Config
	// openTo says to whom the pages below the first part of an address are open; an empty list is everybody.
	openTo map[string][]member.Kind

	mu      sync.Mutex
	members map[string]string
	read    time.Time
}

// New returns the portal's handler: the pages, and the files below /static/. It fails where something that it needs is missing.
func New(c Config) (http.Handler, error) {
	if c.Store == nil || c.Outbox == nil || c.Sessions == nil {
		return nil, errors.New("the portal needs the read model, the outbox and sessions")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Login == "" {
		c.Login = "/login?to="
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &server{Config: c, openTo: map[string][]member.Kind{}}
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.Handle("GET /favicon.ico", http.RedirectHandler(static.URL("mark.svg"), http.StatusFound))
	mux.HandleFunc("GET /language", s.chooseLanguage)
	for _, r := range routes() {
		if path, ok := strings.CutPrefix(r.pattern, "GET "); ok && strings.Count(path, "/") == 1 {
			s.openTo[path] = r.kinds
		}
		mux.Handle(r.pattern, s.page(r))
	}
	mux.Handle("/", s.page(route{handle: nowhere}))
	return mux, nil
}

// Static serves the style sheet and the script, for whoever mounts them where nobody has to be logged in.
func Static() http.Handler { return static.Handler() }

// route is a page, or a form's target, with who may come to it.
type route struct {
	pattern string
	kinds   []member.Kind // everybody where it is empty
	handle  func(*visit) (answer, error)
}

var (
	buyers     = []member.Kind{member.Buyer}
	suppliers  = []member.Kind{member.Supplier}
	banks      = []member.Kind{member.Bank}
	warehouses = []member.Kind{member.Warehouse}
	traders    = []member.Kind{member.Buyer, member.Supplier, member.Bank, member.Regulator}
	lenders    = []member.Kind{member.Bank, member.Regulator}
	borrowers  = []member.Kind{member.Supplier, member.Bank, member.Regulator}
	keepers    = []member.Kind{member.Warehouse, member.Supplier, member.Bank, member.Regulator}
)

func routes() []route {
	return []route{
		{"GET /{$}", nil, home},
		{"GET /search", nil, search},
		{"GET /activity", nil, activity},
		{"GET /operations", nil, operations},
		{"GET /operations/{id}", nil, operationPage},
		{"GET /programmes", nil, programmes},

		{"GET /invoices", traders, invoices},
		{"POST /invoices/bulk", buyers, bulk},
		{"GET /invoices/new", suppliers, uploadForm},
		{"POST /invoices/new", suppliers, upload},
		{"GET /invoices/{id}", traders, invoicePage},
		{"POST /invoices/{id}", []member.Kind{member.Buyer, member.Supplier}, invoiceStep},
		{"GET /owed", buyers, owed},
		{"GET /payments", traders, payments},

		{"GET /claims", suppliers, claims},
		{"GET /offers", suppliers, offers},
		{"GET /claims/{id}", traders, claimPage},
		{"POST /claims/{id}", suppliers, claimStep},

		{"GET /applications", borrowers, applications},
		{"GET /applications/new", suppliers, applyForm},
		{"POST /applications/new", suppliers, apply},
		{"GET /applications/{id}", borrowers, applicationPage},
		{"POST /applications/{id}", []member.Kind{member.Supplier, member.Bank}, applicationStep},
		{"GET /tenders", lenders, tenders},
		{"GET /tenders/{id}", borrowers, tenderPage},
		{"GET /consents", borrowers, consents},
		{"POST /consents", suppliers, giveConsent},
		{"POST /consents/{id}", suppliers, withdrawConsent},

		{"GET /loans", borrowers, loans},
		{"GET /loans/{id}", borrowers, loanPage},
		{"POST /loans/{id}", []member.Kind{member.Supplier, member.Bank}, loanStep},
		{"GET /margins", borrowers, margins},
		{"GET /portfolio", lenders, portfolio},
		{"GET /policies", lenders, policies},
		{"POST /policies", banks, proposePolicy},
		{"GET /policies/{id}", lenders, policyPage},
		{"POST /policies/{id}", banks, answerPolicy},
		{"GET /models", nil, models},

		{"GET /receipts", keepers, receipts},
		{"GET /receipts/new", warehouses, receiptForm},
		{"POST /receipts/new", warehouses, issueReceipt},
		{"GET /receipts/{id}", keepers, receiptPage},
		{"POST /receipts/{id}", []member.Kind{member.Warehouse, member.Supplier}, receiptStep},
		{"GET /devices", nil, devices},
		{"GET /devices/{id}", nil, devicePage},
		{"POST /devices/{id}", []member.Kind{member.Warehouse, member.Bank}, deviceStep},

		{"GET /graph", lenders, walkStart},
		{"GET /graph/{kind}/{id...}", lenders, walkPage},
		{"GET /concentration", lenders, concentration},
		{"GET /overdue", lenders, overdue},
		{"GET /alerts", lenders, alerts},
	}
}
