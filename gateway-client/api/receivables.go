package api

import (
	"bytes"
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type receivableFilter struct {
	Paging
	Common
	Seller    string `query:"seller" maxLength:"64" doc:"Party id"`
	Buyer     string `query:"buyer" maxLength:"64" doc:"Party id"`
	Programme string `query:"programme" maxLength:"64"`
	Number    string `query:"number" maxLength:"200" doc:"The invoice's number"`
}

func (f *receivableFilter) filter() (projection.ReceivableFilter, error) {
	c, err := f.Common.filter()
	return projection.ReceivableFilter{Common: c, Seller: f.Seller, Buyer: f.Buyer, Programme: f.Programme, Number: f.Number}, err
}

// payment is the amount that a buyer pays.
type payment struct {
	AmountMinor int64  `json:"amount_minor" minimum:"1" doc:"In minor units of the currency"`
	Currency    string `json:"currency" minLength:"3" maxLength:"3"`
}

// objection disputes fragments of a confirmed receivable.
type objection struct {
	Fragments []string `json:"fragments" minItems:"1" maxItems:"500" nullable:"false"`
	receivable.Because
}

// selection names receivables of one programme.
type selection struct {
	Programme   string   `json:"programme" maxLength:"64"`
	Receivables []string `json:"receivables" minItems:"1" maxItems:"500" nullable:"false"`
}

// bulkDocuments are invoices of one programme, as the text of their XML.
type bulkDocuments struct {
	Programme string   `json:"programme" maxLength:"64"`
	Buyer     string   `json:"buyer,omitempty" maxLength:"64" doc:"Party id of the buyer, where the register does not tell"`
	Documents []string `json:"documents" minItems:"1" maxItems:"500" nullable:"false" doc:"UBL 2.1 or CII invoices"`
}

func (a *API) receivableRoutes() {
	const tag = "receivables"
	list(a, reading{"list-receivables", "/receivables", tag, "The receivables that you may see"},
		func(ctx context.Context, v visit, f *receivableFilter, p projection.Page) (projection.Slice[receivable.Receivable], error) {
			filter, err := f.filter()
			if err != nil {
				return projection.Slice[receivable.Receivable]{}, err
			}
			return a.c.Store.Receivables(ctx, v.viewer, filter, p)
		})
	getByID(a, reading{"get-receivable", "/receivables/{id}", tag, "A receivable, and similar invoices"},
		func(ctx context.Context, v visit, id string) (projection.ReceivableView, error) {
			return a.c.Store.Receivable(ctx, v.viewer, id)
		})
	getByID(a, reading{"get-bill", "/receivables/{id}/bill", tag, "What the buyer has to pay today, late interest included"},
		func(ctx context.Context, v visit, id string) (bill receivable.Bill, err error) {
			s, err := v.session(ctx)
			if err != nil {
				return bill, err
			}
			return operation.Bill(ctx, s, id)
		})
	about(a, "list-payments", "payments", "The buyer's payments, who got what of each, and what each tier's transfers have cost", a.c.Store.Payments)
	about(a, "list-credit-notes", "credit-notes", "The credit notes: what each lowered, and the recourse claim for the rest", a.c.Store.CreditNotes)
	about(a, "list-disputes", "disputes", "The disputes over a confirmed receivable", a.c.Store.Disputes)
	a.invoiceResponseRoute()

	for _, s := range []struct{ verb, function, summary string }{
		{"propose", "receivable:ProposeConfirm", "Approve as the buyer's first person"},
		{"return", "receivable:Return", "Send a proposal back to the buyer's first person"},
		{"resolve", "receivable:Resolve", "End a dispute before confirmation"},
		{"withdraw", "receivable:Withdraw", "Take an unconfirmed invoice back"},
		{"age", "receivable:Age", "Advance the status by today's date: matured, overdue, defaulted"},
		{"write-off", "receivable:WriteOff", "Write your fragments of a defaulted receivable off; it waives nothing"},
	} {
		step(a, writing{id: s.verb + "-receivable", path: "/receivables/{id}/" + s.verb, tag: tag, summary: s.summary}, onReceivable(s.function))
	}
	step(a, writing{id: "confirm-receivable", path: "/receivables/{id}/confirm", tag: tag, summary: "Undertake to pay, as the buyer's second person"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			call, err := operation.Confirm(ctx, s, at.ID)
			return call, at.ID, err
		})
	for _, s := range []struct{ verb, function, summary string }{
		{"reject", "receivable:Reject", "Say that the invoice is not owed"},
		{"dispute", "receivable:Dispute", "Say what is wrong with the invoice, before it is confirmed"},
	} {
		command(a, writing{id: s.verb + "-receivable", path: "/receivables/{id}/" + s.verb, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, in receivable.Because) (consortium.Call, string, error) {
				if err := in.Validate(); err != nil {
					return consortium.Call{}, "", err
				}
				call, err := operation.OnReceivable(ctx, session, s.function, at.ID, in)
				return call, at.ID, err
			})
	}
	command(a, writing{id: "pay-receivable", path: "/receivables/{id}/pay", tag: tag, summary: "Record the buyer's payment and distribute it to the holders"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, at ByID, in payment) (consortium.Call, string, error) {
			paying := receivable.Paying{ID: ids.New("pay"), AmountMinor: in.AmountMinor, Currency: in.Currency}
			call, err := operation.OnReceivable(ctx, s, "receivable:Pay", at.ID, paying, paying.ID)
			return call, paying.ID, err
		})
	command(a, writing{id: "freeze-receivable", path: "/receivables/{id}/freeze", tag: tag, summary: "Dispute fragments of a confirmed receivable, and no others"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, at ByID, in objection) (consortium.Call, string, error) {
			made := receivable.Objection{ID: ids.New("dsp"), Fragments: in.Fragments, Because: in.Because}
			call, err := operation.OnReceivable(ctx, s, "receivable:Freeze", at.ID, made, made.ID)
			return call, made.ID, err
		})
	for _, s := range []struct{ id, path, function, summary string }{
		{"thaw-receivable", "/receivables/{id}/disputes/{other}/thaw", "receivable:Thaw", "End a dispute over a confirmed receivable"},
		{"settle-recourse", "/receivables/{id}/credit-notes/{other}/settle", "receivable:SettleRecourse", "Acknowledge that the seller has paid back what a credit note could not lower"},
	} {
		step(a, writing{id: s.id, path: s.path, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at OnTwo, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnReceivable(ctx, session, s.function, at.ID, nil, at.Other)
				return call, at.Other, err
			})
	}
	a.bulkRoutes()
}

// onReceivable is a step on a receivable that needs nothing else.
func onReceivable(function string) builder[ByID, nothing] {
	return func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
		call, err := operation.OnReceivable(ctx, s, function, at.ID, nil)
		return call, at.ID, err
	}
}

