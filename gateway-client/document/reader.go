package document

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// Limits on what a document may put into the read model, and on what is said about one document.
const (
	maxIDRunes   = 256
	maxTextRunes = 4096
	maxFailures  = 100
	maxWarnings  = 100
)

// reader walks a tree and collects what is wrong, so that one pass reports everything.
type reader struct {
	known    func(space string) bool // whether elements of a namespace belong to the syntax
	failures failure.List
	warnings []Warning
}

func (r *reader) fail(n *xmlsafe.Node, code fault.Code, value, format string, args ...any) {
	if len(r.failures) >= maxFailures {
		return
	}
	r.failures = append(r.failures, &failure.Failure{
		Code: code, Element: n.Path(), Line: n.Line, Value: failure.Short(value), Reason: fmt.Sprintf(format, args...),
	})
}

func (r *reader) missing(parent *xmlsafe.Node, path ...string) {
	if len(r.failures) >= maxFailures {
		return
	}
	r.failures = append(r.failures, &failure.Failure{
		Code: fault.InputMissing, Element: parent.Path() + "/" + strings.Join(path, "/"), Line: parent.Line, Reason: "is missing",
	})
}

func (r *reader) warn(n *xmlsafe.Node, code, format string, args ...any) {
	if len(r.warnings) == maxWarnings {
		r.warnings = append(r.warnings, Warning{Code: "MORE_WARNINGS", Element: "/", Line: 1,
			Reason: fmt.Sprintf("only the first %d are listed", maxWarnings)})
	}
	if len(r.warnings) > maxWarnings {
		return
	}
	r.warnings = append(r.warnings, Warning{Code: code, Element: n.Path(), Line: n.Line, Reason: fmt.Sprintf(format, args...)})
}

// all returns the children of n with the name; nil has none.
func (r *reader) all(n *xmlsafe.Node, local string) []*xmlsafe.Node {
	if n == nil {
		return nil
	}
	var list []*xmlsafe.Node
	for _, c := range n.Children {
		if c.Local == local && r.known(c.Space) {
			list = append(list, c)
		}
	}
	return list
}

// at returns the first element at the path below n, or nil.
func (r *reader) at(n *xmlsafe.Node, path ...string) *xmlsafe.Node {
	for _, local := range path {
		list := r.all(n, local)
		if len(list) == 0 {
			return nil
		}
		n = list[0]
	}
	return n
}

// only is at for an element that may stand once; it fails when there are more.
func (r *reader) only(n *xmlsafe.Node, local string) *xmlsafe.Node {
	list := r.all(n, local)
	if len(list) == 0 {
		return nil
	}
	if len(list) > 1 {
		r.fail(list[1], fault.InputInvalid, "", "stands more than once")
	}
	return list[0]
}

// textOf is an element's text with white space collapsed (XML Schema part 2, whiteSpace=collapse); "" for nil.
func textOf(n *xmlsafe.Node) string {
	if n == nil {
		return ""
	}
	return strings.Join(strings.Fields(n.Text), " ")
}

// text reads an optional text, bounded.
func (r *reader) text(n *xmlsafe.Node, path ...string) string {
	return r.bounded(r.at(n, path...), maxTextRunes)
}

// id reads an optional identifier or code, bounded.
func (r *reader) id(n *xmlsafe.Node, path ...string) string {
	return r.bounded(r.at(n, path...), maxIDRunes)
}

func (r *reader) bounded(n *xmlsafe.Node, limit int) string {
	s := textOf(n)
	if len(s) > limit && len([]rune(s)) > limit {
		r.fail(n, fault.InputTooLarge, s, "is longer than %d characters", limit)
		return ""
	}
	return s
}

// required reads an id that must be there and not be empty.
func (r *reader) required(n *xmlsafe.Node, path ...string) string {
	e := r.at(n, path...)
	if e == nil {
		r.missing(n, path...)
		return ""
	}
	s := r.bounded(e, maxIDRunes)
	if s == "" && textOf(e) == "" {
		r.fail(e, fault.InputMissing, "", "is empty")
	}
	return s
}

