package contract

import (
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/chaincode/ledger"
)

// Explain puts the decision on an application into words, for its applicant, its bank and the regulator.
func (*Financing) Explain(ctx *ledger.Context, id string) (*explain.Explained, error) {
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
	if a, err = seenBy(tx, actor, a); err != nil {
		return nil, err
	}
	return explain.Decision(a, func(id string) (*scorecard.Scorecard, scorecard.Vector, error) {
		s, err := scores.Get(tx, id)
		if err != nil {
			return nil, nil, err
		}
		card, err := scorecards.Get(tx, s.CardHash)
		return &card, s.Proof.Vector, err
	})
}
