package scenario_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
	"github.com/tallystick/tallystick/network/topology"
)

const (
	receivablesFile = "../../testdata/scenarios/receivables.yaml"
	receiptsFile    = "../../testdata/scenarios/receipts.yaml"
)

func TestReceivablesInMemory(t *testing.T) { playInMemory(t, receivablesFile) }

func TestReceiptsInMemory(t *testing.T) { playInMemory(t, receiptsFile) }

func playInMemory(t *testing.T, file string) {
	t.Helper()
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	report, err := inMemory(t, c).Run(t.Context(), file)
	require.NoError(t, err)
	require.NotEmpty(t, report.Steps)
}

func TestReceivablesOnTheNativeNetwork(t *testing.T) { playOnNetwork(t, receivablesFile) }

// The tamperer of the receipts is refused by real peers, too.
func TestReceiptsOnTheNativeNetwork(t *testing.T) { playOnNetwork(t, receiptsFile) }

func playOnNetwork(t *testing.T, file string) {
	t.Helper()
	n := nettest.Start(t)
	_, err := playing(t, n, onNetwork(t, n)).Run(t.Context(), file)
	require.NoError(t, err)
}

// playing runs scenarios on a network.
func playing(t testing.TB, n *nettest.Network, sessions *cli.Sessions) *scenario.Runner {
	return &scenario.Runner{
		Today: calendar.From(time.Now().UTC()), Vars: partiesOf(n.Network), Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		},
		End: func(d scenario.Done) { t.Logf("%5.2f s %-18s %s %s%s", d.Seconds, d.As, d.Title, d.Status, d.Refused) },
	}
}
