package underwriting

import (
	"context"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// History is what a bank may know of an applicant: its own records, in the programmes that the bank reads.
type History struct {
	Party string
	Today calendar.Date
	// Currency is that of the application; no sum of another one is in a feature.
	Currency string
	// RequestedMinor is what the application asks for; where it asks for as much as possible, what its collateral is worth.
	RequestedMinor int64
	// OfferedMinor is the face of the claims that back the application.
	OfferedMinor int64
	// Sold are the invoices that the applicant has issued, Settled the days on which invoices were paid in full, by id.
	Sold    []receivable.Receivable
	Settled map[string]calendar.Date
	// Trades are all invoices that the bank may read, whoever sold: the applicant's partners trade with each other.
	Trades []Trade
	// Related are parties that are registered with one director or one address.
	Related []supplychain.Related
	// Loans are its loans from this bank, with interest up to today.
	Loans []financing.Loan
	// Receipts and Watches are the collateral of the application; a watch is empty where no device has reported.
	Receipts []receipt.Receipt
	Watches  []receipt.Watch
}

// maxPages bounds what one history reads: 100 records a page.
const maxPages = 1000

// historyPage is the largest page that every list takes.
const historyPage = "100"

// longestTerm is added to the window of settlements: what was issued before the window may have been due inside of it.
const longestTerm = 365

// FromLedger gathers histories with queries on the bank's own peer. It reads whole lists, so it is for a small ledger; a read
// model is the source for a large one.
type FromLedger struct{ Ledger Ledger }

// History implements Source.
func (f FromLedger) History(ctx context.Context, a financing.Application, today calendar.Date) (History, error) {
	h := History{Party: a.Applicant, Today: today, Currency: a.Currency}
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
	if h.Settled, err = f.settled(ctx, sold, today); err != nil {
		return h, err
	}
	for _, r := range sold {
		if r.Status != receivable.Rejected && r.Status != receivable.Withdrawn && r.Status != receivable.Cancelled {
			h.Trades = append(h.Trades, TradeOf(r, h.Settled[r.ID], today))
		}
	}
	if h.Related, err = f.related(ctx, programmes); err != nil {
		return h, err
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
	var fragment receivable.Fragment
	err := f.Ledger.Evaluate(ctx, consortium.Call{Function: "receivable:Fragment", Args: []string{c.ID}, Circles: []string{c.Circle}}, &fragment)
	h.OfferedMinor += fragment.FaceMinor
	if a.AdvanceMinor == 0 {
		h.RequestedMinor += fragment.FaceMinor
	}
	return err
}

// settled asks for the payments on what is settled of the last year: the day of the last one is the day that counts.
func (f FromLedger) settled(ctx context.Context, list []receivable.Receivable, today calendar.Date) (map[string]calendar.Date, error) {
	days := map[string]calendar.Date{}
	for _, r := range list {
		if r.Status != receivable.Settled || r.PaidMinor == 0 || calendar.DaysBetween(calendar.From(r.Issued.At), today) > supplychain.WindowDays+longestTerm {
			continue
		}
		var payments []receivable.Payment
		call := consortium.Call{Function: "receivable:Payments", Args: []string{r.ID}, Circles: []string{r.Programme}}
		if err := f.Ledger.Evaluate(ctx, call, &payments); err != nil {
			return nil, err
		}
		for _, p := range payments {
			if on := calendar.From(p.By.At); on.After(days[r.ID]) {
				days[r.ID] = on
			}
		}
	}
	return days, nil
}

// Schemes of identifiers that tie parties together; the value may be a hash, since only equality counts.
var relatedSchemes = []string{"director", "address"}

// related reads the registers of the programmes.
func (f FromLedger) related(ctx context.Context, programmes []string) ([]supplychain.Related, error) {
	var registered []member.Party
	for _, programme := range programmes {
		list, err := pages[member.Party](ctx, f.Ledger, "member:Parties", []string{programme}, func(p page[member.Party]) []member.Party { return p.Parties }, programme)
		if err != nil {
			return nil, err
		}
		registered = append(registered, list...)
	}
	return relatedOf(registered), nil
}

// relatedOf pairs the parties that have an identifier of a scheme that ties them together in common.
func relatedOf(registered []member.Party) []supplychain.Related {
	with := map[member.Identifier][]string{}
	for _, party := range registered {
		for _, id := range party.Identifiers {
			id.Scheme = strings.ToLower(id.Scheme)
			if slices.Contains(relatedSchemes, id.Scheme) && !slices.Contains(with[id], party.ID) {
				with[id] = append(with[id], party.ID)
			}
		}
	}
	var list []supplychain.Related
	for _, parties := range with {
		for i, a := range parties {
			for _, b := range parties[:i] {
				list = append(list, supplychain.Related{A: a, B: b})
			}
		}
		if len(parties) == 1 { // it is recorded, and there is nobody else
			list = append(list, supplychain.Related{A: parties[0], B: parties[0]})
		}
	}
	return list
}

// page is a page of either list.
type page[T any] struct {
	Receivables []T    `json:"receivables"`
	Parties     []T    `json:"parties"`
	Loans       []T    `json:"loans"`
	Next        string `json:"next"`
}

func pages[T any](ctx context.Context, l Ledger, function string, circles []string, list func(page[T]) []T, of ...string) ([]T, error) {
	var all []T
	after := ""
	for range maxPages {
		var p page[T]
		if err := l.Evaluate(ctx, consortium.Call{Function: function, Args: append(slices.Clone(of), historyPage, after), Circles: circles}, &p); err != nil {
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
