package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
)

func invoiceIssueCommand(app *App) *cobra.Command {
	var programme, buyer string
	cmd := &cobra.Command{
		Use:   "issue FILE…",
		Short: "Enter invoices into a programme, so that the buyer can confirm them",
		Long: `Reads invoice documents (UBL 2.1 or CII) and enters each into the programme. The seller must be your own party; the
buyer is found in the programme's register by its identifiers or its name. The document itself stays with you: the
ledger keeps the sealed terms and a salted hash.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			if app.request != "" && len(files) > 1 {
				return usageError{fmt.Errorf("--request goes with one file")}
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				register, err := s.Parties(ctx, programme)
				if err != nil {
					return err
				}
				return app.eachFile(files, func(name string, in io.Reader) error {
					raw, err := io.ReadAll(in)
					if err != nil {
						return err
					}
					doc, err := document.Parse(bytes.NewReader(raw))
					if err != nil {
						return err
					}
					invoice, err := invoiceOf(s, doc, raw, register, buyer)
					if err != nil {
						return err
					}
					return app.issue(ctx, s, programme, receivable.Issuance{ID: consortium.NewID("rcv"), Invoice: invoice})
				})
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme of the buyer")
	cmd.Flags().StringVar(&buyer, "buyer", "", "party id of the buyer, where the register does not tell")
	return requireFlags(cmd, "programme")
}

func (a *App) issue(ctx context.Context, s *consortium.Session, programme string, in receivable.Issuance) error {
	var step struct {
		Status string `json:"status"`
	}
	done, err := s.Submit(ctx, consortium.Call{Function: "receivable:Issue", Args: []string{programme, in.ID}, Input: in,
		Circles: []string{programme}, Request: a.request}, &step)
	if err != nil {
		return err
	}
	return a.done(outcome{ID: in.ID, Status: step.Status, Transaction: done.Transaction, Block: done.Block})
}

// invoiceOf makes the ledger's form of an invoice document: parties by their opaque ids, and a keyed hash of the document.
func invoiceOf(s *consortium.Session, doc *document.Document, raw []byte, register []member.Party, buyer string) (receivable.Invoice, error) {
	out, err := termsOf(doc, register, s.User().Party, buyer)
	if err != nil {
		return out, err
	}
	if out.DocumentHash, err = documentHash(s, raw); err != nil {
		return out, err
	}
	return out, out.Validate()
}

func termsOf(doc *document.Document, register []member.Party, own, buyer string) (receivable.Invoice, error) {
	if doc.Kind != document.KindInvoice {
		return receivable.Invoice{}, fault.New(fault.DocumentUnsupported, "it is a %s, not an invoice", doc.Kind)
	}
	in := doc.Invoice
	out := receivable.Invoice{TypeCode: in.TypeCode, Seller: own, Buyer: buyer, Number: in.ID, IssueDate: in.IssueDate, DueDate: in.DueDate,
		Currency: in.Currency, PayableMinor: in.Totals.PayableMinor, PrepaidMinor: in.Totals.PrepaidMinor, OtherPayee: in.Payee != nil, Lines: len(in.Lines)}
	if seller, found := partyOf(register, in.Seller); found && seller != own {
		return out, &fault.Error{Code: fault.InputInvalid, Fields: []fault.Field{{Path: "seller", Value: in.Seller.Name, Reason: "is another party than the one that you act for"}}}
	}
	if buyer == "" {
		party, found := partyOf(register, in.Buyer)
		if !found {
			return out, &fault.Error{Code: fault.InputInvalid, Fields: []fault.Field{{Path: "buyer", Value: in.Buyer.Name, Reason: "is not in the programme's register; name its party id with --buyer"}}}
		}
		out.Buyer = party
	}
	return out, nil
}

// partyOf finds a document's party in a register: by an identifier, else by the name.
func partyOf(register []member.Party, p document.Party) (string, bool) {
	for _, entry := range register {
		for _, id := range entry.Identifiers {
			if slices.ContainsFunc(p.IDs, func(have document.Identifier) bool { return have.Scheme == id.Scheme && have.ID == id.Value }) {
				return entry.ID, true
			}
		}
	}
	for _, entry := range register {
		if strings.EqualFold(entry.Name, p.Name) {
			return entry.ID, true
		}
	}
	return "", false
}
