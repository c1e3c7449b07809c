package simulation

import (
	"bytes"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// The world that the shipped scorecard was trained on. Changing them changes the model, so its version, too.
const (
	firstSeed    = 20260115
	firstCases   = 24_000
	firstVersion = "1"
)

// TrainFirst trains the scorecard that package supplychain ships: 24,000 simulated applicants, every feature with its
// sign.
func TrainFirst() (*scoring.Model, *scoring.Table, error) {
	t, err := scoring.ReadCSV("simulated suppliers", bytes.NewReader(CSV(Suppliers(firstSeed, firstCases, 0))))
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
	m, err := scoring.Train(t, scoring.Inputs(t, "label"), target, rows, FirstOptions())
	return m, t, err
}

// FirstOptions are the options of TrainFirst.
func FirstOptions() scoring.Options {
	o := scoring.Options{Kind: scoring.Additive, Seed: firstSeed, Name: "supply-chain-first", Version: firstVersion,
		Outcome: "cash runs out within 182 days of the application (simulated)", Monotone: map[string]int{},
		Change: map[string]scorecard.Change{}, Wording: map[string]scorecard.Wording{}, Units: map[string]string{}}
	for _, f := range supplychain.Features {
		o.Monotone[f.Name], o.Change[f.Name], o.Wording[f.Name], o.Units[f.Name] = f.Sign, f.Change, f.Wording, f.Unit
	}
	return o
}
