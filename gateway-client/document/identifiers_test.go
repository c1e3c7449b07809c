package document

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestCheckDigits(t *testing.T) {
	for _, gln := range []string{"7300010000001", "5790000435975", "1238764941386", "0614141000005"} {
		assert.True(t, validGS1(gln, 13), gln)
	}
	for _, gtin := range []string{"96385074", "614141000036", "4006381333931", "10614141000415"} {
		assert.True(t, validGS1(gtin, 8, 12, 13, 14), gtin)
	}
	for _, wrong := range []string{"", "7300010000002", "730001000000", "73000100000011", "730001000000A", "９520000100010"} {
		assert.False(t, validGS1(wrong, 13), wrong)
	}
	assert.True(t, validLEI("529900T8BM49AURSDO55"))
	assert.True(t, validLEI("HWUPKR0MPOU8FGXBT394"))
	for _, wrong := range []string{"529900T8BM49AURSDO54", "529900T8BM49AURSDO5", "529900T8BM49AURSDO5!", ""} {
		assert.False(t, validLEI(wrong), wrong)
	}
	for _, iban := range []string{"GB82WEST12345698765432", "DE89370400440532013000", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"} {
		assert.True(t, validIBAN(iban), iban)
	}
	for _, wrong := range []string{"GB83WEST12345698765432", "DE00", "", "8937040044053201300000", "DE893704004405320130009999999999999999"} {
		assert.False(t, validIBAN(wrong), wrong)
	}
}

// One wrong digit never passes a GS1 or MOD 97-10 check.
func TestOneWrongDigitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{"7300010000001", "5790000435975"}).Draw(t, "gln")
		at := rapid.IntRange(0, len(id)-1).Draw(t, "at")
		digit := rapid.IntRange(1, 9).Draw(t, "by")
		b := []byte(id)
		b[at] = '0' + byte((int(b[at]-'0')+digit)%10)
		if validGS1(string(b), 13) {
			t.Fatalf("%s passes", b)
		}
		iban := []byte("DE89370400440532013000")
		at = rapid.IntRange(2, len(iban)-1).Draw(t, "at in IBAN")
		iban[at] = '0' + byte((int(iban[at]-'0')+digit)%10)
		if validIBAN(string(iban)) {
			t.Fatalf("%s passes", iban)
		}
	})
}

func TestCanonicalDecimalKeepsTheNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.StringMatching(`[0-9]{0,12}`).Draw(t, "whole")
		fraction := rapid.StringMatching(`[0-9]{0,6}`).Draw(t, "fraction")
		sign := rapid.SampledFrom([]string{"", "+", "-"}).Draw(t, "sign")
		text := sign + whole + "." + fraction
		d, ok := canonicalDecimal(text)
		if ok != (whole+fraction != "") {
			t.Fatalf("%q: %v", text, ok)
		}
		if !ok {
			return
		}
		again, ok := canonicalDecimal(string(d))
		if !ok || again != d {
			t.Fatalf("%q is not stable: %q", d, again)
		}
		want, err := parseAmount(strings.TrimPrefix(text, "+"), "CLF") // four decimals
		got, gotErr := parseAmount(string(d), "CLF")
		if want != got || (err == nil) != (gotErr == nil) {
			t.Fatalf("%q is %d, %q is %d", text, want, d, got)
		}
	})
}
