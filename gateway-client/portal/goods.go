package portal

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/chart"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

var receiptFilters = []struct {
	name     string
	statuses []receipt.Status
}{
	{"live", []receipt.Status{receipt.Stored, receipt.Offered, receipt.Reserved, receipt.Pledged, receipt.Enforced, receipt.Requested}},
	{"requested", []receipt.Status{receipt.Requested}},
	{"pledged", []receipt.Status{receipt.Reserved, receipt.Pledged, receipt.Enforced}},
	{"ended", []receipt.Status{receipt.Delivered, receipt.Cancelled, receipt.Split, receipt.Merged}},
	{"all", nil},
}

func receipts(v *visit) (answer, error) {
	view := page.Receipts{}
	shown := v.query("show")
	if shown == "" {
		shown = "live"
	}
	var f projection.ReceiptFilter
	for _, one := range receiptFilters {
		view.Filters = append(view.Filters, page.Filter{Text: v.t("filter.receipt." + one.name), Href: "/receipts?show=" + one.name, On: one.name == shown})
		if one.name == shown {
			f.Status = texts(one.statuses)
		}
	}
	list, err := v.Store.Receipts(v.ctx(), v.viewer, f, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view.Items, view.Next = list.Items, v.next(list.Next)
	return show(view.Draw())
}

// goods is a receipt with what devices have reported.
func (v *visit) goods(id string) (page.Goods, error) {
	r, err := v.Store.Receipt(v.ctx(), v.viewer, id)
	if err != nil {
		return page.Goods{}, err
	}
	view := page.Goods{Receipt: r}
	if view.Watch, err = v.Store.Watch(v.ctx(), v.viewer, id); err != nil {
		return view, err
	}
	batches, err := v.Store.Evidence(v.ctx(), v.viewer, id, projection.Common{}, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return view, err
	}
	view.Batches = batches.Items
	slices.Reverse(view.Batches) // in the order of time
	for _, device := range r.Devices {
		d, err := v.Store.Device(v.ctx(), v.viewer, device)
		if err != nil {
			return view, err
		}
		view.Devices = append(view.Devices, d)
	}
	view.Charts = v.charts(view)
	return view, nil
}

// charts draws what each device has measured: one chart a property, with the device's limits.
func (v *visit) charts(g page.Goods) []chart.Spans {
	var list []chart.Spans
	for i, d := range g.Devices {
		for j, m := range d.Measures {
			unit := math.Pow10(-m.Scale)
			c := chart.Spans{Name: "evidence-" + page.Short(g.Receipt.ID) + "-" + string(rune('a'+i)) + string(rune('a'+j)), Unit: epcis.Symbol(m.Unit),
				LimitLow: float64(m.LimitMin) * unit, LimitHigh: float64(m.LimitMax) * unit}
			property := v.t("property." + m.Property)
			if property == "property."+m.Property {
				property = m.Property
			}
			outside := int64(0)
			for _, b := range g.Batches {
				for _, s := range b.Segments {
					for _, sum := range s.Summaries {
						if s.Device != d.ID || sum.Property != m.Property {
							continue
						}
						scale := math.Pow10(-sum.Scale)
						outside += sum.Excursions
						c.Spans = append(c.Spans, chart.Span{From: s.From, To: s.To, Low: float64(sum.Min) * scale, High: float64(sum.Max) * scale,
							Mean: float64(sum.Mean()) * scale, Outside: sum.Excursions > 0,
							Title: v.words.Instant(s.From) + ": " + v.words.Decimal(sum.Min, sum.Scale) + " – " + v.words.Decimal(sum.Max, sum.Scale) + " " + c.Unit})
					}
				}
			}
			if len(c.Spans) == 0 {
				continue
			}
			limits := v.words.Decimal(m.LimitMin, m.Scale) + " – " + v.words.Decimal(m.LimitMax, m.Scale) + " " + c.Unit
			c.Title = v.t("evidence.chart", "property", property)
			c.Description = v.t("evidence.chart.description", "property", property, "limits", limits, "outside", v.words.Number(outside))
			c.LimitText = v.t("evidence.limits", "limits", limits, "outside", v.words.Number(outside))
			list = append(list, c)
		}
	}
	return list
}

func receiptPage(v *visit) (answer, error) {
	view, err := v.goods(v.r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	view.Key = key()
	view.Steps = page.ReceiptSteps(v.person.Kind, v.person.Party, v.person.Has, view.Receipt)
	if view.Parties, err = v.partyOptions(view.Receipt.Programme); err != nil {
		return answer{}, err
	}
	if view.Lineage, err = v.lineage("receipt", view.Receipt.ID); err != nil {
		return answer{}, err
	}
	if view.Events, err = v.history("receipt", view.Receipt.ID); err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// onReceipt are the steps that need nothing but the receipt.
var onReceipt = map[string]string{"deliver": "receipt:Deliver", "cancel": "receipt:Cancel", "request": "receipt:Request", "withdraw": "receipt:Withdraw",
	"accept": "receipt:Accept", "decline": "receipt:Decline"}

func receiptStep(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	if do == "offer" {
		to := v.form("to")
		return v.submit("receipt.offer", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OfferReceipt(ctx, s, id, to)
			return call, id, err
		})
	}
	function, ok := onReceipt[do]
	if !ok {
		return answer{}, unknownStep(do)
	}
	return v.submit("receipt."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnReceipt(ctx, s, function, id)
		return call, id, err
	})
}

func receiptForm(v *visit) (answer, error) {
	view := page.NewReceipt{Key: key()}
	var err error
	if view.Programmes, err = v.programmeOptions(member.Warehouse); err != nil {
		return answer{}, err
	}
	if view.Owners, err = v.partyOptions(""); err != nil {
		return answer{}, err
	}
	list, err := v.Store.Devices(v.ctx(), v.viewer, projection.Common{Status: []string{string(receipt.Attested)}}, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return answer{}, err
	}
	for _, d := range list.Items {
		if d.Kind == receipt.Sensor && d.Operator == v.person.MSP {
			view.Devices = append(view.Devices, d)
		}
	}
	return show(view.Draw())
}

func issueReceipt(v *visit) (answer, error) {
	value, scale, err := quantityOf(v.form("quantity"))
	if err != nil {
		return answer{}, err
	}
	in := receipt.Issuance{Site: v.form("site"), Devices: v.r.PostForm["device"]}
	slices.Sort(in.Devices)
	in.Goods = []receipt.Goods{{Class: v.form("class"), GTIN: v.form("gtin"), Lot: v.form("lot"), Quantity: receipt.Quantity{Value: value, Scale: scale, Unit: v.form("unit")}}}
	if in.StoredOn, err = calendar.Parse(v.form("stored")); err != nil {
		return answer{}, err
	}
	if declared := v.form("declared"); declared != "" {
		amount, err := money.ParseDecimal(declared, v.form("currency"))
		if err != nil {
			return answer{}, err
		}
		in.Declared = &amount
	}
	programme, owner := v.form("programme"), v.form("owner")
	return v.submit("receipt.issue", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
		in.ID = ids.New("rct")
		call, err := operation.IssueReceipt(ctx, s, programme, owner, in)
		return call, in.ID, err
	})
}

