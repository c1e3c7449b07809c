package underwriting

import (
	"context"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// FromModel gathers histories from the bank's read model, for a ledger of any size.
type FromModel struct {
	Model *projection.Store
	// Viewer is the bank.
	Viewer projection.Viewer
	// Peer is the ledger as the underwriter sees it: facts older than its height now are refused.
	Peer projection.Source
}

// modelWait is how long a decision waits for the model to catch up with the peer.
const modelWait = 10 * time.Second

// History implements Source. It returns EVIDENCE_STALE, which is tried again, where the model does not reach the peer's height.
func (f FromModel) History(ctx context.Context, a financing.Application, today calendar.Date) (History, error) {
	h := History{Party: a.Applicant, Today: today, Currency: a.Currency, RequestedMinor: a.AdvanceMinor}
	ctx, cancel := context.WithTimeout(ctx, modelWait)
	defer cancel()
	if _, err := f.Model.AwaitHead(ctx, f.Peer); err != nil {
		return h, err
	}
	facts, err := f.Model.Applicant(ctx, f.Viewer, a, calendar.Date{})
	if err != nil {
		return h, err
	}
	h.Sold, h.Receipts, h.Watches = facts.Sold, facts.Receipts, facts.Watches
	for _, l := range facts.Loans {
		now, err := l.At(today)
		if err != nil {
			return h, err
		}
		h.Loans = append(h.Loans, now)
	}
	h.Settled = map[string]calendar.Date{}
	for _, r := range facts.Trades {
		if paid, ok := facts.PaidOn[r.ID]; ok && r.Status == receivable.Settled {
			h.Settled[r.ID] = paid
		}
		if r.Status != receivable.Rejected && r.Status != receivable.Withdrawn && r.Status != receivable.Cancelled {
			h.Trades = append(h.Trades, TradeOf(r, h.Settled[r.ID], today))
		}
	}
	h.Related = relatedOf(facts.Registered)
	for _, one := range facts.Fragments {
		h.OfferedMinor += one.FaceMinor
		if a.AdvanceMinor == 0 {
			h.RequestedMinor += one.FaceMinor
		}
	}
	for _, r := range facts.Receipts {
		if a.AdvanceMinor == 0 && r.Declared != nil {
			h.RequestedMinor += r.Declared.Minor
		}
	}
	return h, nil
}
