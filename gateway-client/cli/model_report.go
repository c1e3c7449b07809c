package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/validation"
)

// measured are the flags of what a scorecard is measured on.
type measured struct {
	data, reference, challenger string
	options                     validation.Options
}

func (m *measured) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.data, "data", "", "CSV file with outcomes to measure on, or - for standard input")
	f.StringVar(&m.options.Label, "label", "label", "column with the outcome; two values, the larger number is bad; empty where it is not known yet")
	f.StringVar(&m.options.Bad, "bad", "", "value of the label that means bad, where the label is text")
	f.StringVar(&m.options.Group, "group", "", "column whose groups are compared for parity")
	f.StringVar(&m.options.Decision, "decision", "", "column that says approved or declined, for overrides and parity")
	f.Int64Var(&m.options.Approve, "approve", 0, "points from which an application counts as approved (default: the median)")
	f.StringVar(&m.options.Date, "date", "", "column with the date of the application, or the name of its period")
	f.StringVar((*string)(&m.options.Every), "every", "quarter", "length of a period: month, quarter or year")
	f.StringVar(&m.options.Split, "split", "", "column that says train or test: measures on test, compares stability with train")
	f.StringVar(&m.reference, "reference", "", "CSV file of when the model was made, for stability (default: the split's train rows, else the first period)")
	f.StringVar(&m.challenger, "challenger", "", "scorecard that is scored in shadow beside it")
}

// load reads the scorecard and the tables.
func (m *measured) load(app *App, path string) (card *scorecard.Scorecard, t *scoring.Table, err error) {
	if card, err = readCard(path); err != nil {
		return nil, nil, err
	}
	if t, err = readTable(app, m.data); err != nil {
		return nil, nil, err
	}
	if m.challenger != "" {
		if m.options.Challenger, err = readCard(m.challenger); err != nil {
			return nil, nil, err
		}
	}
	if m.reference != "" {
		m.options.Reference, err = readTable(app, m.reference)
	}
	return card, t, err
}

func modelReport(app *App) *cobra.Command {
	var m measured
	var out, prepared string
	cmd := &cobra.Command{
		Use:   "report SCORECARD",
		Short: "Write the report that a model-validation department expects: one HTML file",
		Long: "ROC, calibration, score distributions, every feature's points as a picture, pairs as heat maps, stability, fairness, monitoring and\n" +
			"data lineage under the headings of SR 11-7, in one file that refers to nothing outside it.",
		Example: "  tally model report scorecard.json --data loans-2026.csv --label label --group sex --date applied --out report.html",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out FILE is needed, or --out - for standard output")}
			}
			card, t, err := m.load(app, args[0])
			if err != nil {
				return err
			}
			page, err := validation.Report(card, t, validation.ReportOptions{Options: m.options, Prepared: prepared})
			if err != nil {
				return err
			}
			if out == "-" {
				_, err = app.Out.Write(page)
				return err
			}
			if err := os.WriteFile(out, page, 0o644); err != nil {
				return fmt.Errorf("the report cannot be written: %w", err)
			}
			if app.JSON() {
				return app.PrintJSON(map[string]any{"out": out, "bytes": len(page)})
			}
			_, err = fmt.Fprintf(app.Out, "%s: %d bytes\n", out, len(page))
			return err
		},
	}
	m.flags(cmd)
	cmd.Flags().StringVar(&prepared, "prepared", "", "date of the report, ISO 8601")
	cmd.Flags().StringVar(&out, "out", "", "file for the report, or - for standard output")
	return cmd
}

func modelMonitor(app *App) *cobra.Command {
	var m measured
	cmd := &cobra.Command{
		Use:   "monitor SCORECARD",
		Short: "Measure a model in use: stability, calibration, AUC over time, overrides, parity, a challenger in shadow",
		Long: "Scores the rows anew and compares: the population with the one that the model was made on, predicted with observed bad rates by\n" +
			"band (binomial test), AUC and KS by period, decisions with what the points say, approval rates between groups, and a challenger\n" +
			"with the model. A limit that is passed is printed as an alarm; the command succeeds all the same.",
		Example: "  tally model monitor scorecard.json --data loans-2026.csv --date applied --decision decided --approve 1744 --group region\n" +
			"  tally model monitor scorecard.json --data loans-2026.csv --reference loans-2024.csv --challenger next.json --output json",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			card, t, err := m.load(app, args[0])
			if err != nil {
				return err
			}
			result, err := validation.Monitor(card, t, m.options)
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(result)
			}
			return printMonitoring(app.Out, result)
		},
	}
	m.flags(cmd)
	return cmd
}

