package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func fragmentListCommand(app *App) *cobra.Command {
	var size int
	var after, of string
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the fragments that your party holds or is offered, or all of one receivable",
		Long: `Without --receivable: what your own party holds or is offered, in every programme. With it: the fragments of that
receivable, as far as you may see them. The buyer, banks and the regulator see all of them; a supplier sees its own, and
not the tiers between.`,
		Example: `  tally --org supplier --user bea fragment list
  tally --org bankA --user mona fragment list --receivable rcv-…`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				if of != "" {
					return app.listFragmentsOf(ctx, s, of, all)
				}
				programmes, err := s.Readable(ctx, circle.Programme)
				if err != nil {
					return err
				}
				var page struct {
					Fragments []receivable.Holding `json:"fragments"`
					Next      string               `json:"next,omitempty"`
				}
				got, next, err := operation.List[receivable.Holding](ctx, s, "receivable:ListHoldings", "holdings", programmes, size, after)
				if err != nil {
					return err
				}
				page.Fragments, page.Next = live(got, all), next
				if app.JSON() {
					return app.PrintJSON(page)
				}
				return app.table(func(row func(...string)) {
					holdingRows(row, page.Fragments)
					if page.Next != "" {
						row(fmt.Sprintf("more: --after %s", page.Next))
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&of, "receivable", "", "list the fragments of this receivable")
	cmd.Flags().BoolVar(&all, "all", false, "also those that are closed, or passed on")
	cmd.Flags().IntVar(&size, "size", 100, "records that are looked through for a page, at most 200")
	cmd.Flags().StringVar(&after, "after", "", "where the page before has ended")
	return cmd
}

// live leaves out what is closed or passed on, unless all are wanted.
func live(list []receivable.Holding, all bool) []receivable.Holding {
	kept := []receivable.Holding{}
	for _, h := range list {
		if all || h.Status != "" && !receivable.FragmentLife.Final(h.Status) {
			kept = append(kept, h)
		}
	}
	return kept
}

func holdingRows(row func(...string), list []receivable.Holding) {
	row("FRAGMENT", "STATUS", "FACE", "DUE", "DEBTOR", "CLAIM")
	for _, h := range list {
		status := string(h.Status)
		if status == "" {
			status = "passed on"
		}
		row(h.Fragment, status, amountText(h.FaceMinor, h.Currency), h.DueDate.String(), h.Debtor, string(h.Claim))
	}
}

func (a *App) listFragmentsOf(ctx context.Context, s *consortium.Session, id string, all bool) error {
	kind, err := operation.Kind(ctx, s)
	if err != nil {
		return err
	}
	if kind == member.Supplier {
		call, err := operation.OnReceivable(ctx, s, "receivable:Holdings", id, nil)
		if err != nil {
			return err
		}
		var list []receivable.Holding
		if err := s.Evaluate(ctx, call, &list); err != nil {
			return err
		}
		list = live(list, all)
		if a.JSON() {
			return a.PrintJSON(map[string]any{"fragments": list})
		}
		return a.table(func(row func(...string)) { holdingRows(row, list) })
	}
	list, err := operation.Fragments(ctx, s, id)
	if err != nil {
		return err
	}
	kept := []receivable.Fragment{}
	for _, f := range list {
		if all || f.Live() {
			kept = append(kept, f)
		}
	}
	if a.JSON() {
		return a.PrintJSON(map[string]any{"fragments": kept})
	}
	return a.table(func(row func(...string)) {
		row("FRAGMENT", "STATUS", "FACE", "HOLDER", "TIER", "BACKS")
		for _, f := range kept {
			row(f.ID, string(f.Status), amountText(f.FaceMinor, f.Currency), f.Holder, strconv.Itoa(f.Tier()), backs(f.Encumbrance))
		}
	})
}

func backs(e *receivable.Encumbrance) string {
	if e == nil {
		return ""
	}
	return e.Application
}

func fragmentShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show FRAGMENT",
		Short: "Show a fragment: the undertaking behind it, how it came here, and what each tier's transfer cost",
		Long: `A supplier sees the debtor's undertaking, whom it has the fragment from, and what its own transfers cost; a bank and the
regulator see every tier. A cost is the face less the price, and that as a simple yearly rate on the price for the days to
the due date, by the day count of the programme.`,
		Example: `  tally --org supplier --user bea fragment show frg-…
  tally --org bankA --user mona fragment show frg-…`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				kind, err := operation.Kind(ctx, s)
				if err != nil {
					return err
				}
				if kind == member.Supplier {
					h, err := operation.Holding(ctx, s, args[0])
					if err != nil {
						return err
					}
					if app.JSON() {
						return app.PrintJSON(h)
					}
					return app.table(func(row func(...string)) { showHolding(row, h) })
				}
				return app.showFragment(ctx, s, args[0], kind)
			})
		},
	}
}

