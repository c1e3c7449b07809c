package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/api"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/database/databasetest"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
	"github.com/tallystick/tallystick/network/topology"
)

var (
	kinds = map[string]member.Kind{"buyer": member.Buyer, "supplier": member.Supplier, "bankA": member.Bank, "bankB": member.Bank,
		"warehouse": member.Warehouse, "regulator": member.Regulator}
	governors = map[string]string{"buyer": "gwen", "supplier": "hana", "bankA": "gina", "bankB": "greta", "warehouse": "gus", "regulator": "reg"}
)

// world is a consortium in memory, and the service of each organisation that a test has asked for.
type world struct {
	t    *testing.T
	c    *memory.Consortium
	vars map[string]string
	docs string
	// patience is how long a client waits for an answer.
	patience time.Duration

	mu       sync.Mutex
	services map[string]*organisation
}

// organisation is what one runs: its read model, its outbox and its API.
type organisation struct {
	name   string
	db     *database.DB
	store  *projection.Store
	outbox *outbox.Outbox
	api    *api.API
	reader *consortium.Session
	// contract is the API's document, to which every answer in these tests is held.
	contract *contract
	queue    []underwriting.Item // of an underwriter, where there is one

	mu   sync.Mutex
	open map[string]*consortium.Session
	c    *memory.Consortium
}

func (o *organisation) Session(_ context.Context, user string) (*consortium.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, ok := o.open[user]; ok {
		return s, nil
	}
	s, err := o.c.Session(o.name, user)
	if err == nil {
		o.open[user] = s
	}
	return s, err
}

// play starts a consortium on which a scenario is played up to a mark, or to its end where the mark is "".
func play(t *testing.T, name, upTo string) *world {
	t.Helper()
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	svc, err := c.Session("bankA", "svc")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = (&underwriting.Underwriter{ // it ends with the context
			Ledger: svc, Blocks: svc.Network.Blocks, Source: underwriting.FromLedger{Ledger: svc}, SaltKey: []byte("the salts of the tests: 32 bytes"),
			Features: func(card *scorecard.Scorecard, h underwriting.History) ([]scorecard.Value, error) {
				return supplychain.Compute(card, underwriting.FactsOf(h))
			},
			Today: func() calendar.Date { return calendar.From(svc.Network.Now()) }, Now: svc.Network.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	vars := map[string]string{"network": "memory"}
	for _, alias := range []string{"acme", "birch", "cedar", "buyer", "supplier", "bankA", "bankB", "warehouse", "regulator"} {
		vars["party_"+alias] = memory.PartyID(alias)
	}
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}}
	w := &world{t: t, c: c, services: map[string]*organisation{}, vars: vars, patience: time.Minute}
	runner := &scenario.Runner{Today: calendar.From(c.Ledger.Now()), Vars: vars, Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		},
		Marked: func(_ context.Context, mark string, now map[string]string) error {
			w.vars = now
			if mark == upTo {
				return scenario.ErrStop
			}
			return nil
		},
	}
	report, err := runner.Run(t.Context(), "../../testdata/scenarios/"+name)
	require.NoError(t, err)
	require.NotEmpty(t, report.Steps)
	w.docs = w.vars["docs"]
	return w
}

// at returns the service of an organisation, started and caught up.
func (w *world) at(name string) *organisation {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.services[name]
	if !ok {
		o = w.start(name, outbox.Config{})
		w.services[name] = o
	}
	height := w.c.Ledger.Height()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	require.NoError(w.t, o.store.Wait(ctx, height-1))
	return o
}

