package epcis

import (
	"sort"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Measure says how the readings of a property become integers, and which of them are excursions: values are in
// 10^-Scale of Unit (a Recommendation 20 code), and the limits are inclusive.
type Measure struct {
	Property string
	Unit     string
	Scale    int
	LimitMin int64
	LimitMax int64
}

// maxScale bounds the decimals of a measure.
const maxScale = 9

// Reading is one number that a device measured: Value × 10^-Scale of the measure's unit. From equals To unless a
// report sums up an interval.
type Reading struct {
	Device   string
	Property string
	From     time.Time
	To       time.Time
	Min      int64
	Max      int64
	Value    int64 // of an interval its mean, or the middle of minimum and maximum where no mean is stated
}

// Summary is what a batch says of one property. Mean is the sum of the readings' values by their count, half to even.
// The window is in Window.
type Summary struct {
	Property   string
	Unit       string
	Scale      int
	Count      int64
	Min        int64
	Max        int64
	Sum        int64
	Mean       int64
	Excursions int64 // readings of which any part is outside of the limits
	Alarms     int64 // reports with an exception, with or without a number
}

// Batch is a summary of events, as a transaction anchors it.
type Batch struct {
	Events   int64
	From     time.Time // of the first reading, or of the first event when there is none
	To       time.Time
	Reports  int64 // sensor reports in all
	Skipped  int64 // reports that no measure is for, or that have no number
	Summary  []Summary
	Readings []Reading // in the order of the file
}

// Convert expresses a number in another unit of the same quantity, as an integer count of 10^-scale of it, half to
// even. It returns INPUT_INVALID when the units are unknown or of different quantities, AMOUNT_OVERFLOW when the result
// does not fit into 64 bits.
func (n Number) Convert(from, to string, scale int) (int64, error) {
	d := n.decimal()
	if d == nil {
		return 0, fault.New(fault.InputInvalid, "%q is not a number", string(n))
	}
	if from != to {
		u, v := units[from], units[to]
		if u.code == "" || v.code == "" || u.si != v.si {
			return 0, fault.New(fault.InputInvalid, "%s cannot be converted to %s", from, to)
		}
		var err error
		if d, err = u.toSI(d); err == nil {
			d, err = v.fromSI(d)
		}
		if err != nil {
			return 0, fault.New(fault.InputInvalid, "%s cannot be converted to %s: %v", from, to, err)
		}
	}
	if scale < 0 || scale > maxScale {
		return 0, fault.New(fault.InputInvalid, "the scale %d is not between 0 and %d", scale, maxScale)
	}
	halfEven := precise.WithPrecision(precise.Precision)
	halfEven.Rounding = apd.RoundHalfEven
	rounded := new(apd.Decimal)
	if d.NumDigits()+int64(d.Exponent)+int64(scale) > 19 {
		return 0, overflow()
	}
	if _, err := halfEven.Quantize(rounded, d, int32(-scale)); err != nil {
		return 0, overflow()
	}
	rounded.Exponent += int32(scale)
	value, err := rounded.Int64()
	if err != nil {
		return 0, overflow()
	}
	return value, nil
}

func overflow() error {
	return fault.New(fault.AmountOverflow, "the reading does not fit into 64 bits at this scale")
}

// Summarise counts what events report of each measure. Events that are declared to be in error are left out. Every
// summary is there, in the order of the measures, with a count of 0 where nothing was measured.
func Summarise(events []Event, measures []Measure) (Batch, error) {
	var b Batch
	byProperty := map[string]int{}
	for i, m := range measures {
		byProperty[m.Property] = i
		b.Summary = append(b.Summary, Summary{Property: m.Property, Unit: m.Unit, Scale: m.Scale})
	}
	var instants []time.Time
	for i := range events {
		e := &events[i]
		if e.Error != nil {
			continue
		}
		b.Events++
		instants = append(instants, e.Time)
		for j := range e.Reports {
			p := &e.Reports[j]
			b.Reports++
			at, wanted := byProperty[p.Property]
			if !wanted {
				b.Skipped++
				continue
			}
			if p.Exception != "" {
				b.Summary[at].Alarms++
			}
			reading, ok, err := p.reading(e, measures[at])
			if err != nil {
				return Batch{}, err
			}
			if !ok {
				b.Skipped++
				continue
			}
			b.Readings = append(b.Readings, reading)
			if err := b.Summary[at].add(reading, measures[at]); err != nil {
				return Batch{}, err
			}
		}
	}
	if len(b.Readings) > 0 {
		instants = instants[:0]
		for _, r := range b.Readings {
			instants = append(instants, r.From, r.To)
		}
	}
	if len(instants) > 0 {
		sort.Slice(instants, func(i, j int) bool { return instants[i].Before(instants[j]) })
		b.From, b.To = instants[0], instants[len(instants)-1]
	}
	for i := range b.Summary {
		if s := &b.Summary[i]; s.Count > 0 {
			mean, err := money.MulDiv(s.Sum, 1, s.Count, money.HalfEven)
			if err != nil {
				return Batch{}, err
			}
			s.Mean = mean
		}
	}
	return b, nil
}

// reading turns a report into integers; ok is false when it has no number.
func (p *Report) reading(e *Event, m Measure) (r Reading, ok bool, err error) {
	r = Reading{Device: p.Device, Property: p.Property, From: p.Time, To: p.Time}
	if p.Time.IsZero() {
		r.From, r.To = p.Start, p.End
		if r.From.IsZero() {
			r.From = e.Time
		}
		if r.To.IsZero() {
			r.To = r.From
		}
	}
	lowest, highest, middle := p.Min, p.Max, p.Mean
	if p.Value != "" {
		lowest, highest, middle = p.Value, p.Value, p.Value
	}
	if lowest == "" {
		lowest = middle
	}
	if highest == "" {
		highest = middle
	}
	if lowest == "" || highest == "" {
		return r, false, nil
	}
	for _, v := range []struct {
		from   Number
		target *int64
	}{{lowest, &r.Min}, {highest, &r.Max}, {middle, &r.Value}} {
		if v.from == "" {
			continue
		}
		if *v.target, err = v.from.Convert(p.Unit, m.Unit, m.Scale); err != nil {
			return r, false, err
		}
	}
	if middle == "" {
		r.Value = r.Min + (r.Max-r.Min)/2
	}
	return r, true, nil
}

func (s *Summary) add(r Reading, m Measure) error {
	if s.Count == 0 || r.Min < s.Min {
		s.Min = r.Min
	}
	if s.Count == 0 || r.Max > s.Max {
		s.Max = r.Max
	}
	s.Count++
	sum := s.Sum + r.Value
	if (sum > s.Sum) != (r.Value > 0) {
		return overflow()
	}
	s.Sum = sum
	if r.Min < m.LimitMin || r.Max > m.LimitMax {
		s.Excursions++
	}
	return nil
}
