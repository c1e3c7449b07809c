package contract

import (
	"slices"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Margin is the contract of loans on goods: what the collateral is worth, margin calls, and the sale. All of it is for the
// bank's desk; a transaction carries the keys of the desk and of the programmes of the receipts.
type Margin struct{ contractapi.Contract }

var (
	collateralTerms = ledger.Sealed[receipt.TermsVersion]("collateral-terms") // id: desk
	margins         = ledger.Sealed[MarginAccount]("margin")                  // id: loan
	sales           = ledger.Sealed[receipt.Sale]("sale")                     // id: receipt
)

// MarginAccount is a loan's margin, with the terms under which it was made.
type MarginAccount struct {
	receipt.Margin
	Terms receipt.Terms `json:"terms"`
}

// MarginStatus is the answer of a transaction: nothing that an outsider must not see.
type MarginStatus struct {
	ID     string             `json:"id"` // the loan
	Status receipt.CallStatus `json:"status"`
}

// GetEvaluateTransactions names the functions that only read.
func (*Margin) GetEvaluateTransactions() []string { return []string{"Get", "Terms", "Sale"} }

// ProposeTerms proposes how the caller's bank lends on goods (sealed input: receipt.Terms).
func (*Margin) ProposeTerms(ctx *ledger.Context, desk string) error {
	return termsStep(ctx, "margin:ProposeTerms", desk, func(tx *ledger.Tx, v receipt.TermsVersion, a member.Actor) (receipt.TermsVersion, error) {
		t, err := ledger.Input[receipt.Terms](tx)
		if err != nil {
			return v, err
		}
		return v.Propose(t, a.User)
	})
}

// ApproveTerms makes the proposed terms those of loans that are assessed for the first time from now on, by another user.
func (*Margin) ApproveTerms(ctx *ledger.Context, desk string) error {
	return termsStep(ctx, "margin:ApproveTerms", desk, func(_ *ledger.Tx, v receipt.TermsVersion, a member.Actor) (receipt.TermsVersion, error) {
		return v.Approve(a.User)
	})
}

func termsStep(ctx *ledger.Context, function, desk string, step func(*ledger.Tx, receipt.TermsVersion, member.Actor) (receipt.TermsVersion, error)) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise(function)
	if err != nil {
		return err
	}
	if err := deskOf(tx, desk, actor.MSP); err != nil {
		return err
	}
	v, found, err := collateralTerms.Find(tx, desk)
	if err != nil {
		return err
	}
	active := v.Active
	if v, err = step(tx, v, actor); err != nil {
		return err
	}
	if v.Active == nil {
		v.Active = active
	}
	tx.Emit(ledger.Event{Type: "collateral-terms.changed", ID: desk, Circle: desk})
	if found {
		return collateralTerms.Update(tx, v, desk)
	}
	return collateralTerms.Create(tx, desk, v, desk)
}

// Assess brings the loan's margin up to date with prices, evidence and debt as they are now: it opens a margin call, ends one
// that is cured, or lets one lapse whose window is over. The first assessment fixes the loan's terms. Every change of prices,
// evidence, debt or collateral is a reason to call it; to call it without a reason changes nothing.
func (*Margin) Assess(ctx *ledger.Context, loan string) (*MarginStatus, error) {
	_, _, m, err := assessed(ctx.Tx(), "margin:Assess", loan)
	if err != nil {
		return nil, err
	}
	return m.status(), nil
}

// assessed authorises a function of the loan's bank and brings the loan's margin up to date.
func assessed(tx *ledger.Tx, function, loan string) (l financing.Loan, desk string, m MarginAccount, err error) {
	actor, err := tx.Authorise(function)
	if err != nil {
		return l, desk, m, err
	}
	if l, desk, err = loanOfBank(tx, loan, actor); err != nil {
		return l, desk, m, err
	}
	m, err = assess(tx, desk, l)
	return l, desk, m, err
}

