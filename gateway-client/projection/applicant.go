package projection

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Applicant is what a bank may know of an application's applicant, as of one block.
type Applicant struct {
	// Block is the last block of the ledger that the facts are from.
	Block uint64
	// Sold are the applicant's own invoices, Trades all that the bank may read. Both hold what a trade is and no more: id,
	// programme, status, parties, currency, amounts, due date, when it was issued and confirmed, and the days of grace. Trades and
	// PaidOn are shared between applications: they must not be changed.
	Sold, Trades []receivable.Receivable
	// PaidOn is the day of the last payment on an invoice, by id.
	PaidOn map[string]calendar.Date
	// Loans are the applicant's from this bank, as they stand in the records.
	Loans []financing.Loan
	// Fragments, Receipts and Watches are the collateral of the application. A watch is empty where no device has reported.
	Fragments []receivable.Fragment
	Receipts  []receipt.Receipt
	Watches   []receipt.Watch
	// Registered are the parties of the bank's programmes.
	Registered []member.Party
}

// Applicant gathers what a bank may know of an application's applicant, from invoices issued on or after the day, in one state of the
// model: its records by index, and every invoice in short, which is kept and brought up to date. Only a bank and the regulator
// may ask (NOT_PERMITTED). Collateral that the model does not hold is RECORD_NOT_FOUND.
func (s *Store) Applicant(ctx context.Context, v Viewer, a financing.Application, since calendar.Date) (Applicant, error) {
	if v.scope(forTrade) != all {
		return Applicant{}, fault.New(fault.NotPermitted, "an applicant's record is for banks")
	}
	var out Applicant
	err := s.Snapshot(ctx, func(ctx context.Context) error {
		st, err := s.Status(ctx)
		if err != nil {
			return err
		}
		out.Block = st.Block
		market, err := s.trades(ctx, st.Block, since)
		if err != nil {
			return err
		}
		out.Trades, out.PaidOn = market.trades, market.paid
		for _, r := range out.Trades {
			if r.Invoice.Seller == a.Applicant {
				out.Sold = append(out.Sold, r)
			}
		}
		if out.Loans, err = s.loansOf(ctx, v, a.Applicant); err != nil {
			return err
		}
		if out.Registered, err = s.registered(ctx); err != nil {
			return err
		}
		return s.collateral(ctx, v, a, &out)
	})
	return out, err
}

// market is the trades as of a block, which nobody changes once it is made.
type market struct {
	block  uint64
	since  calendar.Date
	trades []receivable.Receivable // by id
	paid   map[string]calendar.Date
}

// trades reads every invoice in short: of what is kept, only what has changed since its block.
func (s *Store) trades(ctx context.Context, block uint64, since calendar.Date) (*market, error) {
	s.mu.Lock()
	kept := s.market
	s.mu.Unlock()
	switch {
	case kept == nil || kept.since != since || kept.block > block:
		kept = &market{since: since, paid: map[string]calendar.Date{}}
	case kept.block == block:
		return kept, nil
	}
	changed, err := s.tradesAfter(ctx, kept.block, since)
	if err != nil {
		return nil, err
	}
	paid, err := s.paidAfter(ctx, kept.block, since)
	if err != nil {
		return nil, err
	}
	fresh := &market{block: block, since: since, trades: merge(kept.trades, changed), paid: kept.paid}
	if len(paid) > 0 {
		fresh.paid = maps.Clone(kept.paid)
		maps.Copy(fresh.paid, paid)
	}
	s.mu.Lock()
	s.market = fresh
	s.mu.Unlock()
	return fresh, nil
}

// merge puts the changed trades in the place of those with their ids. Both are by id.
func merge(kept, changed []receivable.Receivable) []receivable.Receivable {
	if len(changed) == 0 || len(kept) == 0 {
		return slices.Concat(kept, changed)
	}
	list := make([]receivable.Receivable, 0, len(kept)+len(changed))
	for len(kept) > 0 && len(changed) > 0 {
		switch c := strings.Compare(kept[0].ID, changed[0].ID); {
		case c < 0:
			list, kept = append(list, kept[0]), kept[1:]
		case c == 0:
			kept = kept[1:]
		default:
			list, changed = append(list, changed[0]), changed[1:]
		}
	}
	return append(append(list, kept...), changed...)
}

