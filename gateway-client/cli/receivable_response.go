package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

func receivableResponseCommand(app *App) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "response RECEIVABLE",
		Short: "Write the buyer's answer to an invoice as a Peppol invoice response",
		Long: `Writes what the ledger says of the invoice as a UBL 2.1 ApplicationResponse, the way Peppol BIS Invoice Response 3 wants it:
AB received, IP in process, UQ under query, RE rejected, AP confirmed, PD paid. The reasons of a rejection or query go
along. Both parties need an electronic address, such as a GLN, in the programme's register.`,
		Example: "  tally --org buyer --user alice receivable response rcv-… -o response.xml",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := onReceivable(ctx, s, "receivable:Get", args[0], nil)
				if err != nil {
					return err
				}
				var r receivable.Receivable
				if err := s.Evaluate(ctx, call, &r); err != nil {
					return err
				}
				register, err := s.Parties(ctx, call.Circles[0])
				if err != nil {
					return err
				}
				response, err := responseOf(r, register, calendar.From(s.Network.Now().UTC()))
				if err != nil {
					return err
				}
				if out == "" || out == "-" {
					return response.Write(app.Out)
				}
				var text bytes.Buffer
				if err := response.Write(&text); err != nil {
					return err
				}
				if err := os.WriteFile(out, text.Bytes(), 0o600); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(map[string]string{"id": response.ID, "code": string(response.Code), "file": out})
				}
				return app.table(func(row func(...string)) {
					row("response", response.ID)
					row("code", string(response.Code))
					row("file", out)
				})
			})
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write (default: standard output)")
	return cmd
}

// responseOf makes the response that says what the receivable's status says.
func responseOf(r receivable.Receivable, register []member.Party, on calendar.Date) (*document.InvoiceResponse, error) {
	code := r.Status.ResponseCode()
	if code == "" {
		return nil, fault.New(fault.TransitionDenied, "receivable %s is %s; there is nothing to answer", r.ID, r.Status)
	}
	invoice := &document.Invoice{ID: r.Invoice.Number, TypeCode: r.Invoice.TypeCode, IssueDate: r.Invoice.IssueDate,
		Seller: partyIn(register, r.Invoice.Seller), Buyer: partyIn(register, r.Invoice.Buyer)}
	var statuses []document.ResponseStatus
	if r.Response != nil && (r.Status == receivable.Rejected || r.Status == receivable.Disputed) {
		for i, reason := range r.Response.Reasons {
			status := document.ResponseStatus{List: document.StatusReasonList, Code: string(reason)}
			if i == 0 {
				status.Text = r.Response.Note
			}
			statuses = append(statuses, status)
		}
	}
	response := document.Respond(invoice, fmt.Sprintf("%s-%s", r.ID, code), on, document.ResponseCode(code), statuses...)
	return response, response.Validate()
}

// partyIn is a party of the register as a document names it; its first identifier is its electronic address.
func partyIn(register []member.Party, id string) document.Party {
	for _, p := range register {
		if p.ID != id {
			continue
		}
		out := document.Party{Name: p.Name, Country: p.Country}
		for _, identifier := range p.Identifiers {
			out.IDs = append(out.IDs, document.Identifier{Kind: document.IdentifierEndpoint, Scheme: identifier.Scheme, ID: identifier.Value})
		}
		return out
	}
	return document.Party{}
}