func (m MarginAccount) status() *MarginStatus {
	s := &MarginStatus{ID: m.Loan}
	if m.Call != nil {
		s.Status = m.Call.Status
	}
	return s
}

// assess is Assess within a transaction that goes on.
func assess(tx *ledger.Tx, desk string, l financing.Loan) (MarginAccount, error) {
	m, found, err := marginOf(tx, desk, l.ID)
	if err != nil {
		return m, err
	}
	owed, err := owedNow(tx, l)
	if err != nil {
		return m, err
	}
	value, err := collateralValue(tx, l, m.Terms, "")
	if err != nil {
		return m, err
	}
	p, err := activePolicy(tx, desk)
	if err != nil {
		return m, err
	}
	next, action, err := m.Assess(m.Terms, owed, value, p.Terms.Calendar, tx.Now())
	if err != nil {
		return m, err
	}
	m.Margin = next
	if action != "" {
		tx.Emit(ledger.Event{Type: "margin." + string(action), ID: l.ID, Circle: desk})
	}
	if found {
		return m, margins.Update(tx, m, l.ID)
	}
	return m, margins.Create(tx, desk, m, l.ID)
}

// marginOf returns the loan's margin, a new one under the bank's active terms where there is none yet.
func marginOf(tx *ledger.Tx, desk, loan string) (MarginAccount, bool, error) {
	m, found, err := margins.Find(tx, loan)
	if err != nil || found {
		return m, found, err
	}
	v, err := collateralTerms.Get(tx, desk)
	if err != nil {
		return m, false, err
	}
	if v.Active == nil {
		return m, false, fault.New(fault.PolicyNotActive, "desk %s has no approved terms for lending on goods", desk)
	}
	return MarginAccount{Margin: receipt.Margin{Loan: loan}, Terms: *v.Active}, false, nil
}

func owedNow(tx *ledger.Tx, l financing.Loan) (int64, error) {
	if l.Status != financing.Active && l.Status != financing.Defaulted {
		return 0, nil
	}
	now, err := l.At(tx.Today())
	return now.Owed.TotalMinor(), err
}

// collateralValue adds up what the loan's collateral is worth now, without the receipt `without`: goods by the terms, claims that
// nothing is wrong with at their face.
func collateralValue(tx *ledger.Tx, l financing.Loan, t receipt.Terms, without string) (int64, error) {
	if l.Terms.Currency != t.Currency {
		return 0, fault.New(fault.CurrencyMismatch, "loan %s is in another currency than the terms for lending on goods", l.ID)
	}
	total := money.Zero(t.Currency)
	add := func(minor int64) (err error) {
		total, err = total.Add(money.Amount{Minor: minor, Currency: t.Currency})
		return err
	}
	for _, ref := range l.Collateral {
		if ref.Kind != financing.Fragment {
			continue
		}
		fact, err := fragmentFact(tx, ref)
		if err != nil {
			return 0, err
		}
		if !fact.Impaired {
			if err := add(fact.ValueMinor); err != nil {
				return 0, err
			}
		}
	}
	list, err := pledgedReceipts(tx, l)
	if err != nil {
		return 0, err
	}
	for _, r := range list {
		if r.ID == without {
			continue
		}
		v, err := valueReceipt(tx, r, t)
		if err != nil {
			return 0, err
		}
		if err := add(v.ValueMinor); err != nil {
			return 0, err
		}
	}
	return total.Minor, nil
}

// pledgedReceipts lists the receipts that the loan holds now, those among them that have replaced others.
func pledgedReceipts(tx *ledger.Tx, l financing.Loan) ([]receipt.Receipt, error) {
	var list []receipt.Receipt
	for _, ref := range l.Collateral {
		if ref.Kind != financing.Receipt {
			continue
		}
		found, err := heldFor(tx, ref.ID, l.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if !slices.ContainsFunc(list, func(have receipt.Receipt) bool { return have.ID == r.ID }) {
				list = append(list, r)
			}
		}
	}
	return list, nil
}

