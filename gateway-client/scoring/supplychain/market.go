package supplychain

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
)

// Windows of the figures that are about payments and about recent volume.
const (
	// PaymentDays is how far back the due date of an invoice may lie that says how a buyer pays.
	PaymentDays = 182
	// QuarterDays is the length of the parts that trend and season compare.
	QuarterDays = 91
	// pageRankStart is the value of a party that is as central as the mean.
	pageRankStart = 1000
)

// Trade is one invoice as the ledger shows it today to a bank that reads its programme. Dates that have not come are zero.
type Trade struct {
	ID       string
	Seller   string
	Buyer    string
	Currency string
	On       calendar.Date // issued on the ledger
	DueOn    calendar.Date
	// ConfirmedOn is the day of the buyer's undertaking, SettledOn the day on which nothing was owed any more.
	ConfirmedOn   calendar.Date
	SettledOn     calendar.Date
	Minor         int64 // payable, once confirmed what is confirmed
	CreditedMinor int64 // credit notes
	Confirmed     bool
	Refused       bool // rejected or disputed
	Overdue       bool // confirmed, and past due on the day of the application
}

// Related says that two parties are recorded with one director or one address.
type Related struct{ A, B string }

// Loan is a loan of the bank that asks.
type Loan struct {
	Drawn       bool
	Repaid      bool
	DaysPastDue int64 // today
}

// Watch is what devices have said of goods that back the application.
type Watch struct{ ExcursionSeconds, SilenceSeconds int64 }

// Applicant is an applicant's own record with what it offers.
type Applicant struct {
	Party string
	Sold  []Trade // all invoices that it has issued
	Loans []Loan
	// Covered is whether goods in a warehouse back the application; Watches are those that devices report on.
	Covered bool
	Watches []Watch
	// OfferedMinor is the face of the confirmed claims that are offered, RequestedMinor what is asked for.
	OfferedMinor, RequestedMinor int64
}

// Market is what all trades in one currency that a bank may read say about each party on one day. Amounts of other currencies
// are not looked at: sums never mix them.
type Market struct {
	today    calendar.Date
	currency string
	payers   map[string]*payer
	sells    map[string][]flow // by seller, buyers in order
	related  map[string]map[string]bool
	depth    map[string]int64
	rank     map[string]int64
	group    map[string]int // community
	groups   []sums
}

// payer is how a party has paid what was due within PaymentDays, or before and is still owed.
type payer struct {
	dueMinor, overdueMinor int64
	lateDays, invoices     int64
}

// flow is what one party has sold to another within WindowDays, confirmed.
type flow struct {
	to       string
	minor    int64
	overdue  int64
	invoices int64
}

type sums struct{ minor, overdue int64 }

// NewMarket reads the trades of one currency as of a day. The order of the trades does not show.
func NewMarket(today calendar.Date, currency string, trades []Trade, related []Related) *Market {
	m := &Market{today: today, currency: currency, payers: map[string]*payer{}, related: map[string]map[string]bool{}}
	flows := map[[2]string]*flow{}
	for i := range trades {
		t := &trades[i]
		if !t.Confirmed || t.Currency != currency || t.Seller == t.Buyer {
			continue
		}
		m.pays(t)
		if m.since(t.On) > WindowDays {
			continue
		}
		pair := [2]string{t.Seller, t.Buyer}
		f := flows[pair]
		if f == nil {
			f = &flow{to: t.Buyer}
			flows[pair] = f
		}
		f.minor += t.Minor
		f.invoices++
		if t.Overdue {
			f.overdue += t.Minor
		}
	}
	m.sells = map[string][]flow{}
	for pair, f := range flows {
		m.sells[pair[0]] = append(m.sells[pair[0]], *f)
	}
	for _, list := range m.sells {
		slices.SortFunc(list, func(a, b flow) int { return cmp.Compare(a.to, b.to) })
	}
	for _, r := range related {
		m.relate(r.A, r.B)
		m.relate(r.B, r.A)
	}
	g := newTradeGraph(m.sells)
	m.rank, m.depth, m.group = g.pageRank(), g.depths(), g.communities()
	m.sumGroups()
	return m
}

func (m *Market) relate(a, b string) {
	if m.related[a] == nil {
		m.related[a] = map[string]bool{}
	}
	m.related[a][b] = true
}

// pays adds what a trade says about its buyer.
func (m *Market) pays(t *Trade) {
	since := m.since(t.DueOn)
	if t.DueOn.IsZero() || since <= 0 || since > PaymentDays && !t.Overdue {
		return
	}
	p := m.payers[t.Buyer]
	if p == nil {
		p = &payer{}
		m.payers[t.Buyer] = p
	}
	p.dueMinor += t.Minor
	p.invoices++
	late := since
	if !t.SettledOn.IsZero() {
		late = since - m.since(t.SettledOn)
	}
	p.lateDays += max(0, late)
	if t.Overdue {
		p.overdueMinor += t.Minor
	}
}

