package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/gateway-client/service"
	"github.com/tallystick/tallystick/network/topology"
)

// The main job up to the decisions; then an SME contests its score, and the bank changes its model.
func TestScoresAreContestedAndModelsChange(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	svc, err := c.Session("bankA", "svc")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- service.Underwrite(ctx, svc) }()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}}
	vars := map[string]string{"network": "memory"}
	for _, alias := range []string{"acme", "birch", "cedar", "buyer", "supplier", "bankA", "bankB", "warehouse", "regulator"} {
		vars["party_"+alias] = memory.PartyID(alias)
	}
	run := func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
		return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
	}
	_, err = (&scenario.Runner{Today: calendar.From(c.Ledger.Now()), Vars: vars, Dir: t.TempDir(), Command: run,
		Marked: func(_ context.Context, mark string, all map[string]string) error {
			maps.Copy(vars, all)
			if mark == "nodes return" { // Acme's loan is drawn, Birch is declined
				return scenario.ErrStop
			}
			return nil
		}}).Run(t.Context(), "../../testdata/scenarios/main-job.yaml")
	require.NoError(t, err)

	exec := func(org, user string, args ...string) (map[string]any, fault.Code) {
		t.Helper()
		var out, errs bytes.Buffer
		if run(t.Context(), org, user, append([]string{"--output", "json"}, args...), &out, &errs) != cli.ExitOK {
			var failure struct {
				Error struct {
					Code fault.Code `json:"code"`
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(errs.Bytes(), &failure), errs.String())
			return nil, failure.Error.Code
		}
		result := map[string]any{}
		require.NoError(t, json.Unmarshal(out.Bytes(), &result), out.String())
		return result, ""
	}
	must := func(org, user string, args ...string) map[string]any {
		t.Helper()
		result, code := exec(org, user, args...)
		require.Empty(t, code, "%v", args)
		return result
	}
	refused := func(want fault.Code, org, user string, args ...string) {
		t.Helper()
		_, code := exec(org, user, args...)
		assert.Equal(t, want, code, "%v", args)
	}

	score := must("supplier", "bea", "application", "show", vars["application_birch"])["decision"].(map[string]any)["score"].(string)
	shown := must("supplier", "bea", "score", "show", score)
	assert.Equal(t, "current", shown["status"])
	assert.NotEmpty(t, shown["claim"].(map[string]any)["reasons"])
	refused(fault.NotPermitted, "supplier", "amy", "score", "appeal", score, "--ground", "It is not mine.")
	must("supplier", "bea", "score", "appeal", score, "--ground", "Two invoices were confirmed in time.")
	assert.Equal(t, "appealed", must("bankA", "carl", "score", "show", score)["status"])
	refused(fault.NotPermitted, "bankA", "svc", "score", "uphold", score, "--answer", "It stands.")
	must("bankA", "carl", "score", "uphold", score, "--answer", "They were confirmed late.")
	answered := must("supplier", "bea", "score", "show", score)
	assert.Equal(t, "upheld", answered["status"])
	assert.Equal(t, "They were confirmed late.", answered["appeal"].(map[string]any)["answer"])
	refused(fault.TransitionDenied, "supplier", "bea", "score", "appeal", score, "--ground", "Once more.")

	refused(fault.NotPermitted, "bankA", "carl", "score", "again", vars["application_birch"])
	again := must("bankA", "svc", "score", "again", vars["application_birch"])
	assert.Equal(t, score, again["replaces"])
	assert.Equal(t, "superseded", must("supplier", "bea", "score", "show", score)["status"])
	renewed := must("supplier", "bea", "score", "show", again["id"].(string))
	assert.Equal(t, "current", renewed["status"])
	assert.Greater(t, renewed["evidence_block"], shown["evidence_block"])
	assert.Equal(t, "declined", must("supplier", "bea", "application", "show", vars["application_birch"])["status"], "what was decided stays on record")

	const card, text = "../scoring/supplychain/first-scorecard.json", "../scoring/supplychain/MODEL.md"
	next := must("bankA", "olga", "model", "register", card, "--documentation", text, "--challenger")["id"].(string)
	refused(fault.ModelSelfValidated, "bankA", "val", "model", "validate", next, "--report", text)
	must("bankB", "viktor", "model", "validate", next, "--report", text)
	assert.Equal(t, "challenger", must("supplier", "bea", "model", "show", next)["status"])
	must("bankB", "viktor", "model", "promote", next, "--report", text)
	assert.Equal(t, "champion", must("supplier", "bea", "model", "show", next)["status"])
	assert.Equal(t, "retired", must("supplier", "bea", "model", "show", vars["model"])["status"], "there is one champion")
	refused(fault.NotPermitted, "bankB", "oscar", "model", "retire", next)
	must("bankA", "olga", "model", "retire", next)
	assert.Equal(t, "retired", must("supplier", "bea", "model", "show", next)["status"])
}
