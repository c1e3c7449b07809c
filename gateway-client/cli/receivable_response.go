package cli

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
	"github.com/tallystick/tallystick/gateway-client/operation"
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
				call, err := operation.OnReceivable(ctx, s, "receivable:Get", args[0], nil)
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
				response, err := operation.Response(r, register, calendar.From(s.Network.Now().UTC()))
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
				r, err := operation.Answered(ctx, s, response, of)
				if err != nil {
					return consortium.Call{}, err
				}
				id = r.ID
				return operation.Respond(ctx, s, response, r, &what)
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
