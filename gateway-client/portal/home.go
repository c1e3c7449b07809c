package portal

import (
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// tally is how many records of a type are in any of the statuses.
func tally(counts []projection.Count, record string, statuses ...string) int64 {
	var n int64
	for _, c := range counts {
		for _, s := range statuses {
			if c.Record == record && c.Status == s {
				n += c.Records
			}
		}
	}
	return n
}

// waiting are the tiles of a workspace: what waits in which place.
type waiting struct {
	key, record string
	statuses    []string
	href        string
}

var tiles = map[member.Kind][]waiting{
	member.Buyer: {
		{"home.to_propose", "receivable", []string{"issued"}, "/invoices?show=waiting"},
		{"home.to_confirm", "receivable", []string{"proposed"}, "/invoices?show=proposed"},
		{"home.queried", "receivable", []string{"disputed"}, "/invoices?show=queried"},
		{"home.late", "receivable", []string{"overdue", "defaulted"}, "/invoices?show=late"},
	},
	member.Supplier: {
		{"home.unconfirmed", "receivable", []string{"issued", "proposed"}, "/invoices?show=all"},
		{"home.held", "fragment", []string{"held"}, "/claims?show=free"},
		{"home.offered", "fragment", []string{"offered"}, "/offers"},
		{"home.applications", "application", []string{"submitted", "referred", "approved"}, "/applications?show=open"},
		{"home.loans", "loan", []string{"agreed", "active", "defaulted"}, "/loans"},
	},
	member.Bank: {
		{"home.queue", "application", []string{"submitted"}, "/applications?show=open"},
		{"home.referred", "application", []string{"referred"}, "/applications?show=referred"},
		{"home.to_draw", "loan", []string{"agreed"}, "/loans?show=agreed"},
		{"home.calls", "margin", []string{"open", "lapsed"}, "/margins?show=open"},
		{"home.defaulted", "loan", []string{"defaulted"}, "/loans?show=defaulted"},
	},
	member.Warehouse: {
		{"home.stored", "receipt", []string{"stored", "offered", "reserved", "pledged", "enforced"}, "/receipts?show=live"},
		{"home.requested", "receipt", []string{"requested"}, "/receipts?show=requested"},
		{"home.pledged", "receipt", []string{"reserved", "pledged", "enforced"}, "/receipts?show=pledged"},
		{"home.unattested", "device", []string{"registered"}, "/devices"},
	},
	member.Regulator: {
		{"home.live_loans", "loan", []string{"active", "agreed"}, "/graph"},
		{"home.defaulted", "loan", []string{"defaulted"}, "/overdue"},
		{"home.late", "receivable", []string{"overdue", "defaulted"}, "/overdue"},
		{"home.calls", "margin", []string{"open", "lapsed"}, "/margins?show=open"},
	},
}

func home(v *visit) (answer, error) {
	counts, err := v.Store.Counts(v.ctx(), v.viewer)
	if err != nil {
		return answer{}, err
	}
	view := page.Home{Title: v.t("home.title." + string(v.person.Kind)), Lead: v.t("home.hello", "name", v.person.Name)}
	if v.person.Kind == member.Regulator {
		view.Lead = v.t("home.hello.regulator", "name", v.person.Name)
	}
	for _, w := range tiles[v.person.Kind] {
		if v.person.Kind == member.Supplier && v.person.Party == "" {
			break
		}
		view.Waits = append(view.Waits, page.Shown{Label: v.t(w.key), Value: v.words.Number(tally(counts, w.record, w.statuses...)), Href: w.href})
	}
	if err := v.homeChart(&view); err != nil {
		return answer{}, err
	}
	if view.Events, _, err = v.feed(0, recentLength); err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// homeChart adds the picture that a workspace's people look at first.
func (v *visit) homeChart(view *page.Home) error {
	switch v.person.Kind {
	case member.Buyer:
		sums, err := v.Store.Owed(v.ctx(), v.viewer, "")
		if err != nil {
			return err
		}
		drawn := v.owedView(sums, "")
		view.Chart, view.More = &drawn.Chart, "/owed"
		view.Figures = []page.Shown{{Label: v.t("home.owed"), Value: v.words.Money(drawn.Total, drawn.Currency), Href: "/owed"}}
	case member.Supplier:
		if v.person.Party == "" {
			return nil
		}
		sums, err := v.Store.Held(v.ctx(), v.viewer, "")
		if err != nil {
			return err
		}
		drawn := v.owedView(sums, "")
		drawn.Chart.Title, drawn.Chart.Description = v.t("home.held.chart"), v.t("home.held.description", "total", v.words.Money(drawn.Total, drawn.Currency))
		view.Chart, view.More = &drawn.Chart, "/claims"
		view.Figures = []page.Shown{{Label: v.t("home.held.total"), Value: v.words.Money(drawn.Total, drawn.Currency), Href: "/claims"}}
	case member.Warehouse:
		list, err := v.Store.Receipts(v.ctx(), v.viewer, projection.ReceiptFilter{}, projection.Page{Size: recentLength})
		if err != nil {
			return err
		}
		view.Goods, view.More = append([]receipt.Receipt{}, list.Items...), "/receipts?show=all"
	case member.Bank, member.Regulator:
		bank := ""
		if v.person.Kind == member.Bank {
			bank = v.person.MSP
		}
		p, err := v.Store.Portfolio(v.ctx(), v.viewer, bank, v.today)
		if err != nil {
			return err
		}
		drawn, err := v.portfolioView(p, "")
		if err != nil {
			return err
		}
		view.Chart, view.More = &drawn.Ageing, "/portfolio"
		view.Figures = []page.Shown{{Label: v.t("portfolio.total"), Value: v.words.Money(drawn.Total, drawn.Currency), Href: "/portfolio"},
			{Label: v.t("portfolio.overdue"), Value: v.words.Money(drawn.Overdue, drawn.Currency), Href: "/overdue"}}
	}
	return nil
}
