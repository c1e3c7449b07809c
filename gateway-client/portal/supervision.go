package portal

import (
	"cmp"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/portal/chart"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// currencies lists those of the sums, the largest first, and the one that the address asks for, or the first.
func currencies(sums []projection.Sum, wanted string) (list []string, chosen string) {
	total := map[string]int64{}
	for _, s := range sums {
		if _, ok := total[s.Currency]; !ok {
			list = append(list, s.Currency)
		}
		total[s.Currency] += s.Minor
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(total[b], total[a]), cmp.Compare(a, b)) })
	switch {
	case slices.Contains(list, wanted):
		chosen = wanted
	case len(list) > 0:
		chosen = list[0]
	default:
		chosen = "EUR"
	}
	return list, chosen
}

func choices(path string, list []string, chosen string) []page.Filter {
	var out []page.Filter
	for _, c := range list {
		out = append(out, page.Filter{Text: c, Href: path + "?currency=" + c, On: c == chosen})
	}
	return out
}

// weeks is how many columns a chart of due dates has at most: beyond them the last column holds the rest.
const weeks = 14

// owedView adds up what is owed by week; what is past its day stands first.
func (v *visit) owedView(sums []projection.Sum, wanted string) page.Owed {
	list, currency := currencies(sums, wanted)
	view := page.Owed{Currency: currency, Choices: choices("/owed", list, currency)}
	monday := v.today
	for monday.Weekday() != time.Monday {
		monday, _ = monday.AddDays(-1)
	}
	rows := make([]page.OwedRow, weeks+2)
	for _, s := range sums {
		if s.Currency != currency {
			continue
		}
		view.Total += s.Minor
		slot := 0
		if !s.On.Before(v.today) {
			slot = 1 + min(int(s.On.Start().Sub(monday.Start())/(7*24*time.Hour)), weeks)
		}
		rows[slot].Minor += s.Minor
		rows[slot].Count += int(s.Records)
	}
	view.Chart = chart.Columns{Name: "owed", Title: v.t("owed.chart"), Description: v.t("owed.chart.description", "total", v.words.Money(view.Total, currency)),
		Series: []chart.Series{{Name: v.t("invoice.owed"), Class: "s1"}}, Short: func(minor int64) string { return v.words.Short(minor, currency) }}
	last := 0
	for i, r := range rows {
		if r.Minor != 0 {
			last = i
		}
	}
	for i := range rows[:last+1] {
		r := &rows[i]
		label := v.owedDays(i, monday, r)
		if i == 0 && r.Minor == 0 {
			continue
		}
		view.Chart.Columns = append(view.Chart.Columns, chart.Column{Label: label, Values: []int64{r.Minor}, Title: label + ": " + v.words.Money(r.Minor, currency)})
		if r.Minor != 0 {
			view.Rows = append(view.Rows, *r)
		}
	}
	return view
}

// owedDays says which days a row of the chart is of, and where its invoices are; it returns the column's label.
func (v *visit) owedDays(i int, monday calendar.Date, r *page.OwedRow) string {
	const live = "/invoices?show=all"
	yesterday, _ := v.today.AddDays(-1)
	if i == 0 {
		r.From, r.To, r.Overdue = v.t("owed.before", "day", v.today.String()), v.t("owed.before", "day", v.today.String()), true
		r.Href = live + "&to=" + yesterday.String()
		return v.t("owed.past")
	}
	from, _ := monday.AddDays(7 * (i - 1))
	to, _ := from.AddDays(6)
	if from.Before(v.today) {
		from = v.today
	}
	r.From, r.To, r.Href = from.String(), to.String(), live+"&from="+from.String()+"&to="+to.String()
	if i == weeks+1 {
		r.To, r.Href = v.t("owed.later"), live+"&from="+from.String()
		return "≥ " + v.words.ShortDay(from)
	}
	return v.words.ShortDay(from)
}

func owed(v *visit) (answer, error) {
	sums, err := v.Store.Owed(v.ctx(), v.viewer, "")
	if err != nil {
		return answer{}, err
	}
	return show(v.owedView(sums, v.query("currency")).Draw())
}

// buckets are the columns of an ageing chart.
var buckets = []financing.Bucket{financing.Current, financing.Past1To30, financing.Past31To60, financing.Past61To90, financing.PastOver90}

// portfolioView is a bank's book in one currency.
func (v *visit) portfolioView(p projection.Portfolio, wanted string) (page.Portfolio, error) {
	var all []projection.Sum
	for _, a := range p.Ageing {
		all = append(all, projection.Sum{Currency: a.Currency, Minor: a.Minor})
	}
	list, currency := currencies(all, wanted)
	view := page.Portfolio{Currency: currency, Choices: choices("/portfolio", list, currency)}
	view.Ageing = chart.Columns{Name: "ageing", Title: v.t("portfolio.ageing"), Series: []chart.Series{{Name: v.t("loan.owed"), Class: "s1"}},
		Short: func(minor int64) string { return v.words.Short(minor, currency) }}
	for _, b := range buckets {
		share := page.Share{Label: v.t("bucket." + string(b))}
		for _, a := range p.Ageing {
			if a.Currency == currency && a.Bucket == b {
				share.Minor += a.Minor
				share.Count += int(a.Loans)
			}
		}
		view.Total += share.Minor
		view.Loans += share.Count
		if b != financing.Current {
			view.Overdue += share.Minor
		}
		view.AgeingRows = append(view.AgeingRows, share)
		view.Ageing.Columns = append(view.Ageing.Columns, chart.Column{Label: share.Label, Values: []int64{share.Minor},
			Title: share.Label + ": " + v.words.Money(share.Minor, currency)})
	}
	view.Ageing.Description = v.t("portfolio.ageing.description", "total", v.words.Money(view.Total, currency), "overdue", v.words.Money(view.Overdue, currency))
	var err error
	if view.Borrowers, err = v.shares(p.Borrowers, currency, "/loans?show=all&borrower="); err != nil {
		return view, err
	}
	view.Buyers, err = v.shares(p.Buyers, currency, "")
	return view, err
}