func devices(v *visit) (answer, error) {
	list, err := v.Store.Devices(v.ctx(), v.viewer, projection.Common{}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	return show(page.Devices{Items: list.Items, Next: v.next(list.Next)}.Draw())
}

func devicePage(v *visit) (answer, error) {
	d, err := v.Store.Device(v.ctx(), v.viewer, v.r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	view := page.Device{Device: d, Key: key(), Steps: page.DeviceSteps(v.person.MSP, v.person.Has, d)}
	watched, err := v.Store.Receipts(v.ctx(), v.viewer, projection.ReceiptFilter{Device: d.ID}, projection.Page{})
	if err != nil {
		return answer{}, err
	}
	view.Receipts = watched.Items
	if view.Events, err = v.history("device", d.ID); err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

func deviceStep(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	var function string
	var args []string
	switch do {
	case "attest":
		function = "receipt:AttestDevice"
	case "calibrate":
		if _, err := calendar.Parse(v.form("until")); err != nil {
			return answer{}, err
		}
		function, args = "receipt:CalibrateDevice", []string{v.form("until")}
	case "revoke":
		function, args = "receipt:RevokeDevice", []string{v.Now().UTC().Format(time.RFC3339Nano)}
	default:
		return answer{}, unknownStep(do)
	}
	return v.submit("device."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnDevice(ctx, s, function, id, args...)
		return call, id, err
	})
}

// quantityOf reads a decimal number as an integer with its scale.
func quantityOf(text string) (value int64, scale int, err error) {
	var bad fault.Fields
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form != apd.Finite || d.Exponent < -receipt.MaxScale || d.Exponent > 0 || d.Negative || !d.Coeff.IsInt64() {
		bad.Add("quantity", text, "must be a decimal number of at most %d decimals", receipt.MaxScale)
		return 0, 0, bad.Err()
	}
	return d.Coeff.Int64(), -int(d.Exponent), nil
}