func printMonitoring(out io.Writer, m *validation.Monitoring) error {
	fmt.Fprintf(out, "%s on %s: %d rows, %d of known outcome, %d bad\n", m.Model, m.Data, m.Rows, m.Known, m.Bad)
	fmt.Fprintf(out, "AUC %.4f  KS %.4f  Brier %.4f  log-loss %.4f  calibration error %.4f\n\n", m.AUC, m.KS, m.Brier, m.LogLoss, m.ECE)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "points\trows\tbad\tpredicted\tobserved\tp\t")
	for _, b := range m.Calibration {
		fmt.Fprintf(w, "%d to %d\t%d\t%d\t%.4f\t%.4f\t%.3f\t%s\n", b.FromPoints, b.ToPoints, b.Rows, b.Bad, b.Predicted, b.Observed, b.PValue, mark(b.Deviates))
	}
	if s := m.Stability; s != nil {
		fmt.Fprintf(w, "\nstability index against %s\t%.4f\t%s\n", s.Reference, s.PSI, mark(s.Shifted))
		for _, f := range s.Features[:min(10, len(s.Features))] {
			fmt.Fprintf(w, "%s\t%.4f\t%s\n", f.Feature, f.PSI, mark(f.Shifted))
		}
	}
	if len(m.Periods) > 0 {
		fmt.Fprintf(w, "\nperiod\trows\tknown\tbad\tmean points\tfrom %d\tAUC\tKS\tstability\t\n", m.Approve)
		for _, p := range m.Periods {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.0f\t%.3f\t%s\t%s\t%s\t%s\n", p.Period, p.Rows, p.Known, p.Bad, p.Points, p.Approved, known(p.AUC), known(p.KS), known(p.PSI), mark(p.Shifted))
		}
	}
	if len(m.Groups) > 0 {
		fmt.Fprintf(w, "\n%s\trows\tapproved\tratio\tmean points\tbad rate\tAUC\t\n", m.Group)
		for _, g := range m.Groups {
			fmt.Fprintf(w, "%s\t%d\t%.3f\t%.2f\t%.0f\t%s\t%s\t%s\n", g.Value, g.Rows, g.Approved, g.Ratio, g.Points, known(g.BadRate), known(g.AUC), mark(g.Alarm))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if o := m.Overrides; o != nil {
		fmt.Fprintf(out, "\noverrides: %.2f %% of %d decisions; %d approved below %d points (%.4f bad), %d declined above\n",
			100*o.Rate, o.Decided, o.ApprovedBelow.Rows, m.Approve, o.ApprovedBelow.BadRate, o.DeclinedAbove)
	}
	if c := m.Challenger; c != nil {
		fmt.Fprintf(out, "\nchallenger %s in shadow: AUC %.4f (%+.4f, 95 %% from %+.4f to %+.4f), KS %.4f, log-loss %.4f\n"+
			"at the same approval rate %d others would be approved (%.4f bad) in place of %d (%.4f bad)\n",
			c.Name, c.AUC, c.Difference, c.Low, c.High, c.KS, c.LogLoss, c.SwappedIn.Rows, c.SwappedIn.BadRate, c.SwappedOut.Rows, c.SwappedOut.BadRate)
	}
	fmt.Fprintln(out)
	for _, a := range m.Alarms {
		fmt.Fprintln(out, "alarm:", a)
	}
	if len(m.Alarms) == 0 {
		fmt.Fprintln(out, "no limit is passed")
	}
	return nil
}

func known(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *x)
}

func mark(alarm bool) string {
	if alarm {
		return "!"
	}
	return ""
}
