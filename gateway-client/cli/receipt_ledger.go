package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// goodsFlags are the flags that describe goods: the n-th of each belong together, and one of a kind is for all.
type goodsFlags struct {
	goods, classes, lots, issuers, quantities, units, grades []string
}

func (g *goodsFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&g.goods, "goods", nil, "GTIN, EPC class with its lot (urn:epc:class:lgtin:…), or commodity class; once a line")
	flags.StringArrayVar(&g.classes, "class", nil, "commodity class, by which goods with a GTIN are priced, such as epoxy-primer")
	flags.StringArrayVar(&g.lots, "lot", nil, "lot, where the EPC class does not name it")
	flags.StringArrayVar(&g.issuers, "lot-issuer", nil, "who numbered the lot, where the goods have no GTIN")
	flags.StringArrayVar(&g.quantities, "quantity", nil, "quantity, such as 8000 or 12.5")
	flags.StringArrayVar(&g.units, "unit", nil, "UN/CEFACT Recommendation 20 unit, such as KGM, TNE or H87")
	flags.StringArrayVar(&g.grades, "grade", nil, "grade or quality")
}

func (g *goodsFlags) lines() ([]receipt.Goods, error) {
	var bad fault.Fields
	for _, f := range []struct {
		name string
		list []string
	}{{"class", g.classes}, {"lot", g.lots}, {"lot-issuer", g.issuers}, {"quantity", g.quantities}, {"unit", g.units}, {"grade", g.grades}} {
		if len(f.list) > 1 && len(f.list) != len(g.goods) {
			bad.Add(f.name, len(f.list), "must be given once, or once for each of the %d --goods", len(g.goods))
		}
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	lines := make([]receipt.Goods, len(g.goods))
	for i, what := range g.goods {
		line := receipt.Goods{Class: nth(g.classes, i), Lot: nth(g.lots, i), LotIssuer: nth(g.issuers, i), Grade: nth(g.grades, i)}
		if gtin, lot, ok := evidence.ParseClass(what); ok {
			line.GTIN = gtin
			if line.Lot == "" {
				line.Lot = lot
			}
		} else if receipt.ValidGTIN(what) {
			line.GTIN = what
		} else if line.Class == "" {
			line.Class = what
		} else {
			bad.Add(fmt.Sprintf("goods[%d]", i), what, "is no GTIN with a right check digit and no EPC class with a lot; leave --class out for a commodity class")
		}
		scale, v, err := scaled(nth(g.quantities, i))
		if err != nil {
			bad.Add(fmt.Sprintf("quantity[%d]", i), nth(g.quantities, i), "%v", err)
		} else {
			line.Quantity = receipt.Quantity{Value: v[0], Scale: scale, Unit: nth(g.units, i)}
		}
		lines[i] = line
	}
	return lines, bad.Err()
}

// nth is the n-th of a list, the only one for every n, or "".
func nth(list []string, n int) string {
	switch {
	case len(list) == 1:
		return list[0]
	case n < len(list):
		return list[n]
	}
	return ""
}

func receiptIssueCommand(app *App) *cobra.Command {
	var programme, owner, site, stored, value, charges, currency string
	var devices, keep []string
	var goods goodsFlags
	cmd := &cobra.Command{
		Use:   "issue --programme PROGRAMME --owner PARTY --goods GOODS --quantity NUMBER --unit UNIT",
		Short: "Acknowledge goods that you have received, as the warehouse's operator",
		Long: `Issues a receipt to the owner, a party of the programme's register. A lot is under one live receipt at a time, in any
programme. Repeat --goods, --lot and --quantity for several lines.

--keep says how the goods must be kept, PROPERTY:MIN:MAX in the unit in which the receipt's devices measure the property;
a reading outside of it impairs the goods as collateral.`,
		Example: `  tally --org warehouse --user wes receipt issue --programme prg-… --owner p-… --site urn:epc:id:sgln:9520001.00071.hallB \
    --goods urn:epc:class:lgtin:9520001.012345.LOT-8841 --class epoxy-primer --quantity 8000 --unit KGM \
    --value 36000 --currency EUR --device urn:epc:id:giai:9520001.TH-0001 --keep Temperature:5:25`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			in := receipt.Issuance{ID: consortium.NewID("rct"), Site: site}
			if in.Goods, err = goods.lines(); err != nil {
				return err
			}
			if in.Declared, err = amountOf(value, currency); err != nil {
				return err
			}
			if in.Charges, err = amountOf(charges, currency); err != nil {
				return err
			}
			if stored != "" {
				if in.StoredOn, err = calendar.Parse(stored); err != nil {
					return err
				}
			}
			return app.submit(cmd, in.ID, func(s *consortium.Session) (consortium.Call, error) {
				watching := make([]receipt.Device, len(devices))
				for i, d := range devices {
					if watching[i], err = operation.Device(cmd.Context(), s, d); err != nil {
						return consortium.Call{}, err
					}
					in.Devices = append(in.Devices, watching[i].ID)
				}
				if in.Conditions, err = conditionsOf(keep, watching); err != nil {
					return consortium.Call{}, err
				}
				return operation.IssueReceipt(cmd.Context(), s, programme, owner, in)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&programme, "programme", "", "programme of the warehouse")
	flags.StringVar(&owner, "owner", "", "party id, or name, of the owner in the programme's register")
	flags.StringVar(&site, "site", "", "where the goods are, such as a GLN or an SGLN URN")
	flags.StringVar(&stored, "stored", "", "day on which the goods were received (default: today)")
	flags.StringVar(&value, "value", "", "what the owner says that the goods are worth, as insured, such as 36000.00")
	flags.StringVar(&charges, "charges", "", "storage charges that rank before a creditor")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 code of both")
	flags.StringSliceVar(&devices, "device", nil, "devices that watch the goods, by id or EPCIS identifier")
	flags.StringArrayVar(&keep, "keep", nil, "how the goods must be kept: PROPERTY:MIN:MAX")
	goods.add(cmd)
	return requireFlags(cmd, "programme", "owner", "site", "goods", "quantity", "unit")
}

// amountOf reads an amount that may be left out.
func amountOf(text, currency string) (*money.Amount, error) {
	if text == "" {
		return nil, nil
	}
	a, err := money.ParseDecimal(text, currency)
	return &a, err
}

func receiptShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "show RECEIPT",
		Short:   "Show a receipt, its goods and what devices have seen of them",
		Example: "  tally --org supplier --user amy receipt show rct-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnReceipt(ctx, s, "receipt:Get", args[0])
				if err != nil {
					return err
				}
				var view struct {
					receipt.Receipt
					Watch receipt.Watch `json:"watch"`
				}
				if err := s.Evaluate(ctx, call, &view.Receipt); err != nil {
					return err
				}
				call.Function = "receipt:Watch"
				if err := s.Evaluate(ctx, call, &view.Watch); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(view)
				}
				return app.table(func(row func(...string)) { showReceipt(row, view.Receipt, view.Watch) })
			})
		},
	}
}

