package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// receiptStepCommands are the steps in a receipt's life after its issue.
func receiptStepCommands(app *App) []*cobra.Command {
	return []*cobra.Command{
		receiptTransferCommand(app),
		receiptStep(app, "accept", "Become the owner of a receipt that is offered to you", "receipt:Accept", "supplier --user bea"),
		receiptStep(app, "decline", "Refuse a receipt that is offered to you", "receipt:Decline", "supplier --user bea"),
		receiptStep(app, "withdraw", "Take back your offer, or your request for delivery", "receipt:Withdraw", "supplier --user amy"),
		receiptSplitCommand(app), receiptMergeCommand(app), receiptExchangeCommand(app),
		receiptStep(app, "substitute", "Agree, as the party in control, to the exchange of goods that the warehouse proposes", "receipt:Substitute", "supplier --user amy"),
		receiptStep(app, "request", "Ask the warehouse for the goods", "receipt:Request", "supplier --user amy"),
		receiptStep(app, "deliver", "End a receipt: the goods were handed over, as the warehouse's operator", "receipt:Deliver", "warehouse --user wes"),
		receiptStep(app, "cancel", "End a receipt that was issued in error and that nobody has relied on", "receipt:Cancel", "warehouse --user wes"),
	}
}

func receiptStep(app *App, verb, short, function, who string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " RECEIPT",
		Short:   short,
		Example: fmt.Sprintf("  tally --org %s receipt %s rct-…", who, verb),
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnReceipt(cmd.Context(), s, function, args[0])
			})
		},
	}
}

func receiptTransferCommand(app *App) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:     "transfer RECEIPT --to PARTY",
		Aliases: []string{"offer"},
		Short:   "Offer a receipt to another party, who becomes its owner by accepting",
		Long: `Offers the receipt to a party of the programme's register. Ownership and control pass together, when the receiver accepts;
until then you may withdraw the offer. What is reserved or pledged cannot be transferred.`,
		Example: `  tally --org supplier --user amy receipt transfer rct-… --to "Birch Fasteners SARL"`,
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OfferReceipt(cmd.Context(), s, args[0], to)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "party id, or name, of the receiver in the programme's register")
	return requireFlags(cmd, "to")
}

// replaced is what a command prints that put receipts in the place of others.
type replaced struct {
	ID          string   `json:"id"`
	Receipts    []string `json:"receipts"`
	Transaction string   `json:"transaction"`
	Block       uint64   `json:"block"`
}

// replace runs a split or a merge and prints the new receipts.
func (a *App) replace(cmd *cobra.Command, id string, call func(ctx context.Context, s *consortium.Session) (consortium.Call, error)) error {
	return a.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
		c, err := call(ctx, s)
		if err != nil {
			return err
		}
		c.Request = a.request
		var created []struct {
			ID string `json:"id"`
		}
		done, err := s.Submit(ctx, c, &created)
		if err != nil {
			return err
		}
		out := replaced{ID: id, Receipts: []string{}, Transaction: done.Transaction, Block: done.Block}
		for _, r := range created {
			out.Receipts = append(out.Receipts, r.ID)
		}
		if a.JSON() {
			return a.PrintJSON(out)
		}
		return a.table(func(row func(...string)) {
			row("id", id)
			for _, r := range out.Receipts {
				row("receipt", r)
			}
			row("transaction", out.Transaction)
			row("block", strconv.FormatUint(out.Block, 10))
		})
	})
}

func receiptSplitCommand(app *App) *cobra.Command {
	var parts []string
	cmd := &cobra.Command{
		Use:   "split RECEIPT --part QUANTITY[,QUANTITY…]…",
		Short: "Replace a receipt by several, as the party in control",
		Long: `Each --part is a new receipt: what it takes of each line of goods, in the line's unit, with commas between the lines; 0 is
nothing of a line. The parts must add up to the last unit. A pledge stays on every part, so that some can be released.`,
		Example: `  tally --org supplier --user amy receipt split rct-… --part 3000 --part 5000
  tally --org supplier --user amy receipt split rct-… --part 3000,0 --part 5000,12.5   # a receipt with two lines`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(parts) < 2 {
				return usageError{fmt.Errorf("a split makes two parts or more: give --part for each; see: %s --help", cmd.CommandPath())}
			}
			return app.replace(cmd, args[0], func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				r, err := operation.Receipt(ctx, s, args[0])
				if err != nil {
					return consortium.Call{}, err
				}
				in, err := divisionOf(parts, r.Lines)
				if err != nil {
					return consortium.Call{}, err
				}
				return consortium.Call{Function: "receipt:Split", Args: args, Input: in, Circles: []string{r.Programme}}, nil
			})
		},
	}
	cmd.Flags().StringArrayVar(&parts, "part", nil, "what a new receipt takes of each line")
	return requireFlags(cmd, "part")
}

// divisionOf reads the parts of a split, in the scale of the receipt's lines.
func divisionOf(parts []string, lines []receipt.Line) (receipt.Division, error) {
	var bad fault.Fields
	var in receipt.Division
	for i, part := range parts {
		at := fmt.Sprintf("part[%d]", i)
		texts := strings.Split(part, ",")
		if len(texts) != len(lines) {
			bad.Add(at, part, "must say what it takes of each of the receipt's %d lines", len(lines))
			continue
		}
		p := receipt.Part{ID: consortium.NewID("rct")}
		for j, text := range texts {
			v, err := inScale(text, lines[j].Quantity.Scale)
			if err != nil {
				bad.Add(at, text, "%v", err)
			}
			p.Values = append(p.Values, v)
		}
		in.Parts = append(in.Parts, p)
	}
	if err := bad.Err(); err != nil {
		return in, err
	}
	return in, in.Validate()
}

func receiptMergeCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "merge RECEIPT RECEIPT…",
		Short:   "Replace several receipts of one owner in one place by one",
		Example: "  tally --org supplier --user amy receipt merge rct-… rct-…",
		Args:    usageArgs(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := consortium.NewID("rct")
			return app.replace(cmd, id, func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				return operation.MergeReceipts(ctx, s, id, args)
			})
		},
	}
}

func receiptExchangeCommand(app *App) *cobra.Command {
	var out []int
	var goods goodsFlags
	cmd := &cobra.Command{
		Use:   "propose-exchange RECEIPT --out LINE… --goods GOODS --quantity NUMBER --unit UNIT",
		Short: "Ask the party in control to exchange goods for others, as the warehouse's operator",
		Long: `Proposes to take the lines --out, counted from 0, off the receipt, and to put the described goods under it instead. Nothing
changes before the party in control, the owner, or the creditor of pledged goods, agrees: tally receipt substitute.`,
		Example: `  tally --org warehouse --user wes receipt propose-exchange rct-… --out 0 --goods urn:epc:class:lgtin:9520001.012345.LOT-9000 \
    --class epoxy-primer --quantity 8000 --unit KGM`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			lines, err := goods.lines()
			if err != nil {
				return err
			}
			in := receipt.Proposal{Out: out, In: lines}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				call, err := operation.OnReceipt(cmd.Context(), s, "receipt:Propose", args[0])
				call.Input = in
				return call, err
			})
		},
	}
	cmd.Flags().IntSliceVar(&out, "out", nil, "lines that leave, counted from 0")
	goods.add(cmd)
	return requireFlags(cmd, "out", "goods", "quantity", "unit")
}
