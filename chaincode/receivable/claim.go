package receivable

import (
	"cmp"
	"math"
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Claim is a receivable with its fragments, for the rules that touch them together. Closed fragments may be among them or
// not.
type Claim struct {
	Receivable Receivable
	Fragments  []Fragment
}

// Conserves returns CONSERVATION_BROKEN unless the faces of the receivable's fragments add up to what was confirmed, less
// what was credited, less what was paid, to the minor unit, and none is negative, or closed with a face.
func Conserves(r Receivable, fragments []Fragment) error {
	owed := int64(0)
	if r.HasClaim() {
		owed = r.Owed()
	}
	broken := func() error {
		return fault.New(fault.ConservationBroken, "the fragments of receivable %s do not add up to what is owed", r.ID)
	}
	if owed < 0 || r.CreditedMinor < 0 || r.PaidMinor < 0 {
		return broken()
	}
	var sum int64
	for _, f := range fragments {
		live := f.Live()
		if f.Receivable != r.ID || f.FaceMinor < 0 || live == (f.FaceMinor == 0) || f.FaceMinor > math.MaxInt64-sum {
			return broken()
		}
		sum += f.FaceMinor
	}
	if sum != owed {
		return broken()
	}
	return nil
}

// Outcome is what a step leaves to be saved: the receivable and those of its fragments that have changed.
type Outcome struct {
	Receivable Receivable
	Changed    []Fragment
}

// draft is a claim being changed: a copy, so that a refusal leaves no trace.
type draft struct {
	r         Receivable
	fragments []Fragment // live ones, the oldest first, then by id
	changed   map[string]bool
}

func (c Claim) draft() (*draft, error) {
	if err := Conserves(c.Receivable, c.Fragments); err != nil {
		return nil, err
	}
	d := &draft{r: c.Receivable, changed: map[string]bool{}}
	for _, f := range c.Fragments {
		if f.Live() {
			d.fragments = append(d.fragments, f)
		}
	}
	slices.SortFunc(d.fragments, func(a, b Fragment) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	return d, nil
}

func (d *draft) put(i int, f Fragment) {
	d.fragments[i] = f
	d.changed[f.ID] = true
}

// outcome checks conservation once more: no step leaves a claim that does not add up.
func (d *draft) outcome() (Outcome, error) {
	if err := Conserves(d.r, d.fragments); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Receivable: d.r}
	for _, f := range d.fragments {
		if d.changed[f.ID] {
			out.Changed = append(out.Changed, f)
		}
	}
	return out, nil
}

// owes reports whether a fragment is live.
func (d *draft) owes() bool {
	return slices.ContainsFunc(d.fragments, Fragment.Live)
}

// age takes the steps that the dates ask for: matured on the due date, overdue when the days of grace are over, defaulted
// after the programme's days.
func (r Receivable) age(today calendar.Date) (Receivable, error) {
	late := calendar.DaysBetween(r.Invoice.DueDate, today)
	rules := r.Rules.WithDefaults()
	for _, s := range []struct {
		from   Status
		action Action
		when   bool
	}{
		{Confirmed, Mature, late >= 0},
		{Matured, Lapse, late > rules.GraceDays},
		{Overdue, Default, late >= rules.DefaultDays},
	} {
		if r.Status == s.from && s.when {
			var err error
			if r, err = r.step(s.action); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// Age moves a confirmed receivable along as the date says; nothing happens before its time. Every rule that depends on it
// ages the receivable first, so nobody needs to call this, except to make the status visible.
func (r Receivable) Age(today calendar.Date) (Receivable, error) {
	if !r.HasClaim() {
		return r, fault.New(fault.ReceivableNotConfirmed, "receivable %s is %s", r.ID, r.Status)
	}
	return r.age(today)
}

// accrue ages the draft and, once it is overdue, gives every fragment its late interest up to today: simple interest on
// what is owed from the due date (or from the last time) by the programme's rate and day count, rounded half even once
// for the whole claim, and divided by face.
func (d *draft) accrue(today calendar.Date) error {
	var err error
	if d.r, err = d.r.age(today); err != nil {
		return err
	}
	if !slices.Contains([]Status{Overdue, Defaulted, WrittenOff}, d.r.Status) || d.r.Owed() == 0 {
		return nil
	}
	interest, err := d.r.lateInterest(today)
	if err != nil {
		return err
	}
	d.r.AccruedTo = today
	if interest.IsZero() {
		return nil
	}
	faces := make([]int64, len(d.fragments))
	for i, f := range d.fragments {
		faces[i] = f.FaceMinor
	}
	shares, err := interest.Allocate(faces)
	if err != nil {
		return err
	}
	for i, f := range d.fragments {
		sum, err := interest.Add(money.Amount{Minor: f.InterestMinor, Currency: f.Currency})
		if err != nil || sum.IsNegative() {
			return fault.New(fault.AmountOverflow, "the late interest does not fit into 64 bits")
		}
		f.InterestMinor += shares[i].Minor
		d.put(i, f)
	}
	return nil
}

// lateInterest is what has come to be owed since the last accrual.
func (r Receivable) lateInterest(today calendar.Date) (money.Amount, error) {
	from := r.Invoice.DueDate
	if !r.AccruedTo.IsZero() {
		from = r.AccruedTo
	}
	zero := r.amount(0)
	if !from.Before(today) {
		return zero, nil
	}
	rules := r.Rules.WithDefaults()
	days, year, err := rules.DayCount.Fraction(from, today)
	if err != nil {
		return zero, err
	}
	return r.amount(r.Owed()).Interest(money.BasisPoints(rules.LateRateBps), days, year, money.HalfEven)
}
