// Package explain puts a bank's decision into words for the applicant. The ledger and the read model of every organisation give the
// same answer.
package explain

import (
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
)

// Explained says what a financing costs in all, why the bank decided so, and what would change it.
type Explained struct {
	Application string                      `json:"application"`
	Status      financing.ApplicationStatus `json:"status"`
	Outcome     financing.Outcome           `json:"outcome"`
	Currency    string                      `json:"currency"` // of every amount in the answer
	Terms       *financing.LoanTerms        `json:"terms,omitempty"`
	Reasons     []Reason                    `json:"reasons"`
	Score       credit.Explanation          `json:"score"` // empty for a programme's offer, which needs none
	Override    *financing.Override         `json:"override,omitempty"`
	// Findings are what looked wrong in the trades. The applicant sees of a circle its own trades only.
	Findings *financing.Findings `json:"findings,omitempty"`
}

// Reason is a reason in words, with the id that it is about.
type Reason struct {
	financing.ReasonText
	Ref string `json:"ref,omitempty"`
}

// Score finds the scorecard and the binned facts of the score with the id.
type Score func(id string) (*scorecard.Scorecard, scorecard.Vector, error)

// Decision words the decision on an application, as the reader may see it (Application.ForApplicant). TRANSITION_DENIED where nothing is
// decided yet.
func Decision(a financing.Application, score Score) (*Explained, error) {
	if a.Decision == nil {
		return nil, fault.New(fault.TransitionDenied, "application %s is %s; nothing is decided yet", a.ID, a.Status)
	}
	d := *a.Decision
	e := &Explained{Application: a.ID, Status: a.Status, Outcome: d.Outcome, Currency: a.Currency, Terms: d.Terms, Reasons: []Reason{},
		Override: a.Override, Findings: d.Findings}
	for _, r := range d.Reasons {
		if t, ok := financing.TextOf(r.Code); ok {
			e.Reasons = append(e.Reasons, Reason{t, r.Ref})
		}
	}
	if d.Score == "" {
		return e, nil
	}
	card, vector, err := score(d.Score)
	if err != nil {
		return nil, err
	}
	target := int64(0)
	if d.PointsMissing > 0 {
		target = d.Points + d.PointsMissing
	}
	e.Score, err = credit.Explain(card, vector, target)
	return e, err
}
