package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// marginCommand is the noun "margin": what a bank watches of a loan on goods.
func marginCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "margin", Short: "Loans on goods: terms, loan-to-value, margin calls, collateral, sale"}
	cmd.AddCommand(marginProposeCommand(app),
		marginTermsStep(app, "approve", "Approve the proposed terms as another risk officer", "margin:ApproveTerms"), marginTermsCommand(app),
		marginStep(app, "assess LOAN", "Bring a loan's loan-to-value up to date: opens, cures or lets lapse a margin call", "margin:Assess", "bankA --user mona"),
		marginStep(app, "add LOAN RECEIPT", "Pledge another receipt for a loan, as its borrower", "margin:AddCollateral", "supplier --user amy"),
		marginStep(app, "release LOAN RECEIPT", "Let a loan's receipt go where the rest covers the loan, as the bank's second person", "margin:Release", "bankA --user carl"),
		marginStep(app, "liquidate LOAN", "Take the goods of a loan for sale, once a margin call has lapsed", "margin:Liquidate", "bankA --user carl"),
		marginSellCommand(app), marginShowCommand(app), marginSaleCommand(app))
	return cmd
}

// maxTermsBytes bounds a file of terms.
const maxTermsBytes = 64 << 10

// collateralTerms reads terms for lending on goods from a file.
func (a *App) collateralTerms(file string) (t receipt.Terms, err error) {
	raw, err := a.readFile(file)
	if err != nil {
		return t, err
	}
	if len(raw) > maxTermsBytes {
		return t, fault.New(fault.InputTooLarge, "%s: terms have at most %d bytes", file, maxTermsBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return t, fault.New(fault.InputInvalid, "%s: %v", file, err)
	}
	return t, t.Validate()
}

func marginProposeCommand(app *App) *cobra.Command {
	var desk string
	cmd := &cobra.Command{
		Use:   "propose FILE --desk DESK",
		Short: "Propose how your bank lends on goods, as a risk officer",
		Long: `Reads the terms as JSON: the currency, the classes that the bank lends on with their haircuts, the haircuts for silence,
excursions, gaps in custody and stale prices, and the levels: up to which loan-to-value the bank lends (advance_bps), above
which a margin call opens (maintenance_bps), to which it must come back (cure_bps), and within how many business days. They
hold for loans that are assessed for the first time once another officer has approved.`,
		Example: "  tally --org bankA --user rita margin propose bank-a-goods.json --desk dsk-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			terms, err := app.collateralTerms(args[0])
			if err != nil {
				return err
			}
			return app.submit(cmd, desk, func(*consortium.Session) (consortium.Call, error) {
				return operation.OnProgramme("margin:ProposeTerms", desk, terms), nil
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "your bank's desk")
	return requireFlags(cmd, "desk")
}

func marginTermsStep(app *App, verb, short, function string) *cobra.Command {
	var desk string
	cmd := &cobra.Command{
		Use:     verb + " --desk DESK",
		Short:   short,
		Example: fmt.Sprintf("  tally --org bankA --user rob margin %s --desk dsk-…", verb),
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.submit(cmd, desk, func(*consortium.Session) (consortium.Call, error) {
				return operation.OnProgramme(function, desk, nil), nil
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "your bank's desk")
	return requireFlags(cmd, "desk")
}

func marginTermsCommand(app *App) *cobra.Command {
	var desk string
	cmd := &cobra.Command{
		Use:     "terms --desk DESK",
		Short:   "Show how your bank lends on goods",
		Example: "  tally --org bankA --user rita margin terms --desk dsk-…",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				var v receipt.TermsVersion
				if err := s.Evaluate(ctx, consortium.Call{Function: "margin:Terms", Args: []string{desk}, Circles: []string{desk}}, &v); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(v)
				}
				return app.table(func(row func(...string)) {
					termsRows(row, "active", v.Active)
					termsRows(row, "proposed", v.Proposed)
				})
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "your bank's desk")
	return requireFlags(cmd, "desk")
}

func termsRows(row func(...string), name string, t *receipt.Terms) {
	if t == nil {
		return
	}
	row(name, "lends up to", percent(t.AdvanceBps))
	row("", "margin call above", percent(t.MaintenanceBps))
	row("", "cured at", percent(t.CureBps), fmt.Sprintf("within %d business days", t.CureDays))
	for _, c := range t.Classes {
		row("", "haircut "+c.Class, percent(c.Bps))
	}
	row("", "haircut for silence", percent(t.SilenceBps), fmt.Sprintf("over %s", time.Duration(t.SilenceSeconds)*time.Second))
	row("", "for excursions", percent(t.ExcursionBps), fmt.Sprintf("over %d readings", t.ExcursionReadings))
	row("", "for gaps in custody", percent(t.CustodyGapBps), fmt.Sprintf("over %d readings", t.MissingReadings))
	row("", "for stale prices", percent(t.StalePriceBps))
}

func marginStep(app *App, use, short, function, who string) *cobra.Command {
	n := 1
	example := "loan-…"
	if strings.HasSuffix(use, "RECEIPT") {
		n, example = 2, "loan-… rct-…"
	}
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(n)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnMargin(cmd.Context(), s, function, args, nil)
			})
		},
	}
	cmd.Example = fmt.Sprintf("  tally --org %s margin %s %s", who, cmd.Name(), example)
	return cmd
}