func (w *world) start(name string, limits outbox.Config) *organisation {
	t := w.t
	o := &organisation{name: name, c: w.c, open: map[string]*consortium.Session{}}
	db, err := database.Open(t.Context(), databasetest.Fresh(t))
	require.NoError(t, err)
	o.db = db
	o.store, err = projection.On(t.Context(), db)
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	limits.DB, limits.Session, limits.Now, limits.Log = db, o.Session, nil, log
	o.outbox, err = outbox.Open(t.Context(), limits)
	require.NoError(t, err)
	o.api, err = api.New(t.Context(), api.Config{Store: o.store, Outbox: o.outbox, DB: db, Sessions: o, Now: w.c.Ledger.Now, Log: log,
		Queue: func() ([]underwriting.Item, bool) { return o.queue, o.queue != nil }})
	require.NoError(t, err)
	text, err := json.Marshal(o.api.OpenAPI())
	require.NoError(t, err)
	o.contract = readContract(t, text)
	o.reader, err = o.Session(t.Context(), governors[name])
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Add(2)
	go func() {
		defer running.Done()
		for ctx.Err() == nil {
			_ = o.store.Follow(ctx, projection.FromSession(o.reader)) // the stream ends with the context
		}
	}()
	go func() {
		defer running.Done()
		if limits.Queue < 0 { // a test of a full queue has no workers
			return
		}
		_ = o.outbox.Run(ctx) // it ends with the context
	}()
	t.Cleanup(func() {
		cancel()
		running.Wait()
		assert.NoError(t, db.Close())
	})
	return o
}

// person is a user of the topology who is logged in.
func (w *world) person(org, user string) identity.Person {
	s, err := w.c.Session(org, user)
	require.NoError(w.t, err)
	u := s.User()
	p := identity.Person{Subject: "test|" + org + "/" + user, Name: user, User: user, Org: org, MSP: u.MSP, Kind: kinds[org], Party: u.Party}
	for _, r := range u.Roles {
		p.Roles = append(p.Roles, member.Role(r))
	}
	return p
}

// reply is an answer, read to its end.
type reply struct {
	*httptest.ResponseRecorder
	t *testing.T
}

func (r reply) into(v any) {
	r.t.Helper()
	require.NoError(r.t, json.Unmarshal(r.Body.Bytes(), v), r.Body.String())
}

// field is a field of the answer, by its path.
func (r reply) field(path ...string) any {
	var v any
	if json.Unmarshal(r.Body.Bytes(), &v) != nil {
		return nil
	}
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func (r reply) text(path ...string) string {
	s, _ := r.field(path...).(string)
	return s
}

// client is somebody's way to the API of their organisation.
type client struct {
	w      *world
	o      *organisation
	person identity.Person
}

func (w *world) as(who string) *client {
	w.t.Helper()
	org, user, _ := strings.Cut(who, "/")
	return &client{w: w, o: w.at(org), person: w.person(org, user)}
}

func (c *client) do(method, path string, body any, headers ...string) reply {
	c.w.t.Helper()
	var in io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case string:
		in, contentType = strings.NewReader(b), "application/xml"
	case []byte:
		in = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(c.w.t, err)
		in, contentType = bytes.NewReader(raw), "application/json"
	}
	ctx, cancel := context.WithTimeout(identity.With(c.w.t.Context(), c.person), c.w.patience)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, in)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	c.o.api.ServeHTTP(out, r)
	assert.NoError(c.w.t, c.o.contract.check(method, path, out.Code, out.Header(), out.Body.Bytes()))
	return reply{out, c.w.t}
}

func (c *client) get(path string, headers ...string) reply {
	return c.do(http.MethodGet, "/api/v1"+path, nil, headers...)
}

var keys struct {
	sync.Mutex
	n int
}

// ask posts with a fresh key, waits for the commit, and expects it.
func (c *client) ask(path string, body any) reply {
	c.w.t.Helper()
	r := c.try(path, body)
	require.Equal(c.w.t, http.StatusOK, r.Code, "%s %s: %s", c.person.User, path, r.Body)
	require.Equal(c.w.t, "done", r.text("state"), "%s: %s", path, r.Body)
	return r
}

// try posts with a fresh key and waits.
func (c *client) try(path string, body any) reply {
	keys.Lock()
	keys.n++
	key := "test-" + strings.Repeat("x", keys.n%3) + time.Now().Format(time.RFC3339Nano)
	keys.Unlock()
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	return c.do(http.MethodPost, "/api/v1"+path+joint+"wait=true", body, "Idempotency-Key", key)
}

// codes lists the locations of a problem's fields.
func locations(r reply) []string {
	var p api.Problem
	r.into(&p)
	list := []string{}
	for _, w := range p.Errors {
		list = append(list, w.Location)
	}
	slices.Sort(list)
	return list
}
