package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	worlds "github.com/tallystick/tallystick/gateway-client/simulation"
)

// simulateCommand is `tally simulate`: worlds to train and test on where no history exists.
func simulateCommand(app *App) *cobra.Command {
	var c worlds.Config
	var as, out string
	var placebo, ids bool
	var weeks int
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Make a labelled world to train and test on",
		Long: `Plays firms that sell to each other on credit, keep goods, borrow, and run out of cash or do not; docs/simulation.md says how.
With --as csv it writes one row for every application: what a credit bureau would know, the ledger's features, the label
(1: cash ran out within half a year), split (by time: train or test) and fold (by firm). With --as operations it writes the
ledger operations of the first weeks, one JSON object a line. It is no evidence about real lending.`,
		Example: `  tally simulate > world.csv
  tally model crossval --data world.csv --label label --fold fold --exclude split --output json
  tally model crossval --data world.csv --label label --split split --exclude fold
  tally simulate --placebo --seed 2 > placebo.csv
  tally simulate --as operations --firms 50 --weeks 26 > operations.jsonl`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Links = worlds.AllLinks
			if placebo {
				c.Links = worlds.Links{}
			}
			switch as {
			case "csv":
				bar, done := app.simulationBar()
				cases, err := worlds.Cases(c, worlds.Lives{}, bar)
				done()
				if err != nil {
					return err
				}
				return app.writeOut(out, func(w io.Writer) error {
					_, err := w.Write(worlds.CSV(cases, ids))
					return err
				})
			case "operations":
				list, err := worlds.Operations(c, weeks)
				if err != nil {
					return err
				}
				return app.writeOut(out, func(w io.Writer) error {
					enc := json.NewEncoder(w)
					for _, o := range list {
						if err := enc.Encode(o); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return usageError{fmt.Errorf("--as is %q; it must be csv or operations", as)}
		},
	}
	worldFlags(cmd, &c)
	f := cmd.Flags()
	f.Uint64Var(&c.Seed, "seed", 1, "seed of every random choice")
	f.BoolVar(&placebo, "placebo", false, "cut the links between what the ledger sees and the firms' cash")
	f.StringVar(&as, "as", "csv", "csv, or operations: what the firms do on the ledger")
	f.BoolVar(&ids, "ids", false, "csv: firm and cut-off day as the first columns (exclude them when training)")
	f.IntVar(&weeks, "weeks", 26, "operations: of so many weeks")
	f.StringVar(&out, "out", "", "file to write to, instead of standard output")
	cmd.AddCommand(simulateBacktestCommand(app))
	return cmd
}

func worldFlags(cmd *cobra.Command, c *worlds.Config) {
	cmd.Flags().IntVar(&c.Firms, "firms", worlds.DefaultFirms, fmt.Sprintf("suppliers, at most %d", worlds.MaxFirms))
	cmd.Flags().IntVar(&c.Months, "months", worlds.DefaultMonths, fmt.Sprintf("that the world lasts, 24 to %d", worlds.MaxMonths))
}

// writeOut writes to a file, or to the results stream where none is named.
func (a *App) writeOut(name string, write func(io.Writer) error) (err error) {
	if name == "" {
		return write(a.Out)
	}
	file, err := os.Create(name)
	if err != nil {
		return usageError{err}
	}
	defer func() {
		if cerr := file.Close(); err == nil {
			err = cerr
		}
	}()
	return write(file)
}

func (a *App) simulationBar() (worlds.Progress, func()) {
	bar := progressbar.NewOptions(1, progressbar.OptionSetWriter(a.Err), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetVisibility(isTerminal(a.Err)), progressbar.OptionSetWidth(30))
	return func(step string, done, total int) {
		bar.ChangeMax(total)
		bar.Describe(step)
		_ = bar.Set(done)
	}, func() { _ = bar.Finish() }
}

func simulateBacktestCommand(app *App) *cobra.Command {
	var b worlds.Backtest
	var c worlds.Config
	var approve float64
	var report string
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "Measure how many fewer bad loans the ledger's features give at the same approval rate",
		Long: `Makes one world a seed, and beside it one whose links between ledger and cash are cut (the placebo). In each, trains on the early
applications of one half of the firms, once on what a credit bureau knows and once with the ledger's features as well, and
approves the same share of the late applications of the other half. Reports the bad rates among the approved with their
confidence intervals, and how near the score comes to the true PD. A seed takes about half a minute on two cores.`,
		Example: `  tally simulate backtest --seeds 8
  tally simulate backtest --seeds 20 --approve 70 --report backtest.html --output json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Firms, b.Months, b.ApproveBps = c.Firms, c.Months, int64(approve*100+0.5)
			bar, done := app.simulationBar()
			b.Progress = bar
			start := time.Now()
			o, err := b.Run()
			done()
			if err != nil {
				return err
			}
			if report != "" {
				if err := app.writeOut(report, o.HTML); err != nil {
					return err
				}
			}
			if app.JSON() {
				return app.PrintJSON(o)
			}
			return app.printBacktest(o, time.Since(start))
		},
	}
	worldFlags(cmd, &c)
	f := cmd.Flags()
	f.IntVar(&b.Seeds, "seeds", worlds.DefaultSeeds, fmt.Sprintf("worlds of each kind, 2 to %d", worlds.MaxSeeds))
	f.Uint64Var(&b.FirstSeed, "seed", 1, "seed of the first world; the others follow it")
	f.Float64Var(&approve, "approve", float64(worlds.DefaultApproveBps)/100, "per cent of the applications that are approved")
	f.IntVar(&b.Lives, "lives", worlds.DefaultLives, "futures of every world for the true PD; 0 leaves it out")
	f.BoolVar(&b.BySource, "by-source", false, "measure trade, goods and graph features one by one, too")
	f.StringVar(&report, "report", "", "HTML file for the report")
	return cmd
}

func (a *App) printBacktest(o *worlds.Outcome, took time.Duration) error {
	percent := func(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
	within := func(i worlds.Interval) string {
		return fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100*i.Estimate, 100*i.Low, 100*i.High)
	}
	fmt.Fprintf(a.Out, "%s\n%d worlds of %d firms and %d months, %.0f %% approved, %.0f s\n\n", o.Notice, o.Seeds, o.Firms, o.Months, float64(o.ApproveBps)/100, took.Seconds())
	err := a.table(func(row func(...string)) {
		row("", "WORLD", "PLACEBO")
		row("bad rate, bureau features", percent(o.World.BureauBadRate), percent(o.Placebo.BureauBadRate))
		row("bad rate, with the ledger's", percent(o.World.LedgerBadRate), percent(o.Placebo.LedgerBadRate))
		row("fewer bad loans, 95 % by firms", within(o.World.Reduction), within(o.Placebo.Reduction))
		row("fewer bad loans, 95 % by worlds", within(o.World.OverSeeds), within(o.Placebo.OverSeeds))
		row("AUC uplift, 95 % by worlds", fmt.Sprintf("%.4f (%.4f to %.4f)", o.World.UpliftAUC.Estimate, o.World.UpliftAUC.Low, o.World.UpliftAUC.High),
			fmt.Sprintf("%.4f (%.4f to %.4f)", o.Placebo.UpliftAUC.Estimate, o.Placebo.UpliftAUC.Low, o.Placebo.UpliftAUC.High))
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Out)
	err = a.table(func(row func(...string)) {
		row("SEED", "TESTED", "BAD", "AUC BUREAU", "AUC LEDGER", "AUC TRUE PD", "REACHED", "FEWER BAD", "PLACEBO FEWER BAD")
		for k, s := range o.World.BySeed {
			ceiling, reached := "-", "-"
			if s.CeilingHigh > 0 {
				ceiling, reached = fmt.Sprintf("%.3f to %.3f", s.CeilingLow, s.CeilingHigh), percent(s.Reached)
			}
			row(fmt.Sprint(s.Seed), fmt.Sprint(s.TestRows), fmt.Sprint(s.TestBad), fmt.Sprintf("%.4f", s.BureauAUC), fmt.Sprintf("%.4f", s.LedgerAUC),
				ceiling, reached, percent(s.Reduction), percent(o.Placebo.BySeed[k].Reduction))
		}
	})
	for _, s := range o.BySource {
		fmt.Fprintf(a.Out, "bureau and %s features: AUC %.4f, placebo %.4f\n", s.Source, s.World, s.Placebo)
	}
	return err
}
