// Package scenariotest plays scenario files on a consortium in memory, so that tests can begin where a scenario stands.
package scenariotest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/gateway-client/service"
	"github.com/tallystick/tallystick/network/topology"
)

// Played is a consortium in memory on which a scenario was played.
type Played struct {
	*memory.Consortium
	// Vars are the scenario's variables: the ids that its steps have saved, and the parties' ids as party_acme.
	Vars map[string]string
	t    testing.TB
}

// Play plays a file of testdata/scenarios up to the step with the mark, "" for all of it, with bank A's underwriter beside it.
// scenarios is the folder.
func Play(t testing.TB, scenarios, file, mark string) *Played {
	t.Helper()
	p := &Played{Consortium: memory.New(topology.Default()), Vars: map[string]string{"network": "memory"}, t: t}
	t.Cleanup(p.Close)
	for _, o := range topology.Default().Organizations {
		for _, m := range o.Members() {
			p.Vars["party_"+m.PartyAlias] = memory.PartyID(m.PartyAlias)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	decided := make(chan error, 1)
	svc := p.As("bankA/svc")
	go func() { decided <- service.Underwrite(ctx, svc) }()
	defer func() {
		cancel()
		if err := <-decided; !errors.Is(err, context.Canceled) {
			assert.NoError(t, err, "the underwriter")
		}
	}()
	runner := &scenario.Runner{Today: calendar.From(p.Ledger.Now()), Vars: maps.Clone(p.Vars), Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, p.connect, cli.Who{Org: org, User: user}, args, out, errs)
		},
		Marked: func(_ context.Context, at string, _ map[string]string) error {
			if at == mark {
				return scenario.ErrStop
			}
			return nil
		}}
	report, err := runner.Run(t.Context(), filepath.Join(scenarios, file))
	require.NoError(t, err)
	p.Vars = report.Vars
	return p
}

func (p *Played) connect(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
	s, err := p.Session(who.Org, who.User)
	return s, func() error { return nil }, err
}

// As returns a session of a user, "organisation/user".
func (p *Played) As(who string) *consortium.Session {
	p.t.Helper()
	org, user, _ := strings.Cut(who, "/")
	s, err := p.Session(org, user)
	require.NoError(p.t, err)
	return s
}

// Tally runs a command line as a user; ${name} stands for a variable. It must succeed. The result is what it prints as JSON.
func (p *Played) Tally(who, line string) string {
	p.t.Helper()
	for name, value := range p.Vars {
		line = strings.ReplaceAll(line, "${"+name+"}", value)
	}
	org, user, _ := strings.Cut(who, "/")
	var out, errs bytes.Buffer
	exit := cli.Run(p.t.Context(), p.connect, cli.Who{Org: org, User: user}, append([]string{"--output", "json"}, strings.Fields(line)...), &out, &errs)
	require.Zero(p.t, exit, "%s: %s", line, errs.String())
	return out.String()
}

// Height is the number of blocks.
func (p *Played) Height() uint64 { return p.Ledger.Height() }
