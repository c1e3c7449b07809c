package service

import (
	"context"
	"encoding/hex"
	"log/slog"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// Underwrite decides the applications to the session's bank until the context ends, on histories read from the ledger.
func Underwrite(ctx context.Context, s *consortium.Session) error {
	u, err := newUnderwriter(s, underwriting.FromLedger{Ledger: s})
	if err != nil {
		return err
	}
	return u.Run(ctx)
}

// ScoreAgain scores an application to the session's bank from the facts of today; the new score takes the place of the last one.
func ScoreAgain(ctx context.Context, s *consortium.Session, application, desk string) (credit.Submission, error) {
	u, err := newUnderwriter(s, underwriting.FromLedger{Ledger: s})
	if err != nil {
		return credit.Submission{}, err
	}
	height, err := projection.FromSession(s).Height(ctx)
	if err != nil || height == 0 {
		return credit.Submission{}, fault.New(fault.NetworkUnavailable, "the peer does not say how high the ledger is: %v", err)
	}
	return u.ScoreAgain(ctx, application, desk, height-1)
}

// underwrite does the same on histories from the bank's read model, which the ledger's size does not slow down, and shows its queue.
func (o *organisation) underwrite(ctx context.Context, s *consortium.Session) error {
	u, err := newUnderwriter(s, underwriting.FromModel{
		Model: o.store, Viewer: projection.Viewer{MSP: s.User().MSP, Kind: member.Bank}, Peer: projection.FromSession(s),
	})
	if err != nil {
		return err
	}
	o.underwriter.Store(u)
	defer o.underwriter.Store(nil)
	return u.Run(ctx)
}

// queue is what the underwriter has before it.
func (o *organisation) queue() (items []underwriting.Item, running bool) {
	u := o.underwriter.Load()
	if u == nil {
		return nil, false
	}
	return u.Queue(), true
}

// queueCounts says for /readyz how much waits in which state.
func (o *organisation) queueCounts(context.Context) (any, error) {
	items, _ := o.queue()
	counts := map[underwriting.State]int{underwriting.Waiting: 0, underwriting.Working: 0, underwriting.Stuck: 0}
	for _, i := range items {
		counts[i.State]++
	}
	return counts, nil
}

// newUnderwriter derives the salts of the scores' commitments from the bank's keyring.
func newUnderwriter(s *consortium.Session, source underwriting.Source) (*underwriting.Underwriter, error) {
	salt, err := s.FingerprintKey("input-salts/" + s.User().MSP)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(salt)
	if err != nil {
		return nil, err
	}
	return &underwriting.Underwriter{
		Ledger: s, Blocks: s.Network.Blocks, Source: source, Features: features, SaltKey: key,
		Today: func() calendar.Date { return calendar.From(s.Network.Now()) }, Now: s.Network.Now, Log: slog.Default(),
	}, nil
}

// features reads the bank's records of an applicant as the supply-chain features that the card names.
func features(card *scorecard.Scorecard, h underwriting.History) ([]scorecard.Value, error) {
	return supplychain.Compute(card, underwriting.FactsOf(h))
}