func (a *App) showFragment(ctx context.Context, s *consortium.Session, id string, kind member.Kind) error {
	call, err := operation.OnFragment(ctx, s, "receivable:Fragment", id, nil)
	if err != nil {
		return err
	}
	var view struct {
		receivable.Fragment
		Costs []receivable.Cost `json:"costs,omitempty"`
	}
	if err := s.Evaluate(ctx, call, &view.Fragment); err != nil {
		return err
	}
	if kind == member.Bank || kind == member.Regulator {
		call.Function = "receivable:Costs"
		if err := s.Evaluate(ctx, call, &view.Costs); err != nil {
			return err
		}
	}
	if a.JSON() {
		return a.PrintJSON(view)
	}
	return a.table(func(row func(...string)) {
		row("fragment", view.ID)
		row("status", string(view.Status))
		row("receivable", view.Receivable)
		row("holder", view.Holder)
		row("face", amountText(view.FaceMinor, view.Currency))
		if view.InterestMinor != 0 {
			row("late interest", amountText(view.InterestMinor, view.Currency))
		}
		row("due", view.DueDate.String())
		for _, p := range view.Parents {
			row("from fragment", p)
		}
		if e := backs(view.Encumbrance); e != "" {
			row("backs", e)
		}
		if view.Dispute != "" {
			row("frozen by", view.Dispute)
		}
		costRows(row, view.Costs, view.Currency)
	})
}

func showHolding(row func(...string), h receivable.Holding) {
	row("fragment", h.Fragment)
	if h.Status == "" {
		row("status", "passed on")
	} else {
		row("status", string(h.Status))
	}
	row("receivable", h.Receivable, string(h.Claim))
	row("debtor", h.Debtor)
	row("face", amountText(h.FaceMinor, h.Currency))
	if h.InterestMinor != 0 {
		row("late interest", amountText(h.InterestMinor, h.Currency))
	}
	row("due", h.DueDate.String())
	if u := h.Undertaking; u != nil {
		signed := "the debtor's signature is right"
		if err := u.Verify(); err != nil {
			signed = "THE DEBTOR'S SIGNATURE IS WRONG"
		}
		row("undertaking", fmt.Sprintf("%s minor units of %s, due %s", u.Terms.AmountMinor, u.Terms.Currency, u.Terms.DueDate), signed)
	}
	if h.From != nil {
		row("from", h.From.From, string(h.From.Recourse), amountText(h.From.ConsiderationMinor, h.Currency))
	}
	if o := h.Offer; o != nil {
		row("offered to", o.To, string(o.Recourse), amountText(o.ConsiderationMinor, h.Currency))
	}
	if e := backs(h.Encumbrance); e != "" {
		row("backs", e)
	}
	if h.Dispute != "" {
		row("frozen by", h.Dispute)
	}
	costRows(row, h.Costs, h.Currency)
}

// costRows shows what passing a claim on has cost, tier by tier.
func costRows(row func(...string), costs []receivable.Cost, currency string) {
	for i, c := range costs {
		row(fmt.Sprintf("transfer %d", i+1), c.From+" to "+c.To, string(c.Recourse),
			fmt.Sprintf("%s for %s: cost %s, %s a year over %d days", amountText(c.FaceMinor, currency), amountText(c.ConsiderationMinor, currency),
				amountText(c.CostMinor, currency), percent(c.RateBps), c.Days))
	}
}

// percent is basis points as people write a rate.
func percent(bps int64) string { return scaledText(bps, 2) + " %" }
