package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func applicationCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "application", Aliases: []string{"applications"}, Short: "Applications for financing and the banks' decisions"}
	cmd.AddCommand(applicationSubmitCommand(app), applicationShowCommand(app), applicationExplainCommand(app), applicationListCommand(app), applicationAcceptCommand(app), applicationOverrideCommand(app),
		applicationStep(app, "withdraw APPLICATION", "Take an application back and free its collateral", "financing:Withdraw"),
		applicationStep(app, "expire APPLICATION", "End an application whose time is over, and free its collateral", "financing:Expire"))
	return cmd
}

func applicationSubmitCommand(app *App) *cobra.Command {
	var desk, bank, consent, amount, currency string
	var offered operation.Pledging
	var tenorDays int64
	cmd := &cobra.Command{
		Use:   "submit --desk DESK --bank MSP --consent CONSENT --receivable ID…",
		Short: "Apply for financing on confirmed claims, on goods, or on both",
		Long: `Applies to one bank. The collateral is reserved at once, so that no other application can hold it; it is freed when the
bank declines, or when you withdraw. A receivable stands for the fragment of it that you hold.`,
		Example: "  tally --org supplier --user amy application submit --desk dsk-… --bank BankAMSP --consent cns-… --receivable rcv-… --amount 40000 --tenor-days 60",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := financing.Request{ID: consortium.NewID("app"), Bank: bank, Consent: consent, Currency: currency, TenorDays: tenorDays}
			if amount != "" {
				asked, err := money.ParseDecimal(amount, currency)
				if err != nil {
					return err
				}
				in.AdvanceMinor = asked.Minor
			}
			return app.submit(cmd, in.ID, func(s *consortium.Session) (consortium.Call, error) {
				return operation.Apply(cmd.Context(), s, desk, in, offered)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&desk, "desk", "", "the bank's desk")
	flags.StringVar(&bank, "bank", "", "MSP id of the bank")
	flags.StringVar(&consent, "consent", "", "your consent to this bank")
	flags.StringSliceVar(&offered.Receivables, "receivable", nil, "confirmed receivables")
	flags.StringSliceVar(&offered.Fragments, "fragment", nil, "fragments of receivables")
	flags.StringSliceVar(&offered.Receipts, "receipt", nil, "warehouse receipts")
	flags.StringVar(&amount, "amount", "", "advance that you ask for (default: as much as the policy gives)")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	flags.Int64Var(&tenorDays, "tenor-days", 0, "days from the decision to maturity (default: until the last claim is due)")
	return requireFlags(cmd, "desk", "bank", "consent")
}

func applicationStep(app *App, use, short, function string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnApplication(cmd.Context(), s, function, args[0], nil)
			})
		},
	}
}

func applicationAcceptCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "accept APPLICATION",
		Short: "Accept the approved terms: the loan is made and the collateral pledged",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			loan := consortium.NewID("loan")
			return app.submit(cmd, loan, func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnApplication(cmd.Context(), s, "financing:Accept", args[0], nil, loan)
			})
		},
	}
}

func applicationShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show APPLICATION",
		Short: "Show an application, its decision, why, and what would change it",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				a, _, err := operation.Application(ctx, s, args[0])
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(a)
				}
				return app.table(func(row func(...string)) { showApplication(row, a) })
			})
		},
	}
}

func showApplication(row func(...string), a financing.Application) {
	row("application", a.ID)
	row("status", string(a.Status))
	row("bank", a.Bank)
	for _, c := range a.Collateral {
		row("collateral", string(c.Kind), c.ID)
	}
	d := a.Decision
	if d == nil {
		return
	}
	row("decision", string(d.Outcome), "band "+d.Band, fmt.Sprintf("%d points of the policy's scale", d.Points))
	if d.Terms != nil {
		row("advance", amountText(d.Terms.AdvanceMinor, a.Currency))
		row("rate", fmt.Sprintf("%d bp", d.Terms.Rate))
		row("maturity", d.Terms.MaturityOn.String())
	}
	for _, r := range d.Reasons {
		row("because", string(r.Code), r.Ref)
	}
	if len(d.ScoreReasons) > 0 {
		row("points lost on", strings.Join(d.ScoreReasons, ", "))
	}
	if d.PointsMissing > 0 {
		row("missing to the next outcome", fmt.Sprintf("%d points", d.PointsMissing))
	}
}

func applicationListCommand(app *App) *cobra.Command {
	var open bool
	cmd := listing[financing.Application]{
		short: "List the applications that you may see", key: "applications", kind: circle.Desk, usual: maxListed,
		function: func() string {
			if open {
				return "financing:OpenApplications"
			}
			return "financing:Applications"
		},
		rows: func(row func(...string), list []financing.Application) {
			row("APPLICATION", "STATUS", "BANK", "APPLICANT")
			for _, a := range list {
				row(a.ID, string(a.Status), a.Bank, a.Applicant)
			}
		},
	}.command(app)
	cmd.Flags().BoolVar(&open, "open", false, "only those that wait for a decision")
	return cmd
}
