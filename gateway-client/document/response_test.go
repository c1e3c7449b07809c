package document

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

func written(t testing.TB, p *InvoiceResponse) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return b.String()
}

// The golden documents are what the buyer of INV-1001 answers at each step. UPDATE_GOLDEN=1 writes them anew.
func TestResponsesToAnInvoice(t *testing.T) {
	i := parsed(t, sample(t, "acme-INV-1001.xml")).Invoice
	for step, statuses := range map[string][]ResponseStatus{
		"confirm": nil,
		"reject":  {{List: StatusReasonList, Code: "REF", Text: "The order number is not ours."}, {List: StatusActionList, Code: "NIN"}},
		"dispute": {{List: StatusReasonList, Code: "QTY", Text: "50 of 1000 castings were porous & returned.",
			Conditions: []Condition{{Attribute: "BT-129", Description: "950"}}}, {List: StatusActionList, Code: "CNP"}},
		"pay": nil,
	} {
		t.Run(step, func(t *testing.T) {
			code, ok := ResponseFor(step)
			require.True(t, ok)
			p := Respond(i, "RESP-INV-1001-"+step, day("2026-01-15"), code, statuses...)
			p.EffectiveDate = day("2026-01-15")
			text := written(t, p)
			file := samples + "/response-" + string(code) + "-INV-1001.xml"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), text, "run with UPDATE_GOLDEN=1 when the change is meant")

			doc := parsed(t, text)
			assert.Equal(t, KindInvoiceResponse, doc.Kind)
			assert.Empty(t, doc.Warnings)
			got := doc.Response
			assert.Equal(t, code, got.Code)
			assert.Equal(t, []Reference{{ID: "INV-1001", TypeCode: "380", IssueDate: day("2026-01-15")}}, got.Documents)
			assert.Equal(t, statuses, got.Statuses)
			assert.Equal(t, "Orchard Motors AG", got.Sender.Name)
			assert.Equal(t, i.Seller.Endpoint(), got.Receiver.Endpoint())
		})
	}
	_, ok := ResponseFor("ignore")
	assert.False(t, ok)
}

func TestWriteRefusesWhatPeppolForbids(t *testing.T) {
	i := parsed(t, sample(t, "acme-INV-1001.xml")).Invoice
	fine := func() *InvoiceResponse { return Respond(i, "R-1", day("2026-01-15"), ResponseAccepted) }
	require.NoError(t, fine().Validate())
	for field, spoil := range map[string]func(*InvoiceResponse){
		"id": func(p *InvoiceResponse) { p.ID = "" },
		"issue_date": func(p *InvoiceResponse) {
			p.IssueDate = day("2026-01-15")
			p.IssueDate, _ = p.IssueDate.AddDays(-99_999_999)
		},
		"issue_time":        func(p *InvoiceResponse) { p.IssueTime = "noon" },
		"code":              func(p *InvoiceResponse) { p.Code = "OK" },
		"sender.endpoint":   func(p *InvoiceResponse) { p.Sender.IDs = nil },
		"receiver.endpoint": func(p *InvoiceResponse) { p.Receiver.IDs = []Identifier{{Kind: IdentifierEndpoint, ID: "x"}} },
		"receiver.name":     func(p *InvoiceResponse) { p.Receiver.Name = "" },
		"documents":         func(p *InvoiceResponse) { p.Documents[0].TypeCode = "" },
		"statuses":          func(p *InvoiceResponse) { p.Statuses = []ResponseStatus{{List: StatusReasonList, Code: "XXX"}} },
	} {
		p := fine()
		spoil(p)
		err := p.Write(&bytes.Buffer{})
		var f *fault.Error
		require.ErrorAs(t, err, &f, field)
		require.Len(t, f.Fields, 1, field)
		assert.Equal(t, field, f.Fields[0].Path)
	}
	for _, code := range []ResponseCode{ResponseRejected, ResponseUnderQuery, ResponseConditional} {
		p := fine()
		p.Code = code
		assert.Error(t, p.Validate(), "%s needs a reason", code)
		p.Statuses = []ResponseStatus{{List: StatusActionList, Code: "NIN"}}
		assert.Error(t, p.Validate(), "an action is no reason")
		p.Statuses = []ResponseStatus{{Text: "because"}}
		assert.NoError(t, p.Validate())
	}
}

func TestResponseRefused(t *testing.T) {
	i := parsed(t, sample(t, "acme-INV-1001.xml")).Invoice
	text := written(t, Respond(i, "R-1", day("2026-01-15"), ResponseAccepted))
	for element, pair := range map[string][2]string{
		"/ApplicationResponse/DocumentResponse/Response/ResponseCode": {">AP<", ">OK<"},
		"/ApplicationResponse/IssueDate":                              {">2026-01-15<", ">15.01.2026<"},
		"/ApplicationResponse/SenderParty":                            {"SenderParty", "FromParty"},
		"/ApplicationResponse/DocumentResponse/DocumentReference/ID":  {"cac:DocumentReference", "cac:Nothing"},
		"/ApplicationResponse/ID":                                     {"<cbc:ID>R-1</cbc:ID>", ""},
	} {
		require.Contains(t, text, pair[0])
		list := failures(t, strings.ReplaceAll(text, pair[0], pair[1]))
		assert.Equal(t, element, list[0].Element)
	}
}

// Whatever texts people give, what is written reads back.
func TestResponsesReadBack(t *testing.T) {
	i := parsed(t, sample(t, "acme-INV-1001.xml")).Invoice
	words := rapid.StringMatching(`[A-Za-zäß中"'<>&;]{1,20}( [a-z<&\]]{1,5}){0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		p := Respond(i, words.Draw(t, "id"), day("2026-01-15"), rapid.SampledFrom([]ResponseCode{
			ResponseRejected, ResponseUnderQuery, ResponseConditional, ResponseAccepted, ResponsePaid, ResponseInProcess,
			ResponseAcknowledged}).Draw(t, "code"))
		p.Sender.Name = words.Draw(t, "name")
		p.Statuses = []ResponseStatus{{List: StatusReasonList, Code: "OTH", Text: words.Draw(t, "text")}}
		var b bytes.Buffer
		require.NoError(t, p.Write(&b))
		doc, err := Parse(&b)
		require.NoError(t, err)
		require.Equal(t, p.ID, doc.Response.ID)
		require.Equal(t, p.Code, doc.Response.Code)
		require.Equal(t, p.Sender.Name, doc.Response.Sender.Name)
		require.Equal(t, p.Statuses, doc.Response.Statuses)
	})
}
