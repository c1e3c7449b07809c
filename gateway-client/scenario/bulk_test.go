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
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
	"github.com/tallystick/tallystick/network/topology"
)

func TestBulkInMemory(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	app := &cli.App{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}
	connect := func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}
	times, err := cli.TryBulk(t.Context(), app, inMemory(t, c), connect, receivablesFile, 25, 10)
	require.NoError(t, err)
	require.Len(t, times, 3)
	for _, step := range times {
		assert.Equal(t, 25, step.Count, step.Step)
		assert.Equal(t, 3, step.Transactions, step.Step)
	}
}

// BenchmarkBulkOnTheNativeNetwork issues, approves and confirms 10,000 invoices: go test -bench Bulk -benchtime 1x.
func BenchmarkBulkOnTheNativeNetwork(b *testing.B) {
	const count = 10_000
	for b.Loop() {
		n := nettest.Start(b)
		sessions := onNetwork(b, n)
		app := &cli.App{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}
		runner := &scenario.Runner{Today: calendar.From(time.Now().UTC()), Vars: partiesOf(n.Network), Dir: b.TempDir(),
			Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
				return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
			}}
		times, err := cli.TryBulk(b.Context(), app, runner, sessions.Get, receivablesFile, count, 0)
		require.NoError(b, err)
		for _, step := range times {
			b.ReportMetric(step.Seconds, step.Step+"-s")
		}
	}
}
