package cli

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func invoiceCreditCommand(app *App) *cobra.Command {
	var of string
	var prepare bool
	cmd := &cobra.Command{
		Use:   "credit FILE",
		Short: "Apply a credit note to the receivable that it is about, as the seller",
		Long: `Reads a credit note (UBL 2.1 or CII) and applies it to the receivable of the invoice that it names. It lowers fragments in a
fixed order: your own that back no financing; then those of holders who have consented to this credit note; never one that
backs a financing. What it cannot lower becomes the buyer's recourse claim on you.

--prepare sends nothing and prints the id that the credit note will have, always the same for a file, so that holders can
consent to it: tally fragment consent.`,
		Example: `  tally --org supplier --user amy invoice credit acme-CN-1001.xml
  tally --org supplier --user amy invoice credit acme-CN-1001.xml --receivable rcv-… --prepare`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			var doc *document.Document
			var raw []byte
			err := app.eachFile(files, func(_ string, in io.Reader) (err error) {
				if raw, err = io.ReadAll(in); err != nil {
					return err
				}
				if doc, err = document.Parse(bytes.NewReader(raw)); err != nil {
					return err
				}
				return operation.CreditNoteOnly(doc)
			})
			if err != nil {
				return err
			}
			if prepare {
				return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
					in, err := operation.Crediting(s, doc.Invoice, raw)
					if err != nil {
						return err
					}
					if app.JSON() {
						return app.PrintJSON(in)
					}
					return app.table(func(row func(...string)) {
						row("id", in.ID)
						row("number", in.Number)
						row("amount", amountText(in.AmountMinor, in.Currency))
					})
				})
			}
			note := ""
			return app.submitStepNamed(cmd, func(step) string { return note }, func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				in, err := operation.Crediting(s, doc.Invoice, raw)
				if err != nil {
					return consortium.Call{}, err
				}
				note = in.ID
				if of == "" {
					if of, err = operation.Credited(ctx, s, doc.Invoice); err != nil {
						return consortium.Call{}, err
					}
				}
				return operation.OnReceivable(ctx, s, "receivable:CreditNote", of, in, in.ID)
			})
		},
	}
	cmd.Flags().StringVar(&of, "receivable", "", "receivable that is credited (default: the one of the invoice that the document names)")
	cmd.Flags().BoolVar(&prepare, "prepare", false, "send nothing; print the id that the credit note will have")
	return cmd
}
