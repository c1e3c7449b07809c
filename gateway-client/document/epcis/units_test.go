package epcis

import (
	"testing"

	"github.com/cockroachdb/apd/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

func TestSI(t *testing.T) {
	for _, c := range []struct{ value, unit, si, siUnit Number }{
		{"26.0", "CEL", "299.15", "KEL"},
		{"-273.15", "CEL", "0.00", "KEL"},
		{"0.1", "CEL", "273.25", "KEL"}, // binary floating point says 273.25000000000006
		{"68", "FAH", "293.15", "KEL"},
		{"-40", "FAH", "233.15", "KEL"},
		{"300.0", "KEL", "300.0", "KEL"},
		{"12.1", "A93", "0.0121", "KMQ"},
		{"160", "KMH", "44.444444444444444", "MTS"},
		{"800.0", "LUX", "800.0", "LUX"},
		{"0.18", "C35", "180", "C36"},
		{"41.5", "P1", "0.415", "C62"},
		{"180", "DD", "3.1415926535897932", "C81"},
		{"1", "P71", "0.00000027777777777777778", "P65"},
		{"1013.25", "A97", "101325", "PAL"},
		{"14.5", "PS", "99973.980750941239", "PAL"},
		{"2", "TNE", "2000", "KGM"},
		{"1", "LBR", "0.45359237", "KGM"},
		{"1.5", "HUR", "5400", "SEC"},
		{"250", "4K", "0.25", "AMP"},
		{"1e3", "GRM", "1", "KGM"},
		{"0", "GRM", "0", "KGM"},
	} {
		si, unit, ok := c.value.SI(string(c.unit))
		assert.True(t, ok, c)
		assert.Equal(t, c.si, si, c)
		assert.Equal(t, string(c.siUnit), unit, c)
	}
	for _, c := range [][2]string{{"", "CEL"}, {"1", ""}, {"1", "XQX"}} {
		_, _, ok := Number(c[0]).SI(c[1])
		assert.False(t, ok, c)
	}
	assert.Equal(t, "°C", Symbol("CEL"))
	assert.Equal(t, "XQX", Symbol("XQX"))
}

// Every SI unit that something converts to is in the table, as itself.
func TestUnitsAreCoherent(t *testing.T) {
	require.Greater(t, len(units), 600)
	for code, u := range units {
		require.Regexp(t, `^[A-Z0-9]{2,3}$`, code)
		require.NotEmpty(t, u.name, code)
		si, ok := units[u.si]
		require.True(t, ok, "%s converts to %s, which is not in the table", code, u.si)
		same, unit, ok := Number("17.25").SI(u.si)
		require.True(t, ok)
		require.Equal(t, Number("17.25"), same)
		require.Equal(t, si.code, unit)
		require.Positive(t, u.numerator.Sign(), code)
		require.Positive(t, u.denominator.Sign(), code)
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		value    Number
		from, to string
		scale    int
		want     int64
	}{
		{"19.5", "CEL", "CEL", 2, 1950},
		{"64.22", "FAH", "CEL", 2, 1790},
		{"291.05", "KEL", "CEL", 1, 179},
		{"-0.05", "CEL", "CEL", 1, 0}, // half to even
		{"0.15", "CEL", "CEL", 1, 2},
		{"0.25", "CEL", "CEL", 1, 2},
		{"41.5", "P1", "P1", 1, 415},
		{"9223372036854775807", "KGM", "KGM", 0, 9223372036854775807},
		{"-9223372036854775808", "KGM", "KGM", 0, -9223372036854775808},
	} {
		got, err := c.value.Convert(c.from, c.to, c.scale)
		require.NoError(t, err, c)
		assert.Equal(t, c.want, got, c)
	}
	for _, c := range []struct {
		value    Number
		from, to string
		scale    int
		code     fault.Code
	}{
		{"9223372036854775808", "KGM", "KGM", 0, fault.AmountOverflow},
		{"1e100", "KGM", "KGM", 0, fault.AmountOverflow},
		{"1", "KGM", "CEL", 0, fault.InputInvalid},
		{"1", "XQX", "CEL", 0, fault.InputInvalid},
		{"1", "CEL", "CEL", 10, fault.InputInvalid},
		{"", "CEL", "CEL", 0, fault.InputInvalid},
	} {
		_, err := c.value.Convert(c.from, c.to, c.scale)
		assert.Equal(t, c.code, fault.CodeOf(err), c)
	}
}

// What goes to SI and back through any unit of the quantity comes back to nine decimals.
func TestConvertThereAndBack(t *testing.T) {
	codes := map[string][]string{}
	var names []string
	for _, u := range units {
		codes[u.si] = append(codes[u.si], u.code)
	}
	for _, c := range []string{"KEL", "PAL", "KGM", "MTR", "MTS", "JOU", "SEC"} {
		names = append(names, codes[c]...)
	}
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom(names).Draw(t, "unit")
		value := rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "value")
		u := units[code]
		d := apd.New(value, 0)
		si, err := u.toSI(d)
		require.NoError(t, err)
		back, err := u.fromSI(si)
		require.NoError(t, err)
		got, err := numberOf(back).Convert(code, code, 9)
		require.NoError(t, err)
		require.Equal(t, value*1_000_000_000, got, code)
	})
}
