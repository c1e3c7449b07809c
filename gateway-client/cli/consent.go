package cli

import (
	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func consentCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "consent", Short: "Which bank may use your record, for what and until when"}
	cmd.AddCommand(consentGiveCommand(app), onDeskStep(app, "withdraw CONSENT", "End a consent at once", "credit:WithdrawConsent", "consent"))
	return cmd
}

func consentGiveCommand(app *App) *cobra.Command {
	var desk, bank, until string
	cmd := &cobra.Command{
		Use:   "give --desk DESK --bank MSP",
		Short: "Let a bank calculate a score from your record",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := credit.ConsentInput{ID: consortium.NewID("cns"), Bank: bank}
			return app.submit(cmd, in.ID, func(s *consortium.Session) (call consortium.Call, err error) {
				if until != "" {
					if in.LastDay, err = calendar.Parse(until); err != nil {
						return call, err
					}
				}
				return operation.GiveConsent(s, desk, in)
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "the bank's desk")
	cmd.Flags().StringVar(&bank, "bank", "", "MSP id of the bank")
	cmd.Flags().StringVar(&until, "until", "", "last day, YYYY-MM-DD (default: in a year)")
	return requireFlags(cmd, "desk", "bank")
}
