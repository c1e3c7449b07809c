package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
)

// trainedModel is what train prints.
type trainedModel struct {
	Out      string `json:"out"`
	SHA256   string `json:"sha256"`
	Kind     string `json:"kind"`
	Rows     int64  `json:"rows"`
	BadRows  int64  `json:"bad_rows"`
	Features int    `json:"features"`
	Bins     int    `json:"bins"`
	Pairs    int    `json:"pairs"`
}

func modelTrain(app *App) *cobra.Command {
	var d modelData
	var out string
	cmd := &cobra.Command{
		Use:     "train",
		Short:   "Train a scorecard on all rows of a table and write its canonical JSON",
		Example: "  tally model train --data loans.csv --label label --monotone signs.json --name loans --out scorecard.json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{errors.New("--out FILE is needed, or --out - for standard output")}
			}
			if d.kind == string(scoring.GBT) {
				return usageError{fmt.Errorf("--kind gbt has no scorecard; it can only be compared with, by crossval")}
			}
			t, target, columns, err := d.load(app)
			if err != nil {
				return err
			}
			o, done, err := d.options(app)
			if err != nil {
				return err
			}
			rows := make([]int, t.Rows())
			for i := range rows {
				rows[i] = i
			}
			m, err := scoring.Train(t, columns, target, rows, o)
			done()
			if err != nil {
				return err
			}
			b, err := m.Card.CanonicalJSON()
			if err != nil {
				return err
			}
			if out == "-" {
				_, err = app.Out.Write(append(b, '\n'))
				return err
			}
			if err := os.WriteFile(out, append(b, '\n'), 0o644); err != nil {
				return fmt.Errorf("the scorecard cannot be written: %w", err)
			}
			hash, err := m.Card.Hash()
			if err != nil {
				return err
			}
			r := trainedModel{Out: out, SHA256: hash, Kind: string(m.Kind), Rows: m.Card.Provenance.Rows, BadRows: m.Card.Provenance.BadRows,
				Features: len(m.Card.Features), Pairs: len(m.Card.Pairs)}
			for i := range m.Card.Features {
				r.Bins += m.Card.Features[i].Bins()
			}
			if app.JSON() {
				return app.PrintJSON(r)
			}
			fmt.Fprintf(app.Out, "%s: %s scorecard of %d features, %d bins, %d pairs, from %d rows (%d bad)\nSHA-256 %s\n",
				out, r.Kind, r.Features, r.Bins, r.Pairs, r.Rows, r.BadRows, hash)
			return nil
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file for the scorecard, or - for standard output")
	cmd.Flags().StringVar(&d.name, "name", "", "name of the scorecard (default: the data file's name)")
	cmd.Flags().StringVar(&d.version, "version", "1", "version of the scorecard")
	cmd.Flags().StringVar(&d.outcome, "outcome", "", "what the outcome means, in words (\"90 days past due within 12 months\")")
	cmd.PreRun = func(*cobra.Command, []string) {
		if d.name == "" {
			d.name = strings.TrimSuffix(filepath.Base(d.data), filepath.Ext(d.data))
		}
	}
	return cmd
}

// readCard reads a scorecard file.
func readCard(path string) (*scorecard.Scorecard, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.InputInvalid, "the scorecard: %v", err)
	}
	return scorecard.Parse(b)
}

// scoredRow is one line of score.
type scoredRow struct {
	Row     int      `json:"row"` // from 1, below the header
	Points  int64    `json:"points"`
	Display int64    `json:"display_points"`
	PDPPM   int64    `json:"pd_ppm"`
	Reasons []string `json:"reasons"`
}

func modelScore(app *App) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:     "score SCORECARD",
		Short:   "Score the rows of a table, with the four reasons that cost most",
		Long:    "Prints CSV (row, points, display_points, pd_ppm, reasons), or one JSON object a line with --output json.",
		Example: "  tally model score scorecard.json --data applicants.csv > scores.csv",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			card, err := readCard(args[0])
			if err != nil {
				return err
			}
			t, err := readTable(app, data)
			if err != nil {
				return err
			}
			s, err := scoring.NewScorer(card, t)
			if err != nil {
				return err
			}
			return scoreRows(app, card, t, s)
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "CSV file with a header line, or - for standard input")
	return cmd
}

