package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

func applicationCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "application", Aliases: []string{"applications"}, Short: "Applications for financing and the banks' decisions"}
	cmd.AddCommand(applicationSubmitCommand(app), applicationShowCommand(app), applicationExplainCommand(app), applicationListCommand(app), applicationAcceptCommand(app),
		applicationStep(app, "withdraw APPLICATION", "Take an application back and free its collateral", "financing:Withdraw"),
		applicationStep(app, "expire APPLICATION", "End an application whose time is over, and free its collateral", "financing:Expire"))
	return cmd
}

func applicationSubmitCommand(app *App) *cobra.Command {
	var desk, bank, consent, amount, currency string
	var receivables, fragments, receipts []string
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
				held, err := heldFragments(cmd.Context(), s, receivables)
				if err != nil {
					return consortium.Call{}, err
				}
				if in.Collateral, err = collateralRefs(cmd.Context(), s, append(held, fragments...), receipts); err != nil {
					return consortium.Call{}, err
				}
				in.Product = productOf(in.Collateral)
				return consortium.Call{Function: "financing:Apply", Args: []string{desk, in.ID}, Input: in, Circles: append(programmesOf(in.Collateral), desk)}, nil
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&desk, "desk", "", "the bank's desk")
	flags.StringVar(&bank, "bank", "", "MSP id of the bank")
	flags.StringVar(&consent, "consent", "", "your consent to this bank")
	flags.StringSliceVar(&receivables, "receivable", nil, "confirmed receivables")
	flags.StringSliceVar(&fragments, "fragment", nil, "fragments of receivables")
	flags.StringSliceVar(&receipts, "receipt", nil, "warehouse receipts")
	flags.StringVar(&amount, "amount", "", "advance that you ask for (default: as much as the policy gives)")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	flags.Int64Var(&tenorDays, "tenor-days", 0, "days from the decision to maturity (default: until the last claim is due)")
	return requireFlags(cmd, "desk", "bank", "consent")
}

// heldFragments finds the fragment of each receivable that the own party holds.
func heldFragments(ctx context.Context, s *consortium.Session, receivables []string) ([]string, error) {
	var held []string
	for _, id := range receivables {
		call, err := onReceivable(ctx, s, "receivable:Holdings", id, nil)
		if err != nil {
			return nil, err
		}
		var list []receivable.Holding
		if err := s.Evaluate(ctx, call, &list); err != nil {
			return nil, err
		}
		for _, h := range list {
			if h.Holder == s.User().Party {
				held = append(held, h.Fragment)
			}
		}
	}
	return held, nil
}

func collateralRefs(ctx context.Context, s *consortium.Session, fragments, receipts []string) ([]financing.Ref, error) {
	var refs []financing.Ref
	for _, id := range fragments {
		of, err := receivable.ReceivableOf(id)
		if err != nil {
			return nil, err
		}
		programme, err := s.Locate(ctx, "receivable", of)
		if err != nil {
			return nil, err
		}
		refs = append(refs, financing.Ref{Kind: financing.Fragment, ID: id, Circle: programme})
	}
	for _, id := range receipts {
		programme, err := s.Locate(ctx, "receipt", id)
		if err != nil {
			return nil, err
		}
		refs = append(refs, financing.Ref{Kind: financing.Receipt, ID: id, Circle: programme})
	}
	return refs, nil
}

func productOf(refs []financing.Ref) financing.Product {
	has := map[financing.Kind]bool{}
	for _, r := range refs {
		has[r.Kind] = true
	}
	switch {
	case has[financing.Fragment] && has[financing.Receipt]:
		return financing.CombinedProduct
	case has[financing.Receipt]:
		return financing.InventoryProduct
	}
	return financing.ReceivableProduct
}

func programmesOf(refs []financing.Ref) []string {
	var list []string
	for _, r := range refs {
		list = append(list, r.Circle)
	}
	return list
}

// applicationOf reads an application with the circles that a step on it touches.
func applicationOf(ctx context.Context, s *consortium.Session, id string) (financing.Application, []string, error) {
	var a financing.Application
	call, err := onDesk(ctx, s, "financing:Application", "application", id, nil)
	if err != nil {
		return a, nil, err
	}
	err = s.Evaluate(ctx, call, &a)
	return a, append(call.Circles, programmesOf(a.Collateral)...), err
}

func applicationStep(app *App, use, short, function string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				_, circles, err := applicationOf(cmd.Context(), s, args[0])
				return consortium.Call{Function: function, Args: args, Circles: circles}, err
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
				_, circles, err := applicationOf(cmd.Context(), s, args[0])
				return consortium.Call{Function: "financing:Accept", Args: []string{args[0], loan}, Circles: circles}, err
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
				a, _, err := applicationOf(ctx, s, args[0])
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
	row("decision", string(d.Outcome), "band "+d.Band, fmt.Sprintf("%d points", d.Points))
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
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the applications that you may see",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				desks, err := s.Readable(ctx, circle.Desk)
				if err != nil {
					return err
				}
				function := "financing:Applications"
				if open {
					function = "financing:OpenApplications"
				}
				var page struct {
					Applications []financing.Application `json:"applications"`
					Next         string                  `json:"next"`
				}
				if err := s.Evaluate(ctx, consortium.Call{Function: function, Args: []string{"200", ""}, Circles: desks}, &page); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(page)
				}
				return app.table(func(row func(...string)) {
					row("APPLICATION", "STATUS", "BANK", "APPLICANT")
					for _, a := range page.Applications {
						row(a.ID, string(a.Status), a.Bank, a.Applicant)
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "only those that wait for a decision")
	return cmd
}
