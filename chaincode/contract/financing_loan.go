package contract

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Draw pays a loan out (sealed input: financing.DrawInput) and draws on its limits: LIMIT_EXCEEDED where a lane has no room.
func (*Financing) Draw(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Draw", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		in, err := ledger.Input[financing.DrawInput](tx)
		if err != nil {
			return l, err
		}
		if err := stillBacked(tx, l); err != nil {
			return l, err
		}
		if l, err = l.Draw(in.Lanes, in.Note, by, tx.Now()); err != nil {
			return l, err
		}
		return l, drawLanes(tx, l.Uses)
	})
}

// stillBacked returns COLLATERAL_MISMATCH where the collateral has changed since the terms were accepted.
func stillBacked(tx *ledger.Tx, l financing.Loan) error {
	desk, err := tx.CircleOf(loans.Type(), l.ID)
	if err != nil {
		return err
	}
	var facts []financing.CollateralFact
	for _, ref := range l.Collateral {
		fact, err := collateralFact(tx, desk, ref)
		if err != nil {
			return err
		}
		facts = append(facts, fact)
	}
	return l.StillBacked(facts)
}

// Cancel ends a loan that was not drawn, and frees its collateral.
func (*Financing) Cancel(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Cancel", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		if err := forParty(tx, by, l.Borrower, l.Bank); err != nil {
			return l, err
		}
		return l.Cancel(by, tx.Now())
	})
}

// Charge adds a fee (sealed input: financing.FeeInput).
func (*Financing) Charge(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Charge", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		in, err := ledger.Input[financing.FeeInput](tx)
		if err != nil {
			return l, err
		}
		return l.Charge(in.FeeMinor, in.Ground, by, tx.Now())
	})
}

// Repay books a payment (sealed input: financing.Payment). The last one frees the collateral.
func (*Financing) Repay(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Repay", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		in, err := ledger.Input[financing.Payment](tx)
		if err != nil {
			return l, err
		}
		return l.Repay(in, by, tx.Now())
	})
}

// Collect books a payment of the buyer on a receivable, as far as it went to the bank because of the loan, once (RECORD_EXISTS): fees,
// interest, principal, surplus. How much that is stands in the payment on the ledger. A payment
// that brought the loan nothing is COLLATERAL_MISMATCH.
func (*Financing) Collect(ctx *ledger.Context, id, of, payment string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Collect", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		p, err := payments.Get(tx, of, payment)
		if err != nil {
			return l, err
		}
		minor := int64(0)
		for _, out := range p.Payouts {
			if toLoan(out, l) {
				minor += out.PrincipalMinor + out.InterestMinor // parts of one payment together fit
			}
		}
		if minor == 0 {
			return l, fault.New(fault.CollateralMismatch, "payment %s brought loan %s nothing", payment, id)
		}
		return l.Collect(financing.Collection{Receivable: of, Payment: payment, AmountMinor: minor, Currency: p.Currency,
			On: calendar.From(p.By.At)}, by, tx.Now())
	})
}

// toLoan reports whether a part of a payment went to the loan's bank because of the loan: the claim was pledged for it, or the bank
// had enforced it.
func toLoan(out receivable.Payout, l financing.Loan) bool {
	backs := slices.ContainsFunc(l.Collateral, func(c financing.Ref) bool { return c.Kind == financing.Fragment && c.ID == out.Fragment })
	return backs && out.Payee == l.Party && (out.Application == l.Lien || l.Enforced && out.Holder == l.Party)
}

// ReturnSurplus books that the bank has paid a surplus on to the borrower (sealed input: financing.NoteInput).
func (*Financing) ReturnSurplus(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:ReturnSurplus", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		in, err := ledger.Input[financing.NoteInput](tx)
		if err != nil {
			return l, err
		}
		return l.Return(in.Note, by, tx.Now())
	})
}

// Default calls an overdue loan in default.
func (*Financing) Default(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Default", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		return l.Default(by, tx.Now())
	})
}

// Cure ends a default once nothing is overdue.
func (*Financing) Cure(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Cure", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		return l.Cure(by, tx.Now())
	})
}

// Recourse asks the borrower to pay what the buyer has not.
func (*Financing) Recourse(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Recourse", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		return l.Recourse(by, tx.Now())
	})
}

// Enforce makes a defaulted loan's claims the bank's and lets it sell the goods (margin:Sell).
func (*Financing) Enforce(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Enforce", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		next, err := l.Enforce(by, tx.Now())
		if err != nil {
			return l, err
		}
		return next, enforceCollateral(tx, l)
	})
}

