package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// programmeTerms are the commands of early payment: a buyer sets terms, banks fund them, suppliers enrol.
func programmeTerms(app *App) []*cobra.Command {
	return []*cobra.Command{
		programmeProposeCommand(app), programmeTermsCommand(app),
		programmeStep(app, "approve-terms PROGRAMME", "Approve proposed terms of early payment, as another person of the buyer", "financing:ApproveProgramme"),
		programmeStep(app, "leave PROGRAMME", "End your enrolment for early payment", "financing:EndEnrolment"),
		programmeFundCommand(app), programmeEnrolCommand(app),
	}
}

func programmeStep(app *App, use, short, function string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) {
				return operation.OnProgramme(function, args[0], nil), nil
			})
		},
	}
}

func programmeProposeCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "propose-terms PROGRAMME FILE",
		Short:   "Propose the terms on which your suppliers are paid early",
		Long:    "Reads the terms (JSON): currency, discount grid by tenor, who pays the cost, the longest term, day count and rounding.",
		Example: "  tally --org buyer --user alice programme propose-terms prg-… testdata/policies/early-payment.json",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var terms financing.ProgrammeTerms
			if err := app.readJSONFile(args[1], &terms); err != nil {
				return err
			}
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) {
				return operation.OnProgramme("financing:ProposeProgramme", args[0], terms), nil
			})
		},
	}
}

func programmeFundCommand(app *App) *cobra.Command {
	var desk string
	cmd := &cobra.Command{
		Use:   "fund PROGRAMME --desk DESK",
		Short: "Agree, as a bank, to pay suppliers early on the programme's terms",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) {
				call := operation.OnProgramme("financing:FundProgramme", args[0], nil, desk)
				call.Circles = append(call.Circles, desk)
				return call, nil
			})
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "", "your bank's desk")
	return requireFlags(cmd, "desk")
}

func programmeEnrolCommand(app *App) *cobra.Command {
	var bank string
	cmd := &cobra.Command{
		Use:   "enrol PROGRAMME --bank MSP",
		Short: "Let a bank of the programme offer you early payment of what the buyer confirms",
		Long:  "Each offer waits for you (application list); nothing is reserved until you accept it.",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) {
				return operation.OnProgramme("financing:Enrol", args[0], nil, bank), nil
			})
		},
	}
	cmd.Flags().StringVar(&bank, "bank", "", "MSP id of a bank that funds the programme")
	return requireFlags(cmd, "bank")
}

func programmeTermsCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "terms PROGRAMME",
		Short: "Show on which terms suppliers of a programme are paid early, and by whom",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				var p financing.Programme
				if err := s.Evaluate(ctx, operation.OnProgramme("financing:Programme", args[0], nil), &p); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(p)
				}
				return app.table(func(row func(...string)) {
					row("programme", p.ID, fmt.Sprintf("version %d", p.Version))
					if t := p.Active; t != nil {
						row("cost is the", string(t.Cost)+"'s")
						for _, d := range t.Grid {
							row("discount", fmt.Sprintf("up to %d days", d.MaxTenorDays), percentText(int64(d.Rate))+" a year")
						}
					}
					for _, f := range p.Funders {
						row("funded by", f.Bank, f.Desk)
					}
				})
			})
		},
	}
}
