package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/profile"
)

func scenarioCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "scenario", Short: "Play a file of commands as the users of several organisations"}
	cmd.AddCommand(scenarioRunCommand(app), scenarioBulkCommand(app), scenarioDecisionsCommand(app), scenarioDrawdownsCommand(app))
	return cmd
}

func scenarioRunCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "run FILE",
		Short: "Run a scenario on a network of this machine and say what happened",
		Long: `Runs every step of the scenario as the user whom it names, through the same commands that a person types, and stops
at the first one that does not do what the file says. Progress goes to standard error, the summary to standard output.`,
		Example: "  tally scenario run testdata/scenarios/main-job.yaml",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := played(app, func(runner *scenario.Runner, _ *Sessions) (*scenario.Report, error) {
				return runner.Run(cmd.Context(), args[0])
			})
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(report)
			}
			return app.summary(report)
		},
	}
}

// played calls the function with a runner that plays scenarios on a network of this machine, as its users.
func played[T any](a *App, play func(r *scenario.Runner, sessions *Sessions) (T, error)) (result T, err error) {
	vars, err := partyVars(a.who.Network)
	if err != nil {
		return result, err
	}
	vars["network"] = a.who.Network
	dir, err := os.MkdirTemp("", "tallystick-scenario-")
	if err != nil {
		return result, err
	}
	sessions := &Sessions{Connect: connectFabric}
	defer func() {
		if cerr := errors.Join(sessions.Close(), os.RemoveAll(dir)); err == nil {
			err = cerr
		}
	}()
	return play(&scenario.Runner{
		Today: calendar.From(time.Now().UTC()), Vars: vars, Dir: dir,
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return Run(ctx, sessions.Get, Who{Network: a.who.Network, Org: org, User: user}, args, out, errs)
		},
		End: func(d scenario.Done) { a.progress(d) },
	}, sessions)
}

// partyVars gives every party of the network a variable, party_ALIAS.
func partyVars(network string) (map[string]string, error) {
	root, err := profile.StateRoot()
	if err != nil {
		return nil, err
	}
	n, err := profile.LoadNetwork(filepath.Join(root, network))
	if err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for _, p := range n.Orgs {
		for _, u := range p.Users {
			if u.PartyAlias != "" {
				vars["party_"+u.PartyAlias] = u.Party
			}
		}
	}
	return vars, nil
}

// progress prints a step that is done as one line.
func (a *App) progress(d scenario.Done) {
	what := d.Status
	if d.Refused != "" {
		what = "refused as it must be: " + d.Refused
	}
	if what != "" {
		what = " — " + what
	}
	fmt.Fprintf(a.Err, "%5.1f s  %-18s %s%s\n", d.Seconds, plain(d.As), plain(d.Title), plain(what))
}

// summary prints what happened for people.
func (a *App) summary(r *scenario.Report) error {
	fmt.Fprintf(a.Out, "\n%s\n\n", r.Title)
	err := a.table(func(row func(...string)) {
		row("WHO", "WHAT", "RESULT", "SECONDS", "TRANSACTION")
		for _, d := range r.Steps {
			result := d.Status
			if d.Refused != "" {
				result = "refused: " + d.Refused
			}
			row(d.As, d.Title, result, fmt.Sprintf("%.2f", d.Seconds), short(d.Transaction))
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Out)
	for _, d := range r.Steps {
		if len(d.Told) > 0 {
			fmt.Fprintf(a.Out, "%s\n", plain(d.Title))
		}
		for _, t := range d.Told {
			fmt.Fprintf(a.Out, "  %-28s %s\n", plain(t.Label), plain(t.Value))
		}
	}
	fmt.Fprintln(a.Out)
	for _, d := range r.Steps {
		if d.Timed != "" {
			fmt.Fprintf(a.Out, "%s: %.2f s\n", d.Timed, d.Seconds)
		}
	}
	fmt.Fprintf(a.Out, "%d steps in %.1f s\n", len(r.Steps), r.Seconds)
	if len(r.Next) > 0 {
		fmt.Fprintf(a.Out, "\nThe network is up. Try next:\n  %s\n", strings.Join(r.Next, "\n  "))
	}
	return nil
}

// short is the beginning of a transaction id, enough to find it by.
func short(id string) string {
	if len(id) > 16 {
		return id[:16]
	}
	return id
}
