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
	if err := visibleTo(tx, actor, a.Bank, a.Applicant); err != nil {
		return nil, err
	}
	a, err = seenBy(tx, actor, a)
	return &a, err
}

// seenBy hides from the applicant what a decision says of others: whom its partners trade with.
func seenBy(tx *ledger.Tx, actor member.Actor, a financing.Application) (financing.Application, error) {
	if actor.MSP == a.Bank {
		return a, nil
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	if err != nil || m.Kind == member.Regulator {
		return a, err
	}
	return a.ForApplicant(), nil
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
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if !wanted(a) {
			continue
		}
		if a, err = seenBy(tx, actor, a); err != nil {
			return nil, err
		}
		page.Applications = append(page.Applications, a)
	}
	return page, nil
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

// CaseInput is the sealed input of Case: a score that is not on the ledger yet, and the circles of trades that the bank has found.
type CaseInput struct {
	Submission *credit.Submission `json:"submission,omitempty"`
	Trips      [][]string         `json:"trips,omitempty"`
}

// Validate reports every failure of the input with its field and value.
func (in CaseInput) Validate() error {
	var f fault.Fields
	financing.CheckTrips(&f, in.Trips)
	if err := f.Err(); err != nil || in.Submission == nil {
		return err
	}
	return in.Submission.Validate()
}

// Case returns everything that a decision on the application depends on, with the score and in the lanes that the bank picks
// (none: those that the application's id gives). financing.Decide makes the decision of it, the same here and there. A score that
// is not on the ledger yet comes in the sealed input (CaseInput) and is verified as if it were submitted.
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
	in, err := ledger.Input[CaseInput](tx)
	if err != nil && fault.CodeOf(err) != fault.InputMissing {
		return nil, err
	}
	var s credit.Score
	if in.Submission != nil {
		s, err = verifyScore(tx, *in.Submission, a, actor)
	} else {
		s, err = scores.Get(tx, score)
	}
	if err != nil {
		return nil, err
	}
	c, _, err := loadCase(tx, a, desk, s, brought{lanes: picked, trips: in.Trips})
	return &c, err
}

// Dossier is what an underwriter begins with.
type Dossier struct {
	Application financing.Application `json:"application"`
	Policy      financing.Policy      `json:"policy"`
	// Consent and Model are left out where there is none.
	Consent *credit.Consent `json:"consent,omitempty"`
	Model   *credit.Model   `json:"model,omitempty"`
	// Scores are those of the ids asked for that are on the ledger, in their order.
	Scores []credit.Score `json:"scores"`
}

// maxDossierScores is the most scores that one dossier looks for.
const maxDossierScores = 20

// Dossier returns the application with the bank's policy and champion, the applicant's consent, and the scores with the ids that are on
// the ledger: one query instead of five before a decision.
func (*Financing) Dossier(ctx *ledger.Context, id string, ids []string) (*Dossier, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Dossier")
	if err != nil {
		return nil, err
	}
	if len(ids) > maxDossierScores {
		return nil, fault.New(fault.InputTooLarge, "there may be at most %d scores", maxDossierScores)
	}
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	if err := visibleTo(tx, actor, a.Bank, ""); err != nil {
		return nil, err
	}
	d := &Dossier{Application: a, Scores: []credit.Score{}}
	if d.Policy, err = activePolicy(tx, desk); err != nil {
		return nil, err
	}
	if consent, found, err := consents.Find(tx, a.Consent); err != nil {
		return nil, err
	} else if found {
		d.Consent = &consent
	}
	if champion, found, err := champions.Find(tx, a.Bank); err != nil {
		return nil, err
	} else if found {
		m, err := models.Get(tx, champion.Model)
		if err != nil {
			return nil, err
		}
		d.Model = &m
	}
	for _, one := range ids {
		if s, found, err := scores.Find(tx, one); err != nil {
			return nil, err
		} else if found {
			d.Scores = append(d.Scores, s)
		}
	}
	return d, nil
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
