package scenario_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
	"github.com/tallystick/tallystick/network/topology"
)

const (
	marginFile = "../../testdata/scenarios/margin.yaml"
	// windowOver is after the five business days in which a call of the demonstration bank must be cured.
	windowOver = 8 * 24 * time.Hour
)

// The clock of a consortium in memory moves on, so that the last call lapses and the goods are sold.
func TestMarginInMemory(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	decides(t, c)
	runner := inMemory(t, c)
	runner.Marked = func(_ context.Context, mark string, _ map[string]string) error {
		if mark == "days pass" {
			c.Ledger.Advance(windowOver)
		}
		return nil
	}
	_, err := runner.Run(t.Context(), marginFile)
	require.NoError(t, err)
}

// On real peers, whose clocks do not move on, the calls and their cures are played.
func TestMarginOnTheNativeNetwork(t *testing.T) {
	n := nettest.Start(t)
	sessions := onNetwork(t, n)
	underwrite(t, session(t, sessions, "bankA", "svc"))
	runner := playing(t, n, sessions)
	runner.Marked = func(_ context.Context, mark string, _ map[string]string) error {
		if mark == "days pass" {
			return scenario.ErrStop
		}
		return nil
	}
	_, err := runner.Run(t.Context(), marginFile)
	require.NoError(t, err)
}
