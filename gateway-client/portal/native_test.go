package portal_test

import (
	"bytes"
	"context"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
)

// TestWalkOnTheNativeNetwork walks the demo as each role with clicks, on a network of its own: real peers, each organisation's
// tallyd with its login, its underwriter and its read model.
func TestWalkOnTheNativeNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a network and browsers")
	}
	browserProgram(t) // before the network is started for nothing
	n := nettest.Start(t)
	at := n.Serve(t)
	today := calendar.From(time.Now().UTC())
	vars := demoOn(t, n, today)
	browsers := map[string]*browser{}
	s := stage{t: t, today: today, receipt: vars["receipt"], browse: func(who string) *browser {
		if b, ok := browsers[who]; ok {
			return b
		}
		org, user := parts(who)
		b := open(t, at[org], "en")
		b.do(chromedp.Navigate(at[org]), chromedp.Click(`//button[@value="`+user+`"]`), chromedp.WaitVisible(chromedp.CSS("nav.places")))
		browsers[who] = b
		return b
	}}
	s.play()
	s.places()
}

// demoOn plays the demo's scenario up to where the loan is paid out, while the services decide, and returns its variables.
func demoOn(t *testing.T, n *nettest.Network, today calendar.Date) map[string]string {
	t.Helper()
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		return fabric.OpenSession(n.Orgs[who.Org], who.User, filepath.Join(n.Dir, "orgs", who.Org))
	}}
	t.Cleanup(func() { require.NoError(t, sessions.Close()) })
	vars := map[string]string{"network": n.Name}
	for _, p := range n.Orgs {
		for _, u := range p.Users {
			vars["party_"+u.PartyAlias] = u.Party
		}
	}
	runner := &scenario.Runner{Today: today, Vars: maps.Clone(vars), Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, sessions.Get, cli.Who{Org: org, User: user}, args, out, errs)
		},
		Marked: func(_ context.Context, mark string, _ map[string]string) error {
			if mark == "nodes return" {
				return scenario.ErrStop
			}
			return nil
		}}
	report, err := runner.Run(t.Context(), filepath.Join(scenarios, "main-job.yaml"))
	require.NoError(t, err)
	return report.Vars
}
