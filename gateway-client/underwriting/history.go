package underwriting

import (
	"context"
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// History is what a bank may know of an applicant: its own records, in the programmes that the bank reads.
type History struct {
	Party string
	Today calendar.Date
	// RequestedMinor is what the application asks for; where it asks for as much as possible, what its collateral is worth.
	RequestedMinor int64
	// Sold are the invoices that the applicant has issued.
	Sold []receivable.Receivable
	// Trades are all invoices that the bank may read, whoever sold: the applicant's partners trade with each other.
	Trades []Trade
	// Loans are its loans from this bank, with interest up to today.
	Loans []financing.Loan
	// Receipts and Watches are the collateral of the application; a watch is empty where no device has reported.
	Receipts []receipt.Receipt
	Watches  []receipt.Watch
}

// maxPages bounds what one history reads: 200 records a page.
const maxPages = 500

// FromLedger gathers histories with queries on the bank's own peer. It reads whole lists, so it is for a small ledger; a read
// model is the source for a large one.
type FromLedger struct{ Ledger Ledger }

// History implements Source.
func (f FromLedger) History(ctx context.Context, a financing.Application, today calendar.Date) (History, error) {
	h := History{Party: a.Applicant, Today: today}
	programmes, err := f.Ledger.Readable(ctx, circle.Programme)
	if err != nil {
		return h, err
	}
	desks, err := f.Ledger.Readable(ctx, circle.Desk)
	if err != nil {
		return h, err
	}
	sold, err := pages[receivable.Receivable](ctx, f.Ledger, "receivable:List", programmes, func(p page[receivable.Receivable]) []receivable.Receivable { return p.Receivables })
	if err != nil {
		return h, err
	}
	loans, err := pages[financing.Loan](ctx, f.Ledger, "financing:Loans", desks, func(p page[financing.Loan]) []financing.Loan { return p.Loans })
	if err != nil {
		return h, err
	}
	for _, r := range sold {
		if r.Status != receivable.Rejected && r.Status != receivable.Withdrawn && r.Status != receivable.Cancelled {
			h.Trades = append(h.Trades, Trade{ID: r.ID, Seller: r.Invoice.Seller, Buyer: r.Invoice.Buyer, On: calendar.From(r.Issued.At)})
		}
	}
	h.Sold = slices.DeleteFunc(sold, func(r receivable.Receivable) bool { return r.Invoice.Seller != a.Applicant })
	h.Loans = slices.DeleteFunc(loans, func(l financing.Loan) bool { return l.Borrower != a.Applicant })
	h.RequestedMinor = a.AdvanceMinor
	for _, c := range a.Collateral {
		if c.Kind == financing.Fragment {
			if err := f.addFace(ctx, &h, a, c); err != nil {
				return h, err
			}
			continue
		}
		var r receipt.Receipt
		if err := f.Ledger.Evaluate(ctx, consortium.Call{Function: "receipt:Get", Args: []string{c.ID}, Circles: []string{c.Circle}}, &r); err != nil {
			return h, err
		}
		var w receipt.Watch
		err := f.Ledger.Evaluate(ctx, consortium.Call{Function: "receipt:Watch", Args: []string{c.ID}, Circles: []string{c.Circle}}, &w)
		if err != nil && fault.CodeOf(err) != fault.RecordNotFound {
			return h, err
		}
		h.Receipts, h.Watches = append(h.Receipts, r), append(h.Watches, w)
		if a.AdvanceMinor == 0 && r.Declared != nil {
			h.RequestedMinor += r.Declared.Minor
		}
	}
	return h, nil
}

func (f FromLedger) addFace(ctx context.Context, h *History, a financing.Application, c financing.Ref) error {
	if a.AdvanceMinor > 0 {
		return nil
	}
	var fragment receivable.Fragment
	err := f.Ledger.Evaluate(ctx, consortium.Call{Function: "receivable:Fragment", Args: []string{c.ID}, Circles: []string{c.Circle}}, &fragment)
	h.RequestedMinor += fragment.FaceMinor
	return err
}

// page is a page of either list.
type page[T any] struct {
	Receivables []T    `json:"receivables"`
	Loans       []T    `json:"loans"`
	Next        string `json:"next"`
}

func pages[T any](ctx context.Context, l Ledger, function string, circles []string, list func(page[T]) []T) ([]T, error) {
	var all []T
	after := ""
	for range maxPages {
		var p page[T]
		if err := l.Evaluate(ctx, consortium.Call{Function: function, Args: []string{applicationsPerPage, after}, Circles: circles}, &p); err != nil {
			return nil, err
		}
		all = append(all, list(p)...)
		if p.Next == "" {
			return all, nil
		}
		after = p.Next
	}
	return nil, fault.New(fault.InputTooLarge, "%s has more than %d pages; a read model is needed", function, maxPages)
}
