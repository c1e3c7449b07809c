package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/gateway-client/service"
	"github.com/tallystick/tallystick/network/topology"
)

// intercepted is a network on which decisions do not get through: they are kept instead.
type intercepted struct {
	consortium.Network
	decisions chan consortium.Proposal
}

func (n intercepted) Submit(ctx context.Context, p consortium.Proposal) (consortium.Committed, error) {
	if p.Function != decide {
		return n.Network.Submit(ctx, p)
	}
	n.decisions <- p
	return consortium.Committed{}, fault.New(fault.NotPermitted, "intercepted")
}

const decide = "financing:ScoreAndDecide"

// TestForgedDecisionsAreRefused takes the bank's own decision, changes one thing in it, and submits it from the command line.
func TestForgedDecisionsAreRefused(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	runner, vars := inMemory(t, c), map[string]string{}
	runner.Marked = func(_ context.Context, mark string, all map[string]string) error {
		if mark != "applied" {
			return nil
		}
		vars = all
		return scenario.ErrStop
	}
	_, err := runner.Run(t.Context(), mainJob)
	require.NoError(t, err)

	svc, err := c.Session("bankA", "svc")
	require.NoError(t, err)
	decisions := make(chan consortium.Proposal, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- service.Underwrite(ctx, consortium.NewSession(intercepted{svc.Network, decisions}, svc.Keyring))
	}()
	honest := <-decisions
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)

	submit := func(forge func(map[string]any)) (exit int, code fault.Code) {
		t.Helper()
		var input map[string]any
		dec := json.NewDecoder(bytes.NewReader(honest.Transient[record.TransientInput]))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&input))
		forge(input)
		raw, err := json.Marshal(input)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "decision.json")
		require.NoError(t, os.WriteFile(file, raw, 0o600))
		args := []string{"--output", "json", "ledger", "submit", decide, honest.Args[0], "--input", file,
			"--circle", vars["desk"], "--circle", vars["programme"]}
		if other := vars["warehouse_programme"]; other != "" {
			args = append(args, "--circle", other)
		}
		var out, errs bytes.Buffer
		exit = cli.Run(t.Context(), func(context.Context, cli.Who) (*consortium.Session, func() error, error) {
			return svc, func() error { return nil }, nil
		}, cli.Who{}, args, &out, &errs)
		var failure struct {
			Error struct {
				Code fault.Code `json:"code"`
			} `json:"error"`
		}
		if exit != cli.ExitOK {
			require.NoError(t, json.Unmarshal(errs.Bytes(), &failure), errs.String())
		}
		return exit, failure.Error.Code
	}

	exit, code := submit(func(in map[string]any) { add(t, in, 1, "submission", "claim", "points") })
	assert.Equal(t, cli.ExitFailed, exit)
	assert.Equal(t, fault.ScoreMismatch, code, "a score that is one point off")
	exit, code = submit(func(in map[string]any) { add(t, in, -1, "claimed", "decision", "terms", "rate_bp") })
	assert.Equal(t, cli.ExitFailed, exit)
	assert.Equal(t, fault.DecisionOutsidePolicy, code, "a rate below the policy's")
	exit, code = submit(func(in map[string]any) { add(t, in, 1, "claimed", "decision", "terms", "advance_minor") })
	assert.Equal(t, cli.ExitFailed, exit)
	assert.Equal(t, fault.DecisionOutsidePolicy, code, "an advance above the policy's")
	exit, code = submit(func(in map[string]any) { in["more"] = true })
	assert.Equal(t, cli.ExitInvalid, exit)
	assert.Equal(t, fault.InputInvalid, code)
	exit, _ = submit(func(map[string]any) {})
	assert.Equal(t, cli.ExitOK, exit, "what was not changed is accepted")
}

// add adds to the number at the path.
func add(t *testing.T, in map[string]any, delta int64, path ...string) {
	t.Helper()
	for _, name := range path[:len(path)-1] {
		next, ok := in[name].(map[string]any)
		require.True(t, ok, "there is no %v", path)
		in = next
	}
	last := path[len(path)-1]
	number, ok := in[last].(json.Number)
	require.True(t, ok, "there is no %v in %v", path, in)
	was, err := number.Int64()
	require.NoError(t, err)
	in[last] = was + delta
}
