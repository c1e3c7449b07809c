package projection

import (
	"context"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Totals of loans. Scope is a bank (mspScope) and, for the regulator, everybody.
const (
	exposureName      = "exposure"       // outstanding principal by borrower
	buyerExposureName = "buyer-exposure" // outstanding principal that rests on claims against a buyer, by buyer
	unpaidName        = "unpaid"         // outstanding principal by the day since when something is unpaid, or is due next
)

// ActivePolicy names the policy that is active on a desk.
type ActivePolicy struct {
	Policy string `json:"policy"`
}

func financingKinds() []kind {
	return []kind{
		kindOf("policy", bankOnly, func(p *financing.Policy, _ lookup, r *row) error {
			r.status, r.msp = string(p.Status), p.Bank
			return nil
		}),
		kindOf("active-policy", bankOnly, func(a *ActivePolicy, l lookup, r *row) error {
			var p financing.Policy
			_, err := l("policy", a.Policy, &p)
			r.msp = p.Bank
			r.link("is", "policy", a.Policy)
			return err
		}),
		kindOf("application", forBank, deriveApplication),
		kindOf("loan", forBank, deriveLoan),
		kindOf("limit", bankOnly, func(x *financing.Limit, _ lookup, r *row) error {
			r.status, r.msp = string(x.Kind), x.Bank
			return nil
		}),
		kindOf("lane", bankOnly, func(x *financing.Lane, l lookup, r *row) error {
			var limit financing.Limit
			_, err := l("limit", x.Limit, &limit)
			r.msp = limit.Bank
			r.link("part", "limit", x.Limit)
			r.columns("lane", "credit", x.Limit, "number", int64(x.Number), "cap_minor", x.CapMinor, "used_minor", x.UsedMinor)
			return err
		}),
	}
}

func (r *row) linkCollateral(list []financing.Ref) {
	for _, c := range list {
		if c.Kind == financing.Receipt {
			r.link(roleCollateral, "receipt", c.ID)
			continue
		}
		if key, err := fragmentKey(c.ID); err == nil {
			r.link(roleCollateral, "fragment", key)
		}
	}
}

func deriveApplication(a *financing.Application, _ lookup, r *row) error {
	r.status, r.due, r.msp = string(a.Status), dayText(a.OpenUntil), a.Bank
	r.concern(a.Applicant)
	r.linkCollateral(a.Collateral)
	r.link("consent", "consent", a.Consent)
	if a.Decision != nil {
		r.link("score", "score", a.Decision.Score)
		r.link("policy", "policy", a.Decision.Policy)
	}
	tender := ""
	if a.Tender != nil {
		tender = a.Tender.ID
	}
	amount := a.AdvanceMinor
	if a.Decision != nil && a.Decision.Terms != nil {
		amount = a.Decision.Terms.AdvanceMinor
	}
	r.columns("application", "bank", a.Bank, "applicant", a.Applicant, "product", string(a.Product), "tender", tender,
		"currency", a.Currency, "amount_minor", amount)
	return nil
}

func deriveLoan(l *financing.Loan, _ lookup, r *row) error {
	r.status, r.due, r.msp = string(l.Status), dayText(l.Terms.MaturityOn), l.Bank
	r.concern(l.Borrower)
	r.link(roleCause, "application", l.Application)
	r.linkCollateral(l.Collateral)
	since := ""
	if l.Status == financing.Active || l.Status == financing.Defaulted {
		day := unpaidSince(*l)
		since = dayText(day)
		uses, err := l.Outstanding()
		if err != nil {
			return err
		}
		for _, scope := range []string{"", mspScope(l.Bank)} {
			r.totals = append(r.totals, total{name: exposureName, scope: scope, subject: l.Borrower, currency: l.Terms.Currency, minor: l.Owed.PrincipalMinor})
			r.add(unpaidName, scope, "", l.Terms.Currency, day, l.Owed.PrincipalMinor)
			for _, u := range uses {
				if u.Kind == financing.PerBuyer {
					r.totals = append(r.totals, total{name: buyerExposureName, scope: scope, subject: u.Subject, currency: l.Terms.Currency, minor: u.Minor})
				}
			}
		}
	}
	r.columns("loan", "bank", l.Bank, "borrower", l.Borrower, "product", string(l.Product), "currency", l.Terms.Currency,
		"advance_minor", l.Terms.AdvanceMinor, "principal_minor", l.Owed.PrincipalMinor, "unpaid_since", since)
	return nil
}

// unpaidSince is the oldest day of the schedule whose principal is not repaid (Loan.DaysPastDue counts from it), else maturity.
func unpaidSince(l financing.Loan) calendar.Date {
	reached := int64(0)
	for _, d := range l.Terms.Schedule {
		if reached += d.PrincipalMinor; reached > l.Paid.PrincipalMinor {
			return d.On
		}
	}
	return l.Terms.MaturityOn
}

// ApplicationFilter filters a list of applications; empty fields filter nothing.
type ApplicationFilter struct {
	Common
	Applicant, Bank, Product, Tender string
	// Open keeps those that have not ended, Tendered those for which banks compete.
	Open, Tendered bool
}

func (f ApplicationFilter) listing() listing {
	l := listing{typ: "application", Common: f.Common, table: "application"}
	l.where("tender", f.Tender)
	l.where("applicant", f.Applicant)
	l.where("bank", f.Bank)
	l.where("product", f.Product)
	if f.Tendered {
		l.known("tender")
	}
	if f.Open && len(l.Status) == 0 {
		l.Status = []string{string(financing.Submitted), string(financing.Referred), string(financing.Approved)}
	}
	return l
}

// Applications lists applications: a bank's own, and those of the viewer's party. With Tender it lists the offers of a tender,
// of which a bank sees its own only.
func (s *Store) Applications(ctx context.Context, v Viewer, f ApplicationFilter, p Page) (Slice[financing.Application], error) {
	return page(ctx, s, v, f.listing(), p, func(_ context.Context, a financing.Application) (financing.Application, bool, error) {
		return applicationFor(v, a), true, nil
	})
}

// Application returns an application, or RECORD_NOT_FOUND.
func (s *Store) Application(ctx context.Context, v Viewer, id string) (financing.Application, error) {
	a, err := one[financing.Application](ctx, s, v, "application", id)
	return applicationFor(v, a), err
}

// applicationFor hides from everybody but the bank and the regulator which parties trade with each other in a finding.
func applicationFor(v Viewer, a financing.Application) financing.Application {
	if v.Kind == member.Bank || v.Kind == member.Regulator {
		return a
	}
	return a.ForApplicant()
}

// LoanView is a loan as it stands on a day.
type LoanView struct {
	financing.Loan
	DaysPastDue int64            `json:"days_past_due"`
	Standing    financing.Bucket `json:"standing"`
}

func loanView(l financing.Loan, today calendar.Date) (LoanView, error) {
	if today.Before(l.AccruedTo) {
		today = l.AccruedTo
	}
	now, err := l.At(today)
	return LoanView{Loan: now, DaysPastDue: now.DaysPastDue(today), Standing: now.Standing(today)}, err
}

// LoanFilter filters a list of loans; empty fields filter nothing.
type LoanFilter struct {
	Common
	Borrower, Bank, Product string
	// Application keeps the loan of one application.
	Application string
}

func (f LoanFilter) listing() listing {
	l := listing{typ: "loan", Common: f.Common, table: "loan"}
	l.where("borrower", f.Borrower)
	l.where("bank", f.Bank)
	l.where("product", f.Product)
	if f.Application != "" {
		l.to = &link{roleCause, "application", f.Application}
	}
	return l
}

// Loans lists loans with their interest up to today: a bank's own, and those of the viewer's party.
func (s *Store) Loans(ctx context.Context, v Viewer, f LoanFilter, today calendar.Date, p Page) (Slice[LoanView], error) {
	return page(ctx, s, v, f.listing(), p, func(_ context.Context, l financing.Loan) (LoanView, bool, error) {
		view, err := loanView(l, today)
		return view, true, err
	})
}

// Loan returns a loan with its interest up to today, or RECORD_NOT_FOUND.
func (s *Store) Loan(ctx context.Context, v Viewer, id string, today calendar.Date) (LoanView, error) {
	l, err := one[financing.Loan](ctx, s, v, "loan", id)
	if err != nil {
		return LoanView{}, err
	}
	return loanView(l, today)
}

// Policies lists the versions of a bank's policies, to the bank and the regulator.
func (s *Store) Policies(ctx context.Context, v Viewer, c Common, p Page) (Slice[financing.Policy], error) {
	return page(ctx, s, v, listing{typ: "policy", Common: c}, p, whole[financing.Policy])
}

// Policy returns a version of a bank's policy, or RECORD_NOT_FOUND.
func (s *Store) Policy(ctx context.Context, v Viewer, id string) (financing.Policy, error) {
	return one[financing.Policy](ctx, s, v, "policy", id)
}

// ActivePolicy returns the policy that is active on a desk, or RECORD_NOT_FOUND.
func (s *Store) ActivePolicy(ctx context.Context, v Viewer, desk string) (financing.Policy, error) {
	a, err := one[ActivePolicy](ctx, s, v, "active-policy", desk)
	if err != nil {
		return financing.Policy{}, err
	}
	return s.Policy(ctx, v, a.Policy)
}

// LimitView is a limit with what is used of it, over all its lanes.
type LimitView struct {
	financing.Limit
	UsedMinor int64 `json:"used_minor"`
}

// Limits lists a bank's limits, to the bank and the regulator; kind filters where it is not "".
func (s *Store) Limits(ctx context.Context, v Viewer, k financing.LimitKind, p Page) (Slice[LimitView], error) {
	l := listing{typ: "limit"}
	if k != "" {
		l.Status = []string{string(k)}
	}
	return page(ctx, s, v, l, p, func(ctx context.Context, x financing.Limit) (LimitView, bool, error) {
		view, err := s.limitView(ctx, x)
		return view, true, err
	})
}

// Limit returns a limit, or RECORD_NOT_FOUND.
func (s *Store) Limit(ctx context.Context, v Viewer, id string) (LimitView, error) {
	x, err := one[financing.Limit](ctx, s, v, "limit", id)
	if err != nil {
		return LimitView{}, err
	}
	return s.limitView(ctx, x)
}

func (s *Store) limitView(ctx context.Context, x financing.Limit) (LimitView, error) {
	view := LimitView{Limit: x}
	err := s.reader(ctx).QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(used_minor), 0) AS BIGINT) FROM lane WHERE credit = $1`, x.ID).Scan(&view.UsedMinor)
	return view, err
}

// Lanes lists the lanes of a limit that the viewer may see, in their order.
func (s *Store) Lanes(ctx context.Context, v Viewer, limit string) ([]financing.Lane, error) {
	x, err := s.Limit(ctx, v, limit)
	if err != nil {
		return nil, err
	}
	list := make([]financing.Lane, 0, x.Lanes)
	for n := range x.Lanes {
		lane, ok, err := whatever[financing.Lane](ctx, s, "lane", limit+"/"+strconv.Itoa(n))
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, lane)
		}
	}
	return list, nil
}

// words are the terms by which a text is found: itself, folded, and each part of it from a word's beginning to the text's end,
// so that a search for the beginning of any word finds it. Chinese has no spaces: every character begins a word.
func words(text string) []string {
	text = fold(text)
	if text == "" {
		return nil
	}
	list := []string{text}
	inside := true
	for i, c := range text {
		begins := isWord(c)
		if i > 0 && begins && (!inside || c >= 0x2e80) && len(list) < maxWords {
			list = append(list, text[i:])
		}
		inside = begins
	}
	return list
}

const (
	maxWords     = 32
	maxTermRunes = 128
)

func isWord(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}

// fold is a text as the search compares it: in lower case, with single spaces, of a bounded length.
func fold(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > maxTermRunes {
		text = string(runes[:maxTermRunes])
	}
	return text
}