func scoreRows(app *App, card *scorecard.Scorecard, t *scoring.Table, s *scoring.Scorer) error {
	w := csv.NewWriter(app.Out)
	if !app.JSON() {
		if err := w.Write([]string{"row", "points", "display_points", "pd_ppm", "reasons"}); err != nil {
			return err
		}
	}
	reasons := make([]scorecard.Reason, 0, len(card.Features))
	for r := range t.Rows() {
		v, result, err := s.Row(r)
		if err != nil {
			return err
		}
		if reasons, err = card.Reasons(v, reasons); err != nil {
			return err
		}
		line := scoredRow{Row: r + 1, Points: result.Points, Display: result.DisplayPoints, PDPPM: result.PDPPM, Reasons: []string{}}
		for _, x := range scorecard.Top(reasons, 4) {
			line.Reasons = append(line.Reasons, card.Features[x.Feature].Name)
		}
		if app.JSON() {
			err = app.PrintJSON(line)
		} else {
			err = w.Write([]string{strconv.Itoa(line.Row), strconv.FormatInt(line.Points, 10), strconv.FormatInt(line.Display, 10),
				strconv.FormatInt(line.PDPPM, 10), strings.Join(line.Reasons, " ")})
		}
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// explanation is one row's score taken apart.
type explanation struct {
	Row     int              `json:"row"`
	Result  scorecard.Result `json:"result"`
	Reasons []reasonText     `json:"reasons"`
	Change  *changeText      `json:"what_would_change,omitempty"`
}

type reasonText struct {
	Code      string `json:"code"`
	Lost      int64  `json:"lost_points"`
	Bin       string `json:"bin"`
	Reference string `json:"reference_bin"`
	En        string `json:"en"`
	Zh        string `json:"zh"`
}

type changeText struct {
	Target  int64          `json:"target_points"`
	Plan    scorecard.Plan `json:"plan"`
	Changes []string       `json:"changes"`
}

func modelExplain(app *App) *cobra.Command {
	var data string
	var row, changes int
	var target int64
	cmd := &cobra.Command{
		Use:     "explain SCORECARD",
		Short:   "Take one row's score apart: points lost by feature, and what would change it",
		Example: "  tally model explain scorecard.json --data applicants.csv --row 17 --target 1740",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			card, err := readCard(args[0])
			if err != nil {
				return err
			}
			t, err := readTable(app, data)
			if err != nil {
				return err
			}
			if row < 1 || row > t.Rows() {
				return fault.New(fault.InputInvalid, "--row %d: %s has rows 1 to %d", row, t.Name, t.Rows())
			}
			s, err := scoring.NewScorer(card, t)
			if err != nil {
				return err
			}
			v, result, err := s.Row(row - 1)
			if err != nil {
				return err
			}
			e := explanation{Row: row, Result: result, Reasons: []reasonText{}}
			reasons, err := card.Reasons(v, nil)
			if err != nil {
				return err
			}
			for _, x := range reasons {
				f := &card.Features[x.Feature]
				if x.Lost == 0 {
					continue
				}
				e.Reasons = append(e.Reasons, reasonText{Code: f.Name, Lost: x.Lost, Bin: f.BinLabel(int(x.Bin)),
					Reference: f.BinLabel(int(x.Reference)), En: f.Wording.En, Zh: f.Wording.Zh})
			}
			if target != 0 {
				plan, err := card.WhatWouldChange(v, target, changes)
				if err != nil {
					return err
				}
				c := &changeText{Target: target, Plan: plan, Changes: []string{}}
				for _, x := range plan.Changes {
					f := &card.Features[x.Feature]
					c.Changes = append(c.Changes, fmt.Sprintf("%s: from %s to %s", f.Name, f.BinLabel(int(x.From)), f.BinLabel(int(x.To))))
				}
				e.Change = c
			}
			if app.JSON() {
				return app.PrintJSON(e)
			}
			return printExplanation(app.Out, e)
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "CSV file with a header line, or - for standard input")
	cmd.Flags().IntVar(&row, "row", 1, "row to explain, counted from 1 below the header")
	cmd.Flags().Int64Var(&target, "target", 0, "points to reach; finds the smallest set of changes that does")
	cmd.Flags().IntVar(&changes, "changes", 3, "at most so many features may change")
	return cmd
}

func printExplanation(out io.Writer, e explanation) error {
	fmt.Fprintf(out, "row %d: %d points (%d on display), PD %.2f %%\n", e.Row, e.Result.Points, e.Result.DisplayPoints,
		float64(e.Result.PDPPM)/10_000)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "points lost\tfeature\tis\tbest is\treason")
	for _, r := range e.Reasons {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", r.Lost, r.Code, r.Bin, r.Reference, strings.TrimSpace(r.En+"  "+r.Zh))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch c := e.Change; {
	case c == nil:
	case !c.Plan.Reached:
		fmt.Fprintf(out, "no change within the applicant's reach gets to %d points\n", c.Target)
	case len(c.Changes) == 0:
		fmt.Fprintf(out, "%d points are reached already\n", c.Target)
	default:
		fmt.Fprintf(out, "%d points would be reached (%d) by:\n  %s\n", c.Target, c.Plan.Points, strings.Join(c.Changes, "\n  "))
	}
	return nil
}
