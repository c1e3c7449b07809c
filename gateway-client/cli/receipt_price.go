package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func receiptPriceCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "price", Aliases: []string{"prices"}, Short: "Whose prices of goods count in a programme, and what they are"}
	cmd.AddCommand(pricesProposeCommand(app), pricesAgreeCommand(app), pricesShowCommand(app), priceObserveCommand(app))
	return cmd
}

func pricesProposeCommand(app *App) *cobra.Command {
	var programme string
	var sources []string
	var fresh, usable time.Duration
	var rule receipt.PriceRule
	cmd := &cobra.Command{
		Use:   "propose --programme PROGRAMME --source NAME=KEY…",
		Short: "Propose whose prices count, as a risk officer or governor",
		Long: `The rule counts once every bank that reads the programme has agreed to it. With --quorum fresh prices the lower median of
them counts; with fewer, the lowest one that is still usable, at a haircut that each bank's terms set. A key is one that
tally device key prints.`,
		Example: "  tally --org bankA --user rita receipt price propose --programme prg-… --source harbour=MFkwEwYH… --source exchange=MCowBQYD… --quorum 2",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, text := range sources {
				name, key, ok := strings.Cut(text, "=")
				if !ok {
					return usageError{fmt.Errorf("--source %q is not of the form NAME=KEY", text)}
				}
				rule.Sources = append(rule.Sources, receipt.PriceSource{ID: name, Key: receipt.PublicKey(key)})
			}
			slices.SortFunc(rule.Sources, func(a, b receipt.PriceSource) int { return strings.Compare(a.ID, b.ID) })
			rule.FreshSeconds, rule.UsableSeconds = int64(fresh/time.Second), int64(usable/time.Second)
			if err := rule.Validate(); err != nil {
				return err
			}
			return app.submit(cmd, programme, func(*consortium.Session) (consortium.Call, error) {
				return operation.OnProgramme("receipt:ProposePrices", programme, rule), nil
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&programme, "programme", "", "programme of the warehouse")
	flags.StringArrayVar(&sources, "source", nil, "source of prices and its public key, NAME=KEY")
	flags.IntVar(&rule.Quorum, "quorum", 1, "how many fresh prices make the median count")
	flags.DurationVar(&fresh, "fresh", 24*time.Hour, "how long a price is fresh")
	flags.DurationVar(&usable, "usable", 7*24*time.Hour, "how long a price is usable where there are too few fresh ones")
	return requireFlags(cmd, "programme", "source")
}

func pricesAgreeCommand(app *App) *cobra.Command {
	var programme string
	cmd := &cobra.Command{
		Use:   "agree --programme PROGRAMME",
		Short: "Agree, as a bank, to the rule that is proposed now",
		Long: `Agrees to the rule as it stands when the command reads it; if another one is proposed meanwhile, the agreement is refused.
Look at it first: tally receipt price show.`,
		Example: "  tally --org bankA --user rita receipt price agree --programme prg-…",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.submit(cmd, programme, func(s *consortium.Session) (consortium.Call, error) {
				return operation.AgreePrices(cmd.Context(), s, programme)
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme of the warehouse")
	return requireFlags(cmd, "programme")
}

func pricesShowCommand(app *App) *cobra.Command {
	var programme string
	cmd := &cobra.Command{
		Use:     "show --programme PROGRAMME",
		Short:   "Show whose prices count, and what is proposed",
		Example: "  tally --org bankA --user rita receipt price show --programme prg-…",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				a, err := operation.Prices(ctx, s, programme)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(a)
				}
				return app.table(func(row func(...string)) {
					row("RULE", "SOURCE", "QUORUM", "FRESH", "USABLE", "KEY")
					for _, r := range []struct {
						name string
						rule *receipt.PriceRule
					}{{"active", a.Active}, {"proposed", a.Proposed}} {
						if r.rule == nil {
							continue
						}
						for _, source := range r.rule.Sources {
							row(r.name, source.ID, fmt.Sprint(r.rule.Quorum), (time.Duration(r.rule.FreshSeconds) * time.Second).String(),
								(time.Duration(r.rule.UsableSeconds) * time.Second).String(), string(source.Key))
						}
					}
					for _, bank := range a.Agreed {
						row("agreed", bank)
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme of the warehouse")
	return requireFlags(cmd, "programme")
}

func priceObserveCommand(app *App) *cobra.Command {
	var programme, price, currency, at string
	var p receipt.Price
	cmd := &cobra.Command{
		Use:   "observe --programme PROGRAMME --source NAME --class CLASS --price AMOUNT --unit UNIT",
		Short: "Report a price as one of the agreed sources, signed with your certificate's key",
		Example: "  tally --org warehouse --user dev receipt price observe --programme prg-… --source harbour --class epoxy-primer --price 4.50 --unit KGM\n" +
			"  tally --org bankA --user rita receipt price observe --programme prg-… --source exchange --class cocoa-beans --price 7345.50 --currency USD --unit TNE",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			amount, err := money.ParseDecimal(price, currency)
			if err != nil {
				return err
			}
			p.Minor, p.Currency = amount.Minor, amount.Currency
			return app.submit(cmd, programme, func(s *consortium.Session) (consortium.Call, error) {
				if p.At, err = instantOf("at", at, s.Network.Now()); err != nil {
					return consortium.Call{}, err
				}
				return operation.ObservePrice(s, programme, p)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&programme, "programme", "", "programme of the warehouse")
	flags.StringVar(&p.Source, "source", "", "name under which your key is agreed")
	flags.StringVar(&p.Class, "class", "", "commodity class")
	flags.StringVar(&price, "price", "", "price of --per units, such as 4.50")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	flags.Int64Var(&p.Per, "per", 1, "number of units that the price is for")
	flags.StringVar(&p.Unit, "unit", "", "UN/CEFACT Recommendation 20 code, such as KGM or TNE")
	flags.StringVar(&at, "at", "", "instant (UTC) of the observation (default: now)")
	return requireFlags(cmd, "programme", "source", "class", "price", "unit")
}

func receiptValueCommand(app *App) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "value RECEIPT --terms FILE",
		Short: "Price a receipt's goods as they are now, under a bank's terms for lending on goods",
		Long: `Shows what each line is worth: the agreed sources' price less the haircuts, each with its reason: the class, a stale price, a
silent sensor, an excursion, a gap in custody.`,
		Example: "  tally --org bankA --user rita receipt value rct-… --terms bank-a-goods.json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			terms, err := app.collateralTerms(file)
			if err != nil {
				return err
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnReceipt(ctx, s, "receipt:Value", args[0])
				if err != nil {
					return err
				}
				call.Input = terms
				var v receipt.Valuation
				if err := s.Evaluate(ctx, call, &v); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(v)
				}
				return app.table(func(row func(...string)) {
					row("LINE", "MARKET", "CUTS", "VALUE")
					for i, l := range v.Lines {
						var cuts []string
						for _, c := range l.Cuts {
							cuts = append(cuts, fmt.Sprintf("%s %s", c.Finding, percent(c.Bps)))
						}
						row(fmt.Sprint(i), amountText(l.MarketMinor, v.Currency), strings.Join(cuts, ", "), amountText(l.ValueMinor, v.Currency))
					}
					row("all", "", "", amountText(v.ValueMinor, v.Currency))
				})
			})
		},
	}
	cmd.Flags().StringVar(&file, "terms", "", "file with the terms (JSON), as tally margin propose takes it")
	return requireFlags(cmd, "terms")
}
