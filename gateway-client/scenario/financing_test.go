package scenario_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
	"github.com/tallystick/tallystick/network/topology"
)

const financingFile = "../../testdata/scenarios/financing.yaml"

func TestFinancingInMemory(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	decides(t, c)
	svc, err := c.Session("bankB", "svcb")
	require.NoError(t, err)
	underwrite(t, svc)
	r := inMemory(t, c)
	r.Advance = c.Ledger.Advance
	report, err := r.Run(t.Context(), financingFile)
	require.NoError(t, err)
	assert.Empty(t, report.Ended)
}

// On a real network no clock can be moved: the scenario ends where forty days must pass.
func TestFinancingOnTheNativeNetwork(t *testing.T) {
	n := nettest.Start(t)
	sessions := onNetwork(t, n)
	underwrite(t, session(t, sessions, "bankA", "svc"))
	underwrite(t, session(t, sessions, "bankB", "svcb"))
	runner := &scenario.Runner{
		Today: calendar.From(time.Now().UTC()), Vars: partiesOf(n.Network), Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		},
		End: func(d scenario.Done) { t.Logf("%5.2f s %-18s %s %s%s", d.Seconds, d.As, d.Title, d.Status, d.Refused) },
	}
	report, err := runner.Run(t.Context(), financingFile)
	require.NoError(t, err)
	assert.Equal(t, "After forty days the first instalment is overdue", report.Ended)
}
