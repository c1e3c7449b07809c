package contract

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

var (
	priceAgreements = ledger.Sealed[receipt.PriceAgreement]("price-agreement") // id: programme
	priceQuotes     = ledger.Sealed[receipt.Quotes]("price-quotes")            // id: programme, mark of the class
)

// ProposePrices proposes whose prices count in the programme (sealed input: receipt.PriceRule).
func (*Receipt) ProposePrices(ctx *ledger.Context, programme string) error {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:ProposePrices"); err != nil {
		return err
	}
	if err := tx.CanRead(programme); err != nil {
		return err
	}
	rule, err := ledger.Input[receipt.PriceRule](tx)
	if err != nil {
		return err
	}
	a, found, err := priceAgreements.Find(tx, programme)
	if err != nil {
		return err
	}
	if a, err = a.Propose(rule); err != nil {
		return err
	}
	tx.Emit(ledger.Event{Type: "prices.proposed", ID: programme, Circle: programme})
	if found {
		return priceAgreements.Update(tx, a, programme)
	}
	return priceAgreements.Create(tx, programme, a, programme)
}

// AgreePrices agrees to the proposed rule with this digest, for the caller's bank. The last bank's agreement makes it count.
func (*Receipt) AgreePrices(ctx *ledger.Context, programme, digest string) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:AgreePrices")
	if err != nil {
		return err
	}
	if err := tx.CanRead(programme); err != nil {
		return err
	}
	a, err := priceAgreements.Get(tx, programme)
	if err != nil {
		return err
	}
	c, err := ledger.Circles.Get(tx, programme)
	if err != nil {
		return err
	}
	var banks []string
	for _, msp := range c.Readers() {
		m, err := ledger.Members.Get(tx, msp)
		if err != nil {
			return err
		}
		if m.Kind == member.Bank && m.Status == member.Active {
			banks = append(banks, msp)
		}
	}
	if a, err = a.Agree(actor.MSP, receipt.Hash(digest), banks); err != nil {
		return err
	}
	event := "prices.agreed"
	if a.Proposed == nil {
		event = "prices.active"
	}
	tx.Emit(ledger.Event{Type: event, ID: programme, Circle: programme, Ref: actor.MSP})
	return priceAgreements.Update(tx, a, programme)
}

// ObservePrice records a source's price (sealed input: receipt.Price). Anybody who reads the programme may bring it: the
// source's signature is what counts.
func (*Receipt) ObservePrice(ctx *ledger.Context, programme string) error {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:ObservePrice"); err != nil {
		return err
	}
	if err := tx.CanRead(programme); err != nil {
		return err
	}
	p, err := ledger.Input[receipt.Price](tx)
	if err != nil {
		return err
	}
	rule, err := priceRule(tx, programme)
	if err != nil {
		return err
	}
	mark, err := classMark(tx, programme, p.Class)
	if err != nil {
		return err
	}
	q, found, err := priceQuotes.Find(tx, programme, mark)
	if err != nil {
		return err
	}
	if q, err = q.Add(rule, p, tx.Now()); err != nil {
		return err
	}
	tx.Emit(ledger.Event{Type: "price.observed", ID: programme, Circle: programme})
	if found {
		return priceQuotes.Update(tx, q, programme, mark)
	}
	return priceQuotes.Create(tx, programme, q, programme, mark)
}

// Prices returns what the programme's banks have agreed on.
func (*Receipt) Prices(ctx *ledger.Context, programme string) (*receipt.PriceAgreement, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:Prices"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(programme); err != nil {
		return nil, err
	}
	a, err := priceAgreements.Get(tx, programme)
	return &a, err
}

// Value prices a receipt's goods now, under the terms that the caller brings (sealed input: receipt.Terms).
func (*Receipt) Value(ctx *ledger.Context, id string) (*receipt.Valuation, error) {
	tx := ctx.Tx()
	r, err := visibleReceipt(tx, "receipt:Value", id)
	if err != nil {
		return nil, err
	}
	t, err := ledger.Input[receipt.Terms](tx)
	if err != nil {
		return nil, err
	}
	v, err := valueReceipt(tx, r, t)
	return &v, err
}

// classMark is what stands for a class of goods in the keys of records, which everybody can read.
func classMark(tx *ledger.Tx, programme, class string) (string, error) {
	key, err := lotKeys.Get(tx, programme)
	if err != nil {
		return "", err
	}
	return receipt.ClassMark(key.Bytes(), programme, class)
}

// priceRule returns the programme's active rule, or RECEIPT_UNPRICED.
func priceRule(tx *ledger.Tx, programme string) (receipt.PriceRule, error) {
	a, found, err := priceAgreements.Find(tx, programme)
	if err != nil {
		return receipt.PriceRule{}, err
	}
	if !found || a.Active == nil {
		return receipt.PriceRule{}, fault.New(fault.ReceiptUnpriced, "the banks of programme %s have not agreed on price sources", programme)
	}
	return *a.Active, nil
}

// valueReceipt gathers the facts of a receipt's value and lets the rules decide.
func valueReceipt(tx *ledger.Tx, r receipt.Receipt, t receipt.Terms) (receipt.Valuation, error) {
	rule, err := priceRule(tx, r.Programme)
	if err != nil {
		return receipt.Valuation{}, err
	}
	w, _, err := watches.Find(tx, r.ID)
	if err != nil {
		return receipt.Valuation{}, err
	}
	list, err := devices.GetMany(tx, r.Devices)
	if err != nil {
		return receipt.Valuation{}, err
	}
	quotes := make([]receipt.Quotes, len(r.Lines))
	for i, line := range r.Lines {
		mark, err := classMark(tx, r.Programme, line.Class)
		if err != nil {
			return receipt.Valuation{}, err
		}
		if quotes[i], _, err = priceQuotes.Find(tx, r.Programme, mark); err != nil {
			return receipt.Valuation{}, err
		}
	}
	return receipt.Value(r, w, list, quotes, rule, t, tx.Now())
}
