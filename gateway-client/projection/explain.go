package projection

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
)

// Explained puts the decision on an application into words, as financing:Explain does on the ledger. TRANSITION_DENIED where nothing is
// decided yet.
func (s *Store) Explained(ctx context.Context, v Viewer, application string) (explain.Explained, error) {
	a, err := s.Application(ctx, v, application)
	if err != nil {
		return explain.Explained{}, err
	}
	e, err := explain.Decision(a, func(id string) (*scorecard.Scorecard, scorecard.Vector, error) {
		score, err := s.Score(ctx, v, id)
		if err != nil {
			return nil, nil, err
		}
		card, err := s.Scorecard(ctx, v, score.CardHash)
		return &card, score.Proof.Vector, err
	})
	if err != nil {
		return explain.Explained{}, err
	}
	return *e, nil
}
