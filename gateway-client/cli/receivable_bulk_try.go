package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/scenario"
)

// markTrading is the mark after which a programme can trade.
const markTrading = "trading"

// BulkTime is how long one step of a bulk took.
type BulkTime struct {
	Step string `json:"step"`
	bulkReport
}

func scenarioBulkCommand(app *App) *cobra.Command {
	var count, batch int
	cmd := &cobra.Command{
		Use:   "bulk FILE",
		Short: "Issue, approve and confirm many invoices on a fresh network of this machine, and say how long it took",
		Long: `Plays the scenario until its programme can trade (the step with the mark "trading"), writes --count invoices after
the scenario's sample, and lets the seller issue them, and the buyer's two people approve and confirm them, in bulk. Every
document is read and every undertaking signed.`,
		Example: "  tally scenario bulk testdata/scenarios/receivables.yaml --count 10000",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if count < 1 || count > maxBulkDocuments {
				return usageError{fmt.Errorf("--count is %d; it must be 1 to %d", count, maxBulkDocuments)}
			}
			times, err := played(app, func(runner *scenario.Runner, sessions *Sessions) ([]BulkTime, error) {
				return TryBulk(cmd.Context(), app, runner, sessions.Get, args[0], count, batch)
			})
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(map[string]any{"count": count, "steps": times})
			}
			return app.table(func(row func(...string)) {
				row("STEP", "INVOICES", "TRANSACTIONS", "SECONDS", "A SECOND")
				for _, t := range times {
					row(t.Step, fmt.Sprint(t.Count), fmt.Sprint(t.Transactions), fmt.Sprintf("%.1f", t.Seconds), fmt.Sprintf("%.0f", float64(t.Count)/t.Seconds))
				}
			})
		},
	}
	cmd.Flags().IntVar(&count, "count", 10_000, "number of invoices")
	cmd.Flags().IntVar(&batch, "batch", 0, "invoices in one transaction, at most 500 (default: as each command has it)")
	return cmd
}

// TryBulk plays the scenario file until its programme can trade, and then issues, approves and confirms count invoices as its
// users, through the same commands that a person types. A batch of 0 leaves its size to each command.
func TryBulk(ctx context.Context, app *App, runner *scenario.Runner, connect Connector, file string, count, batch int) ([]BulkTime, error) {
	var vars map[string]string
	runner.Marked = func(_ context.Context, mark string, now map[string]string) error {
		if mark == markTrading {
			vars = now
			return scenario.ErrStop
		}
		return nil
	}
	if _, err := runner.Run(ctx, file); err != nil {
		return nil, err
	}
	if vars == nil {
		return nil, usageError{fmt.Errorf("%s has no step with the mark %q", file, markTrading)}
	}
	folder := filepath.Join(runner.Dir, "bulk")
	list, err := manyInvoices(filepath.Join(vars["docs"], "invoices", "acme-INV-1001.xml"), folder, count)
	if err != nil {
		return nil, err
	}
	ids := filepath.Join(folder, "ids.txt")
	var times []BulkTime
	var last uint64 // the newest block, which the next step's peer may not have yet
	for _, s := range []struct{ step, org, user, run string }{
		{"issue", "supplier", "amy", "receivable issue-bulk --list " + list + " --ids " + ids + " --programme " + vars["programme"]},
		{"approve", "buyer", "alice", "receivable propose-bulk --list " + ids},
		{"confirm", "buyer", "bruno", "receivable confirm-bulk --list " + ids},
	} {
		var out bytes.Buffer
		who := Who{Network: app.who.Network, Org: s.org, User: s.user}
		one := &App{In: &bytes.Buffer{}, Out: &out, Err: app.Err, Connect: func(ctx context.Context, _ Who) (*consortium.Session, func() error, error) {
			return connect(ctx, who)
		}}
		root := New(one)
		args := append([]string{"--output", "json", "--after-block", fmt.Sprint(last)}, strings.Fields(s.run)...)
		if batch > 0 {
			args = append(args, "--batch", fmt.Sprint(batch))
		}
		root.SetArgs(args)
		if err := root.ExecuteContext(ctx); err != nil {
			return times, fmt.Errorf("%s: %w", s.step, err)
		}
		t := BulkTime{Step: s.step}
		if err := json.Unmarshal(out.Bytes(), &t.bulkReport); err != nil {
			return times, err
		}
		t.Receivables, last = nil, t.Block
		times = append(times, t)
	}
	return times, nil
}

// manyInvoices writes copies of a sample invoice under other numbers, and a list of their names.
func manyInvoices(sample, folder string, count int) (list string, err error) {
	text, err := os.ReadFile(sample)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	var names strings.Builder
	for i := range count {
		name := filepath.Join(folder, fmt.Sprintf("%06d.xml", i))
		if err := os.WriteFile(name, bytes.ReplaceAll(text, []byte(">INV-1001<"), fmt.Appendf(nil, ">B-%06d<", i)), 0o600); err != nil {
			return "", err
		}
		fmt.Fprintln(&names, name)
	}
	list = filepath.Join(folder, "list.txt")
	return list, os.WriteFile(list, []byte(names.String()), 0o600)
}
