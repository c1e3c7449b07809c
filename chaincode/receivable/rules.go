package receivable

import (
	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Bounds of a programme's rules.
const (
	// LongestTenorDays and the anniversary of the issue date bound every term, whatever the programme says.
	LongestTenorDays    = 365
	DefaultTenorDays    = 180
	DefaultDefaultDays  = 90
	DefaultDisputeDays  = 30
	MaxLateRateBps      = 10_000
	MaxGraceDays        = 60
	MaxDisputeDays      = 90
	MaxDefaultAfterDays = 365
)

// Rules are a programme's terms for its receivables. They are copied into a receivable when it is issued, so a later
// change does not touch what a buyer confirms or a claim that somebody holds. A zero field means the default.
type Rules struct {
	// MaxTenorDays is the longest time from the invoice's issue date to its due date: 180 days by default, never over a
	// year. (PBoC and others, 2025, on electronic receivable vouchers: six months in principle, a year at most.)
	MaxTenorDays int `json:"max_tenor_days,omitempty"`
	// DayCount counts the days of late interest; ACT/360 by default.
	DayCount calendar.DayCount `json:"day_count,omitempty"`
	// LateRateBps is the simple yearly rate of late interest, in basis points; 0 means none.
	LateRateBps int64 `json:"late_rate_bps,omitempty"`
	// GraceDays are days after the due date on which payment is still in time. After them interest runs from the due date.
	GraceDays int `json:"grace_days,omitempty"`
	// DefaultDays after the due date the claim is in default; 90 by default (Regulation (EU) 575/2013, article 178(1)(b)).
	DefaultDays int `json:"default_days,omitempty"`
	// DisputeDays is how long a dispute may keep a fragment frozen unless it is resolved; 30 by default.
	DisputeDays int `json:"dispute_days,omitempty"`
}

// WithDefaults fills in what is zero.
func (r Rules) WithDefaults() Rules {
	if r.MaxTenorDays == 0 {
		r.MaxTenorDays = DefaultTenorDays
	}
	if r.DayCount == "" {
		r.DayCount = calendar.Actual360
	}
	if r.DefaultDays == 0 {
		r.DefaultDays = DefaultDefaultDays
	}
	if r.DisputeDays == 0 {
		r.DisputeDays = DefaultDisputeDays
	}
	return r
}

// Validate reports every failure with its field and value, after the defaults are filled in.
func (r Rules) Validate() error {
	var bad fault.Fields
	r = r.WithDefaults()
	within := func(path string, value, low, high int64) {
		if value < low || value > high {
			bad.Add(path, value, "must be %d to %d", low, high)
		}
	}
	within("max_tenor_days", int64(r.MaxTenorDays), 1, LongestTenorDays)
	within("late_rate_bps", r.LateRateBps, 0, MaxLateRateBps)
	within("grace_days", int64(r.GraceDays), 0, MaxGraceDays)
	within("default_days", int64(r.DefaultDays), int64(r.GraceDays)+1, MaxDefaultAfterDays)
	within("dispute_days", int64(r.DisputeDays), 1, MaxDisputeDays)
	if r.DayCount.Validate() != nil {
		bad.Add("day_count", r.DayCount, "must be ACT/360, ACT/365F or 30E/360")
	}
	return bad.Err()
}

// checkTenor returns TENOR_TOO_LONG unless the term is within the programme's limit and within a year.
func (r Rules) checkTenor(issued, due calendar.Date) error {
	anniversary, err := issued.AddMonths(12)
	if err != nil {
		return err
	}
	limit := min(r.WithDefaults().MaxTenorDays, LongestTenorDays)
	if days := calendar.DaysBetween(issued, due); days > limit || due.After(anniversary) {
		return fault.New(fault.TenorTooLong, "the term from issue date to due date is longer than the programme allows")
	}
	return nil
}
