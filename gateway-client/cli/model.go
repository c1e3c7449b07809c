package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
)

// modelCommand is `tally model`: credit scorecards, off the ledger and on it.
func modelCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Train, check, apply and explain credit scorecards",
		Long: "A model is an integer scorecard: points by bin, small tables for pairs of features, and nothing else.\n" +
			"The same integers are added up again by every peer. See docs/scoring.md.",
	}
	cmd.AddCommand(modelCrossval(app), modelTrain(app), modelScore(app), modelExplain(app), modelReport(app), modelMonitor(app), modelRegisterCommand(app), modelValidateCommand(app),
		modelPromoteCommand(app), modelRetireCommand(app), modelShowCommand(app))
	return cmd
}

// modelData are the flags that say where rows come from and what they mean.
type modelData struct {
	data, label, bad       string
	fold, split            string
	exclude, category      []string
	kind, monotone         string
	special, wording       string
	change                 string
	immutable              []string
	name, version, outcome string
	seed                   int64
	selected               int
}

func (d *modelData) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&d.data, "data", "", "CSV file with a header line, or - for standard input")
	f.StringVar(&d.label, "label", "label", "column with the outcome; two values, the larger number is bad")
	f.StringVar(&d.bad, "bad", "", "value of the label that means bad, where the label is text")
	f.StringSliceVar(&d.exclude, "exclude", nil, "columns that are no inputs (repeat, or separate by commas)")
	f.StringSliceVar(&d.category, "category", nil, "number columns whose values are codes, not quantities")
	f.StringVar(&d.kind, "kind", "additive", "additive, woe, logistic, or gbt (a black box, to compare only)")
	f.StringVar(&d.monotone, "monotone", "", "JSON file: column → 1 (the risk rises with it) or -1 (it falls)")
	f.StringVar(&d.special, "special", "", "JSON file: column → {code: meaning}; codes that are no quantities get bins of their own")
	f.StringSliceVar(&d.immutable, "immutable", nil, "columns that an applicant can do nothing about")
	f.StringVar(&d.change, "change", "", "JSON file: column → none, any, up or down: what an applicant can do about it")
	f.StringVar(&d.wording, "wording", "", "JSON file: column → {\"en\": …, \"zh\": …}; the reasons' wording")
	f.Int64Var(&d.seed, "seed", 1, "seed of every random choice")
	f.IntVar(&d.selected, "select", 0, "keep at most so many features, the strongest (0 keeps all)")
}

