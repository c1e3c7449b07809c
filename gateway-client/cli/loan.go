package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

func loanCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "loan", Aliases: []string{"loans"}, Short: "Loans: drawdown, repayment, maturity"}
	cmd.AddCommand(loanDrawCommand(app), loanRepayCommand(app), loanShowCommand(app), loanListCommand(app),
		loanStep(app, "cancel LOAN", "End a loan that was not drawn", "financing:Cancel"),
		loanStep(app, "default LOAN", "Call an overdue loan in default", "financing:Default"),
		loanStep(app, "cure LOAN", "Take a default back after payment", "financing:Cure"))
	return cmd
}

// loanView is a loan as it stands today.
type loanView struct {
	financing.Loan
	DaysPastDue int64            `json:"days_past_due"`
	Standing    financing.Bucket `json:"standing"`
}

// loanOf reads a loan with the circles that a step on it touches.
func loanOf(ctx context.Context, s *consortium.Session, id string) (loanView, []string, error) {
	var l loanView
	call, err := onDesk(ctx, s, "financing:Loan", "loan", id, nil)
	if err != nil {
		return l, nil, err
	}
	err = s.Evaluate(ctx, call, &l)
	return l, append(call.Circles, programmesOf(l.Collateral)...), err
}

// loanCall is a step on a loan, with a sealed input or none.
func loanCall(cmd *cobra.Command, app *App, function, id string, input any) error {
	return app.submit(cmd, id, func(s *consortium.Session) (consortium.Call, error) {
		_, circles, err := loanOf(cmd.Context(), s, id)
		return consortium.Call{Function: function, Args: []string{id}, Input: input, Circles: circles}, err
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
	cmd := &cobra.Command{
		Use:   "draw LOAN",
		Short: "Pay a loan out, as the bank",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return loanCall(cmd, app, "financing:Draw", args[0], financing.DrawInput{Note: note})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "the bank's payment reference")
	return cmd
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
				l, circles, err := loanOf(cmd.Context(), s, args[0])
				if err != nil {
					return consortium.Call{}, err
				}
				in := financing.Payment{AmountMinor: l.Owed.TotalMinor(), Currency: l.Terms.Currency, Source: financing.FromBorrower, Note: note}
				if amount != "" {
					paid, err := money.ParseDecimal(amount, currency)
					if err != nil {
						return consortium.Call{}, err
					}
					in.AmountMinor, in.Currency = paid.Minor, paid.Currency
				}
				if in.ReceivedOn, err = dateOr(on, s.Network.Now()); err != nil {
					return consortium.Call{}, err
				}
				return consortium.Call{Function: "financing:Repay", Args: args, Input: in, Circles: circles}, in.Validate()
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
				l, _, err := loanOf(ctx, s, args[0])
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
	return &cobra.Command{
		Use:   "list",
		Short: "List the loans that you may see",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				desks, err := s.Readable(ctx, circle.Desk)
				if err != nil {
					return err
				}
				var page struct {
					Loans []loanView `json:"loans"`
					Next  string     `json:"next"`
				}
				if err := s.Evaluate(ctx, consortium.Call{Function: "financing:Loans", Args: []string{"200", ""}, Circles: desks}, &page); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(page)
				}
				return app.table(func(row func(...string)) {
					row("LOAN", "STATUS", "STANDING", "ADVANCE", "MATURITY", "BORROWER")
					for _, l := range page.Loans {
						row(l.ID, string(l.Status), string(l.Standing), amountText(l.Terms.AdvanceMinor, l.Terms.Currency), l.Terms.MaturityOn.String(), l.Borrower)
					}
				})
			})
		},
	}
}
