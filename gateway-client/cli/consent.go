package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// defaultConsentDays is how long a consent lasts where the SME names no last day.
const defaultConsentDays = 365

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
			in := credit.ConsentInput{ID: consortium.NewID("cns"), Bank: bank, Scopes: []credit.Scope{credit.ScopeScore}}
			return app.submit(cmd, in.ID, func(s *consortium.Session) (call consortium.Call, err error) {
				if in.LastDay, err = lastDay(until, s.Network.Now()); err != nil {
					return call, err
				}
				return consortium.Call{Function: "credit:GiveConsent", Args: []string{desk, in.ID}, Input: in, Circles: []string{desk}}, nil
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "the bank's desk")
	cmd.Flags().StringVar(&bank, "bank", "", "MSP id of the bank")
	cmd.Flags().StringVar(&until, "until", "", "last day, YYYY-MM-DD (default: in a year)")
	return requireFlags(cmd, "desk", "bank")
}

func lastDay(until string, now time.Time) (calendar.Date, error) {
	if until != "" {
		return calendar.Parse(until)
	}
	return calendar.From(now).AddDays(defaultConsentDays)
}
