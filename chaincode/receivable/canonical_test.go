package receivable

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// The bytes that other programs sign and verify are an interface: they may not change by accident. The three sums were made by
// another program (Python's hmac and hashlib) from JSON that was written by hand.
func TestCanonicalBytesStayAsTheyAre(t *testing.T) {
	r := issue(t, sample())
	assert.Equal(t, `{"amount_minor":"100000","currency":"EUR","debtor":"p-00000000b0b0","due_date":"2026-06-01",`+
		`"invoice":"`+r.Invoice.Digest()+`","programme":"prg-0123456789abcdef0123","receivable":"rcv-0123456789abcdef0123",`+
		`"schema":"tallystick/undertaking/1"}`, string(r.Terms().Bytes()))
	assert.Equal(t, "c24e6c7b15915f8fbf2b89f2164e9ec3a1a34570ccc6a44e69b50e9572ae3e78", r.Invoice.Digest())
	assert.Equal(t, "535ef3e91e1c66b1d631af96750babbb663a335aa14f524952a83f18d8a0f0bb", r.Fingerprint)
	assert.Equal(t, "efc713c1e36f4d8edade5e079ad4219d841bc6f1ad65ac40948515aa0f9a42fd", r.NearFingerprint)
}

func anyInvoice(t *rapid.T, name string) Invoice {
	i := sample()
	i.TypeCode = rapid.SampledFrom([]string{"380", "384"}).Draw(t, name+" type")
	i.Seller = rapid.SampledFrom([]string{sellerParty, tierTwo}).Draw(t, name+" seller")
	i.Number = rapid.SampledFrom([]string{"1", "1\"", "1\",\"x\":\"", "<1>", "1&", "é", "e\u0301", "１", "1/2", "12"}).Draw(t, name+" number")
	i.PayableMinor = rapid.SampledFrom([]int64{1, 10, MaxPayableMinor}).Draw(t, name+" amount")
	i.Currency = rapid.SampledFrom([]string{"EUR", "CNY"}).Draw(t, name+" currency")
	return i
}

func TestFingerprintsAreEqualExactlyWhereTheTermsAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInvoice(t, "a"), anyInvoice(t, "b")
		require.NoError(t, a.Validate())
		same := a.TypeCode == b.TypeCode && a.Seller == b.Seller && a.Number == b.Number && a.PayableMinor == b.PayableMinor && a.Currency == b.Currency
		require.Equal(t, same, bytes.Equal(a.Canonical(), b.Canonical()))
		if same {
			require.Equal(t, a.NearCanonical(), b.NearCanonical(), "the same is near")
		}
		require.True(t, json.Valid(a.Canonical()))
		require.NotContains(t, string(a.Canonical()), `\u003c`, "RFC 8785 escapes nothing that it need not")
	})
}

func FuzzNumber(f *testing.F) {
	f.Add("RE-2026/001")
	f.Add("発票１２")
	f.Add("\u2028")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, number string) {
		i := sample()
		i.Number = number
		if i.Validate() != nil {
			return
		}
		if !utf8.ValidString(number) || len(number) > MaxNumberBytes {
			t.Fatalf("%q is valid", number)
		}
		var read struct{ Number string }
		if err := json.Unmarshal(i.Canonical(), &read); err != nil || read.Number != number {
			t.Fatalf("%q became %q: %v", number, read.Number, err)
		}
		if once := NormalNumber(number); NormalNumber(once) != once {
			t.Fatalf("%q is %q and then %q", number, once, NormalNumber(once))
		}
	})
}

func TestTextsThatWouldBeAmbiguousAreRefused(t *testing.T) {
	for _, number := range []string{"", " 1", "1\t2", "1\u2028", "1\u2029", "\xff", "\ufffd", string(make([]byte, 200))} {
		i := sample()
		i.Number = number
		requireCode(t, fault.InputInvalid, i.Validate(), "%q", number)
	}
}