func marginSellCommand(app *App) *cobra.Command {
	var to, proceeds, costs, currency string
	cmd := &cobra.Command{
		Use:   "sell LOAN RECEIPT --to PARTY --proceeds AMOUNT",
		Short: "Record the sale of goods that were taken for sale; the proceeds follow the fixed order",
		Long: `The purchaser becomes the owner. The proceeds pay, in this order: the costs of the sale, storage charges, interest and fees,
principal. What is left is the owner's.`,
		Example: "  tally --org bankA --user mona margin sell loan-… rct-… --to p-… --proceeds 30000.00 --costs 450.00",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var in receipt.SaleInput
			paid, err := money.ParseDecimal(proceeds, currency)
			if err != nil {
				return err
			}
			cost, err := money.ParseDecimal(costs, currency)
			if err != nil {
				return err
			}
			in.ProceedsMinor, in.SaleCostsMinor = paid.Minor, cost.Minor
			return app.submit(cmd, args[1], func(s *consortium.Session) (consortium.Call, error) {
				return operation.Sell(cmd.Context(), s, args[0], args[1], to, in)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "purchaser: party id, or name, in the register of the warehouse's programme")
	cmd.Flags().StringVar(&proceeds, "proceeds", "", "what the purchaser pays")
	cmd.Flags().StringVar(&costs, "costs", "0", "costs of the sale")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code, the loan's")
	return requireFlags(cmd, "to", "proceeds")
}

func marginShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "show LOAN",
		Short:   "Show a loan's loan-to-value and its latest margin call",
		Example: "  tally --org supplier --user amy margin show loan-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnMargin(ctx, s, "margin:Get", args, nil)
				if err != nil {
					return err
				}
				var m struct {
					receipt.Margin
					Terms receipt.Terms `json:"terms"`
				}
				if err := s.Evaluate(ctx, call, &m); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(m)
				}
				return app.table(func(row func(...string)) {
					row("loan", m.Loan)
					row("loan-to-value", percent(m.LTVBps))
					row("margin call above", percent(m.Terms.MaintenanceBps))
					row("margin calls", fmt.Sprint(m.Calls))
					if c := m.Call; c != nil {
						row("latest", string(c.Status), "opened "+c.OpenedAt.Format(time.RFC3339))
						row("cure by", c.CureBy.String(), "to "+percent(m.Terms.CureBps))
						row("shortfall", amountText(c.ShortfallMinor, m.Terms.Currency))
					}
				})
			})
		},
	}
}

func marginSaleCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "sale LOAN RECEIPT",
		Short:   "Show where the money of a sale went",
		Example: "  tally --org supplier --user amy margin sale loan-… rct-…",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnMargin(ctx, s, "margin:Sale", args, nil)
				if err != nil {
					return err
				}
				call.Args = args[1:]
				var sale receipt.Sale
				if err := s.Evaluate(ctx, call, &sale); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(sale)
				}
				return app.table(func(row func(...string)) {
					row("sold for", amountText(sale.ProceedsMinor, sale.Currency))
					for _, share := range sale.Shares {
						row(string(share.Rank), amountText(share.PaidMinor, sale.Currency))
					}
				})
			})
		},
	}
}
