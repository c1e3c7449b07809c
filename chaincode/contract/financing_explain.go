package contract

import (
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
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
	// Findings are what looked wrong in the trades. The applicant sees of a circle its own trades only.
	Findings *financing.Findings `json:"findings,omitempty"`
}

// ExplainedReason is a reason in words, with the id that it is about.
type ExplainedReason struct {
	financing.ReasonText
	Ref string `json:"ref,omitempty"`
}

// Explain puts the decision on an application into words, for its applicant, its bank and the regulator.
func (*Financing) Explain(ctx *ledger.Context, id string) (*Explained, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Explain")
	if err != nil {
		return nil, err
	}
	a, err := applications.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if err := visibleTo(tx, actor, a.Bank, a.Applicant); err != nil {
		return nil, err
	}
	if a.Decision == nil {
		return nil, fault.New(fault.TransitionDenied, "application %s is %s; nothing is decided yet", id, a.Status)
	}
	if a, err = seenBy(tx, actor, a); err != nil {
		return nil, err
	}
	d := *a.Decision
	e := &Explained{Application: id, Status: a.Status, Outcome: d.Outcome, Terms: d.Terms, Reasons: []ExplainedReason{}, Override: a.Override, Findings: d.Findings}
	for _, r := range d.Reasons {
		if t, ok := financing.TextOf(r.Code); ok {
			e.Reasons = append(e.Reasons, ExplainedReason{t, r.Ref})
		}
	}
	if d.Score == "" { // a programme's offer
		return e, nil
	}
	s, err := scores.Get(tx, d.Score)
	if err != nil {
		return nil, err
	}
	card, err := scorecards.Get(tx, s.CardHash)
	if err != nil {
		return nil, err
	}
	target := int64(0)
	if d.PointsMissing > 0 {
		target = d.Points + d.PointsMissing
	}
	e.Score, err = credit.Explain(&card, s.Proof.Vector, target)
	return e, err
}
