package document

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

const samples = "../../testdata/invoices"

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, name))
	require.NoError(t, err)
	return string(data)
}

// changed returns the sample with every pair of texts replaced; each old text must be there.
func changed(t testing.TB, name string, pairs ...string) string {
	t.Helper()
	s := sample(t, name)
	for i := 0; i < len(pairs); i += 2 {
		require.True(t, strings.Contains(s, pairs[i]), "%q is not in the sample: the test replaces nothing", pairs[i])
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}

func parsed(t testing.TB, text string) *Document {
	t.Helper()
	doc, err := Parse(strings.NewReader(text))
	require.NoError(t, err)
	return doc
}

func failures(t testing.TB, text string) failure.List {
	t.Helper()
	_, err := Parse(strings.NewReader(text))
	require.Error(t, err)
	return failure.InFile(err, "test.xml")
}

func warningCodes(doc *Document) []string {
	codes := []string{}
	for _, w := range doc.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

func day(text string) calendar.Date { return calendar.MustParse(text) }

func TestUBLInvoice(t *testing.T) {
	i, warnings, err := ParseUBL(strings.NewReader(sample(t, "acme-INV-1001.xml")))
	require.NoError(t, err)
	assert.Empty(t, warnings)
	net := int64(4_054_622)
	tax := int64(770_378)
	gross := int64(4_825_000)
	assert.Equal(t, Totals{LineNetMinor: &net, TaxExclusiveMinor: &net, TaxMinor: &tax, TaxInclusiveMinor: &gross, PayableMinor: gross}, i.Totals)
	assert.Equal(t, "EUR 48250.00", i.Payable().String())
	assert.Equal(t, "INV-1001", i.ID)
	assert.Equal(t, "380", i.TypeCode)
	assert.Equal(t, day("2026-01-15"), i.IssueDate)
	assert.Equal(t, day("2026-03-16"), i.DueDate)
	assert.Equal(t, "PO-4711", i.OrderID)
	assert.Equal(t, "PLANT-7", i.BuyerReference)
	assert.Nil(t, i.Payee)
	assert.Equal(t, Party{Name: "Acme Castings GmbH", TradingName: "Acme Castings GmbH", Country: "DE", IDs: []Identifier{
		{IdentifierEndpoint, "0088", "9520000100018"}, {IdentifierParty, "0088", "9520000100018"},
		{IdentifierTax, "VAT", "DE999000101"}, {IdentifierLegal, "", "HRB 900101"},
	}}, i.Seller)
	assert.Equal(t, "Orchard Motors AG", i.Buyer.Name)
	require.Len(t, i.Lines, 2)
	line := int64(3_420_000)
	assert.Equal(t, Line{ID: "1", Description: "Brake caliper castings, raw", ItemID: Identifier{Scheme: "0160", ID: "9520001100017"},
		Quantity: "1000", Unit: "H87", Price: "34.20", NetAmount: "34200.00", NetMinor: &line}, i.Lines[0])
	require.Len(t, i.PaymentMeans, 1)
	assert.Equal(t, "58", i.PaymentMeans[0].Code)
	assert.Equal(t, "EXMPDEFFXXX", i.PaymentMeans[0].Bank)
}

func TestTheCopyThatWasSentAgainSaysTheSame(t *testing.T) {
	first := parsed(t, sample(t, "acme-INV-1001.xml")).Invoice
	again := parsed(t, sample(t, "acme-INV-1001-sent-again.xml")).Invoice
	assert.NotEqual(t, sample(t, "acme-INV-1001.xml"), sample(t, "acme-INV-1001-sent-again.xml"))
	assert.NotEmpty(t, again.Notes)
	again.Notes = first.Notes
	assert.Equal(t, first, again)
}

func TestCreditNote(t *testing.T) {
	doc := parsed(t, sample(t, "acme-CN-1001.xml"))
	assert.Equal(t, KindCreditNote, doc.Kind)
	assert.Equal(t, "381", doc.Invoice.TypeCode)
	assert.Equal(t, int64(238_000), doc.Invoice.Totals.PayableMinor)
	assert.Equal(t, day("2026-03-16"), doc.Invoice.DueDate, "the due date of the payment means")
	assert.Equal(t, []Reference{{ID: "INV-1001", IssueDate: day("2026-01-15")}}, doc.Invoice.Preceding)
	assert.Equal(t, Decimal("50"), doc.Invoice.Lines[0].Quantity)
	assert.Empty(t, doc.Warnings)
}

func TestCIIInvoice(t *testing.T) {
	i, warnings, err := ParseCII(strings.NewReader(sample(t, "cedar-INV-3002-cii.xml")))
	require.NoError(t, err)
	assert.Empty(t, warnings)
	assert.Equal(t, int64(1_210_000), i.Totals.PayableMinor)
	assert.Equal(t, day("2026-01-13"), i.IssueDate)
	assert.Equal(t, day("2026-03-14"), i.DueDate)
	assert.Equal(t, []Identifier{{IdentifierParty, "0088", "9520000100032"}, {IdentifierTax, "VAT", "NL999000303B01"},
		{IdentifierLegal, "", "99000303"}}, i.Seller.IDs)
	rate, days := int64(150), int64(14)
	assert.Equal(t, []Discount{{RateBasisPoints: &rate, Days: &days}}, i.Terms)
	assert.Equal(t, Decimal("100"), i.Lines[0].PriceBase)

	_, _, err = ParseUBL(strings.NewReader(sample(t, "cedar-INV-3002-cii.xml")))
	assert.Equal(t, fault.DocumentUnsupported, fault.CodeOf(err))
}

func TestPayeePrepaidRounding(t *testing.T) {
	doc := parsed(t, sample(t, "birch-INV-2002.xml"))
	require.NotNil(t, doc.Invoice.Payee)
	assert.Equal(t, "Beacon Factoring S.A.", doc.Invoice.Payee.Name)
	assert.Contains(t, warningCodes(doc), "PAYEE_NOT_SELLER")

	const payee = "<cbc:ID schemeID=\"0088\">9520000100087<"
	same := parsed(t, changed(t, "birch-INV-2002.xml", payee, "<cbc:ID schemeID=\"0088\">9520000100025<"))
	assert.NotContains(t, warningCodes(same), "PAYEE_NOT_SELLER", "the seller's own GLN")
	byName := parsed(t, changed(t, "birch-INV-2002.xml", payee, "<cbc:ID>1<", "Beacon Factoring S.A.", "Birch Fasteners SARL"))
	assert.NotContains(t, warningCodes(byName), "PAYEE_NOT_SELLER")
	nameOnly := parsed(t, changed(t, "birch-INV-2002.xml", "Beacon Factoring S.A.", "Birch Fasteners SARL"))
	assert.Contains(t, warningCodes(nameOnly), "PAYEE_NOT_SELLER", "the name is right, the GLN is not")

	i := parsed(t, sample(t, "cedar-INV-3001.xml")).Invoice
	assert.Equal(t, int64(146_000), i.Totals.PrepaidMinor)
	assert.Equal(t, int64(3_000_000), i.Totals.PayableMinor)

	rounded := parsed(t, changed(t, "cedar-INV-3001.xml", `<cbc:PayableAmount currencyID="EUR">30000.00<`,
		`<cbc:PayableRoundingAmount currencyID="EUR">-0.04</cbc:PayableRoundingAmount><cbc:PayableAmount currencyID="EUR">29999.96<`))
	assert.Equal(t, int64(-4), rounded.Invoice.Totals.RoundingMinor)
	assert.Empty(t, rounded.Warnings, "rounding counts in BR-CO-16")
}

func TestEnvelopeOfAPeppolMessage(t *testing.T) {
	_, inner, _ := strings.Cut(sample(t, "acme-INV-1001.xml"), "?>")
	doc := parsed(t, `<?xml version="1.0"?><StandardBusinessDocument xmlns="`+sbdhNamespace+`"><StandardBusinessDocumentHeader/>`+inner+`</StandardBusinessDocument>`)
	assert.Equal(t, "INV-1001", doc.Invoice.ID)
}

// What must be refused, with the code and the element that is to blame.
func TestRefused(t *testing.T) {
	const payable = `<cbc:PayableAmount currencyID="EUR">48250.00<`
	edit := func(pairs ...string) func(testing.TB) string {
		return func(t testing.TB) string { return changed(t, "acme-INV-1001.xml", pairs...) }
	}
	cii := func(pairs ...string) func(testing.TB) string {
		return func(t testing.TB) string { return changed(t, "cedar-INV-3002-cii.xml", pairs...) }
	}
	bad := func(name string) func(testing.TB) string {
		return func(t testing.TB) string { return sample(t, "bad/"+name) }
	}
	for name, c := range map[string]struct {
		text    func(testing.TB) string
		code    fault.Code
		element string
	}{
		"truncated":        {bad("truncated.xml"), fault.DocumentMalformed, "/Invoice/PaymentMeans"},
		"beyond int64":     {bad("amount-beyond-int64.xml"), fault.AmountOverflow, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"half a cent":      {bad("amount-not-exact.xml"), fault.AmountNotExact, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"unknown currency": {bad("currency-unknown.xml"), fault.CurrencyUnknown, "/Invoice/DocumentCurrencyCode"},
		"30 February":      {bad("date-not-in-calendar.xml"), fault.DateInvalid, "/Invoice/IssueDate"},
		"entities":         {bad("entity-expansion.xml"), fault.DocumentMalformed, "/"},
		"external entity":  {bad("external-entity.xml"), fault.DocumentMalformed, "/"},

		"no id":                           {edit("<cbc:ID>INV-1001</cbc:ID>\n  <cbc:IssueDate>", "<cbc:IssueDate>"), fault.InputMissing, "/Invoice/ID"},
		"empty id":                        {edit("<cbc:ID>INV-1001</cbc:ID>\n  <cbc:IssueDate>", "<cbc:ID> </cbc:ID><cbc:IssueDate>"), fault.InputMissing, "/Invoice/ID"},
		"long id":                         {edit("INV-1001", strings.Repeat("9", 300)), fault.InputTooLarge, "/Invoice/ID"},
		"no issue date":                   {edit("<cbc:IssueDate>2026-01-15</cbc:IssueDate>", ""), fault.InputMissing, "/Invoice/IssueDate"},
		"German date":                     {edit("<cbc:DueDate>2026-03-16<", "<cbc:DueDate>16.03.2026<"), fault.DateInvalid, "/Invoice/DueDate"},
		"no payable":                      {edit(payable, `<cbc:Other>48250.00<`, "48250.00</cbc:PayableAmount>", "48250.00</cbc:Other>"), fault.InputMissing, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"two payables":                    {edit(payable, payable+`/cbc:PayableAmount>`+payable), fault.InputInvalid, "/Invoice/LegalMonetaryTotal/PayableAmount[2]"},
		"payable empty":                   {edit(payable, `<cbc:PayableAmount currencyID="EUR"><`), fault.InputInvalid, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"comma":                           {edit(payable, `<cbc:PayableAmount currencyID="EUR">48.250,00<`), fault.InputInvalid, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"exponent":                        {edit(payable, `<cbc:PayableAmount currencyID="EUR">4.8E4<`), fault.InputInvalid, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"NaN":                             {edit(payable, `<cbc:PayableAmount currencyID="EUR">NaN<`), fault.InputInvalid, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"other digits":                    {edit(payable, `<cbc:PayableAmount currencyID="EUR">４８２５０<`), fault.InputInvalid, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"other currency":                  {edit(payable, `<cbc:PayableAmount currencyID="USD">48250.00<`), fault.CurrencyMismatch, "/Invoice/LegalMonetaryTotal/PayableAmount"},
		"lower-case currency":             {edit("<cbc:DocumentCurrencyCode>EUR", "<cbc:DocumentCurrencyCode>eur"), fault.CurrencyUnknown, "/Invoice/DocumentCurrencyCode"},
		"no seller":                       {edit("AccountingSupplierParty", "SomebodyParty"), fault.InputMissing, "/Invoice/AccountingSupplierParty/Party"},
		"no lines":                        {edit("InvoiceLine", "OtherLine"), fault.InputMissing, "/Invoice/InvoiceLine"},
		"price no number":                 {edit("34.20", "cheap"), fault.InputInvalid, "/Invoice/InvoiceLine[1]/Price/PriceAmount"},
		"line total beyond int64":         {edit(">6346.22</cbc:LineExtensionAmount>", ">99999999999999999999.00</cbc:LineExtensionAmount>"), fault.AmountOverflow, "/Invoice/InvoiceLine[2]/LineExtensionAmount"},
		"wrong namespace":                 {edit("xsd:Invoice-2", "xsd:Invoice-9"), fault.DocumentUnsupported, "/Invoice"},
		"components of another namespace": {edit("xsd:CommonBasicComponents-2", "xsd:Nonsense-2"), fault.InputMissing, "/Invoice/ID"},

		"CII date format":   {cii(`format="102">20260113`, `format="610">202601`), fault.DateInvalid, "/CrossIndustryInvoice/ExchangedDocument/IssueDateTime/DateTimeString"},
		"CII no such day":   {cii("20260314", "20260231"), fault.DateInvalid, "/CrossIndustryInvoice/SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString"},
		"CII no date":       {cii(`<udt:DateTimeString format="102">20260113</udt:DateTimeString>`, ""), fault.InputMissing, "/CrossIndustryInvoice/ExchangedDocument/IssueDateTime"},
		"CII currency":      {cii(">EUR<", ">EURO<"), fault.CurrencyUnknown, "/CrossIndustryInvoice/SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/InvoiceCurrencyCode"},
		"CII no payable":    {cii("DuePayableAmount", "Payable"), fault.InputMissing, "/CrossIndustryInvoice/SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradeSettlementHeaderMonetarySummation/DuePayableAmount"},
		"CII no settlement": {cii("ApplicableHeaderTradeSettlement", "Other"), fault.InputMissing, "/CrossIndustryInvoice/SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"},
		"CII no buyer":      {cii("BuyerTradeParty", "Other"), fault.InputMissing, "/CrossIndustryInvoice/SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement/BuyerTradeParty"},
		"other UBL": {func(testing.TB) string {
			return `<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>`
		}, fault.DocumentUnsupported, "/Order"},
		"HTML": {func(testing.TB) string { return `<html><body/></html>` }, fault.DocumentUnsupported, "/html"},
	} {
		t.Run(name, func(t *testing.T) {
			list := failures(t, c.text(t))
			var places []string
			for _, f := range list {
				assert.Equal(t, "test.xml", f.File)
				assert.Positive(t, f.Line, f)
				places = append(places, string(f.Code)+" "+f.Element)
			}
			assert.Contains(t, places, string(c.code)+" "+c.element)
		})
	}
}

func TestEveryFailureIsReportedAtOnce(t *testing.T) {
	list := failures(t, changed(t, "acme-INV-1001.xml", "<cbc:DueDate>2026-03-16<", "<cbc:DueDate>soon<",
		`<cbc:PayableAmount currencyID="EUR">48250.00<`, `<cbc:PayableAmount currencyID="EUR">much<`, "34.20", "cheap"))
	assert.Len(t, list, 3)
	assert.True(t, errors.Is(list, fault.New(fault.DateInvalid, "")))
	assert.True(t, errors.Is(list, fault.New(fault.InputInvalid, "")))
}

// What is odd but real is a warning.
func TestWarnings(t *testing.T) {
	const name = "acme-INV-1001.xml"
	for want, pairs := range map[string][]string{
		"BR-CO-10":         {">6346.22</cbc:LineExtensionAmount>", ">6346.23</cbc:LineExtensionAmount>"},
		"BR-CO-13":         {`<cbc:TaxInclusiveAmount currencyID="EUR">48250.00`, `<cbc:AllowanceTotalAmount currencyID="EUR">1.00</cbc:AllowanceTotalAmount><cbc:TaxInclusiveAmount currencyID="EUR">48250.00`},
		"BR-CO-15":         {"<cbc:TaxAmount currencyID=\"EUR\">7703.78</cbc:TaxAmount>\n    <cac:TaxSubtotal>", "<cbc:TaxAmount currencyID=\"EUR\">7703.79</cbc:TaxAmount><cac:TaxSubtotal>"},
		"BR-CO-16":         {`<cbc:PayableAmount currencyID="EUR">48250.00`, `<cbc:PayableAmount currencyID="EUR">48250.01`},
		"GLN_CHECK_DIGIT":  {"9520000100018", "9520000100019"},
		"GTIN_CHECK_DIGIT": {"9520001100017", "9520001100018"},
		"IBAN_CHECK_DIGIT": {"<cbc:ID>DE", "<cbc:ID>FR"},
		"LEI_CHECK_DIGIT":  {"<cbc:CompanyID>HRB 900101<", `<cbc:CompanyID schemeID="0199">529900T8BM49AURSDO56<`},
		"DUE_BEFORE_ISSUE": {"<cbc:DueDate>2026-03-16", "<cbc:DueDate>2026-01-14"},
		"DATE_HAS_ZONE":    {"<cbc:DueDate>2026-03-16", "<cbc:DueDate>2026-03-16+01:00"},
		"BT-3_MISSING":     {"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>", ""},
		"TYPE_MISMATCH":    {">380<", ">381<"},
		"AMOUNT_NOT_EXACT": {`<cbc:TaxInclusiveAmount currencyID="EUR">48250.00`, `<cbc:TaxInclusiveAmount currencyID="EUR">48250.0001`},
		"DUE_DATES_DIFFER": {"<cbc:PaymentID>", "<cbc:PaymentDueDate>2026-03-17</cbc:PaymentDueDate><cbc:PaymentID>"},
	} {
		t.Run(want, func(t *testing.T) {
			doc := parsed(t, changed(t, name, pairs...))
			assert.Contains(t, warningCodes(doc), want)
			assert.Equal(t, "INV-1001", doc.Invoice.ID)
			for _, w := range doc.Warnings {
				assert.Positive(t, w.Line)
				assert.NotEmpty(t, w.Element)
			}
		})
	}
}

func TestACreditNotesTypeMakesACreditNote(t *testing.T) {
	assert.Equal(t, KindCreditNote, parsed(t, changed(t, "acme-INV-1001.xml", ">380<", ">381<")).Kind)
	assert.Equal(t, KindCreditNote, parsed(t, changed(t, "cedar-INV-3002-cii.xml", ">380<", ">381<")).Kind)
}

func TestAmounts(t *testing.T) {
	for stated, want := range map[string]int64{
		"48250.00": 4_825_000, "48250": 4_825_000, "48250.": 4_825_000, "+48250.0": 4_825_000, " 48250.00\n": 4_825_000,
		"48250.000000": 4_825_000, "-48250.00": -4_825_000, "0": 0, "-0.00": 0, ".5": 50, "0048250": 4_825_000,
		"92233720368547758.07": 9223372036854775807, "-92233720368547758.08": -9223372036854775808,
	} {
		doc := parsed(t, changed(t, "acme-INV-1001.xml", `<cbc:PayableAmount currencyID="EUR">48250.00<`, `<cbc:PayableAmount currencyID="EUR">`+stated+`<`))
		assert.Equal(t, want, doc.Invoice.Totals.PayableMinor, stated)
	}
	for currency, want := range map[string]int64{"JPY": 48_250, "KWD": 48_250_000, "HUF": 4_825_000} {
		assert.Equal(t, want, parsed(t, changed(t, "acme-INV-1001.xml", "EUR", currency, ".22<", ".00<", ".78<", ".00<")).Invoice.Totals.PayableMinor, currency)
	}
}

// One document in other clothes says the same: prefixes, ends of lines, byte order marks and encodings are not its content.
func TestClothesDoNotMatter(t *testing.T) {
	plain := sample(t, "acme-INV-1001.xml")
	want := parsed(t, plain)
	body := strings.SplitN(plain, "?>", 2)[1]
	utf16 := func(order unicode.Endianness, mark unicode.BOMPolicy) string {
		text, err := unicode.UTF16(order, mark).NewEncoder().String(`<?xml version="1.0" encoding="UTF-16"?>` + body)
		require.NoError(t, err)
		return text
	}
	for name, text := range map[string]string{
		"other prefixes":       strings.NewReplacer("cbc:", "b:", "cac:", "g:", "xmlns:cbc", "xmlns:b", "xmlns:cac", "xmlns:g").Replace(plain),
		"CRLF":                 strings.ReplaceAll(plain, "\n", "\r\n"),
		"byte order mark":      "\ufeff" + plain,
		"no declaration":       body[strings.Index(body, "<"):],
		"UTF-16 big endian":    utf16(unicode.BigEndian, unicode.UseBOM),
		"UTF-16 little endian": utf16(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16 without mark":  utf16(unicode.LittleEndian, unicode.IgnoreBOM),
		"ISO 8859-1":           `<?xml version="1.0" encoding="ISO-8859-1"?>` + body,
		"character data":       strings.ReplaceAll(plain, ">INV-1001<", "><![CDATA[INV-]]>&#49;001<"),
	} {
		doc := parsed(t, text)
		assert.Empty(t, doc.Warnings, name)
		assert.Equal(t, want.Invoice.ID, doc.Invoice.ID, name)
		assert.Equal(t, want.Invoice.Totals, doc.Invoice.Totals, name)
		assert.Equal(t, want.Invoice.Seller, doc.Invoice.Seller, name)
		assert.Len(t, doc.Invoice.Lines, len(want.Invoice.Lines), name)
	}
}

// Some credit with negative amounts: the sign is the document's, and stays.
func TestANegativeCreditNoteKeepsItsSign(t *testing.T) {
	text := regexp.MustCompile(`(Amount currencyID="EUR">)`).ReplaceAllString(sample(t, "acme-CN-1001.xml"), "$1-")
	doc := parsed(t, strings.ReplaceAll(text, `<cbc:PriceAmount currencyID="EUR">-`, `<cbc:PriceAmount currencyID="EUR">`))
	assert.Equal(t, KindCreditNote, doc.Kind)
	assert.Equal(t, int64(-238_000), doc.Invoice.Totals.PayableMinor)
}

func TestCurrencyOfPlainUBL(t *testing.T) {
	doc := parsed(t, changed(t, "acme-INV-1001.xml", "<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>", ""))
	assert.Equal(t, "EUR", doc.Invoice.Currency)
}

func TestDueDateOfAnInvoiceWithoutOne(t *testing.T) {
	means := func(dates ...string) string {
		s := changed(t, "acme-INV-1001.xml", "<cbc:DueDate>2026-03-16</cbc:DueDate>", "")
		var all string
		for _, d := range dates {
			all += "<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cbc:PaymentDueDate>" + d + "</cbc:PaymentDueDate></cac:PaymentMeans>"
		}
		return strings.Replace(s, "<cac:PaymentMeans>", all+"<cac:PaymentMeans>", 1)
	}
	assert.True(t, parsed(t, means()).Invoice.DueDate.IsZero())
	assert.Equal(t, day("2026-04-01"), parsed(t, means("2026-04-01", "2026-04-01")).Invoice.DueDate)
	two := parsed(t, means("2026-04-01", "2026-05-01"))
	assert.True(t, two.Invoice.DueDate.IsZero(), "instalments have no one due date")
	assert.Contains(t, warningCodes(two), "DUE_DATES_DIFFER")
}

func TestTaxInASecondCurrency(t *testing.T) {
	doc := parsed(t, changed(t, "acme-INV-1001.xml", "<cac:TaxTotal>\n", `<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">9.99</cbc:TaxAmount></cac:TaxTotal><cac:TaxTotal>`))
	assert.Equal(t, int64(770_378), *doc.Invoice.Totals.TaxMinor)
	assert.Empty(t, doc.Warnings)
	doc = parsed(t, changed(t, "cedar-INV-3002-cii.xml", `<ram:TaxTotalAmount currencyID="EUR">`, `<ram:TaxTotalAmount currencyID="SEK">9.99</ram:TaxTotalAmount><ram:TaxTotalAmount currencyID="EUR">`))
	assert.Equal(t, int64(210_000), *doc.Invoice.Totals.TaxMinor)
	assert.Empty(t, doc.Warnings)
}

func TestInstalmentsInCII(t *testing.T) {
	const first = "<ram:SpecifiedTradePaymentTerms>"
	second := func(date string) string {
		return first + `<ram:DueDateDateTime><udt:DateTimeString format="102">` + date + `</udt:DateTimeString></ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>` + first
	}
	doc := parsed(t, changed(t, "cedar-INV-3002-cii.xml", first, second("20260401")))
	assert.True(t, doc.Invoice.DueDate.IsZero())
	assert.Contains(t, warningCodes(doc), "DUE_DATES_DIFFER")
	doc = parsed(t, changed(t, "cedar-INV-3002-cii.xml", first, second("20260314")))
	assert.Equal(t, day("2026-03-14"), doc.Invoice.DueDate)
	assert.Len(t, doc.Invoice.Terms, 1)
}

func TestDecimals(t *testing.T) {
	for text, want := range map[string]Decimal{"64.": "64", "+007.50": "7.50", "-0.00": "0.00", "-.5": "-0.5", "0": "0"} {
		d, ok := canonicalDecimal(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, d, text)
	}
	for _, text := range []string{"", ".", "-", "+", "1,5", "1e3", "1.2.3", "--1", " 1", strings.Repeat("1", 65)} {
		_, ok := canonicalDecimal(text)
		assert.False(t, ok, text)
	}
}

func TestDiscountsInNotes(t *testing.T) {
	type discount struct{ rate, days, base int64 }
	for note, want := range map[string][]discount{
		"Payment within 10 days, 2% discount": {{200, 10, 0}},
		"2 % discount if paid within 2 days":  {{200, 2, 0}},
		"2/10 net 30":                         {{200, 10, 0}},
		"2,5 % Skonto innerhalb von 14 Tagen": {{250, 14, 0}},
		"Innerhalb 14 Tagen 3 % Skonto":       {{300, 14, 0}},
		"#SKONTO#TAGE=14#PROZENT=2.25#":       {{225, 14, 0}},
		"#SKONTO#TAGE=7#PROZENT=3.00#BASISBETRAG=100.50#\n#SKONTO#TAGE=14#PROZENT=2.00#": {{300, 7, 10050}, {200, 14, 0}},
		"Payment within 30 days":                       {},
		"50% prepaid, 50% within one month":            {},
		"200% discount if paid within 10 days":         {},
		"Penalty percentage 10% from due date":         {},
		"2% discount within 99999999999999999999 days": {},
	} {
		i := parsed(t, changed(t, "birch-INV-2001.xml", "Net 45 days; 2 % discount if paid within 10 days", note)).Invoice
		got := []discount{}
		for _, d := range i.Terms {
			one := discount{rate: *d.RateBasisPoints, days: *d.Days}
			if d.BaseMinor != nil {
				one.base = *d.BaseMinor
			}
			got = append(got, one)
			assert.NotEmpty(t, d.Note)
		}
		assert.Equal(t, want, got, note)
	}
}

func TestStructuredDiscountOfPlainUBL(t *testing.T) {
	i := parsed(t, changed(t, "birch-INV-2001.xml", "<cbc:Note>Net 45 days; 2 % discount if paid within 10 days</cbc:Note>",
		`<cbc:SettlementDiscountPercent>1.75</cbc:SettlementDiscountPercent><cbc:SettlementDiscountAmount currencyID="EUR">346.50</cbc:SettlementDiscountAmount>
		<cac:SettlementPeriod><cbc:EndDate>2026-01-20</cbc:EndDate><cbc:DurationMeasure unitCode="WEE">1</cbc:DurationMeasure></cac:SettlementPeriod>`)).Invoice
	rate, amount, days := int64(175), int64(34_650), int64(7)
	assert.Equal(t, []Discount{{RateBasisPoints: &rate, AmountMinor: &amount, Days: &days, Until: day("2026-01-20")}}, i.Terms)
}

// A stranger cannot make us write a book, nor count siblings for each of many lines.
func TestFindingsAreBounded(t *testing.T) {
	const line = `<cac:InvoiceLine><cac:Item><cac:StandardItemIdentification><cbc:ID schemeID="0160">1</cbc:ID>` +
		`</cac:StandardItemIdentification></cac:Item></cac:InvoiceLine>`
	doc := parsed(t, changed(t, "acme-INV-1001.xml", "</Invoice>", strings.Repeat(line, 20_000)+"</Invoice>"))
	require.Len(t, doc.Warnings, maxWarnings+1)
	assert.Equal(t, "MORE_WARNINGS", doc.Warnings[maxWarnings].Code)
	const terms = "<cac:PaymentTerms><cbc:Note>2 % discount if paid within 3 days</cbc:Note></cac:PaymentTerms>"
	doc = parsed(t, changed(t, "acme-INV-1001.xml", "<cac:TaxTotal>", strings.Repeat(terms, 20_000)+"<cac:TaxTotal>"))
	assert.Len(t, doc.Invoice.Terms, maxDiscounts)
	assert.LessOrEqual(t, len(doc.Invoice.PaymentNote), maxTextRunes)
	const bad = `<cac:InvoiceLine><cbc:LineExtensionAmount>x</cbc:LineExtensionAmount></cac:InvoiceLine>`
	assert.Len(t, failures(t, changed(t, "acme-INV-1001.xml", "</Invoice>", strings.Repeat(bad, 20_000)+"</Invoice>")), maxFailures)
}

func TestExtensionsMayBeLong(t *testing.T) {
	doc := parsed(t, changed(t, "acme-INV-1001.xml", "  <cbc:CustomizationID>", `<ext:UBLExtensions
		xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"><ext:UBLExtension><ext:ExtensionContent>
		<s:Signature xmlns:s="urn:s">`+strings.Repeat("A", 200_000)+`</s:Signature></ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions><cbc:CustomizationID>`))
	assert.Equal(t, "INV-1001", doc.Invoice.ID)
}

func TestRebase(t *testing.T) {
	text := []byte(sample(t, "acme-INV-1001.xml"))
	moved := parsed(t, string(Rebase(text, day("2026-01-15"), day("2027-02-28")))).Invoice
	assert.Equal(t, day("2027-02-28"), moved.IssueDate)
	assert.Equal(t, day("2027-04-29"), moved.DueDate, "60 days later, as before")
	cii := parsed(t, string(Rebase([]byte(sample(t, "cedar-INV-3002-cii.xml")), day("2026-01-13"), day("2024-02-29")))).Invoice
	assert.Equal(t, day("2024-02-29"), cii.IssueDate)
	assert.Equal(t, text, Rebase(text, day("2026-01-15"), day("2026-01-15")))
	assert.Equal(t, `format="102">20261315<`, string(Rebase([]byte(`format="102">20261315<`), day("2026-01-15"), day("2026-01-16"))))
	assert.Equal(t, "12026-01-15 2026-13-01 at 2026-01-16T08:00:00Z, 2026-01-16",
		string(Rebase([]byte("12026-01-15 2026-13-01 at 2026-01-15T08:00:00Z, 2026-01-15"), day("2026-01-15"), day("2026-01-16"))))
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"/*.xml", "/bad/*.xml"} {
		files, err := filepath.Glob(samples + pattern)
		require.NoError(f, err)
		require.NotEmpty(f, files)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse(bytes.NewReader(data))
		if err != nil {
			require.NotEmpty(t, failure.InFile(err, "f"))
			return
		}
		switch {
		case doc.Invoice != nil:
			require.NotEmpty(t, doc.Invoice.ID)
			require.NoError(t, doc.Invoice.Payable().Validate())
			require.False(t, doc.Invoice.IssueDate.IsZero())
		case doc.Response != nil:
			require.True(t, responseCodes[doc.Response.Code])
		default:
			t.Fatal("neither an invoice nor a response")
		}
	})
}
