package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/scoring"
)

func modelReport(app *App) *cobra.Command {
	var data, label, bad, out string
	var o scoring.ReportOptions
	cmd := &cobra.Command{
		Use:   "report SCORECARD",
		Short: "Write the report that a model-validation department expects: one HTML file",
		Long: "ROC, calibration, score distributions, every feature's points as a picture, pairs as heat maps, stability, fairness and data\n" +
			"lineage under the headings of SR 11-7, in one file that refers to nothing outside it.",
		Example: "  tally model report scorecard.json --data loans-2026.csv --label label --group sex --out report.html",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out FILE is needed, or --out - for standard output")}
			}
			card, err := readCard(args[0])
			if err != nil {
				return err
			}
			t, err := readTable(app, data)
			if err != nil {
				return err
			}
			target, err := scoring.ReadTarget(t, label, bad)
			if err != nil {
				return err
			}
			page, err := scoring.Report(card, t, target, o)
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
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "CSV file with outcomes to measure on, or - for standard input")
	f.StringVar(&label, "label", "label", "column with the outcome; two values, the larger number is bad")
	f.StringVar(&bad, "bad", "", "value of the label that means bad, where the label is text")
	f.StringVar(&o.Group, "group", "", "column whose groups are compared for fairness")
	f.Int64Var(&o.Approve, "approve", 0, "points from which an application counts as approved (default: the median)")
	f.StringVar(&o.Split, "split", "", "column that says train or test: measures on test, compares stability with train")
	f.StringVar(&o.Prepared, "date", "", "date of the report, ISO 8601")
	f.StringVar(&out, "out", "", "file for the report, or - for standard output")
	return cmd
}
