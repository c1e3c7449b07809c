package credit

import "github.com/tallystick/tallystick/chaincode/credit/scorecard"

// MaxChanges is the most features that an explanation proposes to change together.
const MaxChanges = 3

// Explanation says in words why a score is what it is and what would change it. It is calculated from the same integers as the
// score, so it is exact.
type Explanation struct {
	Points  int64        `json:"points"`
	Display int64        `json:"display_points"`
	Reasons []ReasonText `json:"reasons"` // largest loss first
	// Target is the points that were asked for; Changes a smallest set of changes that the applicant can act on and that
	// reaches it. None and not Reached means that no set of MaxChanges features does.
	Target  int64        `json:"target,omitempty"`
	Reached bool         `json:"reached"`
	Changes []ChangeText `json:"changes"`
}

// ReasonText is a reason code with its wording and what was seen.
type ReasonText struct {
	Code    string            `json:"code"`
	Lost    int64             `json:"lost_points"`
	Seen    string            `json:"seen"` // the applicant's bin: an interval in the feature's unit
	Range   scorecard.Range   `json:"range"`
	Unit    string            `json:"unit,omitempty"`
	Wording scorecard.Wording `json:"wording"`
}

// ChangeText is a feature that would have to move from one bin to another.
type ChangeText struct {
	Code    string            `json:"code"`
	From    string            `json:"from"`
	Range   scorecard.Range   `json:"range"` // of From
	To      string            `json:"to"`
	Enough  scorecard.Range   `json:"enough"` // To's interval, and what lies beyond it where that gives no fewer points
	Unit    string            `json:"unit,omitempty"`
	Wording scorecard.Wording `json:"wording"`
}

// Explain puts a binned feature vector into words. A target above the score's points asks what would reach it; 0 asks nothing.
func Explain(card *scorecard.Scorecard, v scorecard.Vector, target int64) (Explanation, error) {
	claim, err := Calculate(card, v)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Points: claim.Points, Display: claim.DisplayPoints, Reasons: []ReasonText{}, Changes: []ChangeText{}, Target: target}
	for _, r := range claim.Reasons {
		for i := range card.Features {
			if f := &card.Features[i]; f.Name == r.Code {
				e.Reasons = append(e.Reasons, ReasonText{Code: r.Code, Lost: r.Lost, Seen: f.BinLabel(int(v[i])), Range: f.BinRange(int(v[i])), Unit: f.Unit, Wording: f.Wording})
			}
		}
	}
	if target <= claim.Points {
		e.Reached = true
		return e, nil
	}
	plan, err := card.WhatWouldChange(v, target, MaxChanges)
	if err != nil {
		return e, err
	}
	e.Reached = plan.Reached
	for _, c := range plan.Changes {
		f := &card.Features[c.Feature]
		e.Changes = append(e.Changes, ChangeText{Code: f.Name, From: f.BinLabel(int(c.From)), Range: f.BinRange(int(c.From)),
			To: f.BinLabel(int(c.To)), Enough: card.Enough(c.Feature, int(c.To)), Unit: f.Unit, Wording: f.Wording})
	}
	return e, nil
}
