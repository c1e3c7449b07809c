package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// maxInputFileBytes limits a JSON file that becomes a sealed input.
const maxInputFileBytes = 1 << 20

func policyCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "A bank's policy: bands, prices, advance rates and limits as data on the ledger"}
	cmd.AddCommand(policyProposeCommand(app),
		onDeskStep(app, "approve POLICY", "Approve a proposed policy, as another of the bank's people", "financing:ApprovePolicy", "policy"),
		onDeskStep(app, "reject POLICY", "Refuse a proposed policy", "financing:RejectPolicy", "policy"),
		policyShowCommand(app))
	return cmd
}

func policyProposeCommand(app *App) *cobra.Command {
	var desk string
	cmd := &cobra.Command{
		Use:   "propose FILE --desk DESK",
		Short: "Propose a new version of your bank's policy",
		Long: `Reads the policy's terms (JSON). Where the file leaves model_hash empty, the bank's champion is taken; where it leaves
limit_key empty, a key is derived from the bank's keyring.`,
		Example: "  tally --org bankA --user rita policy propose testdata/policies/bank-a.json --desk dsk-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var terms financing.Terms
			if err := app.readJSONFile(args[0], &terms); err != nil {
				return err
			}
			id := consortium.NewID("pol")
			return app.submit(cmd, id, func(s *consortium.Session) (consortium.Call, error) {
				return operation.ProposePolicy(cmd.Context(), s, desk, id, terms)
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "the bank's desk on which the policy decides")
	return requireFlags(cmd, "desk")
}

func policyShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show DESK",
		Short: "Show the policy that is active on a desk",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				var p financing.Policy
				if err := s.Evaluate(ctx, consortium.Call{Function: "financing:ActivePolicy", Args: args, Circles: args}, &p); err != nil {
					return err
				}
				p.Terms.LimitKey = ""
				if app.JSON() {
					return app.PrintJSON(p)
				}
				return app.table(func(row func(...string)) {
					row("policy", p.ID, fmt.Sprintf("version %d", p.Version), string(p.Status))
					row("model", p.Terms.ModelHash)
					for _, b := range p.Terms.Bands {
						row("band "+b.Name, fmt.Sprintf("from %d points", b.MinPoints), string(b.Outcome))
					}
					for _, price := range p.Terms.Prices {
						row("price "+price.Band, fmt.Sprintf("up to %d days", price.MaxTenorDays), fmt.Sprintf("%d bp", price.Rate))
					}
					for _, l := range p.Terms.Limits {
						row("limit by "+string(l.Kind), amountText(l.TotalMinor, p.Terms.Currency), fmt.Sprintf("%d lanes", l.Lanes))
					}
					row("advance rates", fmt.Sprintf("claims %d bp", p.Terms.AdvanceFragment), fmt.Sprintf("goods %d bp", p.Terms.AdvanceReceipt))
					row("repayment", string(p.Terms.Repayment), string(p.Terms.DayCount))
					row("circular trades", guardText(p.Terms.Guards.RoundTrip), fmt.Sprintf("within %d days", p.Terms.Guards.Window()))
					row("related parties", guardText(p.Terms.Guards.Related), fmt.Sprintf("above %d bp of the collateral", p.Terms.Guards.MaxRelatedShare))
					row("near duplicates", guardText(p.Terms.Guards.Lookalike))
					row("decided otherwise by people", fmt.Sprintf("what is referred: %t", p.Terms.OverrideRefer), fmt.Sprintf("what is declined: %t", p.Terms.OverrideDecline))
				})
			})
		},
	}
}

// guardText is what a policy does about a warning.
func guardText(o financing.Outcome) string {
	if o == "" {
		o = financing.Refer
	}
	return string(o)
}

func onDeskStep(app *App, use, short, function, typ string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnDesk(cmd.Context(), s, function, typ, args[0], nil)
			})
		},
	}
}

// readJSONFile decodes a JSON file, strictly. "-" is standard input.
func (a *App) readJSONFile(name string, into any) error {
	return a.eachFile([]string{name}, func(_ string, in io.Reader) error {
		dec := json.NewDecoder(io.LimitReader(in, maxInputFileBytes))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			return fault.New(fault.InputInvalid, "it is not of the expected form: %v", err)
		}
		return nil
	})
}
