package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func receivableFreezeCommand(app *App) *cobra.Command {
	var fragments, reasons []string
	var note string
	cmd := &cobra.Command{
		Use:   "freeze RECEIVABLE --fragment FRAGMENT… --reason CODE",
		Short: "Dispute fragments of a confirmed receivable, and no others, as the buyer",
		Long: `Freezes exactly the fragments that it names until you thaw them, or until the programme's term for disputes is over. A
fragment that backs a financing is not frozen: the bank relied on your undertaking, and a credit note gives you recourse to
the seller instead.`,
		Example: "  tally --org buyer --user alice receivable freeze rcv-… --fragment frg-… --reason QUA --note \"50 castings are porous\"",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := receivable.Objection{ID: consortium.NewID("dsp"), Fragments: fragments, Because: because(reasons, note)}
			if err := in.Validate(); err != nil {
				return err
			}
			return app.submitStep(cmd, in.ID, func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(ctx, s, "receivable:Freeze", args[0], in, in.ID)
			})
		},
	}
	cmd.Flags().StringSliceVar(&fragments, "fragment", nil, "fragments that the dispute is about")
	cmd.Flags().StringSliceVar(&reasons, "reason", nil, "codes of the Peppol list OPStatusReason, such as PRI or QUA")
	cmd.Flags().StringVar(&note, "note", "", "what the seller should know")
	return requireFlags(cmd, "fragment", "reason")
}

func because(reasons []string, note string) receivable.Because {
	why := receivable.Because{Note: note}
	for _, r := range reasons {
		why.Reasons = append(why.Reasons, receivable.Reason(r))
	}
	return why
}

func receivableThawCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "thaw RECEIVABLE DISPUTE",
		Short:   "End a dispute over a confirmed receivable",
		Long:    "The buyer ends its dispute at any time; the seller or a holder may once the programme's term is over.",
		Example: "  tally --org buyer --user alice receivable thaw rcv-… dsp-…",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submitStep(cmd, args[1], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(ctx, s, "receivable:Thaw", args[0], nil, args[1])
			})
		},
	}
}

func receivableWriteOffCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "write-off RECEIVABLE",
		Short:   "Write your fragments of a defaulted receivable off; it waives nothing",
		Example: "  tally --org bankA --user carl receivable write-off rcv-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submitStep(cmd, args[0], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(ctx, s, "receivable:WriteOff", args[0], nil)
			})
		},
	}
}

func receivableSettleRecourseCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "settle-recourse RECEIVABLE NOTE",
		Short:   "Acknowledge, as the buyer, that the seller has paid back what a credit note could not lower",
		Example: "  tally --org buyer --user bruno receivable settle-recourse rcv-… crn-…",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submitStep(cmd, args[1], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceivable(ctx, s, "receivable:SettleRecourse", args[0], nil, args[1])
			})
		},
	}
}

// receivableAbout is a command that shows what the ledger keeps about a receivable: a list under its name.
func receivableAbout[T any](app *App, verb, short, example, function string, rows func(row func(...string), list []T)) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " RECEIVABLE",
		Short:   short,
		Example: example,
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnReceivable(ctx, s, function, args[0], nil)
				if err != nil {
					return err
				}
				list := []T{}
				if err := s.Evaluate(ctx, call, &list); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(map[string]any{"receivable": args[0], "list": list})
				}
				return app.table(func(row func(...string)) { rows(row, list) })
			})
		},
	}
}

func receivableCreditNotesCommand(app *App) *cobra.Command {
	return receivableAbout(app, "credit-notes", "List the credit notes: what each lowered, and the recourse claim for the rest",
		"  tally --org bankA --user mona receivable credit-notes rcv-…", "receivable:CreditNotes",
		func(row func(...string), list []receivable.CreditNote) {
			row("CREDIT NOTE", "NUMBER", "AMOUNT", "LOWERED", "BY", "RECOURSE")
			for _, n := range list {
				recourse := ""
				if c := n.Recourse; c != nil {
					recourse = amountText(c.Minor, c.Currency) + " open"
					if c.Settled != nil {
						recourse = amountText(c.Minor, c.Currency) + " settled"
					}
				}
				lowered := "the unconfirmed invoice"
				if n.BeforeMinor == 0 {
					lowered = fmt.Sprintf("%d fragments", len(n.Cuts))
				}
				row(n.ID, n.Number, amountText(n.AmountMinor, n.Currency), lowered, amountText(n.BeforeMinor+cutSum(n.Cuts), n.Currency), recourse)
				for _, c := range n.Cuts {
					row("", "", "", c.Fragment, amountText(c.Minor, n.Currency), "")
				}
			}
		})
}

func cutSum(cuts []receivable.Cut) (minor int64) {
	for _, c := range cuts {
		minor += c.Minor
	}
	return minor
}