// shares are the sums of a currency with the names of their subjects.
func (v *visit) shares(sums []projection.Sum, currency, href string) ([]page.Share, error) {
	var ids []string
	for _, s := range sums {
		ids = append(ids, s.Subject)
	}
	name, err := v.named(ids...)
	if err != nil {
		return nil, err
	}
	var out []page.Share
	for _, s := range sums {
		if s.Currency != currency {
			continue
		}
		share := page.Share{Label: name(s.Subject), Minor: s.Minor, Count: int(s.Records)}
		if href != "" {
			share.Href = href + s.Subject
		}
		out = append(out, share)
	}
	return out, nil
}

func portfolio(v *visit) (answer, error) {
	bank := ""
	if v.person.Kind == member.Bank {
		bank = v.person.MSP
	}
	p, err := v.Store.Portfolio(v.ctx(), v.viewer, bank, v.today)
	if err != nil {
		return answer{}, err
	}
	view, err := v.portfolioView(p, v.query("currency"))
	if err != nil {
		return answer{}, err
	}
	limits, err := v.Store.Limits(v.ctx(), v.viewer, "", projection.Page{})
	if err != nil {
		return answer{}, err
	}
	view.Limits = limits.Items
	return show(view.Draw())
}

func concentration(v *visit) (answer, error) {
	by := map[projection.Dimension][]projection.Concentrated{}
	var all []projection.Sum
	for _, d := range []projection.Dimension{projection.ByBuyer, projection.BySeller, projection.ByBorrower, projection.ByBuyerExposure} {
		list, err := v.Store.Concentration(v.ctx(), v.viewer, d)
		if err != nil {
			return answer{}, err
		}
		by[d] = list
		for _, c := range list {
			all = append(all, projection.Sum{Currency: c.Currency, Minor: c.Minor})
		}
	}
	list, currency := currencies(all, v.query("currency"))
	view := page.Concentration{Currency: currency, Choices: choices("/concentration", list, currency)}
	for _, part := range []struct {
		d   projection.Dimension
		key string
	}{{projection.ByBorrower, "portfolio.borrowers"}, {projection.ByBuyerExposure, "portfolio.buyers"}, {projection.ByBuyer, "concentration.buyers"}, {projection.BySeller, "concentration.sellers"}} {
		spread := page.Spread{Title: v.t(part.key)}
		for _, c := range by[part.d] {
			if c.Currency != currency {
				continue
			}
			spread.Total, spread.IndexBP = c.Minor, c.IndexBP
			sums := make([]projection.Sum, len(c.Largest))
			for i, s := range c.Largest {
				sums[i] = s.Sum
			}
			var err error
			if spread.Shares, err = v.shares(sums, currency, ""); err != nil {
				return answer{}, err
			}
		}
		view.Spreads = append(view.Spreads, spread)
	}
	return show(view.Draw())
}

func overdue(v *visit) (answer, error) {
	yesterday, err := v.today.AddDays(-1)
	if err != nil {
		return answer{}, err
	}
	view := page.Overdue{}
	claims, err := v.Store.Receivables(v.ctx(), v.viewer, projection.ReceivableFilter{Common: projection.Common{ByDue: true, DueTo: yesterday,
		Status: texts([]receivable.Status{receivable.Confirmed, receivable.Matured, receivable.Overdue, receivable.Defaulted})}}, projection.Page{})
	if err != nil {
		return answer{}, err
	}
	view.Receivables = claims.Items
	loans, err := v.Store.Loans(v.ctx(), v.viewer, projection.LoanFilter{Common: projection.Common{ByDue: true,
		Status: texts([]financing.LoanStatus{financing.Active, financing.Defaulted})}}, v.today, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return answer{}, err
	}
	for _, l := range loans.Items {
		if l.DaysPastDue > 0 || l.Status == financing.Defaulted {
			view.Loans = append(view.Loans, l)
		}
	}
	return show(view.Draw())
}

// alertTones are how urgent alerts look; what is not here is a warning.
var alertTones = map[projection.AlertCode]string{projection.LoanDefaulted: "bad", projection.ReceivableOverdue: "bad", projection.LoanOverdue: "bad"}

func alerts(v *visit) (answer, error) {
	list, err := v.Store.Alerts(v.ctx(), v.viewer, v.today, 0)
	if err != nil {
		return answer{}, err
	}
	view := page.Alerts{}
	for _, a := range list {
		one := page.Alert{Key: "alert." + string(a.Code), ID: a.ID, Href: v.href(a.Record, a.ID), Party: a.Party, Tone: alertTones[a.Code], Since: a.Since}
		if one.Tone == "" {
			one.Tone = "warn"
		}
		if a.Minor != 0 && a.Currency != "" {
			one.Amount = v.words.Money(a.Minor, a.Currency)
		}
		view.Items = append(view.Items, one)
	}
	return show(view.Draw())
}
