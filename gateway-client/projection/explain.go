package projection

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
)

// Explained is a bank's answer to an application in words: what it costs in all, why, and what would change it.
type Explained struct {
	Application string                      `json:"application"`
	Status      financing.ApplicationStatus `json:"status"`
	Outcome     financing.Outcome           `json:"outcome"`
	Terms       *financing.LoanTerms        `json:"terms,omitempty"`
	Reasons     []ExplainedReason           `json:"reasons"`
	Score       credit.Explanation          `json:"score"`
	Override    *financing.Override         `json:"override,omitempty"`
}

// ExplainedReason is a reason in words, with the id that it is about.
type ExplainedReason struct {
	financing.ReasonText
	Ref string `json:"ref,omitempty"`
}

// Explained puts the decision on an application into words, as financing:Explain does on the ledger. TRANSITION_DENIED where nothing is
// decided yet.
func (s *Store) Explained(ctx context.Context, v Viewer, application string) (Explained, error) {
	a, err := s.Application(ctx, v, application)
	if err != nil {
		return Explained{}, err
	}
	if a.Decision == nil {
		return Explained{}, fault.New(fault.TransitionDenied, "application %s is %s; nothing is decided yet", a.ID, a.Status)
	}
	d := *a.Decision
	score, err := s.Score(ctx, v, d.Score)
	if err != nil {
		return Explained{}, err
	}
	card, err := s.Scorecard(ctx, v, score.CardHash)
	if err != nil {
		return Explained{}, err
	}
	e := Explained{Application: a.ID, Status: a.Status, Outcome: d.Outcome, Terms: d.Terms, Reasons: []ExplainedReason{}, Override: a.Override}
	for _, r := range d.Reasons {
		if t, ok := financing.TextOf(r.Code); ok {
			e.Reasons = append(e.Reasons, ExplainedReason{t, r.Ref})
		}
	}
	target := int64(0)
	if d.PointsMissing > 0 {
		target = d.Points + d.PointsMissing
	}
	e.Score, err = credit.Explain(&card, score.Proof.Vector, target)
	return e, err
}
