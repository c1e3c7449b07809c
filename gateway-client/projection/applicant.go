package projection

import (
	"context"
	"slices"
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
	// programme, status, parties, currency, amounts, due date, when it was issued and confirmed, and the days of grace.
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
// model: its records by index, and every invoice in short, which is kept until the next block. Only a bank and the regulator
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
		if out.Trades, out.PaidOn, err = s.trades(ctx, st.Block, since); err != nil {
			return err
		}
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

// market is the trades as of a block.
type market struct {
	block  uint64
	since  calendar.Date
	trades []receivable.Receivable
	paid   map[string]calendar.Date
}

// trades reads every invoice in short, or returns those of the same block again.
func (s *Store) trades(ctx context.Context, block uint64, since calendar.Date) ([]receivable.Receivable, map[string]calendar.Date, error) {
	s.mu.Lock()
	kept := s.market
	s.mu.Unlock()
	if kept != nil && kept.block == block && kept.since == since {
		return slices.Clone(kept.trades), kept.paid, nil
	}
	fresh := &market{block: block, since: since, paid: map[string]calendar.Date{}}
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT id, status, programme, seller, buyer, currency, due, amount_minor, issued, confirmed, confirmed_minor, credited_minor, grace_days
		FROM receivable WHERE issued >= $1 ORDER BY issued, id`, dayText(since))
	if err != nil {
		return nil, nil, err
	}
	if fresh.trades, err = scanAll(rows, scanTrade); err != nil {
		return nil, nil, err
	}
	rows, err = s.reader(ctx).QueryContext(ctx, `SELECT receivable, MAX(paid) FROM payment WHERE paid >= $1 GROUP BY receivable ORDER BY receivable`, dayText(since))
	if err != nil {
		return nil, nil, err
	}
	_, err = scanAll(rows, func(scan func(...any) error) (struct{}, error) {
		var id, at string
		if err := scan(&id, &at); err != nil {
			return struct{}{}, err
		}
		paid, err := time.Parse(instantForm, at)
		fresh.paid[id] = calendar.From(paid)
		return struct{}{}, err
	})
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	s.market = fresh
	s.mu.Unlock()
	return slices.Clone(fresh.trades), fresh.paid, nil
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