func (d *modelData) options(app *App) (scoring.Options, func(), error) {
	o := scoring.Options{Kind: scoring.Kind(d.kind), Seed: d.seed, Category: d.category, Select: d.selected,
		Name: d.name, Version: d.version, Outcome: d.outcome}
	for _, file := range []struct {
		flag, path, what string
		into             any
	}{
		{"--monotone", d.monotone, "column names and 1 or -1", &o.Monotone},
		{"--special", d.special, `column names and {"code": "meaning"}`, &o.Special},
		{"--change", d.change, "column names and none, any, up or down", &o.Change},
		{"--wording", d.wording, `column names and {"en": …, "zh": …}`, &o.Wording},
	} {
		if file.path == "" {
			continue
		}
		text, err := app.readFile(file.path)
		if err != nil {
			return o, nil, fault.New(fault.InputInvalid, "%s: %v", file.flag, err)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(file.into); err != nil {
			return o, nil, fault.New(fault.InputInvalid, "%s %s: must be a JSON object of %s: %v", file.flag, file.path, file.what, err)
		}
	}
	for _, column := range d.immutable {
		if o.Change == nil {
			o.Change = map[string]scorecard.Change{}
		}
		o.Change[column] = scorecard.Immutable
	}
	bar := progressbar.NewOptions(1, progressbar.OptionSetWriter(app.Err), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(isTerminal(app.Err)), progressbar.OptionSetWidth(30))
	o.Progress = func(step string, done, total int) {
		bar.ChangeMax(total)
		bar.Describe(step)
		_ = bar.Set(done)
	}
	return o, func() { _ = bar.Finish() }, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// readTable reads a CSV file, or standard input for "-".
func readTable(app *App, path string) (*scoring.Table, error) {
	if path == "" {
		return nil, usageError{errors.New("--data FILE is needed, or --data - for standard input")}
	}
	if path == "-" {
		return scoring.ReadCSV("standard input", app.In)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.InputInvalid, "--data: %v", err)
	}
	defer f.Close()
	return scoring.ReadCSV(path, f)
}

// load reads the table, the outcome and the input columns.
func (d *modelData) load(app *App) (*scoring.Table, scoring.Target, []int, error) {
	t, err := readTable(app, d.data)
	if err != nil {
		return nil, scoring.Target{}, nil, err
	}
	target, err := scoring.ReadTarget(t, d.label, d.bad)
	if err != nil {
		return nil, scoring.Target{}, nil, err
	}
	without := []string{d.label}
	for _, x := range []string{d.fold, d.split} {
		if x != "" {
			without = append(without, x)
		}
	}
	for _, x := range d.exclude {
		if _, err := t.MustColumn("--exclude", x); err != nil {
			return nil, target, nil, err
		}
		without = append(without, x)
	}
	for _, x := range d.category {
		if _, err := t.MustColumn("--category", x); err != nil {
			return nil, target, nil, err
		}
	}
	return t, target, scoring.Inputs(t, without...), nil
}

func (d *modelData) folds(t *scoring.Table, target scoring.Target) ([]scoring.Fold, error) {
	switch {
	case d.fold != "" && d.split != "":
		return nil, usageError{fmt.Errorf("--fold and --split are two ways to say the same; give one")}
	case d.fold != "":
		return scoring.ReadFolds(t, d.fold)
	case d.split != "":
		return scoring.ReadSplit(t, d.split)
	default:
		return scoring.DrawFolds(target, 5, d.seed), nil
	}
}

func modelCrossval(app *App) *cobra.Command {
	var d modelData
	cmd := &cobra.Command{
		Use:   "crossval",
		Short: "Measure a kind of model on rows that it was not trained on",
		Example: "  tally model crossval --data loans.csv --label label --fold fold --output json\n" +
			"  tally model crossval --data loans.csv --split split --kind woe",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, target, columns, err := d.load(app)
			if err != nil {
				return err
			}
			folds, err := d.folds(t, target)
			if err != nil {
				return err
			}
			o, done, err := d.options(app)
			if err != nil {
				return err
			}
			cv, err := scoring.CrossValidate(t, columns, target, folds, o)
			done()
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(cv)
			}
			return printCrossval(app.Out, cv)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&d.fold, "fold", "", "column that names each row's fold (default: five folds drawn from the seed)")
	cmd.Flags().StringVar(&d.split, "split", "", "column that says train or test, instead of --fold")
	return cmd
}

func printCrossval(out io.Writer, cv *scoring.CrossValidation) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%s\t%s\t%d rows\t%d folds\n", cv.Data, cv.Kind, cv.Rows, cv.Folds)
	fmt.Fprintf(w, "figure\tmean\tfold %s\n", strings.Join(cv.FoldNames, "\t"))
	for _, f := range []struct {
		name   string
		figure scoring.Figure
	}{{"AUC", cv.AUC}, {"AUC before rounding", cv.AUCFloat}, {"KS", cv.KS}, {"Brier", cv.Brier}, {"log-loss", cv.LogLoss},
		{"calibration error", cv.ECE}} {
		fmt.Fprintf(w, "%s\t%.4f", f.name, f.figure.Mean)
		for _, x := range f.figure.ByFold {
			fmt.Fprintf(w, "\t%.4f", x)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "training\t%.1f s\ta fold\n", cv.TrainSeconds)
	fmt.Fprintf(w, "scorecard\t%d features\t%d bins\t%d pairs\n", cv.Features, cv.Bins, cv.Pairs)
	return w.Flush()
}