func receivablePaymentsCommand(app *App) *cobra.Command {
	return receivableAbout(app, "payments", "List the buyer's payments, who got what of each, and what passing the claim on has cost each tier",
		"  tally --org bankA --user mona receivable payments rcv-…\n  tally --org supplier --user cai receivable payments rcv-…", "receivable:Payments",
		func(row func(...string), list []receivable.Payment) {
			row("PAYMENT", "AMOUNT", "ON FACES", "LATE INTEREST", "FRAGMENT", "TO")
			for _, p := range list {
				row(p.ID, amountText(p.AmountMinor, p.Currency), amountText(p.PrincipalMinor, p.Currency), amountText(p.InterestMinor, p.Currency), "", "")
				for _, o := range p.Payouts {
					row("", "", amountText(o.PrincipalMinor, p.Currency), amountText(o.InterestMinor, p.Currency), o.Fragment, o.Payee)
					for i, c := range o.Costs {
						row("", "", "", "", fmt.Sprintf("transfer %d cost %s", i+1, c.From), fmt.Sprintf("%s, %s a year over %d days", amountText(c.CostMinor, p.Currency), percent(c.RateBps), c.Days))
					}
				}
			}
		})
}

func receivableDisputesCommand(app *App) *cobra.Command {
	return receivableAbout(app, "disputes", "List the disputes over a confirmed receivable",
		"  tally --org supplier --user amy receivable disputes rcv-…", "receivable:Disputes",
		func(row func(...string), list []receivable.Dispute) {
			row("DISPUTE", "STATUS", "ENDS ON", "REASONS", "FRAGMENTS", "NOTE")
			for _, d := range list {
				status := "open"
				if d.EndedBy != nil {
					status = "ended"
				}
				row(d.ID, status, d.EndsOn.String(), fmt.Sprint(d.Reasons), fmt.Sprint(len(d.Fragments)), d.Note)
			}
		})
}

func receivableBillCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "bill RECEIVABLE",
		Short:   "Show what the buyer has to pay today, late interest included; what is in dispute is apart",
		Example: "  tally --org buyer --user bruno receivable bill rcv-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				bill, err := operation.Bill(ctx, s, args[0])
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(bill)
				}
				return app.table(func(row func(...string)) {
					row("receivable", bill.Receivable, string(bill.Status))
					row("on", bill.On.String())
					row("due", bill.DueDate.String())
					row("faces", amountText(bill.PrincipalMinor, bill.Currency))
					row("late interest", amountText(bill.InterestMinor, bill.Currency))
					row("to pay", amountText(bill.TotalMinor, bill.Currency))
					row("in dispute", amountText(bill.DisputedMinor, bill.Currency))
				})
			})
		},
	}
}

func receivableRulesCommand(app *App) *cobra.Command {
	var programme, dayCount string
	var rules receivable.Rules
	cmd := &cobra.Command{
		Use:   "rules --programme PROGRAMME",
		Short: "Show the programme's terms for receivables, or set them as the buyer's governor",
		Long: `Without another option: shows the terms. With one: sets all of them; what is left out gets its default (180 days at most,
ACT/360, no late interest, no grace, in default after 90 days, disputes end after 30). Receivables that are issued keep
theirs.`,
		Example: `  tally --org supplier --user amy receivable rules --programme prg-…
  tally --org buyer --user gwen receivable rules --programme prg-… --max-tenor-days 120 --late-rate-bps 800 --grace-days 5`,
		Args: usageArgs(cobra.NoArgs),
	}
	terms := []string{"max-tenor-days", "day-count", "late-rate-bps", "grace-days", "default-days", "dispute-days"}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		set := false
		for _, name := range terms {
			set = set || cmd.Flags().Changed(name)
		}
		if !set {
			return app.showRules(cmd, programme)
		}
		rules.DayCount = calendar.DayCount(dayCount)
		if err := rules.Validate(); err != nil {
			return err
		}
		return app.submit(cmd, programme, func(*consortium.Session) (consortium.Call, error) {
			return operation.OnProgramme("receivable:SetRules", programme, rules), nil
		})
	}
	flags := cmd.Flags()
	flags.StringVar(&programme, "programme", "", "programme of the buyer")
	flags.IntVar(&rules.MaxTenorDays, "max-tenor-days", 0, "longest term from issue date to due date, at most 365")
	flags.StringVar(&dayCount, "day-count", "", "day count of late interest and of costs: ACT/360, ACT/365F or 30E/360")
	flags.Int64Var(&rules.LateRateBps, "late-rate-bps", 0, "simple yearly rate of late interest, in basis points")
	flags.IntVar(&rules.GraceDays, "grace-days", 0, "days after the due date on which payment is still in time")
	flags.IntVar(&rules.DefaultDays, "default-days", 0, "days after the due date from which the claim is in default")
	flags.IntVar(&rules.DisputeDays, "dispute-days", 0, "how long a dispute freezes a fragment at most")
	return requireFlags(cmd, "programme")
}

func (a *App) showRules(cmd *cobra.Command, programme string) error {
	return a.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
		var rules receivable.Rules
		call := consortium.Call{Function: "receivable:Rules", Args: []string{programme}, Circles: []string{programme}}
		if err := s.Evaluate(ctx, call, &rules); err != nil {
			return err
		}
		if a.JSON() {
			return a.PrintJSON(rules)
		}
		return a.table(func(row func(...string)) {
			row("longest term", fmt.Sprintf("%d days", rules.MaxTenorDays))
			row("day count", string(rules.DayCount))
			row("late interest", percent(rules.LateRateBps)+" a year")
			row("grace", fmt.Sprintf("%d days", rules.GraceDays))
			row("in default after", fmt.Sprintf("%d days", rules.DefaultDays))
			row("disputes end after", fmt.Sprintf("%d days", rules.DisputeDays))
		})
	})
}
