package cli

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/document"
)

func invoiceCheckCommand(app *App) *cobra.Command {
	return checkCommand(app, "Read invoice documents without a network",
		`Reads UBL 2.1 invoices and credit notes (Peppol BIS 3, EN 16931), UN/CEFACT CII invoices and Peppol invoice
responses, and prints what they state: one object a document. "-" is standard input.

With --output json every object is one line. Amounts are in the currency's ISO 4217 minor unit. A file that cannot
be read is reported on standard error with element, line and reason; the others are still read, and the exit status
is 2.`, "  tally invoice check --output json acme-INV-1001.xml", invoiceTable, func(name string, in io.Reader) ([]invoiceView, error) {
			doc, err := document.Parse(in)
			if err != nil {
				return nil, err
			}
			return []invoiceView{invoiceViewOf(name, doc)}, nil
		})
}

// invoiceView is a document as "invoice check" prints it. Fields that a kind of document does not have are null.
type invoiceView struct {
	File         string         `json:"file"`
	Syntax       string         `json:"syntax"`
	Document     string         `json:"document"`
	TypeCode     *string        `json:"type_code"`
	ID           string         `json:"id"`
	IssueDate    *string        `json:"issue_date"`
	DueDate      *string        `json:"due_date"`
	Currency     *string        `json:"currency"`
	PayableMinor *int64         `json:"payable_minor"`
	PrepaidMinor *int64         `json:"prepaid_minor"`
	Seller       *partyView     `json:"seller"`
	Buyer        *partyView     `json:"buyer"`
	Payee        *partyView     `json:"payee"`
	Terms        []discountView `json:"terms"`
	Lines        int            `json:"lines"`
	Lots         []lotView      `json:"lots,omitempty"`
	References   []refView      `json:"references,omitempty"`
	Response     *responseView  `json:"response,omitempty"`
	Warnings     []string       `json:"warnings"`
}

type partyView struct {
	Name string   `json:"name"`
	IDs  []idView `json:"ids"`
}

type idView struct {
	Kind   string  `json:"kind"`
	Scheme *string `json:"scheme"`
	ID     string  `json:"id"`
}

type lotView struct {
	GTIN   *string `json:"gtin"`
	Issuer *string `json:"issuer"`
	Lot    string  `json:"lot"`
}

type discountView struct {
	RateBasisPoints *int64  `json:"rate_bps"`
	AmountMinor     *int64  `json:"amount_minor"`
	BaseMinor       *int64  `json:"base_minor"`
	Days            *int64  `json:"days"`
	Until           *string `json:"until"`
	Note            *string `json:"note"`
}

type refView struct {
	ID        string  `json:"id"`
	TypeCode  *string `json:"type_code"`
	IssueDate *string `json:"issue_date"`
}

type responseView struct {
	Code          string       `json:"code"`
	EffectiveDate *string      `json:"effective_date"`
	Statuses      []statusView `json:"statuses"`
	Documents     []refView    `json:"documents"`
}

type statusView struct {
	List       *string         `json:"list"`
	Code       *string         `json:"code"`
	Text       *string         `json:"text"`
	Conditions []conditionView `json:"conditions,omitempty"`
}

type conditionView struct {
	Attribute   string `json:"attribute"`
	Description string `json:"description"`
}

func invoiceViewOf(file string, doc *document.Document) invoiceView {
	v := invoiceView{File: file, Syntax: string(doc.Syntax), Document: string(doc.Kind), Terms: []discountView{}, Warnings: []string{}}
	for _, w := range doc.Warnings {
		v.Warnings = append(v.Warnings, w.String())
	}
	if r := doc.Response; r != nil {
		v.ID, v.IssueDate = r.ID, dateOrNull(r.IssueDate)
		v.Seller, v.Buyer = partyViewOf(&r.Receiver), partyViewOf(&r.Sender)
		v.Response = responseViewOf(r)
		return v
	}
	i := doc.Invoice
	v.TypeCode, v.ID, v.Currency = orNull(i.TypeCode), i.ID, &i.Currency
	v.IssueDate, v.DueDate = dateOrNull(i.IssueDate), dateOrNull(i.DueDate)
	v.PayableMinor, v.PrepaidMinor = &i.Totals.PayableMinor, &i.Totals.PrepaidMinor
	v.Seller, v.Buyer, v.Payee = partyViewOf(&i.Seller), partyViewOf(&i.Buyer), partyViewOf(i.Payee)
	for _, d := range i.Terms {
		v.Terms = append(v.Terms, discountView{d.RateBasisPoints, d.AmountMinor, d.BaseMinor, d.Days, dateOrNull(d.Until), orNull(d.Note)})
	}
	v.Lines, v.References = len(i.Lines), refViewsOf(i.Preceding)
	for _, lot := range i.Lots() {
		v.Lots = append(v.Lots, lotView{orNull(lot.GTIN), orNull(lot.Issuer), lot.Number})
	}
	return v
}

func partyViewOf(p *document.Party) *partyView {
	if p == nil {
		return nil
	}
	v := &partyView{Name: p.Name, IDs: []idView{}}
	for _, id := range p.IDs {
		v.IDs = append(v.IDs, idView{string(id.Kind), orNull(id.Scheme), id.ID})
	}
	return v
}

func refViewsOf(list []document.Reference) []refView {
	var views []refView
	for _, r := range list {
		views = append(views, refView{r.ID, orNull(r.TypeCode), dateOrNull(r.IssueDate)})
	}
	return views
}

func responseViewOf(r *document.InvoiceResponse) *responseView {
	v := &responseView{Code: string(r.Code), EffectiveDate: dateOrNull(r.EffectiveDate), Statuses: []statusView{}, Documents: refViewsOf(r.Documents)}
	for _, s := range r.Statuses {
		status := statusView{List: orNull(s.List), Code: orNull(s.Code), Text: orNull(s.Text)}
		for _, c := range s.Conditions {
			status.Conditions = append(status.Conditions, conditionView{c.Attribute, c.Description})
		}
		v.Statuses = append(v.Statuses, status)
	}
	return v
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func dateOrNull(d calendar.Date) *string { return orNull(d.String()) }

// invoiceTable is how people see documents.
var invoiceTable = checked[invoiceView]{
	header: "FILE\tDOCUMENT\tTYPE\tID\tISSUED\tDUE\tPAYABLE\tSELLER\tBUYER\tLINES\tWARNINGS",
	row: func(w io.Writer, v invoiceView) {
		kind, payable := v.Document, "–"
		if v.PayableMinor != nil {
			payable = money.Amount{Minor: *v.PayableMinor, Currency: *v.Currency}.String()
		}
		if v.Response != nil {
			kind += " " + v.Response.Code
		}
		row(w, v.File, kind, orDash(v.TypeCode), v.ID, orDash(v.IssueDate), orDash(v.DueDate), payable,
			v.Seller.Name, v.Buyer.Name, strconv.Itoa(v.Lines), strconv.Itoa(len(v.Warnings)))
	},
	warnings: func(v invoiceView) []string { return inFileOf(v.File, v.Warnings) },
}

func inFileOf(file string, warnings []string) []string {
	list := make([]string, len(warnings))
	for i, w := range warnings {
		list[i] = file + ": " + w
	}
	return list
}

func orDash(s *string) string {
	if s == nil {
		return "–"
	}
	return *s
}
