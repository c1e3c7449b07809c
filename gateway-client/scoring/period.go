package scoring

import (
	"fmt"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Every is how long a period of monitoring is.
type Every string

// The lengths of a period.
const (
	Monthly   Every = "month"
	Quarterly Every = "quarter"
	Yearly    Every = "year"
)

// MaxPeriods of one monitoring.
const MaxPeriods = 120

// Periods names the period of each of the rows, so that the names sort in time: 2026-03, 2026-Q1 or 2026 of a column
// of dates; any other column names its periods itself. INPUT_INVALID for an unknown column or length, an empty cell, or
// more than MaxPeriods.
func Periods(t *Table, rows []int, flag, column string, every Every) ([]string, error) {
	c, err := t.MustColumn(flag, column)
	if err != nil {
		return nil, err
	}
	if every == "" {
		every = Quarterly
	}
	if every != Monthly && every != Quarterly && every != Yearly {
		return nil, fault.New(fault.InputInvalid, "a period is a month, a quarter or a year, not %q", every)
	}
	cells := t.Columns[c]
	layout := ""
	for _, l := range dateLayouts {
		if allDates(l, cells, rows) {
			layout = l
			break
		}
	}
	names := make([]string, len(rows))
	seen := map[string]bool{}
	for i, r := range rows {
		if MissingText(cells[r]) {
			return nil, fault.New(fault.InputInvalid, "%s, row %d: the date %q is empty", t.Name, r+1, column)
		}
		names[i] = cells[r]
		if layout != "" {
			d, err := time.Parse(layout, cells[r])
			if err != nil {
				return nil, fault.New(fault.InputInvalid, "%s, row %d: %v", t.Name, r+1, err)
			}
			switch every {
			case Monthly:
				names[i] = d.Format("2006-01")
			case Quarterly:
				names[i] = fmt.Sprintf("%d-Q%d", d.Year(), (int(d.Month())+2)/3)
			default:
				names[i] = d.Format("2006")
			}
		}
		seen[names[i]] = true
		if len(seen) > MaxPeriods {
			return nil, fault.New(fault.InputInvalid, "%s: %q has more than %d periods", t.Name, column, MaxPeriods)
		}
	}
	return names, nil
}
