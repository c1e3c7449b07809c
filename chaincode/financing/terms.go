package financing

import (
	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Due is a day on which a part of the principal is due; interest and fees that have accrued are due with it.
type Due struct {
	On             calendar.Date `json:"on"`
	PrincipalMinor int64         `json:"principal_minor"`
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
	if l.Schedule, err = schedule(t, advance, c.Today, maturity); err != nil {
		return nil, err
	}
	if l.FeeMinor >= advance {
		return l, nil // the caller declines
	}
	return l, l.quote(c.Today)
}

// schedule lists the days on which principal is due. Equal parts fall due monthly, counted back from maturity so that the
// last period is never a stub, each on a business day; parts differ by one minor unit at most, the larger ones first.
func schedule(t Terms, advance int64, from, maturity calendar.Date) ([]Due, error) {
	days := []calendar.Date{maturity}
	for n := 1; t.Repayment == EqualPrincipal && n < MaxInstalments; n++ {
		on, err := maturity.AddMonths(-n)
		if err != nil {
			return nil, err
		}
		if on, err = t.Calendar.Adjust(on, t.BusinessDays); err != nil {
			return nil, err
		}
		if !on.After(from) {
			break
		}
		if on.Before(days[0]) {
			days = append([]calendar.Date{on}, days...)
		}
	}
	parts, err := money.Amount{Minor: advance, Currency: t.Currency}.Split(len(days))
	if err != nil {
		return nil, err
	}
	list := make([]Due, 0, len(days))
	for i, on := range days {
		list = append(list, Due{On: on, PrincipalMinor: parts[i].Minor})
	}
	return list, nil
}

// quote works out what the loan costs when it goes by the schedule.
func (l *LoanTerms) quote(from calendar.Date) error {
	var flows []Flow
	var interest Accrual
	outstanding, since, paid := l.AdvanceMinor, from, int64(0)
	for _, due := range l.Schedule {
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
		outstanding -= due.PrincipalMinor
		flows = append(flows, Flow{Day: int64(calendar.DaysBetween(from, due.On)), Minor: due.PrincipalMinor + now})
		since = due.On
	}
	l.InterestMinor, l.TotalCostMinor = paid, paid+l.FeeMinor
	var err error
	l.AnnualCostBP, err = AnnualCostBP(l.AdvanceMinor-l.FeeMinor, flows)
	return err
}
