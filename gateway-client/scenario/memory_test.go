package scenario_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/topology"
)

const mainJob = "../../testdata/scenarios/main-job.yaml"

func TestMainJobInMemory(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	decides(t, c)
	report, err := inMemory(t, c).Run(t.Context(), mainJob)
	require.NoError(t, err)
	require.NotEmpty(t, report.Steps)
}

// decides starts bank A's underwriter.
func decides(t *testing.T, c *memory.Consortium) {
	t.Helper()
	svc, err := c.Session("bankA", "svc")
	require.NoError(t, err)
	underwrite(t, svc)
}

// inMemory runs scenarios on a consortium in memory.
func inMemory(t *testing.T, c *memory.Consortium) *scenario.Runner {
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}}
	vars := map[string]string{"network": "memory"}
	for _, alias := range []string{"acme", "birch", "cedar", "buyer", "supplier", "bankA", "bankB", "warehouse", "regulator"} {
		vars["party_"+alias] = memory.PartyID(alias)
	}
	return &scenario.Runner{
		Today: calendar.From(c.Ledger.Now()), Vars: vars, Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		},
		End: func(d scenario.Done) { t.Logf("%-18s %s %s%s", d.As, d.Title, d.Status, d.Refused) },
	}
}
