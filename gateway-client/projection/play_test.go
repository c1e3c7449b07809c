package projection_test

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
	"github.com/tallystick/tallystick/network/topology"
)

const scenarios = "../../testdata/scenarios/"

// organisations are those of the built-in topology, with a user of each who has its keyring.
var organisations = []struct {
	name, msp, user string
	kind            member.Kind
}{
	{"buyer", "BuyerMSP", "gwen", member.Buyer}, {"supplier", "SupplierMSP", "hana", member.Supplier}, {"bankA", "BankAMSP", "gina", member.Bank},
	{"bankB", "BankBMSP", "greta", member.Bank}, {"warehouse", "WarehouseMSP", "gus", member.Warehouse}, {"regulator", "RegulatorMSP", "reg", member.Regulator},
}

// played is a consortium in memory on which a scenario has been played. After every step it calls the functions.
func played(t *testing.T, name string, after ...func(c *memory.Consortium)) *memory.Consortium {
	t.Helper()
	c := memory.New(topology.Default())
	svc, err := c.Session("bankA", "svc")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	svcb, err := c.Session("bankB", "svcb")
	require.NoError(t, err)
	var deciders sync.WaitGroup
	for _, bank := range []*consortium.Session{svc, svcb} {
		deciders.Go(func() { _ = decider(c, bank).Run(ctx) }) // it ends with the context
	}
	t.Cleanup(func() { cancel(); deciders.Wait() })
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}}
	vars := map[string]string{"network": "memory"}
	for _, alias := range []string{"acme", "birch", "cedar", "buyer", "supplier", "bankA", "bankB", "warehouse", "regulator"} {
		vars["party_"+alias] = memory.PartyID(alias)
	}
	runner := &scenario.Runner{Advance: c.Ledger.Advance, End: func(scenario.Done) {
		for _, f := range after {
			f(c)
		}
	}, Today: calendar.From(c.Ledger.Now()), Vars: vars, Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		}}
	_, err = runner.Run(t.Context(), scenarios+name+".yaml")
	require.NoError(t, err)
	cancel()
	deciders.Wait()
	return c
}

// decider is a bank's underwriter.
func decider(c *memory.Consortium, svc *consortium.Session) *underwriting.Underwriter {
	return &underwriting.Underwriter{Ledger: svc, Blocks: svc.Network.Blocks, Source: underwriting.FromLedger{Ledger: svc}, Features: underwriting.Recorded,
		SaltKey: make([]byte, 32), Today: func() calendar.Date { return calendar.From(c.Ledger.Now()) }, Now: c.Ledger.Now}
}

// shown is a consortium on which a scenario has been played, the same for every test that only reads it.
func shown(t *testing.T, name string) *memory.Consortium {
	t.Helper()
	shownMu.Lock()
	defer shownMu.Unlock()
	if shownAt[name] == nil {
		shownAt[name] = played(t, name)
	}
	return shownAt[name]
}

var (
	shownMu sync.Mutex
	shownAt = map[string]*memory.Consortium{}
)

// modelOf is an organisation's read model of all that was played.
func modelOf(t *testing.T, c *memory.Consortium, org, user string) *projection.Store {
	t.Helper()
	s := opened(t, "sqlite:"+filepath.Join(t.TempDir(), org+".db"))
	require.NoError(t, s.CatchUp(t.Context(), sourceOf(t, c, org, user)))
	return s
}

func sourceOf(t *testing.T, c *memory.Consortium, org, user string) projection.Source {
	t.Helper()
	session, err := c.Session(org, user)
	require.NoError(t, err)
	return projection.FromSession(session)
}

func opened(t *testing.T, dsn string) *projection.Store {
	t.Helper()
	s, err := projection.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
