package simulation

import (
	"bytes"
	"slices"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// The worlds that the shipped scorecard was trained on. Changing them changes the model, so its version, too.
const (
	firstSeed    = 20260115
	firstWorlds  = 6 // each with an economy of its own
	firstFirms   = 2_500
	firstVersion = "2"
)

// uninformative features are drawn in these worlds, so a model could only learn noise from them: what firms ask for.
var uninformative = []string{"claim_coverage_bps"}

// FirstCases are the applications of the worlds from the seed on that the shipped scorecard was trained on.
func FirstCases(seed uint64, lives Lives) ([]Case, error) {
	var all []Case
	for k := range uint64(firstWorlds) {
		cases, err := Cases(Config{Seed: seed + k, Firms: firstFirms, Months: DefaultMonths, Links: AllLinks}, lives, nil)
		if err != nil {
			return nil, err
		}
		all = slices.Concat(all, cases)
	}
	return all, nil
}

// TrainFirst trains the scorecard that package supplychain ships, on the ledger's features alone, every one with its sign.
func TrainFirst() (*scoring.Model, *scoring.Table, error) {
	cases, err := FirstCases(firstSeed, Lives{})
	if err != nil {
		return nil, nil, err
	}
	t, err := scoring.ReadCSV("simulated suppliers", bytes.NewReader(CSV(cases, false)))
	if err != nil {
		return nil, nil, err
	}
	target, err := scoring.ReadTarget(t, "label", "")
	if err != nil {
		return nil, nil, err
	}
	rows := make([]int, t.Rows())
	for i := range rows {
		rows[i] = i
	}
	without := slices.Concat([]string{"label", "split", "fold"}, BureauColumns, uninformative)
	m, err := scoring.Train(t, scoring.Inputs(t, without...), target, rows, FirstOptions())
	return m, t, err
}

// FirstOptions are the options of TrainFirst.
func FirstOptions() scoring.Options {
	o := scoring.Options{Kind: scoring.Additive, Seed: firstSeed, Name: "supply-chain-first", Version: firstVersion,
		Outcome: "cash runs out within 182 days of the application (simulated)", Monotone: map[string]int{},
		Change: map[string]scorecard.Change{}, Wording: map[string]scorecard.Wording{}, Units: map[string]string{}}
	for _, f := range supplychain.Features {
		if slices.Contains(uninformative, f.Name) {
			continue
		}
		o.Monotone[f.Name], o.Change[f.Name], o.Wording[f.Name], o.Units[f.Name] = f.Sign, f.Change, f.Wording, f.Unit
	}
	return o
}