func receivableRespondCommand(app *App) *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use:   "respond FILE",
		Short: "Carry out a Peppol invoice response as the buyer: confirm, reject, query or pay",
		Long: `Reads a UBL 2.1 ApplicationResponse (Peppol BIS Invoice Response 3) and does on the ledger what it says of the invoice that
it names:

  AP  the buyer's first person approves; the second person, with the same file, undertakes to pay
  RE  rejects, with the response's reasons
  UQ  queries an unconfirmed invoice; of a confirmed one, disputes every fragment that backs no financing
  PD  records the payment of all that is owed and not in dispute
  AB, IP  change nothing

CA (accepted with conditions) is refused: an undertaking has none.`,
		Example: "  tally --org buyer --user alice receivable respond response-AP-INV-1001.xml",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			var response *document.InvoiceResponse
			err := app.eachFile(files, func(_ string, in io.Reader) error {
				doc, err := document.Parse(in)
				if err != nil {
					return err
				}
				if doc.Kind != document.KindInvoiceResponse || doc.Response.Code == document.ResponseConditional || len(doc.Response.Documents) != 1 {
					return &failure.Failure{Code: fault.DocumentUnsupported, Value: string(doc.Kind), Reason: "is no invoice response about one invoice, with another code than CA"}
				}
				response = doc.Response
				return nil
			})
			if err != nil {
				return err
			}
			var id, what string
			return app.submitResponse(cmd, &id, &what, func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				r, err := answered(ctx, s, response, of)
				if err != nil {
					return consortium.Call{}, err
				}
				id = r.ID
				return responseCall(ctx, s, response, r, &what)
			})
		},
	}
	cmd.Flags().StringVar(&of, "receivable", "", "receivable that is answered (default: the one of the invoice that the response names)")
	return cmd
}

// submitResponse runs the call that a response asks for, if it asks for any.
func (a *App) submitResponse(cmd *cobra.Command, id, what *string, call func(ctx context.Context, s *consortium.Session) (consortium.Call, error)) error {
	return a.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
		c, err := call(ctx, s)
		if err != nil {
			return err
		}
		if c.Function == "" {
			if a.JSON() {
				return a.PrintJSON(map[string]string{"id": *id, "step": *what})
			}
			return a.table(func(row func(...string)) {
				row("id", *id)
				row("step", *what)
			})
		}
		c.Request = a.request
		var result step
		done, err := s.Submit(ctx, c, &result)
		if err != nil {
			return err
		}
		if !a.JSON() {
			if err := a.table(func(row func(...string)) { row("step", *what) }); err != nil {
				return err
			}
		}
		return a.done(outcome{ID: *id, Status: result.Status, Transaction: done.Transaction, Block: done.Block})
	})
}

// answered finds the receivable that a response is about, and makes sure that the response goes from its buyer to its seller.
func answered(ctx context.Context, s *consortium.Session, response *document.InvoiceResponse, of string) (r receivable.Receivable, err error) {
	ref := response.Documents[0]
	about := func(r receivable.Receivable) bool {
		return r.Invoice.Number == ref.ID && (ref.TypeCode == "" || r.Invoice.TypeCode == ref.TypeCode) &&
			(ref.IssueDate.IsZero() || r.Invoice.IssueDate == ref.IssueDate)
	}
	var bad fault.Fields
	if of != "" {
		call, err := onReceivable(ctx, s, "receivable:Get", of, nil)
		if err != nil {
			return r, err
		}
		if err := s.Evaluate(ctx, call, &r); err != nil {
			return r, err
		}
		if !about(r) {
			bad.Add("document_reference", ref.ID, "is another invoice than that of receivable %s", of)
			return r, bad.Err()
		}
		return r, fromBuyer(ctx, s, response, r)
	}
	programmes, err := s.Readable(ctx, circle.Programme)
	if err != nil {
		return r, err
	}
	closed := []receivable.Status{receivable.Rejected, receivable.Withdrawn, receivable.Cancelled}
	found, err := receivablesWhere(ctx, s, programmes, func(r receivable.Receivable) bool {
		return about(r) && r.Invoice.Buyer == s.User().Party && !slices.Contains(closed, r.Status)
	})
	if err != nil {
		return r, err
	}
	var right []receivable.Receivable
	for _, r := range found {
		if err = fromBuyer(ctx, s, response, r); err == nil {
			right = append(right, r)
		}
	}
	switch {
	case len(right) == 1:
		return right[0], nil
	case len(found) == 1:
		return r, err
	}
	bad.Add("document_reference", ref.ID, "must be one invoice to you on the ledger; %d fit; say which receivable with --receivable", len(right))
	return r, bad.Err()
}

