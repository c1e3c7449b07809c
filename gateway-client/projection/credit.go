package projection

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// Champion names the model that a bank decides with.
type Champion struct {
	Bank  string `json:"bank"`
	Model string `json:"model"`
}

func creditKinds() []kind {
	return []kind{
		kindOf("model", public, func(m *credit.Model, _ lookup, r *row) error {
			r.status, r.msp = string(m.Status), m.Bank
			r.link("is", "scorecard", m.CardHash)
			r.terms = words(m.Name)
			return nil
		}),
		kindOf("scorecard", public, func(*scorecard.Scorecard, lookup, *row) error { return nil }),
		kindOf("champion", public, func(c *Champion, _ lookup, r *row) error {
			r.msp = c.Bank
			r.link("is", "model", c.Model)
			return nil
		}),
		kindOf("consent", forBank, func(c *credit.Consent, _ lookup, r *row) error {
			r.status, r.due, r.msp = string(c.Status), dayText(c.LastDay), c.Bank
			r.concern(c.Party)
			return nil
		}),
		kindOf("score", forBank, func(x *credit.Score, _ lookup, r *row) error {
			r.status, r.due, r.msp = string(x.Status), dayText(x.LastDay), x.Bank
			r.concern(x.Subject)
			r.link("for", "application", x.Application)
			r.link("model", "model", x.Model)
			r.link("consent", "consent", x.Consent)
			r.link("replaces", "score", x.Replaces)
			r.columns("score", "subject", x.Subject, "application", x.Application, "model", x.Model, "points", x.Claim.Points)
			return nil
		}),
	}
}

// Models lists the registered models of every bank. They are public.
func (s *Store) Models(ctx context.Context, v Viewer, c Common, p Page) (Slice[credit.Model], error) {
	return page(ctx, s, v, listing{typ: "model", Common: c}, p, whole[credit.Model])
}

// Model returns a model, or RECORD_NOT_FOUND.
func (s *Store) Model(ctx context.Context, v Viewer, id string) (credit.Model, error) {
	return one[credit.Model](ctx, s, v, "model", id)
}

// Champion returns the model that a bank decides with, or RECORD_NOT_FOUND.
func (s *Store) Champion(ctx context.Context, v Viewer, bank string) (credit.Model, error) {
	c, err := one[Champion](ctx, s, v, "champion", bank)
	if err != nil {
		return credit.Model{}, err
	}
	return s.Model(ctx, v, c.Model)
}

// Scorecard returns a scorecard by its hash, or RECORD_NOT_FOUND.
func (s *Store) Scorecard(ctx context.Context, v Viewer, hash string) (scorecard.Scorecard, error) {
	return one[scorecard.Scorecard](ctx, s, v, "scorecard", hash)
}

// Consents lists consents: those to the viewer's bank, or those that its party has given.
func (s *Store) Consents(ctx context.Context, v Viewer, c Common, p Page) (Slice[credit.Consent], error) {
	return page(ctx, s, v, listing{typ: "consent", Common: c}, p, whole[credit.Consent])
}

// Consent returns a consent, or RECORD_NOT_FOUND.
func (s *Store) Consent(ctx context.Context, v Viewer, id string) (credit.Consent, error) {
	return one[credit.Consent](ctx, s, v, "consent", id)
}

// ScoreFilter filters a list of scores; empty fields filter nothing.
type ScoreFilter struct {
	Common
	Subject, Application, Model string
}

// Scores lists scores: the viewer's bank's, or those of its party.
func (s *Store) Scores(ctx context.Context, v Viewer, f ScoreFilter, p Page) (Slice[credit.Score], error) {
	l := listing{typ: "score", Common: f.Common, table: "score"}
	l.where("application", f.Application)
	l.where("subject", f.Subject)
	l.where("model", f.Model)
	return page(ctx, s, v, l, p, whole[credit.Score])
}

// Score returns a score, or RECORD_NOT_FOUND.
func (s *Store) Score(ctx context.Context, v Viewer, id string) (credit.Score, error) {
	return one[credit.Score](ctx, s, v, "score", id)
}