// aboutFilter names the receivable whose parts are listed.
type aboutFilter struct {
	Paging
	Common
	ID string `path:"id" maxLength:"128" doc:"The receivable"`
}

// about registers a list of what the ledger keeps about a receivable.
func about[T any](a *API, id, name, summary string, read func(context.Context, projection.Viewer, string, projection.Common, projection.Page) (projection.Slice[T], error)) {
	list(a, reading{id, "/receivables/{id}/" + name, "receivables", summary},
		func(ctx context.Context, v visit, f *aboutFilter, p projection.Page) (projection.Slice[T], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[T]{}, err
			}
			return read(ctx, v.viewer, f.ID, c, p)
		})
}

func (a *API) bulkRoutes() {
	const tag = "receivables"
	command(a, writing{id: "issue-receivables", path: "/receivables/bulk/issue", tag: tag, summary: "Enter up to 500 invoices into a programme, all or none", maxBody: maxBulk},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, _ nothing, in bulkDocuments) (consortium.Call, string, error) {
			register, err := s.Parties(ctx, in.Programme)
			if err != nil {
				return consortium.Call{}, "", err
			}
			var bad []Wrong
			items := make([]receivable.Issuance, 0, len(in.Documents))
			from := map[string]int{}
			for i, text := range in.Documents {
				item, err := issuance(s, []byte(text), register, in.Buyer)
				if other, twice := from[item.ID]; err == nil && twice {
					err = fault.New(fault.InputInvalid, "is the same document as documents[%d]", other)
				}
				if err != nil {
					bad = append(bad, a.inDocument(i, err)...)
					continue
				}
				from[item.ID] = i
				items = append(items, item)
			}
			if len(bad) > 0 {
				p := newProblem(fault.InputInvalid, "")
				p.Errors = bad
				return consortium.Call{}, "", p
			}
			return operation.IssueBulk(in.Programme, items), in.Programme, nil
		})
	command(a, writing{id: "propose-receivables", path: "/receivables/bulk/propose", tag: tag, summary: "Approve up to 500 receivables as the buyer's first person, all or none"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, _ nothing, in selection) (consortium.Call, string, error) {
			return operation.ProposeBulk(in.Programme, in.Receivables), in.Programme, nil
		})
	command(a, writing{id: "confirm-receivables", path: "/receivables/bulk/confirm", tag: tag, summary: "Undertake to pay up to 500 receivables as the buyer's second person, all or none"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, _ nothing, in selection) (consortium.Call, string, error) {
			call, err := operation.ConfirmBulk(ctx, s, in.Programme, in.Receivables)
			return call, in.Programme, err
		})
}

// inDocument says what is wrong with one document of many.
func (a *API) inDocument(i int, err error) []Wrong {
	p := a.translated(err)
	if p == nil {
		return []Wrong{{Location: element("body.documents", i), Message: "cannot be read"}}
	}
	if len(p.Errors) == 0 {
		return []Wrong{{Location: element("body.documents", i), Message: p.Detail}}
	}
	for n := range p.Errors {
		p.Errors[n].Location = element("body.documents", i) + p.Errors[n].Location[len("body"):]
	}
	return p.Errors
}

// invoiceResponseRoute answers with an XML document.
func (a *API) invoiceResponseRoute() {
	op := reading{"get-invoice-response", "/receivables/{id}/response", "receivables", "The buyer's answer to the invoice, as a Peppol Invoice Response"}.operation()
	op.Responses = map[string]*huma.Response{"200": {Description: "A UBL 2.1 ApplicationResponse", Content: map[string]*huma.MediaType{xmlType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		text, err := a.invoiceResponse(ctx, v, in.ID)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(out huma.Context) {
			out.SetHeader("Content-Type", xmlType)
			_, _ = out.BodyWriter().Write(text) // the reader has gone: nobody to tell
		}}, nil
	})
}

const xmlType = "application/xml"

func (a *API) invoiceResponse(ctx context.Context, v visit, id string) ([]byte, error) {
	view, err := a.c.Store.Receivable(ctx, v.viewer, id)
	if err != nil {
		return nil, err
	}
	s, err := v.session(ctx)
	if err != nil {
		return nil, err
	}
	register, err := s.Parties(ctx, view.Programme)
	if err != nil {
		return nil, err
	}
	response, err := operation.Response(view.Receivable, register, calendar.From(a.c.Now().UTC()))
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = response.Write(&text)
	return text.Bytes(), err
}
