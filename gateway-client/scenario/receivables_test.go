package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/memory"
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
