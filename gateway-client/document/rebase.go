package document

import (
	"regexp"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
)

var (
	isoDay     = regexp.MustCompile(`[0-9]+-[0-9]{2}-[0-9]{2}`)
	compactDay = regexp.MustCompile(`(format="102">)([0-9]{8})(<)`)
)

// Rebase moves every date of a sample document (XML or JSON) by the days between two dates, so that samples written
// for one day can be played on another. It knows YYYY-MM-DD, alone or at the start of an instant, and CII's YYYYMMDD
// in format 102; what is no day of the calendar, before or after the move, stays.
func Rebase(sample []byte, from, to calendar.Date) []byte {
	days := calendar.DaysBetween(from, to)
	move := func(day string) (string, bool) {
		d, err := calendar.Parse(day)
		if err != nil {
			return day, false
		}
		moved, err := d.AddDays(days)
		if err != nil {
			return day, false
		}
		return moved.String(), true
	}
	sample = isoDay.ReplaceAllFunc(sample, func(match []byte) []byte {
		moved, _ := move(string(match))
		return []byte(moved)
	})
	return compactDay.ReplaceAllFunc(sample, func(match []byte) []byte {
		parts := compactDay.FindSubmatch(match)
		day := string(parts[2])
		moved, ok := move(day[:4] + "-" + day[4:6] + "-" + day[6:])
		if !ok {
			return match
		}
		return []byte(string(parts[1]) + strings.ReplaceAll(moved, "-", "") + string(parts[3]))
	})
}
