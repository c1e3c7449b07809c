package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/drawdown"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func loanCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "loan", Aliases: []string{"loans"}, Short: "Loans: drawdown, repayment, maturity"}
	cmd.AddCommand(loanDrawCommand(app), loanRepayCommand(app), loanShowCommand(app), loanListCommand(app),
		loanStep(app, "cancel LOAN", "End a loan that was not drawn", "financing:Cancel"),
		loanStep(app, "default LOAN", "Call an overdue loan in default", "financing:Default"),
		loanStep(app, "cure LOAN", "Take a default back after payment", "financing:Cure"))
	cmd.AddCommand(loanSteps(app)...)
	return cmd
}

// loanCall is a step on a loan, with a sealed input or none.
func loanCall(cmd *cobra.Command, app *App, function, id string, input any) error {
	return app.submit(cmd, id, func(s *consortium.Session) (consortium.Call, error) {
		return operation.OnLoan(cmd.Context(), s, function, id, input)
	})
}

func loanStep(app *App, use, short, function string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return loanCall(cmd, app, function, args[0], nil)
		},
	}
}

func loanDrawCommand(app *App) *cobra.Command {
	var note string
	var parallel int
	cmd := &cobra.Command{
		Use:   "draw LOAN…",
		Short: "Pay loans out, as the bank",
		Long: `Pays the loans out side by side. Each draws on one lane of every limit, and no two draw on the same lane at a time, so a limit that
all of them share holds nobody up. Room that no single lane has is gathered first.`,
		Example: "  tally --org bankA --user mona loan draw loan-… loan-… loan-… --parallel 16",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && app.request != "" { // a repeat of one request is answered with the first result
				return loanCall(cmd, app, "financing:Draw", args[0], financing.DrawInput{Note: note})
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				d := drawdown.Drawer{Session: s, Parallel: parallel, Note: note}
				return app.drawn(d.Draw(ctx, args))
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "the bank's payment reference")
	cmd.Flags().IntVar(&parallel, "parallel", drawdown.DefaultParallel, "how many are drawn at a time")
	return cmd
}

// drawn prints what became of the loans, and returns the first failure.
func (a *App) drawn(list []drawdown.Drawn) error {
	var first error
	for _, r := range list {
		if first == nil {
			first = r.Err
		}
	}
	if len(list) == 1 {
		if first != nil {
			return first
		}
		return a.done(outcome{ID: list[0].Loan, Status: string(financing.Active), Transaction: list[0].Transaction, Block: list[0].Block})
	}
	if a.JSON() {
		return errors.Join(a.PrintJSON(map[string]any{"loans": list}), first)
	}
	return errors.Join(a.table(func(row func(...string)) {
		row("LOAN", "RESULT", "BLOCK")
		for _, r := range list {
			result := string(financing.Active)
			if r.Err != nil {
				result = string(fault.CodeOf(r.Err))
			}
			row(r.Loan, result, fmt.Sprint(r.Block))
		}
	}), first)
}

func loanRepayCommand(app *App) *cobra.Command {
	var amount, currency, on, note string
	cmd := &cobra.Command{
		Use:   "repay LOAN [--amount AMOUNT]",
		Short: "Book a repayment, as the bank",
		Long:  "Books money that the bank has received: fees first, then interest, then principal. Without an amount: all that is owed today.",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				in := financing.Payment{Note: note}
				if amount != "" {
					paid, err := money.ParseDecimal(amount, currency)
					if err != nil {
						return consortium.Call{}, err
					}
					in.AmountMinor, in.Currency = paid.Minor, paid.Currency
				}
				var err error
				if in.ReceivedOn, err = dateOr(on, s.Network.Now()); err != nil {
					return consortium.Call{}, err
				}
				return operation.Repay(cmd.Context(), s, args[0], in)
			})
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "amount received (default: all that is owed today)")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	cmd.Flags().StringVar(&on, "on", "", "value date, YYYY-MM-DD (default: today)")
	cmd.Flags().StringVar(&note, "note", "", "the bank's reference")
	return cmd
}

// dateOr reads a date; an empty text means the date of the instant.
func dateOr(text string, now time.Time) (calendar.Date, error) {
	if text == "" {
		return calendar.From(now), nil
	}
	return calendar.Parse(text)
}

func loanShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show LOAN",
		Short: "Show a loan as it stands today",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				l, _, err := operation.Loan(ctx, s, args[0])
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(l)
				}
				return app.table(func(row func(...string)) {
					row("loan", l.ID)
					row("status", string(l.Status), string(l.Standing))
					row("advance", amountText(l.Terms.AdvanceMinor, l.Terms.Currency))
					row("rate", fmt.Sprintf("%d bp", l.Terms.Rate))
					row("maturity", l.Terms.MaturityOn.String())
					row("owed today", amountText(l.Owed.TotalMinor(), l.Terms.Currency))
				})
			})
		},
	}
}

func loanListCommand(app *App) *cobra.Command {
	return listing[operation.LoanView]{
		short: "List the loans that you may see", function: always("financing:Loans"), key: "loans", kind: circle.Desk, usual: maxListed,
		rows: func(row func(...string), list []operation.LoanView) {
			row("LOAN", "STATUS", "STANDING", "ADVANCE", "MATURITY", "BORROWER")
			for _, l := range list {
				row(l.ID, string(l.Status), string(l.Standing), amountText(l.Terms.AdvanceMinor, l.Terms.Currency), l.Terms.MaturityOn.String(), l.Borrower)
			}
		},
	}.command(app)
}
