package simulation

import (
	"fmt"
	"strconv"
)

// bureau is what a credit bureau would know of a firm, later than it happens: register, published accounts, reported limits, and
// the state of its sector. How it repays banks is a feature of both sides, since bureaus know it, too.
type bureau struct {
	ageYears       int64
	sector         int
	sectorIndex    int64 // thousandths of a logarithm, as last published
	salesThousand  int64 // of the last published year, minor units
	cashDays       int64 // cash at its end ÷ its sales
	filed          bool
	lineUsedBps    int64 // eight weeks ago
	lineKnown      bool
	filedWeeksBack int64
}

// BureauColumns are the bureau's columns of a table, BureauRecord those of the ledger's features that bureaus know as well.
var (
	BureauColumns = []string{"bureau_age_years", "bureau_sector", "bureau_sector_index", "bureau_sales_thousand", "bureau_cash_days",
		"bureau_accounts_weeks_old", "bureau_line_used_bps"}
	BureauRecord = []string{"loans_repaid", "max_days_past_due"}
)

const lineReportDays = 56

// ask fills in what the bureau knows on the cut-off day.
func (r *record) ask() {
	w := r.w
	var published index
	for _, x := range w.indexes {
		if x.day < r.day {
			published = x
		}
	}
	for i := range w.firms {
		f := &w.firms[i]
		r.book[i] = bureau{ageYears: (int64(r.day)/daysPerWeek - int64(f.founded)) / weeksPerYear, sector: f.sector, sectorIndex: published.sector[f.sector]}
	}
	for _, x := range w.filings {
		if known := x.day + filedAfterWeek*daysPerWeek; known < r.day {
			b := &r.book[x.firm]
			b.filed, b.salesThousand, b.filedWeeksBack = true, x.sales/1000, int64(r.day-x.day)/daysPerWeek
			b.cashDays = x.cash / max(1, x.sales/(weeksPerYear*daysPerWeek))
		}
	}
	for _, x := range w.limits {
		if x.day+lineReportDays < r.day {
			b := &r.book[x.firm]
			b.lineUsedBps, b.lineKnown = x.ppm/100, true
		}
	}
}

// cells are the values under BureauColumns.
func (b bureau) cells() []string {
	number := func(n int64, known bool) string {
		if !known {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	return []string{number(b.ageYears, true), fmt.Sprintf("sector-%d", b.sector), number(b.sectorIndex, true), number(b.salesThousand, b.filed),
		number(b.cashDays, b.filed), number(b.filedWeeksBack, b.filed), number(b.lineUsedBps, b.lineKnown)}
}
