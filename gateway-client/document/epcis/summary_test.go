package epcis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

func mustDecimal(n int64) *apd.Decimal { return apd.New(n, 0) }

// Primer is stored between 5 and 25 °C and below 60 % relative humidity.
var primer = []Measure{
	{Property: "Temperature", Unit: "CEL", Scale: 2, LimitMin: 500, LimitMax: 2500},
	{Property: "RelativeHumidity", Unit: "P1", Scale: 1, LimitMin: 0, LimitMax: 600},
}

func TestSummariseOurSamples(t *testing.T) {
	b, err := Summarise(parsed(t, sample(t, "lot-8841-in-range.jsonld")), primer)
	require.NoError(t, err)
	assert.Equal(t, []Summary{
		{Property: "Temperature", Unit: "CEL", Scale: 2, Count: 12, Min: 1800, Max: 2030, Sum: 22_830, Mean: 1902},
		{Property: "RelativeHumidity", Unit: "P1", Scale: 1, Count: 12, Min: 397, Max: 426, Sum: 4931, Mean: 411},
	}, b.Summary)
	assert.Equal(t, int64(24), b.Reports)
	assert.Zero(t, b.Skipped)
	assert.Equal(t, time.Date(2026, 1, 12, 23, 0, 0, 0, time.UTC), b.From)
	assert.Equal(t, time.Date(2026, 1, 13, 21, 0, 0, 0, time.UTC), b.To)
	require.Len(t, b.Readings, 24)

	b, err = Summarise(parsed(t, sample(t, "lot-8841-excursion.jsonld")), primer)
	require.NoError(t, err)
	temperature := b.Summary[0]
	assert.Equal(t, int64(3), temperature.Excursions, "31.4, 32.05 and 27.9 °C")
	assert.Equal(t, int64(2), temperature.Alarms)
	assert.Equal(t, int64(3205), temperature.Max)
	assert.Equal(t, int64(2), b.Skipped, "an alarm without a number is no reading")

	b, err = Summarise(parsed(t, sample(t, "lot-8841-query-result.jsonld")), primer)
	require.NoError(t, err)
	assert.Equal(t, Summary{Property: "Temperature", Unit: "CEL", Scale: 2, Count: 2, Min: 1790, Max: 2060, Sum: 1914 + 1925, Mean: 1920}, b.Summary[0],
		"the second report is in °F, without a mean: the middle of 17.90 and 20.60 °C")
	assert.Zero(t, b.Summary[1].Count)
}

func TestEventsInErrorProveNothing(t *testing.T) {
	text := strings.Replace(valid[ObjectEvent], `"bizStep"`, `"errorDeclaration": {"declarationTime": "2026-01-16T08:00:00Z"}, "bizStep"`, 1)
	b, err := Summarise(parsed(t, text), primer)
	require.NoError(t, err)
	assert.Zero(t, b.Events)
	assert.Zero(t, b.Reports)
	assert.True(t, b.From.IsZero())
}

func TestSummariseRefuses(t *testing.T) {
	for value, code := range map[string]fault.Code{
		`19.5, "uom": "KGM"`: fault.InputInvalid,
		`1e60, "uom": "CEL"`: fault.AmountOverflow,
	} {
		_, err := Summarise(parsed(t, strings.Replace(valid[ObjectEvent], `19.50, "uom": "CEL"`, value, 1)), primer)
		assert.Equal(t, code, fault.CodeOf(err))
	}
}

// Count, sum, extremes and excursions are those of the readings, however they are spread over events.
func TestSummaryIsOfItsReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-5000, 9000), 1, 40).Draw(t, "hundredths")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		event := func(values []int64) string {
			if len(values) == 0 {
				return valid[AssociationEvent]
			}
			reports := make([]string, len(values))
			for i, v := range values {
				reports[i] = fmt.Sprintf(`{"type": "Temperature", "value": %de-2, "uom": "CEL"}`, v)
			}
			return strings.Replace(valid[ObjectEvent], `{"type": "Temperature", "value": 19.50, "uom": "CEL"}`, strings.Join(reports, ","), 1)
		}
		events, err := Parse(strings.NewReader("[" + event(values[:cut]) + "," + event(values[cut:]) + "]"))
		require.NoError(t, err)
		b, err := Summarise(events, primer)
		require.NoError(t, err)
		s := b.Summary[0]
		want := Summary{Property: "Temperature", Unit: "CEL", Scale: 2, Count: int64(len(values)), Min: values[0], Max: values[0], Mean: s.Mean}
		for _, v := range values {
			want.Sum += v
			want.Min, want.Max = min(want.Min, v), max(want.Max, v)
			if v < 500 || v > 2500 {
				want.Excursions++
			}
		}
		require.Equal(t, want, s)
		require.LessOrEqual(t, abs(2*(s.Mean*s.Count-s.Sum)), s.Count, "the mean is the nearest integer")
	})
}

func abs(n int64) int64 { return max(n, -n) }
