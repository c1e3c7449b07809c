package api

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
)

// IntoProgramme says into which programme an invoice is entered.
type IntoProgramme struct {
	Programme string `query:"programme" required:"true" maxLength:"64"`
	Buyer     string `query:"buyer" maxLength:"64" doc:"Party id of the buyer, where the register does not tell"`
}

// OfReceivable names the receivable that a document is about.
type OfReceivable struct {
	Receivable string `query:"receivable" maxLength:"128" doc:"Default: the one of the invoice that the document names"`
}

// issuance reads an invoice. Its id comes from the document, so that a repeat is the same receivable.
func issuance(s *consortium.Session, raw []byte, register []member.Party, buyer string) (item receivable.Issuance, err error) {
	doc, err := document.Parse(bytes.NewReader(raw))
	if err != nil {
		return item, err
	}
	if item.Invoice, err = operation.Invoice(s, doc, raw, register, buyer); err != nil {
		return item, err
	}
	item.ID, err = operation.DocumentID(s, "rcv", raw)
	return item, err
}

func (a *API) documentRoutes() {
	const tag = "documents"
	ofDocument(a, writing{id: "issue-receivable", path: "/receivables", tag: tag, summary: "Enter an invoice (UBL 2.1 or CII) into a programme"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at IntoProgramme, raw []byte) (consortium.Call, string, error) {
			register, err := s.Parties(ctx, at.Programme)
			if err != nil {
				return consortium.Call{}, "", err
			}
			item, err := issuance(s, raw, register, at.Buyer)
			return operation.Issue(at.Programme, item), item.ID, err
		})
	ofDocument(a, writing{id: "apply-credit-note", path: "/credit-notes", tag: tag, summary: "Apply a credit note (UBL 2.1 or CII) to the receivable that it is about"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at OfReceivable, raw []byte) (call consortium.Call, id string, err error) {
			doc, err := document.Parse(bytes.NewReader(raw))
			if err != nil {
				return call, "", err
			}
			if err := operation.CreditNoteOnly(doc); err != nil {
				return call, "", err
			}
			in, err := operation.Crediting(s, doc.Invoice, raw)
			if err != nil {
				return call, "", err
			}
			if at.Receivable == "" {
				if at.Receivable, err = operation.Credited(ctx, s, doc.Invoice); err != nil {
					return call, "", err
				}
			}
			call, err = operation.OnReceivable(ctx, s, "receivable:CreditNote", at.Receivable, in, in.ID)
			return call, in.ID, err
		})
	ofDocument(a, writing{id: "apply-invoice-response", path: "/invoice-responses", tag: tag,
		summary: "Do on the ledger what a Peppol Invoice Response says of the invoice that it names: approve, confirm, reject, dispute, pay"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at OfReceivable, raw []byte) (call consortium.Call, id string, err error) {
			doc, err := document.Parse(bytes.NewReader(raw))
			if err != nil {
				return call, "", err
			}
			if doc.Kind != document.KindInvoiceResponse || doc.Response.Code == document.ResponseConditional || len(doc.Response.Documents) != 1 {
				return call, "", fault.New(fault.DocumentUnsupported, "it is no invoice response about one invoice, with another code than CA")
			}
			r, err := operation.Answered(ctx, s, doc.Response, at.Receivable)
			if err != nil {
				return call, "", err
			}
			var what string
			call, err = operation.Respond(ctx, s, doc.Response, r, &what)
			if err == nil && call.Function == "" {
				err = fault.New(fault.TransitionDenied, "the response changes nothing: %s", what)
			}
			return call, r.ID, err
		})
}

func element(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