// loanOfBank loads a loan of the caller's bank, with its desk.
func loanOfBank(tx *ledger.Tx, id string, a member.Actor) (financing.Loan, string, error) {
	l, err := loans.Get(tx, id)
	if err != nil {
		return l, "", err
	}
	if l.Bank != a.MSP {
		return l, "", fault.New(fault.NotPermitted, "loan %s is another bank's", id)
	}
	desk, err := tx.CircleOf(loans.Type(), id)
	return l, desk, err
}

// AddCollateral pledges another receipt of the borrower's for the loan, and assesses it.
func (*Margin) AddCollateral(ctx *ledger.Context, loan, id string) (*MarginStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "margin:AddCollateral")
	if err != nil {
		return nil, err
	}
	l, err := loans.Get(tx, loan)
	if err != nil {
		return nil, err
	}
	if l.Borrower != actor.Party {
		return nil, fault.New(fault.NotPermitted, "loan %s is another party's", loan)
	}
	if l.Status != financing.Active && l.Status != financing.Agreed || len(l.Collateral) >= financing.MaxCollateral {
		return nil, fault.New(fault.TransitionDenied, "loan %s is %s with %d pieces of collateral; no more can be added", loan, l.Status, len(l.Collateral))
	}
	if _, err := reserveReceipt(tx, actor, id, l.Bank, l.Application); err != nil {
		return nil, err
	}
	r, err := pledgeReceipt(tx, id, l.Application, l.ID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(l.Collateral, func(c financing.Ref) bool { return c.ID == id }) {
		l.Collateral = append(slices.Clone(l.Collateral), financing.Ref{Kind: financing.Receipt, ID: id, Circle: r.Programme})
		if err := loans.Update(tx, l, loan); err != nil {
			return nil, err
		}
	}
	desk, err := tx.CircleOf(loans.Type(), loan)
	if err != nil {
		return nil, err
	}
	m, err := assess(tx, desk, l)
	if err != nil {
		return nil, err
	}
	return m.status(), nil
}

// Release lets one of the loan's receipts go. MARGIN_CALL_OPEN where the rest would not cover the loan.
func (*Margin) Release(ctx *ledger.Context, loan, id string) (*MarginStatus, error) {
	tx := ctx.Tx()
	l, _, m, err := assessed(tx, "margin:Release", loan)
	if err != nil {
		return nil, err
	}
	owed, err := owedNow(tx, l)
	if err != nil {
		return nil, err
	}
	rest, err := collateralValue(tx, l, m.Terms, id)
	if err != nil {
		return nil, err
	}
	if err := m.MayRelease(m.Terms, owed, rest); err != nil {
		return nil, err
	}
	if _, err := financeReceipt(tx, id, "receipt.released", loan, func(r receipt.Receipt) (receipt.Receipt, error) { return r.Release(loan) }); err != nil {
		return nil, err
	}
	return m.status(), nil
}

// Liquidate lets the bank sell all goods of the loan, once a margin call has lapsed with the facts as they are now.
func (*Margin) Liquidate(ctx *ledger.Context, loan string) (*MarginStatus, error) {
	tx := ctx.Tx()
	l, desk, m, err := assessed(tx, "margin:Liquidate", loan)
	if err != nil {
		return nil, err
	}
	if m.Margin, err = m.Liquidate(tx.Now()); err != nil {
		return nil, err
	}
	list, err := pledgedReceipts(tx, l)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if _, err := financeReceipt(tx, r.ID, "receipt.enforced", loan, func(r receipt.Receipt) (receipt.Receipt, error) { return r.Enforce(loan) }); err != nil {
			return nil, err
		}
	}
	tx.Emit(ledger.Event{Type: "margin.liquidated", ID: loan, Circle: desk})
	return m.status(), margins.Update(tx, m, loan)
}

