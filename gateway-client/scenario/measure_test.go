package scenario_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
)

// BenchmarkDecisionsOnTheNativeNetwork measures decision times: go test -bench Decisions -benchtime 1x.
func BenchmarkDecisionsOnTheNativeNetwork(b *testing.B) {
	for b.Loop() {
		app, runner, sessions := lending(b, nettest.Options{})
		times, err := cli.TryDecisions(b.Context(), app, runner, sessions.Get, financingFile, 40)
		require.NoError(b, err)
		for _, d := range times {
			load := strings.ReplaceAll(d.Load, " ", "-")
			b.Logf("%+v", d)
			b.ReportMetric(d.MedianRatio, load+"-median/empty")
			b.ReportMetric(d.P99Ratio, load+"-p99/empty")
		}
	}
}

// BenchmarkDrawdownsOnTheNativeNetwork measures drawdowns on one limit against the same on separate ones.
func BenchmarkDrawdownsOnTheNativeNetwork(b *testing.B) {
	for b.Loop() {
		app, runner, sessions := lending(b, nettest.Options{TopologyFile: "../../testdata/topologies/eight-buyers.yaml"})
		report, err := cli.TryDrawdowns(b.Context(), app, runner, sessions.Get, financingFile, cli.Drawdowns{Count: 50, Rounds: 4, Lanes: 64, Parallel: 32})
		require.NoError(b, err)
		b.Logf("%+v", report)
		b.ReportMetric(report.Ratio, "one/separate")
		require.Zero(b, report.OverdrawMinor)
		require.Equal(b, report.ExpectedMinor, report.UsedMinor)
	}
}

// lending starts a network with bank A's underwriter.
func lending(b *testing.B, o nettest.Options) (*cli.App, *scenario.Runner, *cli.Sessions) {
	b.Helper()
	n := nettest.StartWith(b, o)
	sessions := onNetwork(b, n)
	svc, _, err := sessions.Get(b.Context(), cli.Who{Org: "bankA", User: "svc"})
	require.NoError(b, err)
	underwrite(b, svc)
	app := &cli.App{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}
	return app, &scenario.Runner{Today: calendar.From(time.Now().UTC()), Vars: partiesOf(n.Network), Dir: b.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		}}, sessions
}