// fromBuyer returns INPUT_INVALID unless the response's sender is the receivable's buyer and its receiver the seller.
func fromBuyer(ctx context.Context, s *consortium.Session, response *document.InvoiceResponse, r receivable.Receivable) error {
	register, err := s.Parties(ctx, r.Programme)
	if err != nil {
		return err
	}
	var bad fault.Fields
	if sender, found := partyOf(register, response.Sender); !found || sender != r.Invoice.Buyer {
		bad.Add("sender", response.Sender.Name, "is not the buyer of receivable %s", r.ID)
	}
	if receiver, found := partyOf(register, response.Receiver); !found || receiver != r.Invoice.Seller {
		bad.Add("receiver", response.Receiver.Name, "is not the seller of receivable %s", r.ID)
	}
	return bad.Err()
}

// responseCall is the call that a response asks for, and in words what it does. The zero call means that nothing is to be done.
func responseCall(ctx context.Context, s *consortium.Session, response *document.InvoiceResponse, r receivable.Receivable, what *string) (consortium.Call, error) {
	switch response.Code {
	case document.ResponseAccepted:
		if r.Status != receivable.Proposed {
			*what = "approved by the first person"
			return onReceivable(ctx, s, "receivable:ProposeConfirm", r.ID, nil)
		}
		*what = "confirmed by the second person"
		return confirmation(ctx, s, r.ID)
	case document.ResponseRejected:
		*what = "rejected"
		return onReceivable(ctx, s, "receivable:Reject", r.ID, whyOf(response))
	case document.ResponseUnderQuery:
		if !r.HasClaim() {
			*what = "queried"
			return onReceivable(ctx, s, "receivable:Dispute", r.ID, whyOf(response))
		}
		*what = "disputed"
		list, err := fragmentsOf(ctx, s, r.ID)
		if err != nil {
			return consortium.Call{}, err
		}
		in := receivable.Objection{ID: consortium.NewID("dsp"), Because: whyOf(response)}
		for _, f := range list {
			if f.Live() && !f.Encumbered() && f.Status != receivable.Frozen {
				in.Fragments = append(in.Fragments, f.ID)
			}
		}
		return onReceivable(ctx, s, "receivable:Freeze", r.ID, in, in.ID)
	case document.ResponsePaid:
		*what = "paid"
		bill, err := billOf(ctx, s, r.ID)
		if err != nil {
			return consortium.Call{}, err
		}
		in := receivable.Paying{ID: consortium.NewID("pay"), AmountMinor: bill.TotalMinor, Currency: bill.Currency}
		return onReceivable(ctx, s, "receivable:Pay", r.ID, in, in.ID)
	}
	*what = "nothing to do for " + string(response.Code)
	return consortium.Call{}, nil
}

// whyOf are the reasons of a response as the ledger takes them: those of its codes that are reasons to refuse, else "other" with
// the texts.
func whyOf(response *document.InvoiceResponse) receivable.Because {
	why := receivable.Because{}
	for _, status := range response.Statuses {
		if status.List == document.StatusActionList {
			continue
		}
		reason := receivable.Reason(status.Code)
		known := slices.ContainsFunc(receivable.Reasons(), func(row receivable.ReasonRow) bool { return row.Code == reason })
		if known && !slices.Contains(why.Reasons, reason) {
			why.Reasons = append(why.Reasons, reason)
		}
		if status.Text != "" && why.Note == "" {
			why.Note = status.Text
		}
	}
	if len(why.Reasons) == 0 {
		why.Reasons = []receivable.Reason{"OTH"}
	}
	return why
}

// confirmation is the call that confirms a receivable: its terms, signed with the key of the user's certificate.
func confirmation(ctx context.Context, s *consortium.Session, id string) (consortium.Call, error) {
	call, err := onReceivable(ctx, s, "receivable:Terms", id, nil)
	if err != nil {
		return call, err
	}
	var terms receivable.Terms
	if err := s.Evaluate(ctx, call, &terms); err != nil {
		return call, err
	}
	signature, err := s.User().Sign(terms.Bytes())
	call.Function = "receivable:Confirm"
	call.Input = receivable.Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}
	return call, err
}
