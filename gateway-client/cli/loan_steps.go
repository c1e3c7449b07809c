package cli

import (
	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// loanSteps are the steps of a loan that is not repaid as agreed.
func loanSteps(app *App) []*cobra.Command {
	return []*cobra.Command{
		loanStep(app, "recourse LOAN", "Ask the borrower to pay what the buyer has not", "financing:Recourse"),
		loanStep(app, "enforce LOAN", "Turn to the collateral of a defaulted loan", "financing:Enforce"),
		loanChargeCommand(app), loanRecoverCommand(app), loanCollectCommand(app),
		loanNoteCommand(app, "write-off LOAN --note TEXT", "Take what is owed as a loss", "financing:WriteOff"),
		loanNoteCommand(app, "return LOAN --note TEXT", "Book that a surplus was paid on to the borrower", "financing:ReturnSurplus"),
	}
}

func loanNoteCommand(app *App, use, short, function string) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return loanCall(cmd, app, function, args[0], financing.NoteInput{Note: note})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, or the bank's reference")
	return requireFlags(cmd, "note")
}

func loanChargeCommand(app *App) *cobra.Command {
	var amount, currency, ground string
	cmd := &cobra.Command{
		Use:   "charge LOAN --amount AMOUNT --ground TEXT",
		Short: "Add a fee that the contract allows",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			fee, err := money.ParseDecimal(amount, currency)
			if err != nil {
				return err
			}
			return loanCall(cmd, app, "financing:Charge", args[0], financing.FeeInput{FeeMinor: fee.Minor, Ground: ground})
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "the fee")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	cmd.Flags().StringVar(&ground, "ground", "", "why it is charged")
	return requireFlags(cmd, "amount", "ground")
}

func loanRecoverCommand(app *App) *cobra.Command {
	var amount, currency, source, note string
	cmd := &cobra.Command{
		Use:   "recover LOAN --amount AMOUNT",
		Short: "Book money that has come in on a written-off loan",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			paid, err := money.ParseDecimal(amount, currency)
			if err != nil {
				return err
			}
			in := financing.Payment{AmountMinor: paid.Minor, Currency: paid.Currency, Source: financing.Source(source), Note: note}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.Recover(cmd.Context(), s, args[0], in)
			})
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "amount received")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	cmd.Flags().StringVar(&source, "source", string(financing.FromBorrower), "borrower, buyer, collateral or recourse")
	cmd.Flags().StringVar(&note, "note", "", "the bank's reference")
	return requireFlags(cmd, "amount")
}

func loanCollectCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "collect LOAN RECEIVABLE PAYMENT",
		Short:   "Book what a buyer's payment brought to the bank; its underwriter does it by itself",
		Example: "  tally --org bankA --user mona loan collect loan-… rcv-… pay-…",
		Args:    usageArgs(cobra.ExactArgs(3)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.Collect(cmd.Context(), s, args[0], args[1], args[2])
			})
		},
	}
}
