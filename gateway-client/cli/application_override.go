package cli

import (
	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func applicationOverrideCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "override", Short: "Decide by two people what the policy leaves to them"}
	approve := applicationStep(app, "approve APPLICATION", "Carry out what another person of the bank has proposed", "financing:ApproveOverride")
	approve.Long = "Limits, collateral and prices stay the policy's. The decision stays marked as one of people."
	approve.Example = "  tally --org bankA --user carl application override approve app-…"
	cmd.AddCommand(applicationProposeCommand(app), approve)
	return cmd
}

func applicationProposeCommand(app *App) *cobra.Command {
	var outcomeText, amount, currency string
	var in financing.OverrideInput
	cmd := &cobra.Command{
		Use:     "propose APPLICATION --outcome approve|decline --note TEXT",
		Short:   "Propose to decide an application otherwise than the policy does",
		Example: "  tally --org bankA --user mona application override propose app-… --outcome approve --note \"Known for ten years.\"",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Outcome = financing.Outcome(outcomeText)
			if amount != "" {
				most, err := money.ParseDecimal(amount, currency)
				if err != nil {
					return err
				}
				in.AdvanceMinor = most.Minor
			}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnApplication(cmd.Context(), s, "financing:ProposeOverride", args[0], in)
			})
		},
	}
	cmd.Flags().StringVar(&outcomeText, "outcome", "", "approve or decline")
	cmd.Flags().StringVar(&in.Note, "note", "", "why; it stays visible")
	cmd.Flags().StringVar(&amount, "amount", "", "the most that may be lent (default: what the policy gives)")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	return requireFlags(cmd, "outcome", "note")
}
