package document

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// maxDiscounts bounds how many discounts one note can state.
const maxDiscounts = 16

// ublTerms reads a UBL PaymentTerms: its own elements in plain UBL, and the note, which is all that EN 16931 leaves.
func (r *reader) ublTerms(n *xmlsafe.Node, i *Invoice) {
	note := ""
	for _, e := range r.all(n, "Note") {
		note = joined(note, r.bounded(e, maxTextRunes))
	}
	i.PaymentNote = joined(i.PaymentNote, note)
	r.date(n, "PaymentDueDate") // dueDate decides what it means
	percent, amount := r.at(n, "SettlementDiscountPercent"), r.at(n, "SettlementDiscountAmount")
	if percent == nil && amount == nil {
		r.noteDiscounts(r.at(n, "Note"), note, i)
		return
	}
	d := Discount{AmountMinor: r.optionalAmount(amount, i.Currency), BaseMinor: r.optionalAmount(r.at(n, "Amount"), i.Currency)}
	if percent != nil {
		d.RateBasisPoints = r.rate(percent, string(r.decimal(percent)))
	}
	d.Until = r.date(n, "SettlementPeriod", "EndDate")
	if e := r.at(n, "SettlementPeriod", "DurationMeasure"); e != nil {
		d.Days = r.days(e)
	}
	i.Terms = append(i.Terms, d)
}

// ciiTerms reads a CII SpecifiedTradePaymentTerms.
func (r *reader) ciiTerms(n *xmlsafe.Node, i *Invoice) {
	note := ""
	for _, e := range r.all(n, "Description") {
		note = joined(note, r.bounded(e, maxTextRunes))
	}
	i.PaymentNote = joined(i.PaymentNote, note)
	structured := r.all(n, "ApplicableTradePaymentDiscountTerms")
	if len(structured) == 0 {
		r.noteDiscounts(r.at(n, "Description"), note, i)
	}
	for _, e := range structured {
		d := Discount{
			AmountMinor: r.optionalAmount(r.at(e, "ActualDiscountAmount"), i.Currency),
			BaseMinor:   r.optionalAmount(r.at(e, "BasisAmount"), i.Currency),
			Until:       r.ciiDate(r.at(e, "BasisDateTime")),
		}
		if p := r.at(e, "CalculationPercent"); p != nil {
			d.RateBasisPoints = r.rate(p, string(r.decimal(p)))
		}
		if m := r.at(e, "BasisPeriodMeasure"); m != nil {
			if d.Days = r.days(m); d.Days != nil && !d.Until.IsZero() {
				// The period runs from the basis date.
				until, err := d.Until.AddDays(int(*d.Days))
				if err != nil {
					r.warn(m, "DISCOUNT_UNREADABLE", "the discount ends beyond the calendar")
				}
				d.Until, d.Days = until, nil
			}
		}
		i.Terms = append(i.Terms, d)
	}
}

// days reads a measure of time in days: UN/ECE Recommendation 20 DAY, WEE or, without a unit, days.
func (r *reader) days(n *xmlsafe.Node) *int64 {
	days, err := strconv.ParseInt(strings.TrimSuffix(string(r.decimal(n)), ".0"), 10, 64)
	switch unit := n.Attr("unitCode"); {
	case err != nil || days < 0 || days > 3_660:
		r.warn(n, "DISCOUNT_UNREADABLE", "the period %q is no number of days that makes sense", textOf(n))
		return nil
	case unit == "WEE":
		days *= 7
	case unit != "DAY" && unit != "":
		r.warn(n, "DISCOUNT_UNREADABLE", "the period's unit %q is not days", unit)
		return nil
	}
	return &days
}

// rate turns a percentage into basis points; a warning where it is not whole or makes no sense. A rate of zero, which
// some write for the plain due date, is no discount.
func (r *reader) rate(n *xmlsafe.Node, percent string) *int64 {
	d, ok := canonicalDecimal(strings.Replace(percent, ",", ".", 1))
	whole, fraction, _ := strings.Cut(string(d), ".")
	fraction = strings.TrimRight(fraction, "0")
	if ok && len(fraction) <= 2 && len(whole) <= 3 {
		bps, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 2-len(fraction)), 10, 64)
		if err == nil && bps == 0 {
			return nil
		}
		if err == nil && bps > 0 && bps <= 10_000 {
			return &bps
		}
	}
	if percent != "" {
		r.warn(n, "DISCOUNT_UNREADABLE", "the rate %q is not between 0.01 and 100 per cent in whole basis points", percent)
	}
	return nil
}

