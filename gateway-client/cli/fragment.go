package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func fragmentCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "fragment", Aliases: []string{"fragments"}, Short: "Parts of confirmed claims: divided to the cent, passed on, merged"}
	cmd.AddCommand(fragmentListCommand(app), fragmentShowCommand(app), fragmentSplitCommand(app), fragmentMergeCommand(app),
		fragmentOfferCommand(app),
		fragmentStep(app, "accept", "Take over a fragment that is offered to you", "receivable:Accept",
			"  tally --org supplier --user bea fragment accept frg-…"),
		fragmentStep(app, "decline", "Refuse a fragment that is offered to you", "receivable:Decline",
			"  tally --org supplier --user bea fragment decline frg-…"),
		fragmentStep(app, "take-back", "Withdraw your offer", "receivable:TakeBack",
			"  tally --org supplier --user amy fragment take-back frg-…"),
		fragmentConsentCommand(app))
	return cmd
}

// step is the ledger's answer to a step on a receivable or its fragments.
type step struct {
	ID        string   `json:"id"` // the receivable's
	Status    string   `json:"status"`
	Fragments []string `json:"fragments"`
}

// passed is what a command prints that dealt with fragments.
type passed struct {
	ID string `json:"id"`
	// Claim is the receivable's status.
	Claim       string   `json:"claim"`
	Receivable  string   `json:"receivable"`
	Fragments   []string `json:"fragments,omitempty"` // the new ones, else those that have changed
	Transaction string   `json:"transaction"`
	Block       uint64   `json:"block"`
}

// submitStep runs a call that answers with a step and prints it. An empty id stands for the first fragment of the answer.
func (a *App) submitStep(cmd *cobra.Command, id string, call func(ctx context.Context, s *consortium.Session) (consortium.Call, error)) error {
	return a.submitStepNamed(cmd, func(answer step) string {
		if id == "" && len(answer.Fragments) > 0 {
			return answer.Fragments[0]
		}
		return id
	}, call)
}

// submitStepNamed is submitStep where the id is known only with the answer.
func (a *App) submitStepNamed(cmd *cobra.Command, id func(step) string, call func(ctx context.Context, s *consortium.Session) (consortium.Call, error)) error {
	return a.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
		c, err := call(ctx, s)
		if err != nil {
			return err
		}
		c.Request = a.request
		var answer step
		done, err := s.Submit(ctx, c, &answer)
		if err != nil {
			return err
		}
		out := passed{ID: id(answer), Claim: answer.Status, Receivable: answer.ID, Fragments: answer.Fragments, Transaction: done.Transaction, Block: done.Block}
		if a.JSON() {
			return a.PrintJSON(out)
		}
		return a.table(func(row func(...string)) {
			row("id", out.ID)
			row("receivable", out.Receivable, out.Claim)
			for _, f := range out.Fragments {
				if f != out.ID {
					row("fragment", f)
				}
			}
			row("transaction", out.Transaction)
			row("block", strconv.FormatUint(out.Block, 10))
		})
	})
}

func fragmentStep(app *App, verb, short, function, example string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " FRAGMENT",
		Short:   short,
		Example: example,
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submitStep(cmd, args[0], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.OnFragment(ctx, s, function, args[0], nil)
			})
		},
	}
}

func fragmentSplitCommand(app *App) *cobra.Command {
	var amounts []string
	var ratio string
	cmd := &cobra.Command{
		Use:   "split FRAGMENT --amount AMOUNT… | --ratio N:N…",
		Short: "Divide a fragment that you hold; its parts take its place",
		Long: `Divides a fragment to the cent. With amounts: one part for each, and one more for the rest, if any. With a ratio: the face
is divided in proportion, and what does not divide evenly goes to the parts with the largest remainders, the first of
equal ones first, so everybody who adds up gets the same parts.`,
		Example: `  tally --org supplier --user amy fragment split frg-… --amount 10000.00 --amount 5000.00
  tally --org supplier --user amy fragment split frg-… --ratio 1:1:1`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(amounts) == 0) == (ratio == "") {
				return usageError{fmt.Errorf("say either --amount, once a part, or --ratio; see: %s --help", cmd.CommandPath())}
			}
			in := receivable.Division{}
			if ratio != "" {
				var err error
				if in.Ratios, err = ratioOf(ratio); err != nil {
					return err
				}
				if err := in.Validate(); err != nil {
					return err
				}
			}
			return app.submitStep(cmd, args[0], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				if len(amounts) > 0 {
					h, err := operation.Holding(ctx, s, args[0])
					if err != nil {
						return consortium.Call{}, err
					}
					for _, text := range amounts {
						part, err := money.ParseDecimal(text, h.Currency)
						if err != nil {
							return consortium.Call{}, err
						}
						in.AmountsMinor = append(in.AmountsMinor, part.Minor)
					}
				}
				return operation.OnFragment(ctx, s, "receivable:Split", args[0], in)
			})
		},
	}
	cmd.Flags().StringSliceVar(&amounts, "amount", nil, "face of a part, in the fragment's currency; once a part")
	cmd.Flags().StringVar(&ratio, "ratio", "", "whole numbers in whose proportion the face is divided, such as 1:1:1")
	return cmd
}

