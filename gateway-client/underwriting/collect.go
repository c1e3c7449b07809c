package underwriting

import (
	"context"
	"slices"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// collect books the buyer's payments on a receivable on the loans that its fragments back. A payment that is booked is not booked
// again: the loan's account names it.
func (u *Underwriter) collect(ctx context.Context, of, programme string) (string, error) {
	var list []receivable.Payment
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "receivable:Payments", Args: []string{of}, Circles: []string{programme}}, &list); err != nil {
		return "", err
	}
	for _, p := range list {
		var done []string
		for _, out := range p.Payouts {
			if out.Payee != u.Ledger.User().Party {
				continue
			}
			ids, err := u.backedBy(ctx, out.Fragment)
			if err != nil {
				return "", err
			}
			for _, id := range ids {
				if slices.Contains(done, id) {
					continue
				}
				done = append(done, id)
				if err := u.book(ctx, id, p, out); err != nil {
					return "", err
				}
			}
		}
	}
	return "collected", nil
}

// book books a payment on one loan, unless it is there or is another loan's.
func (u *Underwriter) book(ctx context.Context, id string, p receivable.Payment, out receivable.Payout) error {
	desk, err := u.Ledger.Locate(ctx, "loan", id)
	if err != nil {
		return err
	}
	var l financing.Loan
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:Loan", Args: []string{id}, Circles: []string{desk}}, &l); err != nil {
		return err
	}
	if l.Collected(p.Receivable, p.ID) || out.Application != l.Lien && !(l.Enforced && out.Holder == l.Party) {
		return nil
	}
	call := consortium.Call{Function: "financing:Collect", Args: []string{id, p.Receivable, p.ID}, Circles: append([]string{desk}, programmes(l.Collateral)...),
		Request: derive("uw", id, "collect", p.Receivable, p.ID)}
	_, err = u.submit(ctx, call)
	if fault.CodeOf(err) == fault.RecordExists { // another replica was first
		return nil
	}
	return err
}

// backedBy lists the own loans that a fragment backs or has backed, from memory, or after another look at the list of loans.
func (u *Underwriter) backedBy(ctx context.Context, fragment string) ([]string, error) {
	known := func() []string {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.loans[fragment]
	}
	if ids := known(); len(ids) > 0 {
		return ids, nil
	}
	_, err := u.ownLoans(ctx)
	return known(), err
}

// ownLoans lists the bank's loans and remembers which fragments back them.
func (u *Underwriter) ownLoans(ctx context.Context) ([]financing.Loan, error) {
	desks, err := u.Ledger.Readable(ctx, circle.Desk)
	if err != nil {
		return nil, err
	}
	all, err := pages[financing.Loan](ctx, u.Ledger, "financing:Loans", desks, func(p page[financing.Loan]) []financing.Loan { return p.Loans })
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(l financing.Loan) bool { return l.Bank != u.Ledger.User().MSP })
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range all {
		for _, c := range l.Collateral {
			if c.Kind == financing.Fragment && !slices.Contains(u.loans[c.ID], l.ID) {
				u.loans[c.ID] = append(u.loans[c.ID], l.ID)
			}
		}
	}
	return all, nil
}

// listLoans puts the receivables behind the bank's loans into the queue: a payment may have been missed while nobody listened.
func (u *Underwriter) listLoans(ctx context.Context) error {
	all, err := u.ownLoans(ctx)
	for _, l := range all {
		if l.Status == financing.Repaid || l.Status == financing.Cancelled {
			continue
		}
		for _, c := range l.Collateral {
			if of, err := receivable.ReceivableOf(c.ID); err == nil && c.Kind == financing.Fragment {
				u.add(ForPayment, of, c.Circle)
			}
		}
	}
	return err
}