// Discounts in a note. The first is the form that the German CIUS defines (XRechnung 3.0, BR-DE-18); the others are
// the phrases of English and German invoices. What they do not match stays a note.
var (
	skontoLine = regexp.MustCompile(`#SKONTO#TAGE=([0-9]+)#PROZENT=([0-9]+\.[0-9]{2})#(?:BASISBETRAG=(-?[0-9]+\.[0-9]{2})#)?`)
	ratesFirst = []*regexp.Regexp{
		regexp.MustCompile(`(?i)([0-9]+(?:[.,][0-9]+)?) ?% (?:cash |early[ -]payment |prompt[ -]payment )?discount (?:if |when |for )?(?:paid |payment |settled )?(?:with)?in ([0-9]+) days`),
		regexp.MustCompile(`(?i)([0-9]+(?:[.,][0-9]+)?) ?% Skonto (?:bei Zahlung )?(?:innerhalb|binnen) (?:von )?([0-9]+) Tagen`),
		regexp.MustCompile(`(?i)\b([0-9]+(?:\.[0-9]+)?)/([0-9]+),? (?:net|n/)`),
	}
	daysFirst = []*regexp.Regexp{
		regexp.MustCompile(`(?i)within ([0-9]+) days,? ?([0-9]+(?:[.,][0-9]+)?) ?% (?:cash )?discount`),
		regexp.MustCompile(`(?i)(?:innerhalb|binnen) (?:von )?([0-9]+) Tagen,? ?([0-9]+(?:[.,][0-9]+)?) ?% Skonto`),
	}
)

func (r *reader) noteDiscounts(n *xmlsafe.Node, note string, i *Invoice) {
	add := func(rate, days, base string) {
		count, err := strconv.ParseInt(days, 10, 64)
		if err != nil || count > 3_660 || len(i.Terms) >= maxDiscounts {
			return
		}
		d := Discount{RateBasisPoints: r.rate(n, rate), Days: &count, Note: note}
		if b, err := parseAmount(base, i.Currency); base != "" && err == nil {
			d.BaseMinor = &b
		}
		if d.RateBasisPoints != nil {
			i.Terms = append(i.Terms, d)
		}
	}
	before := len(i.Terms)
	for _, m := range skontoLine.FindAllStringSubmatch(note, maxDiscounts) {
		add(m[2], m[1], m[3])
	}
	if len(i.Terms) > before {
		return
	}
	for _, e := range ratesFirst {
		for _, m := range e.FindAllStringSubmatch(note, maxDiscounts) {
			add(m[1], m[2], "")
		}
	}
	for _, e := range daysFirst {
		for _, m := range e.FindAllStringSubmatch(note, maxDiscounts) {
			add(m[2], m[1], "")
		}
	}
}

// joined adds a line to a note, until the note is as long as notes may be.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	if len(a)+len(b) > maxTextRunes {
		return a
	}
	return a + "\n" + b
}

// dueDate settles the due date of a UBL document: its own DueDate, else the one that all payment means, or else all
// payment terms, state.
func (r *reader) dueDate(root *xmlsafe.Node, i *Invoice) {
	for _, place := range [][2]string{{"PaymentMeans", "PaymentDueDate"}, {"PaymentTerms", "PaymentDueDate"}} {
		stated := map[calendar.Date]bool{}
		var where *xmlsafe.Node
		var last calendar.Date
		for _, n := range r.all(root, place[0]) {
			// What is no date was reported when the element was read.
			e := r.at(n, place[1])
			if date, err := calendar.Parse(dayOf(textOf(e))); e != nil && err == nil {
				stated[date], where, last = true, e, date
			}
		}
		switch {
		case len(stated) == 0:
		case len(stated) > 1:
			r.warn(where, "DUE_DATES_DIFFER", "%d different due dates are stated", len(stated))
		case i.DueDate.IsZero():
			i.DueDate = last
		case i.DueDate != last:
			r.warn(where, "DUE_DATES_DIFFER", "is %s, the document's due date %s", last, i.DueDate)
		}
	}
}
