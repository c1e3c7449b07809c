package language

import (
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/money"
)

var formatters = map[Tag]*currency.Formatter{
	English: currency.NewFormatter(currency.NewLocale("en")),
	Chinese: currency.NewFormatter(currency.NewLocale("zh")),
}

// Money writes minor units of an ISO 4217 currency with the currency's symbol in the language (CLDR): €48,250.00.
func (p *Printer) Money(minor int64, code string) string {
	amount := money.Amount{Minor: minor, Currency: code}
	plain := amount.Format()
	a, err := currency.NewAmount(plain, code)
	if err != nil {
		return strings.TrimSpace(code + " " + plain)
	}
	return formatters[p.Tag].Format(a)
}

// Number writes a whole number with its digits grouped.
func (p *Printer) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Decimal writes an integer that carries a scale: 12345 at scale 2 is 123.45.
func (p *Printer) Decimal(value int64, scale int) string {
	if scale <= 0 {
		return p.Number(value)
	}
	sign := ""
	if value < 0 {
		sign, value = "-", -value
	}
	digits := strconv.FormatInt(value, 10)
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, err := strconv.ParseInt(digits[:len(digits)-scale], 10, 64)
	if err != nil {
		return sign + digits
	}
	return sign + p.Number(whole) + "." + digits[len(digits)-scale:]
}

// Percent writes basis points as a percentage with two decimals.
func (p *Printer) Percent(bps int64) string { return p.Decimal(bps, 2) + "\u00a0%" }

// Short writes an amount in few characters, for the axis of a chart: €1.2M, 120万. It rounds to a tenth.
func (p *Printer) Short(minor int64, code string) string {
	unit, _ := money.Lookup(code)
	whole := float64(minor)
	for range unit.Exponent {
		whole /= 10
	}
	symbol, _ := currency.GetSymbol(code, currency.NewLocale(string(p.Tag)))
	type step struct {
		above float64
		name  string
	}
	steps := []step{{1e9, "bn"}, {1e6, "M"}, {1e3, "k"}}
	if p.Tag == Chinese {
		steps = []step{{1e8, "亿"}, {1e4, "万"}}
	}
	for _, s := range steps {
		if whole >= s.above || whole <= -s.above {
			return symbol + strings.TrimSuffix(strconv.FormatFloat(whole/s.above, 'f', 1, 64), ".0") + s.name
		}
	}
	return symbol + strconv.FormatFloat(whole, 'f', 0, 64)
}

// Date writes a date in ISO 8601; no date is a dash.
func (p *Printer) Date(d calendar.Date) string {
	if d.IsZero() {
		return "–"
	}
	return d.String()
}

// ShortDay writes a date without its year, for the axis of a chart: 5 Jan, 1月5日.
func (p *Printer) ShortDay(d calendar.Date) string {
	if p.Tag == Chinese {
		return d.Start().Format("1月2日")
	}
	return d.Start().Format("2 Jan")
}

// Distance says how far a day is from today: "in 12 days", "3 days ago", "today".
func (p *Printer) Distance(d, today calendar.Date) string {
	days := int(d.Start().Sub(today.Start()) / (24 * time.Hour))
	switch {
	case days == 0:
		return p.Text("date.today")
	case days > 0:
		return p.Text("date.in", "n", days)
	}
	return p.Text("date.ago", "n", -days)
}

// Instant writes an instant in ISO 8601 form, in UTC, to the minute.
func (p *Printer) Instant(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04") + " UTC"
}

// Duration writes whole seconds in the two largest units that matter.
func (p *Printer) Duration(seconds int64) string {
	switch {
	case seconds < 120:
		return p.Text("time.seconds", "n", seconds)
	case seconds < 2*3600:
		return p.Text("time.minutes", "n", seconds/60)
	case seconds < 2*86400:
		return p.Text("time.hours", "n", seconds/3600)
	}
	return p.Text("time.days", "n", seconds/86400)
}
