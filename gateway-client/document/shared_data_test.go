package document

import (
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/money"
)

// Real documents that are not part of the project: ../shared/data from the root of the repository.
const realInvoices = "../../../shared/data/invoices"

// A second, dumb reading of a document: what stands between the tags, found without parsing XML.
var (
	statedPayable  = regexp.MustCompile(`<(?:\w+:)?(?:PayableAmount|DuePayableAmount)\b[^>]*>\s*([^<\s]+)\s*<`)
	statedPrepaid  = regexp.MustCompile(`<(?:\w+:)?(?:PrepaidAmount|TotalPrepaidAmount)\b[^>]*>\s*([^<\s]+)\s*<`)
	statedCurrency = regexp.MustCompile(`<(?:\w+:)?(?:DocumentCurrencyCode|InvoiceCurrencyCode)\b[^>]*>\s*([^<\s]+)\s*<`)
	statedID       = regexp.MustCompile(`(?s)<(?:\w+:)?(?:Invoice|CreditNote|ExchangedDocument)\b.*?<(?:cbc|ram):ID\b[^>]*>\s*([^<]*?)\s*<`)
	statedDue      = regexp.MustCompile(`(?s)<(?:\w+:)?(?:DueDate|PaymentDueDate|DueDateDateTime)\b[^>]*>\s*(?:<[^>]*>\s*)?([0-9-]+)\s*<`)
	statedLine     = regexp.MustCompile(`<(?:\w+:)?(?:InvoiceLine|CreditNoteLine|IncludedSupplyChainTradeLineItem)>`)
	statedResponse = regexp.MustCompile(`<cbc:ResponseCode[^>]*>\s*(\w+)`)
)

func firstMatch(e *regexp.Regexp, s string) string {
	if m := e.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// minorOf computes minor units with rational numbers, not with the code under test.
func minorOf(t *testing.T, text, currency string) string {
	t.Helper()
	if text == "" {
		return "0"
	}
	unit, ok := money.Lookup(currency)
	require.True(t, ok, currency)
	r, ok := new(big.Rat).SetString(strings.TrimSuffix(text, "."))
	require.True(t, ok, text)
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(unit.Exponent)), nil)))
	require.True(t, r.IsInt(), text)
	return r.Num().String()
}

func TestRealDocuments(t *testing.T) {
	var files []string
	for _, pattern := range []string{"/*/*.xml", "/*/*.XML"} {
		found, err := filepath.Glob(realInvoices + pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("skipped: the real documents are not here (../shared/data/invoices beside the repository)")
	}
	invoices, responses := 0, 0
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			doc, err := Parse(strings.NewReader(string(data)))
			require.NoError(t, err)
			text := string(data)
			if doc.Response != nil {
				responses++
				assert.Equal(t, firstMatch(statedResponse, text), string(doc.Response.Code))
				assert.Len(t, doc.Response.Documents, 1)
				return
			}
			invoices++
			i := doc.Invoice
			text = regexp.MustCompile(`(?s)<!--.*?-->`).ReplaceAllString(text, "")
			currency := firstMatch(statedCurrency, text)
			assert.Equal(t, currency, i.Currency)
			assert.Equal(t, minorOf(t, firstMatch(statedPayable, text), currency), big.NewInt(i.Totals.PayableMinor).String())
			assert.Equal(t, minorOf(t, firstMatch(statedPrepaid, text), currency), big.NewInt(i.Totals.PrepaidMinor).String())
			assert.Equal(t, firstMatch(statedID, text), i.ID)
			assert.Equal(t, strings.ReplaceAll(firstMatch(statedDue, text), "-", ""), strings.ReplaceAll(i.DueDate.String(), "-", ""))
			assert.Len(t, i.Lines, len(statedLine.FindAllString(text, -1)))
			assert.NotEmpty(t, i.Seller.Name)
			assert.NotEmpty(t, i.Buyer.Name)
			assert.Equal(t, strings.Contains(text, "Payee"+"Party>") || strings.Contains(text, "PayeeTradeParty>"), i.Payee != nil)
			for _, w := range doc.Warnings {
				assert.NotContains(t, w.Code, "BR-CO", "these files are right: %s", w)
			}
		})
	}
	t.Logf("%d invoices and credit notes, %d invoice responses", invoices, responses)
	assert.Positive(t, invoices)
	assert.Positive(t, responses)
}

func BenchmarkRealDocument(b *testing.B) {
	data, err := os.ReadFile(realInvoices + "/peppol-bis-3/base-example.xml")
	if err != nil {
		b.Skip("skipped: the real documents are not here (../shared/data/invoices beside the repository)")
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(strings.NewReader(string(data))); err != nil {
			b.Fatal(err)
		}
	}
}