// ratioOf reads N:N….
func ratioOf(text string) ([]int64, error) {
	var bad fault.Fields
	var list []int64
	for _, part := range strings.Split(text, ":") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n <= 0 {
			bad.Add("ratio", text, "must be whole numbers above zero with colons between them, such as 2:1")
			break
		}
		list = append(list, n)
	}
	return list, bad.Err()
}

func fragmentMergeCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "merge FRAGMENT FRAGMENT…",
		Short:   "Join fragments of one receivable that you hold on the same terms",
		Example: "  tally --org supplier --user amy fragment merge frg-… frg-…",
		Args:    usageArgs(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submitStep(cmd, "", func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.Merge(ctx, s, args)
			})
		},
	}
}

func fragmentOfferCommand(app *App) *cobra.Command {
	var to, recourse, price string
	cmd := &cobra.Command{
		Use:   "offer FRAGMENT --to PARTY --recourse with|without",
		Short: "Offer a fragment that you hold to another party; it passes when that party accepts",
		Long: `Offers the fragment to a party of the programme. Every transfer says whether the receiver has recourse to you where the buyer
does not pay: there is no default. The price is what the receiver gives for it, a debt that it settles or money; left out,
it is the face. What the difference costs you a year is shown by: tally fragment show.`,
		Example: `  tally --org supplier --user amy fragment offer frg-… --to "Birch Fasteners SARL" --recourse with
  tally --org supplier --user amy fragment offer frg-… --to p-… --recourse without --price 9900.00`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := receivable.Offering{}
			switch recourse {
			case "with":
				in.Recourse = receivable.WithRecourse
			case "without":
				in.Recourse = receivable.WithoutRecourse
			default:
				return usageError{fmt.Errorf("--recourse is %q; it must be with or without", recourse)}
			}
			return app.submitStep(cmd, args[0], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				if price != "" {
					h, err := operation.Holding(ctx, s, args[0])
					if err != nil {
						return consortium.Call{}, err
					}
					paid, err := money.ParseDecimal(price, h.Currency)
					if err != nil {
						return consortium.Call{}, err
					}
					in.ConsiderationMinor = paid.Minor
				}
				return operation.Offer(ctx, s, args[0], to, in)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "party id, or name, of the receiver in the programme's register")
	cmd.Flags().StringVar(&recourse, "recourse", "", "with or without recourse to you")
	cmd.Flags().StringVar(&price, "price", "", "what the receiver gives for it, in the fragment's currency (default: the face)")
	return requireFlags(cmd, "to", "recourse")
}

func fragmentConsentCommand(app *App) *cobra.Command {
	var note, upTo string
	cmd := &cobra.Command{
		Use:   "consent FRAGMENT --credit-note NOTE",
		Short: "Let one credit note of the seller lower a fragment that you hold",
		Long: `Without your consent no credit note touches what you hold. The seller tells you the credit note's id, which tally invoice
credit --prepare prints before anything is sent.`,
		Example: "  tally --org supplier --user bea fragment consent frg-… --credit-note crn-… --up-to 500.00",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submitStep(cmd, args[0], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				h, err := operation.Holding(ctx, s, args[0])
				if err != nil {
					return consortium.Call{}, err
				}
				in := receivable.Consenting{CreditNote: note, UpToMinor: h.FaceMinor}
				if upTo != "" {
					limit, err := money.ParseDecimal(upTo, h.Currency)
					if err != nil {
						return consortium.Call{}, err
					}
					in.UpToMinor = limit.Minor
				}
				return operation.OnFragment(ctx, s, "receivable:Consent", args[0], in)
			})
		},
	}
	cmd.Flags().StringVar(&note, "credit-note", "", "id of the credit note")
	cmd.Flags().StringVar(&upTo, "up-to", "", "the most that it may take off (default: the whole face)")
	return requireFlags(cmd, "credit-note")
}
