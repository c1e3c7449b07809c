package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func receivableCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "receivable", Aliases: []string{"receivables"}, Short: "Claims on a buyer: confirmed, split, passed on, paid"}
	cmd.AddCommand(
		receivableListCommand(app), receivableShowCommand(app),
		receivableStep(app, "propose", "Approve as the buyer's first person", "receivable:ProposeConfirm", "buyer --user alice"),
		receivableConfirmCommand(app),
		receivableStep(app, "return", "Send a proposal back to the buyer's first person", "receivable:Return", "buyer --user bruno"),
		receivableBecause(app, "reject", "Say that the invoice is not owed", "receivable:Reject", "buyer --user alice"),
		receivableBecause(app, "dispute", "Say what is wrong with the invoice", "receivable:Dispute", "buyer --user alice"),
		receivableStep(app, "resolve", "End a dispute before confirmation", "receivable:Resolve", "buyer --user alice"),
		receivableStep(app, "withdraw", "Take an unconfirmed invoice back", "receivable:Withdraw", "supplier --user amy"),
		receivableStep(app, "age", "Advance the status by today's date: matured, overdue, defaulted", "receivable:Age", "bankA --user mona"),
		receivablePayCommand(app), receivableBillCommand(app), receivablePaymentsCommand(app),
		receivableFreezeCommand(app), receivableThawCommand(app), receivableDisputesCommand(app),
		receivableCreditNotesCommand(app), receivableSettleRecourseCommand(app), receivableWriteOffCommand(app),
		receivableRulesCommand(app), receivableIssueBulkCommand(app), receivableProposeBulkCommand(app), receivableConfirmBulkCommand(app),
		receivableRespondCommand(app), receivableResponseCommand(app),
	)
	return cmd
}

func receivableStep(app *App, verb, short, function, who string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " RECEIVABLE",
		Short:   short,
		Example: fmt.Sprintf("  tally --org %s receivable %s rcv-…", who, verb),
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(cmd.Context(), s, function, args[0], nil)
			})
		},
	}
}

func receivableBecause(app *App, verb, short, function, who string) *cobra.Command {
	var reasons []string
	var note string
	cmd := &cobra.Command{
		Use:     verb + " RECEIVABLE --reason CODE",
		Short:   short,
		Example: fmt.Sprintf("  tally --org %s receivable %s rcv-… --reason QTY --note \"Two boxes are missing\"", who, verb),
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			why := because(reasons, note)
			if err := why.Validate(); err != nil {
				return err
			}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(cmd.Context(), s, function, args[0], why)
			})
		},
	}
	cmd.Flags().StringSliceVar(&reasons, "reason", nil, "codes of the Peppol list OPStatusReason, such as PRI or QUA")
	cmd.Flags().StringVar(&note, "note", "", "what the seller should know")
	return requireFlags(cmd, "reason")
}

func receivableConfirmCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "confirm RECEIVABLE",
		Short: "Undertake to pay, as the buyer's second person",
		Long: `Confirms the receivable: signs its terms with your certificate's key, which makes the undertaking prove itself
whoever endorsed it, and gives the seller a claim that it can split, pass on and finance.`,
		Example: "  tally --org buyer --user bruno receivable confirm rcv-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.Confirm(cmd.Context(), s, args[0])
			})
		},
	}
}

func receivablePayCommand(app *App) *cobra.Command {
	var amount, currency string
	cmd := &cobra.Command{
		Use:     "pay RECEIVABLE --amount AMOUNT",
		Short:   "Record the buyer's payment and distribute it to the holders",
		Example: "  tally --org buyer --user bruno receivable pay rcv-1f0c… --amount 48250.00 --currency EUR",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			paid, err := money.ParseDecimal(amount, currency)
			if err != nil {
				return err
			}
			in := receivable.Paying{ID: consortium.NewID("pay"), AmountMinor: paid.Minor, Currency: paid.Currency}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(cmd.Context(), s, "receivable:Pay", args[0], in, in.ID)
			})
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "amount in the currency's units, such as 48250.00")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	return requireFlags(cmd, "amount")
}

func receivableShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "show RECEIVABLE",
		Short:   "Show a receivable, the fragments that you may see, and similar invoices",
		Example: "  tally --org bankA --user mona receivable show rcv-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnReceivable(ctx, s, "receivable:Get", args[0], nil)
				if err != nil {
					return err
				}
				var view struct {
					receivable.Receivable
					Lookalikes []operation.Lookalike   `json:"lookalikes,omitempty"`
					Goods      []operation.LotStanding `json:"goods,omitempty"`
					Holdings   []receivable.Holding    `json:"holdings"`
				}
				if err := s.Evaluate(ctx, call, &view); err != nil {
					return err
				}
				if s.User().Party != "" {
					call.Function = "receivable:Holdings"
					// Somebody whose party is not registered, such as a supervisor, sees the receivable and holds nothing.
					if err := s.Evaluate(ctx, call, &view.Holdings); err != nil && fault.CodeOf(err) != fault.NotPermitted {
						return err
					}
				}
				if app.JSON() {
					return app.PrintJSON(view)
				}
				return app.table(func(row func(...string)) {
					showReceivable(row, view.Receivable)
					for _, l := range view.Lookalikes {
						row("similar to", l.Receivable, l.Programme)
					}
					for _, g := range view.Goods {
						row("goods", strings.TrimSpace(g.GTIN+" "+g.Issuer)+" lot "+g.Lot.Lot, g.Standing, g.Receipt)
					}
					for _, h := range view.Holdings {
						row("fragment", h.Fragment, string(h.Status), amountText(h.FaceMinor, h.Currency))
					}
				})
			})
		},
	}
}

func showReceivable(row func(...string), r receivable.Receivable) {
	row("id", r.ID)
	row("status", string(r.Status))
	row("programme", r.Programme)
	row("invoice", r.Invoice.Number)
	row("seller", r.Invoice.Seller)
	row("buyer", r.Invoice.Buyer)
	row("issued", r.Invoice.IssueDate.String())
	row("due", r.Invoice.DueDate.String())
	row("payable", amountText(r.Invoice.PayableMinor, r.Invoice.Currency))
}

// amountText is an amount as people write it, with its currency.
func amountText(minor int64, currency string) string {
	return money.Amount{Minor: minor, Currency: currency}.String()
}

func receivableListCommand(app *App) *cobra.Command {
	return listing[receivable.Receivable]{
		short: "List the receivables that you may see", example: "  tally --org supplier --user amy receivable list",
		function: always("receivable:List"), key: "receivables", kind: circle.Programme, usual: 50,
		rows: func(row func(...string), list []receivable.Receivable) {
			row("RECEIVABLE", "STATUS", "INVOICE", "PAYABLE", "DUE", "SELLER")
			for _, r := range list {
				row(r.ID, string(r.Status), r.Invoice.Number, amountText(r.Invoice.PayableMinor, r.Invoice.Currency), r.Invoice.DueDate.String(), r.Invoice.Seller)
			}
		},
	}.command(app)
}
