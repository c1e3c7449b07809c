package operation

import (
	"context"
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
)

// Response makes the response that says what the receivable's status says.
func Response(r receivable.Receivable, register []member.Party, on calendar.Date) (*document.InvoiceResponse, error) {
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

// answered finds the receivable that a response is about, and makes sure that the response goes from its buyer to its seller.
func Answered(ctx context.Context, s *consortium.Session, response *document.InvoiceResponse, of string) (r receivable.Receivable, err error) {
	ref := response.Documents[0]
	about := func(r receivable.Receivable) bool {
		return r.Invoice.Number == ref.ID && (ref.TypeCode == "" || r.Invoice.TypeCode == ref.TypeCode) &&
			(ref.IssueDate.IsZero() || r.Invoice.IssueDate == ref.IssueDate)
	}
	var bad fault.Fields
	if of != "" {
		call, err := OnReceivable(ctx, s, "receivable:Get", of, nil)
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
	found, err := ReceivablesWhere(ctx, s, programmes, func(r receivable.Receivable) bool {
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
	bad.Add("document_reference", ref.ID, "must be one invoice to you on the ledger; %d fit; name the receivable", len(right))
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

// Respond is the call that a response asks for, and in words what it does. The zero call means that nothing is to be done.
func Respond(ctx context.Context, s *consortium.Session, response *document.InvoiceResponse, r receivable.Receivable, what *string) (consortium.Call, error) {
	switch response.Code {
	case document.ResponseAccepted:
		if r.Status != receivable.Proposed {
			*what = "approved by the first person"
			return OnReceivable(ctx, s, "receivable:ProposeConfirm", r.ID, nil)
		}
		*what = "confirmed by the second person"
		return Confirm(ctx, s, r.ID)
	case document.ResponseRejected:
		*what = "rejected"
		return OnReceivable(ctx, s, "receivable:Reject", r.ID, Reasons(response))
	case document.ResponseUnderQuery:
		if !r.HasClaim() {
			*what = "queried"
			return OnReceivable(ctx, s, "receivable:Dispute", r.ID, Reasons(response))
		}
		*what = "disputed"
		list, err := Fragments(ctx, s, r.ID)
		if err != nil {
			return consortium.Call{}, err
		}
		in := receivable.Objection{ID: consortium.NewID("dsp"), Because: Reasons(response)}
		for _, f := range list {
			if f.Live() && !f.Encumbered() && f.Status != receivable.Frozen {
				in.Fragments = append(in.Fragments, f.ID)
			}
		}
		return OnReceivable(ctx, s, "receivable:Freeze", r.ID, in, in.ID)
	case document.ResponsePaid:
		*what = "paid"
		bill, err := Bill(ctx, s, r.ID)
		if err != nil {
			return consortium.Call{}, err
		}
		in := receivable.Paying{ID: consortium.NewID("pay"), AmountMinor: bill.TotalMinor, Currency: bill.Currency}
		return OnReceivable(ctx, s, "receivable:Pay", r.ID, in, in.ID)
	}
	*what = "nothing to do for " + string(response.Code)
	return consortium.Call{}, nil
}

// Reasons are the reasons of a response as the ledger takes them: those of its codes that are reasons to refuse, else "other" with
// the texts.
func Reasons(response *document.InvoiceResponse) receivable.Because {
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