// Sell records the sale of the goods under an enforced receipt (sealed input: receipt.SaleInput): the purchaser becomes owner,
// the proceeds are divided in the fixed order, and what is the bank's is booked on the loan.
func (*Margin) Sell(ctx *ledger.Context, loan, id string) (*ReceiptStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("margin:Sell")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receipt.SaleInput](tx)
	if err != nil {
		return nil, err
	}
	before, desk, err := loanOfBank(tx, loan, actor)
	if err != nil {
		return nil, err
	}
	r, err := sellReceipt(tx, id, loan, in.Purchaser)
	if err != nil {
		return nil, err
	}
	l, sale, err := divideProceeds(tx, before, r, in, actor)
	if err != nil {
		return nil, err
	}
	if err := sales.Create(tx, desk, sale, id); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "margin.sold", ID: loan, Circle: desk, Ref: id})
	return &ReceiptStatus{ID: id, Status: r.Status}, saveLoanStep(tx, before, l)
}

func divideProceeds(tx *ledger.Tx, l financing.Loan, r receipt.Receipt, in receipt.SaleInput, actor member.Actor) (financing.Loan, receipt.Sale, error) {
	currency := l.Terms.Currency
	sale := receipt.Sale{Receipt: r.ID, Loan: l.ID, Purchaser: in.Purchaser, Currency: currency, ProceedsMinor: in.ProceedsMinor}
	now, err := l.At(tx.Today())
	if err != nil {
		return l, sale, err
	}
	debts := receipt.Debts{SaleMinor: in.SaleCostsMinor, InterestMinor: now.Owed.InterestMinor + now.Owed.FeesMinor, PrincipalMinor: now.Owed.PrincipalMinor}
	if r.Charges != nil {
		if r.Charges.Currency != currency {
			return l, sale, fault.New(fault.CurrencyMismatch, "the storage charges of receipt %s are in another currency than loan %s", r.ID, l.ID)
		}
		debts.StorageMinor = r.Charges.Minor
	}
	if sale.Shares, err = receipt.Distribute(money.Amount{Minor: in.ProceedsMinor, Currency: currency}, debts); err != nil {
		return l, sale, err
	}
	var paid int64
	for _, s := range sale.Shares {
		if s.Rank == receipt.RankInterest || s.Rank == receipt.RankPrincipal {
			paid += s.PaidMinor
		}
	}
	if paid == 0 {
		return l, sale, nil
	}
	l, err = l.Repay(financing.Payment{AmountMinor: paid, Currency: currency, ReceivedOn: tx.Today(), Source: financing.FromCollateral, Note: r.ID}, actor, tx.Now())
	return l, sale, err
}

// Get returns a loan's margin.
func (*Margin) Get(ctx *ledger.Context, loan string) (*MarginAccount, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("margin:Get")
	if err != nil {
		return nil, err
	}
	l, err := loans.Get(tx, loan)
	if err != nil {
		return nil, err
	}
	if err := visibleTo(tx, actor, l.Bank, l.Borrower); err != nil {
		return nil, err
	}
	m, err := margins.Get(tx, loan)
	return &m, err
}

// Terms returns a desk's terms for lending on goods.
func (*Margin) Terms(ctx *ledger.Context, desk string) (*receipt.TermsVersion, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("margin:Terms"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(desk); err != nil {
		return nil, err
	}
	v, err := collateralTerms.Get(tx, desk)
	return &v, err
}

// Sale returns where the money of a sale went, to the bank, the borrower and the regulator.
func (*Margin) Sale(ctx *ledger.Context, id string) (*receipt.Sale, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("margin:Sale")
	if err != nil {
		return nil, err
	}
	s, err := sales.Get(tx, id)
	if err != nil {
		return nil, err
	}
	l, err := loans.Get(tx, s.Loan)
	if err != nil {
		return nil, err
	}
	return &s, visibleTo(tx, actor, l.Bank, l.Borrower)
}