// sumGroups adds up the volume inside each community.
func (m *Market) sumGroups() {
	most := -1
	for _, g := range m.group {
		most = max(most, g)
	}
	m.groups = make([]sums, most+1)
	for seller, list := range m.sells {
		for _, f := range list {
			if g := m.group[seller]; g == m.group[f.to] {
				m.groups[g].minor += f.minor
				m.groups[g].overdue += f.overdue
			}
		}
	}
}

// distress is the share of what was due from the party that is overdue, in basis points; ok is false
// where nothing was due.
func (m *Market) distress(party string) (bps int64, ok bool) {
	p := m.payers[party]
	if p == nil || p.dueMinor <= 0 {
		return 0, false
	}
	v := ratio(p.overdueMinor, p.dueMinor, 10_000)
	return v.Number, !v.Missing
}

// Facts measures an applicant on the market's day.
func (m *Market) Facts(a Applicant) Facts {
	var f Facts
	m.addSold(&f, a.Sold)
	for _, l := range a.Loans {
		f.Borrowed = f.Borrowed || l.Drawn
		if l.Repaid {
			f.LoansRepaid++
		}
		f.LoanDaysPastDue = max(f.LoanDaysPastDue, l.DaysPastDue)
	}
	f.Covered = a.Covered
	for _, w := range a.Watches {
		f.Watched = true
		f.ExcursionSeconds += w.ExcursionSeconds
		f.SilenceSeconds = max(f.SilenceSeconds, w.SilenceSeconds)
	}
	f.OfferedMinor, f.RequestedMinor = a.OfferedMinor, a.RequestedMinor
	m.addGraph(&f, a.Party)
	return f
}

func (m *Market) addSold(f *Facts, sold []Trade) {
	byBuyer := map[string]int64{}
	for i := range sold {
		t := &sold[i]
		since := m.since(t.On)
		f.DaysOnLedger = max(f.DaysOnLedger, since)
		if since > WindowDays || t.Currency != m.currency {
			continue
		}
		f.InvoicesIssued++
		if t.Refused {
			f.InvoicesRejected++
		}
		if !t.Confirmed {
			continue
		}
		f.InvoicesConfirmed++
		f.ConfirmedMinor += t.Minor
		f.CreditedMinor += t.CreditedMinor
		f.DaysToConfirmTotal += since - m.since(t.ConfirmedOn)
		if q := since / QuarterDays; q < int64(len(f.QuarterMinor)) {
			f.QuarterMinor[q] += t.Minor
		}
		byBuyer[t.Buyer] += t.Minor
		f.LargestBuyerMinor = max(f.LargestBuyerMinor, byBuyer[t.Buyer])
		if t.Overdue {
			f.OverdueMinor += t.Minor
		}
		if !t.SettledOn.IsZero() {
			f.InvoicesPaid++
			f.DaysToPayTotal += since - m.since(t.SettledOn)
		}
	}
}

// addGraph adds what the graph knows of the party. Its own sales are left out of what it is compared with, so that no overdue
// invoice counts twice.
func (m *Market) addGraph(f *Facts, party string) {
	if _, traded := m.rank[party]; !traded {
		return
	}
	f.InGraph, f.TradeRank = true, m.rank[party]
	f.TierDepth, f.Tiered = m.depth[party]
	var known, late, relatedMinor, all int64
	var near, far weighted
	for _, x := range m.sells[party] {
		all += x.minor
		if m.related[party][x.to] {
			relatedMinor += x.minor
		}
		if p := m.payers[x.to]; p != nil {
			known += x.minor / 100
			late += x.minor / 100 * min(365, p.lateDays/p.invoices)
		}
		if bps, ok := m.distress(x.to); ok {
			near.add(bps, x.minor/100)
		}
		var second weighted
		for _, y := range m.sells[x.to] {
			if bps, ok := m.distress(y.to); ok && y.to != party {
				second.add(bps, y.minor/100)
			}
		}
		if bps, ok := second.mean(); ok {
			far.add(bps, x.minor/100)
		}
	}
	if known > 0 {
		f.BuyersLateDays, f.BuyersKnown = late/known, true
	}
	f.NearDistressBps, f.NearKnown = near.mean()
	f.FarDistressBps, f.FarKnown = far.mean()
	f.RelatedKnown, f.RelatedMinor, f.SoldMinor = len(m.related) > 0, relatedMinor, all
	g := m.groups[m.group[party]]
	for _, x := range m.sells[party] {
		if m.group[x.to] == m.group[party] {
			g.minor, g.overdue = g.minor-x.minor, g.overdue-x.overdue
		}
	}
	f.CommunityMinor, f.CommunityOverdueMinor = g.minor, g.overdue
}

// weighted is a mean of basis points by volume. Weights are in hundreds of minor units, so that the sums fit.
type weighted struct{ sum, weight int64 }

func (w *weighted) add(bps, weight int64) {
	w.sum += bps * weight
	w.weight += weight
}

func (w *weighted) mean() (int64, bool) {
	if w.weight == 0 {
		return 0, false
	}
	return w.sum / w.weight, true
}

// since is the number of days from a date to the market's.
func (m *Market) since(on calendar.Date) int64 { return int64(calendar.DaysBetween(on, m.today)) }

// Parties lists who traded within the window, in order.
func (m *Market) Parties() []string { return slices.Sorted(maps.Keys(m.rank)) }