// dateText reads an ISO 8601 calendar date. XML Schema allows a time zone after it, which means nothing for a day of
// business and is left out with a warning.
func (r *reader) dateText(n *xmlsafe.Node) calendar.Date {
	s := textOf(n)
	day := dayOf(s)
	if day != s {
		r.warn(n, "DATE_HAS_ZONE", "the time zone %s is ignored", s[len(day):])
	}
	date, err := calendar.Parse(day)
	if err != nil {
		r.fail(n, fault.DateInvalid, s, "is not an ISO 8601 calendar date (YYYY-MM-DD)")
	}
	return date
}

// dayOf cuts the time zone off a date.
func dayOf(s string) string {
	if len(s) > len(time.DateOnly) {
		if _, err := time.Parse("Z07:00", s[len(time.DateOnly):]); err == nil {
			return s[:len(time.DateOnly)]
		}
	}
	return s
}

// date reads an optional date.
func (r *reader) date(n *xmlsafe.Node, path ...string) calendar.Date {
	e := r.at(n, path...)
	if e == nil {
		return calendar.Date{}
	}
	return r.dateText(e)
}

// decimal reads an xs:decimal and returns it without a plus sign, needless zeros in front or a bare point.
func (r *reader) decimal(n *xmlsafe.Node) Decimal {
	if n == nil {
		return ""
	}
	d, ok := canonicalDecimal(textOf(n))
	if !ok {
		r.fail(n, fault.InputInvalid, textOf(n), "is not a decimal number")
	}
	return d
}

func canonicalDecimal(s string) (Decimal, bool) {
	if len(s) > money.MaxDecimalLength {
		return "", false
	}
	sign, digits := "", s
	switch {
	case strings.HasPrefix(s, "-"):
		sign, digits = "-", s[1:]
	case strings.HasPrefix(s, "+"):
		digits = s[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", false
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	if strings.Trim(whole+fraction, "0.") == "" {
		sign = ""
	}
	return Decimal(sign + whole + fraction), true
}

// amountOf reads an amount of the currency into minor units, exactly; a code says why it cannot.
func amountOf(n *xmlsafe.Node, currency string) (minor int64, code fault.Code, reason string) {
	if id := n.Attr("currencyID"); id != "" && currency != "" && id != currency {
		return 0, fault.CurrencyMismatch, fmt.Sprintf("the amount is in %s, the document in %s", failure.Short(id), failure.Short(currency))
	}
	a, err := money.ParseDecimal(textOf(n), currency)
	if err == nil {
		return a.Minor, "", ""
	}
	var f *fault.Error
	code, reason = fault.InputInvalid, err.Error()
	if errors.As(err, &f) {
		code = f.Code
		if len(f.Fields) > 0 {
			reason = f.Fields[0].Reason
		}
	}
	if code == fault.AmountNotExact {
		reason = "has more decimals than " + currency
	}
	return 0, code, reason
}

// amount reads an amount that decides what is owed; it fails on anything that is not exact.
func (r *reader) amount(n *xmlsafe.Node, currency string) int64 {
	minor, code, reason := amountOf(n, currency)
	if code != "" && code != fault.CurrencyUnknown { // which is reported once, where the currency stands
		r.fail(n, code, textOf(n), "%s", reason)
	}
	return minor
}

// optionalAmount reads an amount that only explains the payable one. Where it is in another currency or not exact, it
// is left out with a warning; where it is no number at all, the document is wrong.
func (r *reader) optionalAmount(n *xmlsafe.Node, currency string) *int64 {
	if n == nil {
		return nil
	}
	switch minor, code, reason := amountOf(n, currency); code {
	case "":
		return &minor
	case fault.AmountNotExact, fault.CurrencyMismatch:
		r.warn(n, string(code), "%s; found %q", reason, failure.Short(textOf(n)))
	case fault.CurrencyUnknown:
	default:
		r.fail(n, code, textOf(n), "%s", reason)
	}
	return nil
}