// WriteOff takes what is owed as a loss (sealed input: financing.NoteInput).
func (*Financing) WriteOff(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:WriteOff", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		in, err := ledger.Input[financing.NoteInput](tx)
		if err != nil {
			return l, err
		}
		return l.WriteOff(in.Note, by, tx.Now())
	})
}

// Recover books money on a written-off loan (sealed input: financing.Payment).
func (*Financing) Recover(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	return loanStep(ctx, "financing:Recover", id, func(tx *ledger.Tx, l financing.Loan, by member.Actor) (financing.Loan, error) {
		in, err := ledger.Input[financing.Payment](tx)
		if err != nil {
			return l, err
		}
		return l.Recover(in, by, tx.Now())
	})
}

// loanStep is a method that changes one loan by one step.
func loanStep(ctx *ledger.Context, function, id string, rule func(*ledger.Tx, financing.Loan, member.Actor) (financing.Loan, error)) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise(function)
	if err != nil {
		return nil, err
	}
	before, err := loans.Get(tx, id)
	if err != nil {
		return nil, err
	}
	l, err := rule(tx, before, actor)
	if err != nil {
		return nil, err
	}
	return &FinancingStatus{ID: id, Status: string(l.Status), Loan: id}, saveLoanStep(tx, before, l)
}

// saveLoanStep writes a loan after a step: limits get back what it no longer uses, and the collateral of a loan that has ended is
// free again.
func saveLoanStep(tx *ledger.Tx, before, l financing.Loan) error {
	freed, err := l.Freed(before)
	if err != nil {
		return err
	}
	if err := freeLanes(tx, freed); err != nil {
		return err
	}
	if (l.Status == financing.Repaid || l.Status == financing.Cancelled) && l.Status != before.Status {
		if err := releaseCollateral(tx, l); err != nil {
			return err
		}
	}
	desk, err := tx.CircleOf(loans.Type(), l.ID)
	if err != nil {
		return err
	}
	if n := len(l.Movements); n > len(before.Movements) {
		tx.Emit(ledger.Event{Type: "loan." + string(l.Movements[n-1].Action), ID: l.ID, Circle: desk, Ref: l.Application})
	}
	return loans.Update(tx, l, l.ID)
}

// RebalanceLimit divides the free room of a limit over its lanes again, and may set its total (sealed input:
// financing.RebalanceInput).
func (*Financing) RebalanceLimit(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("financing:RebalanceLimit"); err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.RebalanceInput](tx)
	if err != nil {
		return nil, err
	}
	l, list, err := ownLimit(tx, id)
	if err != nil {
		return nil, err
	}
	total := in.TotalMinor
	if total == 0 {
		total = l.TotalMinor
	}
	if l, list, err = l.Rebalance(list, total); err != nil {
		return nil, err
	}
	if err := limits.Update(tx, l, id); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "limit.rebalanced", ID: id})
	return &FinancingStatus{ID: id, Status: "rebalanced"}, saveLanes(tx, list)
}

// GatherLimit puts all free room of a limit into one lane.
func (*Financing) GatherLimit(ctx *ledger.Context, id string, lane int) (*FinancingStatus, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("financing:GatherLimit"); err != nil {
		return nil, err
	}
	l, list, err := ownLimit(tx, id)
	if err != nil {
		return nil, err
	}
	if list, err = l.Gather(list, lane); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "limit.gathered", ID: id})
	return &FinancingStatus{ID: id, Status: "gathered"}, saveLanes(tx, list)
}

// OpenLimit opens a limit of the desk's bank before anybody draws on it (sealed input: financing.Draw), so that its room can be
// gathered. RECORD_EXISTS where it is open.
func (*Financing) OpenLimit(ctx *ledger.Context, desk string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:OpenLimit")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.Draw](tx)
	if err != nil {
		return nil, err
	}
	if err := deskOf(tx, desk, actor.MSP); err != nil {
		return nil, err
	}
	p, err := activePolicy(tx, desk)
	if err != nil {
		return nil, err
	}
	l, list, err := financing.OpenLimit(p, in.Kind, in.Subject)
	if err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "limit.opened", ID: l.ID, Circle: desk})
	return &FinancingStatus{ID: l.ID, Status: "opened"}, openLimits(tx, desk, []opening{{l, list}})
}
