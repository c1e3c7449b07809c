package portal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/scenario/scenariotest"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

const scenarios = "../../testdata/scenarios"

// kinds and keepers are what the organisations of the built-in topology are, and a user of each who has its keyring.
var (
	kinds = map[string]member.Kind{"buyer": member.Buyer, "supplier": member.Supplier, "bankA": member.Bank, "bankB": member.Bank,
		"warehouse": member.Warehouse, "regulator": member.Regulator}
	keepers = map[string]string{"buyer": "gwen", "supplier": "hana", "bankA": "gina", "bankB": "greta", "warehouse": "gus", "regulator": "reg"}
)

// demo is the consortium with a portal of each organisation that was asked for, over its own read model and outbox.
type demo struct {
	*scenariotest.Played
	t       testing.TB
	handler map[string]http.Handler
	stores  map[string]*projection.Store
	// open is an invoice that waits for the buyer, claim a fragment that Acme holds: set by furnish.
	open, claim string
	// queue is what the banks' underwriters have before them.
	queue []underwriting.Item
}

func newDemo(t testing.TB, mark string) *demo {
	return &demo{Played: scenariotest.Play(t, scenarios, "main-job.yaml", mark), t: t, handler: map[string]http.Handler{}, stores: map[string]*projection.Store{}}
}

// person is a user of the topology as identity would put them into the context.
func (d *demo) person(org, user string) identity.Person {
	d.t.Helper()
	s, err := d.Session(org, user)
	require.NoError(d.t, err)
	u := s.User()
	p := identity.Person{Subject: "test|" + org + "/" + user, Name: user, User: user, Org: org, MSP: u.MSP, Kind: kinds[org], Party: u.Party}
	for _, r := range u.Roles {
		p.Roles = append(p.Roles, member.Role(r))
	}
	return p
}

type sessionsOf struct {
	d   *demo
	org string
}

func (s sessionsOf) Session(_ context.Context, user string) (*consortium.Session, error) {
	return s.d.Session(s.org, user)
}

// portal returns the organisation's portal, with its loops running.
func (d *demo) portal(org string) http.Handler {
	d.t.Helper()
	if h, ok := d.handler[org]; ok {
		return h
	}
	ctx, cancel := context.WithCancel(context.Background())
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(d.t.TempDir(), org+".db"))
	require.NoError(d.t, err)
	store, err := projection.On(ctx, db)
	require.NoError(d.t, err)
	keeper, err := d.Session(org, keepers[org])
	require.NoError(d.t, err)
	source := projection.FromSession(keeper)
	require.NoError(d.t, store.CatchUp(ctx, source))
	box, err := outbox.Open(ctx, outbox.Config{DB: db, Session: sessionsOf{d, org}.Session, Log: slog.New(slog.DiscardHandler)})
	require.NoError(d.t, err)
	var loops sync.WaitGroup
	for _, run := range []func(context.Context) error{box.Run, func(ctx context.Context) error { return store.Follow(ctx, source) }} {
		loops.Go(func() {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				d.t.Errorf("%s: %v", org, err)
			}
		})
	}
	d.t.Cleanup(func() {
		cancel()
		loops.Wait()
		db.Close()
	})
	h, err := portal.New(portal.Config{Store: store, Outbox: box, Sessions: sessionsOf{d, org}, Now: d.Ledger.Now,
		Queue: func() ([]underwriting.Item, bool) { return d.queue, true }})
	require.NoError(d.t, err)
	d.handler[org], d.stores[org] = h, store
	return h
}

// site serves the portal to one user, as the service does behind its login, with the same rules against script and style in pages.
func (d *demo) site(org, user string) *httptest.Server {
	d.t.Helper()
	h, p := d.portal(org), d.person(org, user)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.ServeHTTP(w, r.WithContext(identity.With(r.Context(), p)))
	}))
	d.t.Cleanup(server.Close)
	return server
}

// people are one user of each workspace and role.
func people() [][2]string {
	return [][2]string{{"buyer", "alice"}, {"buyer", "bruno"}, {"supplier", "amy"}, {"supplier", "bea"}, {"supplier", "hana"}, {"bankA", "mona"}, {"bankA", "carl"},
		{"bankA", "rita"}, {"bankB", "nils"}, {"warehouse", "wes"}, {"regulator", "reg"}}
}

// furnish adds invoices over the coming weeks, most of them confirmed, and offers a part of a claim to Birch.
func (d *demo) furnish() {
	d.t.Helper()
	ctx := d.t.Context()
	amy, programme := d.As("supplier/amy"), d.Vars["programme"]
	today := calendar.From(d.Ledger.Now())
	var ids []string
	for i, minor := range []int64{1_245_000, 3_800_050, 725_500, 9_120_000, 2_310_075, 486_000, 5_550_000, 1_999_900, 3_070_000, 815_025, 4_400_000, 640_000} {
		due, err := today.AddDays(6 + 7*i)
		require.NoError(d.t, err)
		in := receivable.Issuance{ID: fmt.Sprintf("rcv-%020d", i+1), Invoice: receivable.Invoice{TypeCode: "380", Seller: d.Vars["party_acme"], Buyer: d.Vars["party_buyer"],
			Number: fmt.Sprintf("INV-11%02d", i+1), IssueDate: today, DueDate: due, Currency: "EUR", PayableMinor: minor, Lines: 1 + i, DocumentHash: strings.Repeat("ab", 32)}}
		_, err = amy.Submit(ctx, operation.Issue(programme, in), nil)
		require.NoError(d.t, err)
		ids = append(ids, in.ID)
	}
	proposed, confirmed := ids[:len(ids)-2], ids[:len(ids)-4]
	_, err := d.As("buyer/alice").Submit(ctx, operation.ProposeBulk(programme, proposed), nil)
	require.NoError(d.t, err)
	bruno := d.As("buyer/bruno")
	call, err := operation.ConfirmBulk(ctx, bruno, programme, confirmed)
	require.NoError(d.t, err)
	_, err = bruno.Submit(ctx, call, nil)
	require.NoError(d.t, err)
	d.open = ids[len(ids)-1]
	held := func(of string) string {
		call, err := operation.OnReceivable(ctx, amy, "receivable:Holdings", of, nil)
		require.NoError(d.t, err)
		var list []receivable.Holding
		require.NoError(d.t, amy.Evaluate(ctx, call, &list))
		require.NotEmpty(d.t, list)
		return list[0].Fragment
	}
	d.claim = held(ids[1])
	offered, err := operation.Offer(ctx, amy, held(ids[0]), d.Vars["party_birch"], receivable.Offering{Recourse: receivable.WithRecourse, ConsiderationMinor: 1_230_000})
	require.NoError(d.t, err)
	_, err = amy.Submit(ctx, offered, nil)
	require.NoError(d.t, err)
}

// parts are the organisation and the user of "organisation/user".
func parts(who string) (org, user string) {
	org, user, _ = strings.Cut(who, "/")
	return org, user
}