func showReceipt(row func(...string), r receipt.Receipt, w receipt.Watch) {
	row("id", r.ID)
	row("status", string(r.Status))
	row("programme", r.Programme)
	row("operator", r.Operator)
	row("owner", r.Owner.Party, r.Owner.MSP)
	row("site", r.Site)
	row("stored on", r.StoredOn.String())
	for _, l := range r.Lines {
		row("goods", goodsText(l))
	}
	if r.Declared != nil {
		row("declared", r.Declared.String())
	}
	if r.Lien != nil {
		row("held for", r.Lien.Creditor, r.Lien.Financing)
	}
	for _, c := range r.Conditions {
		row("keep", c.Property, fmt.Sprintf("%s to %s %s", scaledText(c.Min, c.Scale), scaledText(c.Max, c.Scale), c.Unit))
	}
	row("evidence", fmt.Sprintf("%d batches", w.Batches))
	for _, d := range w.Devices {
		row("seen by", d.Device, fmt.Sprintf("%d readings, %s to %s", d.Readings, d.Since.Format(time.RFC3339), d.LastAt.Format(time.RFC3339)),
			fmt.Sprintf("%d missing, %d excursions, %d breaches, silent for at most %s", d.Missing, d.Excursions, d.Breaches, time.Duration(d.SilenceSeconds)*time.Second))
	}
}

func goodsText(l receipt.Line) string {
	name := l.Class
	if l.GTIN != "" {
		name += " " + l.GTIN
	}
	return fmt.Sprintf("%s lot %s, %s %s", name, l.Lot, scaledText(l.Quantity.Value, l.Quantity.Scale), l.Quantity.Unit)
}

func receiptListCommand(app *App) *cobra.Command {
	return listing[receipt.Receipt]{
		short: "List the receipts that you may see", example: "  tally --org warehouse --user wes receipt list",
		function: always("receipt:List"), key: "receipts", kind: circle.Programme, usual: 50,
		rows: func(row func(...string), list []receipt.Receipt) {
			row("RECEIPT", "STATUS", "OWNER", "STORED ON", "DECLARED", "GOODS")
			for _, r := range list {
				declared, goods := "–", goodsText(r.Lines[0])
				if r.Declared != nil {
					declared = r.Declared.String()
				}
				if more := len(r.Lines) - 1; more > 0 {
					goods += fmt.Sprintf(" and %d more", more)
				}
				row(r.ID, string(r.Status), r.Owner.Party, r.StoredOn.String(), declared, goods)
			}
		},
	}.command(app)
}
