package service

import (
	"context"
	"encoding/hex"
	"log/slog"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// Underwrite decides the applications to the session's bank until the context ends, on histories read from the ledger.
func Underwrite(ctx context.Context, s *consortium.Session) error {
	return underwrite(ctx, s, underwriting.FromLedger{Ledger: s})
}

// underwriteOn does the same on histories from the bank's read model, which the ledger's size does not slow down.
func underwriteOn(model *projection.Store) func(context.Context, *consortium.Session) error {
	return func(ctx context.Context, s *consortium.Session) error {
		return underwrite(ctx, s, underwriting.FromModel{
			Model: model, Viewer: projection.Viewer{MSP: s.User().MSP, Kind: member.Bank}, Peer: projection.FromSession(s),
		})
	}
}

// underwrite derives the salts of the scores' commitments from the bank's keyring.
func underwrite(ctx context.Context, s *consortium.Session, source underwriting.Source) error {
	salt, err := s.FingerprintKey("input-salts/" + s.User().MSP)
	if err != nil {
		return err
	}
	key, err := hex.DecodeString(salt)
	if err != nil {
		return err
	}
	u := &underwriting.Underwriter{
		Ledger: s, Blocks: s.Network.Blocks, Source: source, Features: features, SaltKey: key,
		Today: func() calendar.Date { return calendar.From(s.Network.Now()) }, Now: s.Network.Now, Log: slog.Default(),
	}
	return u.Run(ctx)
}

// features reads the bank's records of an applicant as the supply-chain features that the card names.
func features(card *scorecard.Scorecard, h underwriting.History) ([]scorecard.Value, error) {
	return supplychain.Compute(card, underwriting.FactsOf(h))
}
