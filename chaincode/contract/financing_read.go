package contract

import (
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Application returns an application, to its bank, its applicant and the regulator.
func (*Financing) Application(ctx *ledger.Context, id string) (*financing.Application, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Application")
	if err != nil {
		return nil, err
	}
	a, err := applications.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return &a, visibleTo(tx, actor, a.Bank, a.Applicant)
}

// ApplicationPage is one page of applications.
type ApplicationPage struct {
	Applications []financing.Application `json:"applications"`
	Next         string                  `json:"next"`
}

// Applications returns a page of the applications that the caller may see, after the bookmark. A page may be short.
func (*Financing) Applications(ctx *ledger.Context, size int, after string) (*ApplicationPage, error) {
	return applicationPage(ctx, "financing:Applications", size, after, func(financing.Application) bool { return true })
}

// OpenApplications is Applications without those that have ended.
func (*Financing) OpenApplications(ctx *ledger.Context, size int, after string) (*ApplicationPage, error) {
	return applicationPage(ctx, "financing:OpenApplications", size, after, financing.Application.Open)
}

func applicationPage(ctx *ledger.Context, function string, size int, after string, wanted func(financing.Application) bool) (*ApplicationPage, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise(function)
	if err != nil {
		return nil, err
	}
	items, next, err := applications.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	list, err := visible(tx, actor, bodies(items), func(a financing.Application) (string, string) { return a.Bank, a.Applicant })
	page := &ApplicationPage{Applications: []financing.Application{}, Next: next}
	for _, a := range list {
		if wanted(a) {
			page.Applications = append(page.Applications, a)
		}
	}
	return page, err
}

// visible keeps what the caller may see.
func visible[T any](tx *ledger.Tx, actor member.Actor, list []T, of func(T) (bank, party string)) ([]T, error) {
	out := []T{}
	for _, one := range list {
		bank, party := of(one)
		switch err := visibleTo(tx, actor, bank, party); {
		case err == nil:
			out = append(out, one)
		case fault.CodeOf(err) != fault.NotPermitted:
			return nil, err
		}
	}
	return out, nil
}

// Case returns everything that a decision on the application depends on, with the score and in the lanes that the bank picks
// (none: the first of each limit). financing.Decide makes the decision of it, the same here and there. A score that is not on
// the ledger yet comes as the sealed input (credit.Submission) and is verified as if it were submitted.
func (*Financing) Case(ctx *ledger.Context, id, score string, picked []int) (*financing.Case, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Case")
	if err != nil {
		return nil, err
	}
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	if err := visibleTo(tx, actor, a.Bank, ""); err != nil {
		return nil, err
	}
	var s credit.Score
	in, err := ledger.Input[credit.Submission](tx)
	switch {
	case err == nil:
		s, err = verifyScore(tx, in, a, actor)
	case fault.CodeOf(err) == fault.InputMissing:
		s, err = scores.Get(tx, score)
	}
	if err != nil {
		return nil, err
	}
	c, _, err := loadCase(tx, a, desk, s, picked)
	return &c, err
}

// LoanView is a loan as it stands today.
type LoanView struct {
	financing.Loan
	DaysPastDue int64            `json:"days_past_due"`
	Standing    financing.Bucket `json:"standing"`
}

func loanView(tx *ledger.Tx, l financing.Loan) (LoanView, error) {
	now, err := l.At(tx.Today())
	return LoanView{Loan: now, DaysPastDue: now.DaysPastDue(tx.Today()), Standing: now.Standing(tx.Today())}, err
}

// Loan returns a loan with its interest up to today, to its bank, its borrower and the regulator.
func (*Financing) Loan(ctx *ledger.Context, id string) (*LoanView, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Loan")
	if err != nil {
		return nil, err
	}
	l, err := loans.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if err := visibleTo(tx, actor, l.Bank, l.Borrower); err != nil {
		return nil, err
	}
	v, err := loanView(tx, l)
	return &v, err
}

// LoanPage is one page of loans.
type LoanPage struct {
	Loans []LoanView `json:"loans"`
	Next  string     `json:"next"`
}

// Loans returns a page of the loans that the caller may see, after the bookmark. A page may be short.
func (*Financing) Loans(ctx *ledger.Context, size int, after string) (*LoanPage, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Loans")
	if err != nil {
		return nil, err
	}
	items, next, err := loans.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	list, err := visible(tx, actor, bodies(items), func(l financing.Loan) (string, string) { return l.Bank, l.Borrower })
	if err != nil {
		return nil, err
	}
	page := &LoanPage{Loans: []LoanView{}, Next: next}
	for _, l := range list {
		v, err := loanView(tx, l)
		if err != nil {
			return nil, err
		}
		page.Loans = append(page.Loans, v)
	}
	return page, nil
}

// Policy returns a version of a bank's policy, to the bank and the regulator.
func (*Financing) Policy(ctx *ledger.Context, id string) (*financing.Policy, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Policy")
	if err != nil {
		return nil, err
	}
	p, err := policies.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return &p, visibleTo(tx, actor, p.Bank, "")
}

// ActivePolicy returns the policy that is active on a desk, to the bank and the regulator.
func (*Financing) ActivePolicy(ctx *ledger.Context, desk string) (*financing.Policy, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:ActivePolicy")
	if err != nil {
		return nil, err
	}
	p, err := activePolicy(tx, desk)
	if err != nil {
		return nil, err
	}
	return &p, visibleTo(tx, actor, p.Bank, "")
}

// LimitView is a limit with its lanes.
type LimitView struct {
	financing.Limit
	UsedMinor int64            `json:"used_minor"`
	Lanes     []financing.Lane `json:"lane_list"`
}

// Limit returns a limit with its lanes, to the bank and the regulator.
func (*Financing) Limit(ctx *ledger.Context, id string) (*LimitView, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Limit")
	if err != nil {
		return nil, err
	}
	l, list, err := limitWith(tx, id)
	if err != nil {
		return nil, err
	}
	v := &LimitView{Limit: l, Lanes: list}
	for _, lane := range list {
		v.UsedMinor += lane.UsedMinor
	}
	return v, visibleTo(tx, actor, l.Bank, "")
}

// ownLimit loads a limit of the caller's bank with its lanes.
func ownLimit(tx *ledger.Tx, id string) (financing.Limit, []financing.Lane, error) {
	l, list, err := limitWith(tx, id)
	if err == nil && l.Bank != tx.Caller().MSP {
		err = fault.New(fault.NotPermitted, "limit %s is another bank's", id)
	}
	return l, list, err
}
