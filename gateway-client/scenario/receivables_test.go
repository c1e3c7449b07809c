package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/network/topology"
)

const receivablesFile = "../../testdata/scenarios/receivables.yaml"

func TestReceivablesInMemory(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	report, err := inMemory(t, c).Run(t.Context(), receivablesFile)
	require.NoError(t, err)
	require.NotEmpty(t, report.Steps)
}
