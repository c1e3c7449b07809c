package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/operation"
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
					invoice, err := operation.Invoice(s, doc, raw, register, buyer)
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
	call := operation.Issue(programme, in)
	call.Request = a.request
	done, err := s.Submit(ctx, call, &step)
	if err != nil {
		return err
	}
	return a.done(outcome{ID: in.ID, Status: step.Status, Transaction: done.Transaction, Block: done.Block})
}
