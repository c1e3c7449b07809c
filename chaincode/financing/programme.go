package financing

import (
	"fmt"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of a programme's terms.
const (
	MaxDiscounts = 50
	MaxFunders   = 20
)

// CostBearer says who pays for early payment.
type CostBearer string

// The bearers of the cost.
const (
	SupplierPays CostBearer = "supplier" // the discount is kept back from the payout
	BuyerPays    CostBearer = "buyer"    // the supplier gets the face; the buyer owes the bank the discount
)

// Discount is a cell of a programme's grid: the rate for what is due in at most MaxTenorDays.
type Discount struct {
	MaxTenorDays int64             `json:"max_tenor_days"`
	Rate         money.BasisPoints `json:"rate_bp"`
}

// ProgrammeTerms are what a buyer offers its suppliers by way of its banks: early payment of what it has confirmed.
type ProgrammeTerms struct {
	Currency     string            `json:"currency"`
	Grid         []Discount        `json:"grid"` // by tenor, the shortest first
	Cost         CostBearer        `json:"cost"`
	MaxTenorDays int64             `json:"max_tenor_days"`
	DayCount     calendar.DayCount `json:"day_count"`
	Rounding     money.Rounding    `json:"rounding"`
}

// Validate reports every failure of the input with its field and value.
func (t ProgrammeTerms) Validate() error {
	var f fault.Fields
	money.Zero(t.Currency).Check(&f, "terms")
	checkRange(&f, "max_tenor_days", t.MaxTenorDays, 1, MaxTenorDays)
	addErr(&f, "day_count", t.DayCount, t.DayCount.Validate())
	addErr(&f, "rounding", t.Rounding, t.Rounding.Validate())
	if t.Cost != SupplierPays && t.Cost != BuyerPays {
		f.Add("cost", t.Cost, "must be supplier or buyer")
	}
	if len(t.Grid) == 0 || len(t.Grid) > MaxDiscounts {
		f.Add("grid", len(t.Grid), "must have 1 to %d cells", MaxDiscounts)
		return f.Err()
	}
	for i, d := range t.Grid {
		path := fmt.Sprintf("grid[%d]", i)
		checkRange(&f, path+".rate_bp", int64(d.Rate), 0, MaxRateBP)
		checkRange(&f, path+".max_tenor_days", d.MaxTenorDays, 1, MaxTenorDays)
		if i > 0 && t.Grid[i-1].MaxTenorDays >= d.MaxTenorDays {
			f.Add(path+".max_tenor_days", d.MaxTenorDays, "must be above the cell before it")
		}
	}
	if t.Grid[len(t.Grid)-1].MaxTenorDays < t.MaxTenorDays {
		f.Add("grid", t.MaxTenorDays, "must price terms up to max_tenor_days")
	}
	return f.Err()
}

// rate is the first cell that covers the tenor.
func (t ProgrammeTerms) rate(days int64) (money.BasisPoints, bool) {
	for _, d := range t.Grid {
		if days <= d.MaxTenorDays {
			return d.Rate, days <= t.MaxTenorDays
		}
	}
	return 0, false
}

// Funder is a bank that has agreed to the active terms.
type Funder struct {
	Bank  string       `json:"bank"`  // MSP id
	Party string       `json:"party"` // the bank's party id
	Desk  string       `json:"desk"`
	By    member.Actor `json:"by"`
	At    time.Time    `json:"at"`
}

// Programme is a buyer's early payment programme, on the circle with the id. The buyer's two people set the terms; banks agree to them;
// suppliers enrol.
type Programme struct {
	ID         string          `json:"id"`
	Buyer      string          `json:"buyer"`
	Version    int64           `json:"version"` // of the active terms; 0 before the first
	Active     *ProgrammeTerms `json:"active,omitempty"`
	Proposed   *ProgrammeTerms `json:"proposed,omitempty"`
	ProposedBy *member.Actor   `json:"proposed_by,omitempty"`
	ApprovedBy *member.Actor   `json:"approved_by,omitempty"`
	ApprovedAt time.Time       `json:"approved_at,omitzero"`
	Funders    []Funder        `json:"funders"`
}

// Propose proposes terms, by the buyer's maker.
func (p Programme) Propose(t ProgrammeTerms, by member.Actor) (Programme, error) {
	if err := t.Validate(); err != nil {
		return p, err
	}
	if by.Party == "" || by.Party != p.Buyer {
		return p, fault.New(fault.NotPermitted, "programme %s is another buyer's", p.ID)
	}
	p.Proposed, p.ProposedBy = &t, &by
	return p, nil
}

// Approve makes the proposed terms active, by another user of the buyer. Banks agree to each version anew.
func (p Programme) Approve(by member.Actor, at time.Time) (Programme, error) {
	switch {
	case by.Party == "" || by.Party != p.Buyer:
		return p, fault.New(fault.NotPermitted, "programme %s is another buyer's", p.ID)
	case p.Proposed == nil:
		return p, fault.New(fault.TransitionDenied, "nobody has proposed terms for programme %s", p.ID)
	case sameUser(by, *p.ProposedBy):
		return p, fault.New(fault.MakerIsChecker, "terms must be approved by another user")
	}
	p.Active, p.Proposed, p.ApprovedBy, p.ApprovedAt, p.Funders = p.Proposed, nil, &by, at, []Funder{}
	p.Version++
	return p, nil
}

// Fund records that a bank agrees to the active terms.
func (p Programme) Fund(desk string, by member.Actor, at time.Time) (Programme, error) {
	if p.Active == nil {
		return p, fault.New(fault.TransitionDenied, "programme %s has no terms to agree to", p.ID)
	}
	if _, funds := p.FundedBy(by.MSP); funds || len(p.Funders) >= MaxFunders {
		return p, fault.New(fault.RecordExists, "%s funds programme %s already, or it has %d banks", by.MSP, p.ID, MaxFunders)
	}
	p.Funders = append(slices.Clone(p.Funders), Funder{Bank: by.MSP, Party: by.Party, Desk: desk, By: by, At: at})
	return p, nil
}

// FundedBy returns what a bank has agreed to.
func (p Programme) FundedBy(bank string) (Funder, bool) {
	for _, f := range p.Funders {
		if f.Bank == bank {
			return f, true
		}
	}
	return Funder{}, false
}

// Enrolment is a supplier's standing wish for early payment by one of a programme's banks. It lets the bank offer; each offer is
// accepted or left.
type Enrolment struct {
	Programme string       `json:"programme"`
	Party     string       `json:"party"`
	Host      string       `json:"host"`
	Bank      string       `json:"bank"`
	Desk      string       `json:"desk"`
	By        member.Actor `json:"by"`
	At        time.Time    `json:"at"`
	EndedAt   time.Time    `json:"ended_at,omitzero"`
}

// Enrol makes the enrolment of the actor's party with a bank of the programme.
func (p Programme) Enrol(bank string, by member.Actor, at time.Time) (Enrolment, error) {
	funder, funds := p.FundedBy(bank)
	if !funds {
		return Enrolment{}, fault.New(fault.NotPermitted, "%s does not fund programme %s", bank, p.ID)
	}
	if by.Party == "" || by.Party == p.Buyer {
		return Enrolment{}, fault.New(fault.NotPermitted, "only a supplier enrols")
	}
	return Enrolment{Programme: p.ID, Party: by.Party, Host: by.MSP, Bank: bank, Desk: funder.Desk, By: by, At: at}, nil
}

// Live reports whether the enrolment has not ended.
func (e Enrolment) Live() bool { return e.EndedAt.IsZero() }

// End ends the enrolment. Offers that are open stay open until their day.
func (e Enrolment) End(by member.Actor, at time.Time) (Enrolment, error) {
	if by.Party != e.Party || !e.Live() {
		return e, fault.New(fault.NotPermitted, "this is another party's enrolment, or it has ended")
	}
	e.EndedAt = at
	return e, nil
}

// DecideEarly is the offer that a programme gives on one confirmed claim of an enrolled supplier: the whole face, without recourse, at
// the grid's discount, inside the bank's limits. There is no score, because the buyer owes the claim; every other rule of the bank's
// policy holds, and where anything is found there is no automatic offer. OFFER_NOT_MADE says why.
func DecideEarly(c Case) (Decision, error) {
	p, a := c.Programme, c.Application
	if p == nil || p.Active == nil || len(c.Collateral) != 1 {
		return Decision{}, fault.New(fault.OfferNotMade, "there is no programme behind application %s", a.ID)
	}
	if c.Policy.Status != PolicyActive || c.Policy.Bank != a.Bank {
		return Decision{}, fault.New(fault.PolicyNotActive, "policy %s is not the active policy of %s", c.Policy.ID, a.Bank)
	}
	claim := c.Collateral[0]
	if _, funds := p.FundedBy(a.Bank); !funds || claim.Circle != p.ID || claim.Buyer != p.Buyer || claim.Owner != a.Applicant || claim.ReservedFor != "" {
		return Decision{}, fault.New(fault.OfferNotMade, "claim %s is not one of programme %s, or not free", claim.ID, p.ID)
	}
	d := Decision{Outcome: Approve, Reasons: []Because{}, Policy: c.Policy.ID, PolicyVersion: c.Policy.Version, DecidedOn: c.Today}
	days := int64(calendar.DaysBetween(c.Today, claim.DueOn))
	rate, inside := p.Active.rate(days)
	if !inside {
		d.because(TenorTooLong, "")
	}
	c.checkProduct(&d, claim.DueOn, days)
	if _, err := c.warn(&d, false); err != nil {
		return d, err
	}
	advance, uses, err := c.advance(&d, len(d.Reasons) > 0)
	if err != nil {
		return d, err
	}
	if len(d.Reasons) > 0 || advance != claim.ValueMinor || p.Active.Currency != claim.Currency {
		return d, fault.New(fault.OfferNotMade, "the programme's terms and the bank's policy give no offer on claim %s: %v", claim.ID, codes(d.Reasons))
	}
	d.Terms, err = p.Active.early(advance, rate, c.Today, claim.DueOn, days)
	d.Uses = uses
	return d, err
}

func codes(list []Because) []ReasonCode {
	out := []ReasonCode{}
	for _, b := range list {
		out = append(out, b.Code)
	}
	return out
}

// early are the terms of early payment: the discount is interest up to the due date, counted in advance on the face.
func (t ProgrammeTerms) early(face int64, rate money.BasisPoints, today, due calendar.Date, tenor int64) (*LoanTerms, error) {
	days, year, err := t.DayCount.Fraction(today, due)
	if err != nil {
		return nil, err
	}
	interest, err := Accrual{}.Add(face, rate, days, year)
	if err != nil {
		return nil, err
	}
	discount := interest.Payable(year, t.Rounding)
	if discount >= face {
		return nil, fault.New(fault.OfferNotMade, "the discount would be more than the claim")
	}
	l := &LoanTerms{Currency: t.Currency, AdvanceMinor: face, DayCount: t.DayCount, Rounding: t.Rounding, Repayment: Bullet, MaturityOn: due,
		Schedule: []Due{{On: due, PrincipalMinor: face}}, DefaultAfter: earlyDefaultAfterDays}
	if t.Cost == BuyerPays {
		l.BuyerCostMinor = discount
		return l, nil
	}
	l.FeeMinor, l.TotalCostMinor = discount, discount
	l.AnnualCostBP, err = AnnualCostBP(face-discount, []Flow{{Day: tenor, Minor: face}})
	return l, err
}

// earlyDefaultAfterDays is how long the buyer is late before the bank may call it: without recourse the supplier owes nothing then.
const earlyDefaultAfterDays = 90

// OfferOf makes an application of an early payment that waits for its supplier only.
func (e Enrolment) OfferOf(id string, ref Ref, currency string, by member.Actor, at time.Time) (Application, error) {
	if by.MSP != e.Bank || !e.Live() {
		return Application{}, fault.New(fault.NotPermitted, "party %s is not enrolled with this bank", e.Party)
	}
	var f fault.Fields
	checkID(&f, "id", id)
	r := Request{ID: id, Bank: e.Bank, Product: ReverseFactoring, Collateral: []Ref{ref}, Currency: currency}
	return Application{Request: r, Applicant: e.Party, Host: e.Host, AppliedBy: by, AppliedAt: at, AppliedOn: calendar.From(at)}, f.Err()
}

// Offer settles such an application with its terms, which are open for the policy's days and not beyond the claim's due date.
func (a Application) Offer(d Decision, p Policy, by member.Actor, at time.Time) (Application, error) {
	next, err := ApplicationTable.Next("", OfferEarly)
	if err != nil {
		return a, err
	}
	a.Status, a.Decision, a.DecidedBy, a.DecidedAt = next, &d, &by, at
	if a, err = a.extend(p, at); err != nil {
		return a, err
	}
	if last, err := d.Terms.MaturityOn.AddDays(-1); err == nil && last.Before(a.OpenUntil) {
		a.OpenUntil = last
	}
	return a, nil
}
