package financing

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Due is a day on which a part of the principal is due; interest and fees that have accrued are due with it.
type Due struct {
	On             calendar.Date `json:"on"`
	PrincipalMinor int64         `json:"principal_minor"`
	// InterestMinor is what is due with it where the loan is drawn on the day of the decision and goes by the schedule.
	InterestMinor int64 `json:"interest_minor"`
}

// LoanTerms are the terms of a loan. They are part of the decision and never change afterwards.
type LoanTerms struct {
	Currency     string            `json:"currency"`
	AdvanceMinor int64             `json:"advance_minor"` // principal
	FeeMinor     int64             `json:"fee_minor"`     // kept back from the payout
	Rate         money.BasisPoints `json:"rate_bp"`
	Penalty      money.BasisPoints `json:"penalty_bp"` // on top, on overdue principal
	DayCount     calendar.DayCount `json:"day_count"`
	Rounding     money.Rounding    `json:"rounding"`
	Repayment    Repayment         `json:"repayment"`
	MaturityOn   calendar.Date     `json:"maturity_on"`
	Schedule     []Due             `json:"schedule"`
	WithRecourse bool              `json:"with_recourse"`
	DefaultAfter int64             `json:"default_after_days"`
	// BuyerCostMinor is the discount that the buyer owes the bank, where a programme's cost is the buyer's.
	BuyerCostMinor int64 `json:"buyer_cost_minor,omitempty"`
	// InterestMinor, TotalCostMinor and AnnualCostBP are what the loan costs if it is drawn on the day of the decision and
	// paid on the days of the schedule.
	InterestMinor  int64 `json:"interest_minor"`
	TotalCostMinor int64 `json:"total_cost_minor"`
	AnnualCostBP   int64 `json:"annual_cost_bp"`
}

func (c Case) terms(advance int64, rate money.BasisPoints, maturity calendar.Date) (*LoanTerms, error) {
	t := c.Policy.Terms
	fee, err := money.MulDiv(advance, int64(t.Fee), int64(money.Whole), t.Rounding)
	if err != nil {
		return nil, err
	}
	l := &LoanTerms{
		Currency: t.Currency, AdvanceMinor: advance, FeeMinor: max(fee, t.FeeMinMinor), Rate: rate, Penalty: t.Penalty,
		DayCount: t.DayCount, Rounding: t.Rounding, Repayment: t.Repayment, MaturityOn: maturity, WithRecourse: t.WithRecourse,
		DefaultAfter: t.DefaultAfterDays,
	}
	if err = l.schedule(t, c.Today); err != nil {
		return nil, err
	}
	if l.FeeMinor >= advance {
		return l, nil // the caller declines
	}
	return l, l.quote(c.Today)
}

// schedule lists the days on which principal is due. Instalments fall due monthly, counted back from maturity so that the
// last period is never a stub, each on a business day. Equal parts of principal differ by one minor unit at most, the larger
// ones first; those of an annuity follow from annuity.
func (l *LoanTerms) schedule(t Terms, from calendar.Date) error {
	days := []calendar.Date{l.MaturityOn}
	for n := 1; t.Repayment != Bullet && n < MaxInstalments; n++ {
		on, err := l.MaturityOn.AddMonths(-n)
		if err != nil {
			return err
		}
		if on, err = t.Calendar.Adjust(on, t.BusinessDays); err != nil {
			return err
		}
		if !on.After(from) {
			break
		}
		if on.Before(days[0]) {
			days = append([]calendar.Date{on}, days...)
		}
	}
	parts, err := money.Amount{Minor: l.AdvanceMinor, Currency: t.Currency}.Split(len(days))
	if err != nil {
		return err
	}
	l.Schedule = make([]Due, len(days))
	for i, on := range days {
		l.Schedule[i] = Due{On: on, PrincipalMinor: parts[i].Minor}
	}
	if t.Repayment == Annuity {
		return l.annuity(from)
	}
	return nil
}

// annuity divides the principal over the schedule so that every instalment, interest and principal together, is the same amount, and
// the last one absorbs what rounding has left: it is at most as large. The amount is the smallest whole number of minor units for
// which that holds; it is found by bisection over the interest that the loan's account will really charge (its day count, its
// rounding), so there is no formula with a root, and no rate that is divided by twelve.
func (l *LoanTerms) annuity(from calendar.Date) error {
	high := 8 * l.AdvanceMinor // always enough: five years at the highest rate are six times the principal
	low := int64(0)            // never enough
	for high-low > 1 {
		middle := low + (high-low)/2
		list, err := l.instalments(from, middle)
		if err != nil {
			return err
		}
		if list == nil {
			low = middle
		} else {
			high = middle
		}
	}
	list, err := l.instalments(from, high)
	if err == nil && list == nil {
		err = fault.New(fault.InternalError, "no instalment repays the loan")
	}
	l.Schedule = list
	return err
}

// instalments is the schedule with instalments of the amount, or nothing where the amount is too small for it: an instalment would
// repay nothing, or the last one would be larger.
func (l *LoanTerms) instalments(from calendar.Date, minor int64) ([]Due, error) {
	list := slices.Clone(l.Schedule)
	last := len(list) - 1
	var interest Accrual
	outstanding, since := l.AdvanceMinor, from
	for i, due := range list {
		days, year, err := l.DayCount.Fraction(since, due.On)
		if err != nil {
			return nil, err
		}
		if interest, err = interest.Add(outstanding, l.Rate, days, year); err != nil {
			return nil, err
		}
		now := interest.Payable(year, l.Rounding)
		interest = interest.Pay(now)
		part := min(minor-now, outstanding)
		if i == last {
			part = outstanding
		}
		if part+now > minor || part <= 0 && outstanding > 0 {
			return nil, nil
		}
		list[i].PrincipalMinor, list[i].InterestMinor = part, now
		outstanding -= part
		since = due.On
	}
	return list, nil
}

// quote works out what the loan costs when it goes by the schedule.
func (l *LoanTerms) quote(from calendar.Date) error {
	var flows []Flow
	var interest Accrual
	outstanding, since, paid := l.AdvanceMinor, from, int64(0)
	for i, due := range l.Schedule {
		days, year, err := l.DayCount.Fraction(since, due.On)
		if err != nil {
			return err
		}
		if interest, err = interest.Add(outstanding, l.Rate, days, year); err != nil {
			return err
		}
		now := interest.Payable(year, l.Rounding)
		interest = interest.Pay(now)
		paid += now
		l.Schedule[i].InterestMinor = now
		outstanding -= due.PrincipalMinor
		flows = append(flows, Flow{Day: int64(calendar.DaysBetween(from, due.On)), Minor: due.PrincipalMinor + now})
		since = due.On
	}
	l.InterestMinor, l.TotalCostMinor = paid, paid+l.FeeMinor
	var err error
	l.AnnualCostBP, err = AnnualCostBP(l.AdvanceMinor-l.FeeMinor, flows)
	return err
}
