package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

var decimalPattern = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)

// scaled reads decimal numbers as integers in 10^-scale, where the most precise of them gives the scale.
func scaled(texts ...string) (scale int, values []int64, err error) {
	for _, text := range texts {
		if !decimalPattern.MatchString(text) {
			return 0, nil, fmt.Errorf("%q is not a decimal number of at most 15 digits before and 6 after the point", text)
		}
		_, fraction, _ := strings.Cut(text, ".")
		scale = max(scale, len(fraction))
	}
	for _, text := range texts {
		whole, fraction, _ := strings.Cut(text, ".")
		v, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", scale-len(fraction)), 10, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("%q does not fit into 64 bits with %d decimals", text, scale)
		}
		values = append(values, v)
	}
	return scale, values, nil
}

// scaledText is value × 10^-scale as people write it.
func scaledText(value int64, scale int) string {
	digits, sign := strconv.FormatInt(value, 10), ""
	if digits[0] == '-' {
		digits, sign = digits[1:], "-"
	}
	if scale <= 0 {
		return sign + digits
	}
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// measuresOf reads what a sensor measures from PROPERTY:UNIT:MIN:MAX[:LOW:HIGH], in the order that the ledger wants.
func measuresOf(specs []string) ([]receipt.Measure, error) {
	var bad fault.Fields
	var list []receipt.Measure
	for i, spec := range specs {
		parts := strings.Split(spec, ":")
		if len(parts) != 4 && len(parts) != 6 {
			bad.Add(fmt.Sprintf("measure[%d]", i), spec, "must be PROPERTY:UNIT:MIN:MAX or PROPERTY:UNIT:MIN:MAX:LOW:HIGH")
			continue
		}
		scale, v, err := scaled(parts[2:]...)
		if err != nil {
			bad.Add(fmt.Sprintf("measure[%d]", i), spec, "%v", err)
			continue
		}
		m := receipt.Measure{Property: parts[0], Unit: parts[1], Scale: scale, RangeMin: v[0], RangeMax: v[1], LimitMin: v[0], LimitMax: v[1]}
		if len(v) == 4 {
			m.LimitMin, m.LimitMax = v[2], v[3]
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b receipt.Measure) int { return strings.Compare(a.Property, b.Property) })
	return list, bad.Err()
}

// conditionsOf reads how goods must be kept from PROPERTY:MIN:MAX. The unit is that in which a device of the receipt measures
// the property: a condition that no device watches would never be seen broken.
func conditionsOf(specs []string, devices []receipt.Device) ([]receipt.Condition, error) {
	var bad fault.Fields
	var list []receipt.Condition
	for i, spec := range specs {
		at := fmt.Sprintf("keep[%d]", i)
		parts := strings.Split(spec, ":")
		if len(parts) != 3 {
			bad.Add(at, spec, "must be PROPERTY:MIN:MAX")
			continue
		}
		scale, v, err := scaled(parts[1:]...)
		if err != nil {
			bad.Add(at, spec, "%v", err)
			continue
		}
		units := unitsOf(parts[0], devices)
		if len(units) != 1 {
			bad.Add(at, spec, "the devices of the receipt must measure it, all in one unit; they do in %v", units)
			continue
		}
		list = append(list, receipt.Condition{Property: parts[0], Unit: units[0], Scale: scale, Min: v[0], Max: v[1]})
	}
	return list, bad.Err()
}

func unitsOf(property string, devices []receipt.Device) []string {
	units := []string{}
	for _, d := range devices {
		for _, m := range d.Measures {
			if m.Property == property && !slices.Contains(units, m.Unit) {
				units = append(units, m.Unit)
			}
		}
	}
	return units
}

// instantOf reads a day, as its beginning in UTC, or an instant; it is now where the text is empty.
func instantOf(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now.UTC().Truncate(time.Millisecond), nil
	}
	if day, err := calendar.Parse(text); err == nil {
		return time.Parse(time.DateOnly, day.String())
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		var bad fault.Fields
		bad.Add(flag, text, "must be a day such as 2026-11-22 or an instant such as 2026-11-22T08:00:00Z")
		return at, bad.Err()
	}
	return at.UTC().Truncate(time.Millisecond), nil
}