func (s *Store) tradesAfter(ctx context.Context, block uint64, since calendar.Date) ([]receivable.Receivable, error) {
	const columns = `SELECT x.id, x.status, x.programme, x.seller, x.buyer, x.currency, x.due, x.amount_minor, x.issued, x.confirmed, x.confirmed_minor,
		x.credited_minor, x.grace_days FROM `
	from, args := `receivable x WHERE x.issued >= $1`, []any{dayText(since)}
	if block > 0 {
		from, args = `record c CROSS JOIN receivable x WHERE c.type = 'receivable' AND c.block > $2 AND x.id = c.id AND x.issued >= $1`, append(args, block)
	}
	rows, err := s.reader(ctx).QueryContext(ctx, columns+from, args...)
	if err != nil {
		return nil, err
	}
	list, err := scanAll(rows, scanTrade)
	slices.SortFunc(list, func(a, b receivable.Receivable) int { return strings.Compare(a.ID, b.ID) })
	return list, err
}

// paidAfter returns the day of the last payment of each invoice that was paid on after the block.
func (s *Store) paidAfter(ctx context.Context, block uint64, since calendar.Date) (map[string]calendar.Date, error) {
	from, args := `payment x WHERE x.paid >= $1`, []any{dayText(since)}
	if block > 0 {
		from, args = `record c CROSS JOIN payment x WHERE c.type = 'payment' AND c.block > $2 AND x.id = c.id AND x.paid >= $1`, append(args, block)
	}
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT x.receivable, MAX(x.paid) FROM `+from+` GROUP BY x.receivable`, args...)
	if err != nil {
		return nil, err
	}
	list, err := scanAll(rows, func(scan func(...any) error) (one [2]string, err error) { return one, scan(&one[0], &one[1]) })
	paid := make(map[string]calendar.Date, len(list))
	for _, one := range list {
		at, perr := time.Parse(instantForm, one[1])
		if perr != nil {
			return nil, perr
		}
		paid[one[0]] = calendar.From(at)
	}
	return paid, err
}

func scanTrade(scan func(...any) error) (r receivable.Receivable, err error) {
	var due, issued, confirmed string
	i := &r.Invoice
	if err := scan(&r.ID, &r.Status, &r.Programme, &i.Seller, &i.Buyer, &i.Currency, &due, &i.PayableMinor, &issued, &confirmed,
		&r.ConfirmedMinor, &r.CreditedMinor, &r.Rules.GraceDays); err != nil {
		return r, err
	}
	if i.DueDate, err = calendar.Parse(due); err != nil {
		return r, err
	}
	if r.Issued.At, err = time.Parse(instantForm, issued); err != nil || confirmed == "" {
		return r, err
	}
	r.Undertaking = &receivable.Undertaking{}
	r.Undertaking.Checker.At, err = time.Parse(instantForm, confirmed)
	return r, err
}

func (s *Store) loansOf(ctx context.Context, v Viewer, borrower string) ([]financing.Loan, error) {
	var list []financing.Loan
	l := LoanFilter{Borrower: borrower}.listing()
	err := Each(ctx, func(p Page) (Slice[financing.Loan], error) { return page(ctx, s, v, l, p, whole[financing.Loan]) },
		func(l financing.Loan) error { list = append(list, l); return nil })
	return list, err
}

func (s *Store) registered(ctx context.Context) ([]member.Party, error) {
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT body FROM record WHERE type = 'party' ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (member.Party, error) {
		var body []byte
		if err := scan(&body); err != nil {
			return member.Party{}, err
		}
		return decode[member.Party](body)
	})
}

func (s *Store) collateral(ctx context.Context, v Viewer, a financing.Application, out *Applicant) error {
	for _, c := range a.Collateral {
		if c.Kind == financing.Fragment {
			f, err := s.Fragment(ctx, v, c.ID)
			if err != nil {
				return err
			}
			out.Fragments = append(out.Fragments, f)
			continue
		}
		r, err := s.Receipt(ctx, v, c.ID)
		if err != nil {
			return err
		}
		w, err := s.Watch(ctx, v, c.ID)
		if err != nil {
			return err
		}
		out.Receipts, out.Watches = append(out.Receipts, r), append(out.Watches, w)
	}
	return nil
}

// AwaitHead waits until the model has every block that the ledger has now, and returns the last one: who decides from the model then
// knows at least what its peer knew. EVIDENCE_STALE where the context ends before.
func (s *Store) AwaitHead(ctx context.Context, source Source) (uint64, error) {
	height, err := source.Height(ctx)
	if err != nil || height == 0 {
		return 0, err
	}
	if err := s.Wait(ctx, height-1); err != nil {
		return 0, fault.New(fault.EvidenceStale, "the read model has not reached block %d: %v", height-1, err)
	}
	return height - 1, nil
}
