package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Receipt is the contract of warehouse receipts: their life, the devices that watch the goods, and the evidence. Reserving and
// pledging are steps of a financing; it takes them through reserveReceipt and its like.
type Receipt struct{ contractapi.Contract }

// GetEvaluateTransactions names the functions that only read.
func (*Receipt) GetEvaluateTransactions() []string {
	return []string{"Get", "List", "Device", "Devices", "Head", "Evidence", "Watch", "VerifyReading", "Prices", "Value", "LotKey"}
}

// ReceiptStatus is the answer of a transaction: nothing that an outsider must not see.
type ReceiptStatus struct {
	ID     string         `json:"id"`
	Status receipt.Status `json:"status"`
}

// Issue acknowledges goods that the operator has received (sealed input: receipt.Issuance). The owner must stand in the
// programme's register of parties. RECEIPT_LOT_LIVE while one of the lots is under a live receipt, anywhere.
func (*Receipt) Issue(ctx *ledger.Context, programme, id string) (*ReceiptStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:Issue")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receipt.Issuance](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another receipt than %s", id)
	}
	if err := mayOwn(tx, programme, in.Owner); err != nil {
		return nil, err
	}
	for _, device := range in.Devices {
		d, found, err := devices.Find(tx, device)
		if err != nil {
			return nil, err
		}
		if !found || d.Operator != actor.MSP || d.Kind != receipt.Sensor {
			return nil, fault.New(fault.DeviceUnknown, "device %s", device)
		}
	}
	r, err := receipt.New(actor, programme, in, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := saveReceipts(tx, nil, []receipt.Receipt{r}); err != nil {
		return nil, err
	}
	return announce(tx, "receipt.issued", r, ""), nil
}

// Offer offers the receipt to another party of the programme (sealed input: receipt.Holder).
func (*Receipt) Offer(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Offer", "receipt.offered", id, func(tx *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		to, err := ledger.Input[receipt.Holder](tx)
		if err != nil {
			return r, err
		}
		if err := mayOwn(tx, r.Programme, to); err != nil {
			return r, err
		}
		return r.OfferTo(a, to)
	})
}

// Accept makes the caller's party, to whom the receipt is offered, its owner.
func (*Receipt) Accept(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Accept", "receipt.transferred", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Accept(a)
	})
}

// Withdraw takes back an offer, or a request for delivery.
func (*Receipt) Withdraw(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Withdraw", "receipt.withdrawn", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Withdraw(a)
	})
}

// Decline refuses an offer.
func (*Receipt) Decline(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Decline", "receipt.declined", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Decline(a)
	})
}

// Propose asks the party in control to exchange goods (sealed input: receipt.Proposal).
func (*Receipt) Propose(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Propose", "receipt.exchange-proposed", id, func(tx *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		p, err := ledger.Input[receipt.Proposal](tx)
		if err != nil {
			return r, err
		}
		return r.Propose(a, p)
	})
}

// Substitute agrees to the exchange that the operator proposed.
func (*Receipt) Substitute(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Substitute", "receipt.goods-exchanged", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Substitute(a)
	})
}

// Request asks the operator for the goods.
func (*Receipt) Request(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Request", "receipt.delivery-requested", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Request(a)
	})
}

// Deliver ends the receipt: the goods were handed over.
func (*Receipt) Deliver(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Deliver", "receipt.delivered", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Deliver(a)
	})
}

// Cancel ends a receipt that was issued in error.
func (*Receipt) Cancel(ctx *ledger.Context, id string) (*ReceiptStatus, error) {
	return receiptStep(ctx, "receipt:Cancel", "receipt.cancelled", id, func(_ *ledger.Tx, a member.Actor, r receipt.Receipt) (receipt.Receipt, error) {
		return r.Cancel(a)
	})
}

// Split replaces the receipt by several (sealed input: receipt.Division).
func (*Receipt) Split(ctx *ledger.Context, id string) ([]ReceiptStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:Split")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receipt.Division](tx)
	if err != nil {
		return nil, err
	}
	was, err := receipts.Get(tx, id)
	if err != nil {
		return nil, err
	}
	parent, parts, err := was.Split(actor, in)
	if err != nil {
		return nil, err
	}
	return replace(tx, "receipt.split", []receipt.Receipt{was}, []receipt.Receipt{parent}, parts)
}

// Merge replaces receipts by one with the id.
func (*Receipt) Merge(ctx *ledger.Context, id string, from []string) ([]ReceiptStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:Merge")
	if err != nil {
		return nil, err
	}
	if len(from) > receipt.MaxParts {
		return nil, fault.New(fault.InputTooLarge, "at most %d receipts are merged", receipt.MaxParts)
	}
	was, err := receipts.GetMany(tx, from)
	if err != nil {
		return nil, err
	}
	merged, ended, err := receipt.Merge(actor, id, was)
	if err != nil {
		return nil, err
	}
	return replace(tx, "receipt.merged", was, ended, []receipt.Receipt{merged})
}

// replace saves receipts that ended and those that stand in their place, which inherit what was seen of the goods.
func replace(tx *ledger.Tx, event string, was, ended, created []receipt.Receipt) ([]ReceiptStatus, error) {
	if err := saveReceipts(tx, was, append(append([]receipt.Receipt{}, ended...), created...)); err != nil {
		return nil, err
	}
	if err := inheritWatch(tx, was, created); err != nil {
		return nil, err
	}
	var out []ReceiptStatus
	for _, r := range ended {
		announce(tx, event, r, "")
	}
	for _, r := range created {
		out = append(out, *announce(tx, "receipt.issued", r, was[0].ID))
	}
	return out, nil
}

// Get returns a receipt, to those who may see it.
func (*Receipt) Get(ctx *ledger.Context, id string) (*receipt.Receipt, error) {
	tx := ctx.Tx()
	r, err := visibleReceipt(tx, "receipt:Get", id)
	return &r, err
}

// ReceiptPage is one page of the receipts.
type ReceiptPage struct {
	Receipts []receipt.Receipt `json:"receipts"`
	Next     string            `json:"next"`
}

// List returns a page of the receipts that the caller may see, after the bookmark: those of the programmes whose keys it brings.
// A page may hold fewer than size, even none, and still have a next one.
func (*Receipt) List(ctx *ledger.Context, size int, after string) (*ReceiptPage, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:List")
	if err != nil {
		return nil, err
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	if err != nil {
		return nil, err
	}
	items, next, err := receipts.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	page := &ReceiptPage{Receipts: []receipt.Receipt{}, Next: next}
	for _, item := range items {
		if item.Record.VisibleTo(actor, m.Kind) {
			page.Receipts = append(page.Receipts, item.Record)
		}
	}
	return page, nil
}

// visibleReceipt authorises the function and returns the receipt, or RECORD_NOT_FOUND where the caller may not see it.
func visibleReceipt(tx *ledger.Tx, function, id string) (receipt.Receipt, error) {
	actor, err := tx.Authorise(function)
	if err != nil {
		return receipt.Receipt{}, err
	}
	r, err := receipts.Get(tx, id)
	if err != nil {
		return r, err
	}
	if err := tx.CanRead(r.Programme); err != nil {
		return receipt.Receipt{}, err
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	if err != nil {
		return receipt.Receipt{}, err
	}
	if !r.VisibleTo(actor, m.Kind) {
		return receipt.Receipt{}, fault.New(fault.RecordNotFound, "there is no receipt %s", id)
	}
	return r, nil
}

// receiptStep is a method that changes one receipt by one step.
func receiptStep(ctx *ledger.Context, function, event, id string,
	step func(*ledger.Tx, member.Actor, receipt.Receipt) (receipt.Receipt, error)) (*ReceiptStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise(function)
	if err != nil {
		return nil, err
	}
	was, err := receipts.Get(tx, id)
	if err != nil {
		return nil, err
	}
	next, err := step(tx, actor, was)
	if err != nil {
		return nil, err
	}
	if err := saveReceipts(tx, []receipt.Receipt{was}, []receipt.Receipt{next}); err != nil {
		return nil, err
	}
	return announce(tx, event, next, ""), nil
}

func announce(tx *ledger.Tx, event string, r receipt.Receipt, ref string) *ReceiptStatus {
	tx.Emit(ledger.Event{Type: event, ID: r.ID, Circle: r.Programme, Ref: ref})
	return &ReceiptStatus{ID: r.ID, Status: r.Status}
}

// mayOwn returns RECORD_NOT_FOUND unless the programme's register knows the party, and NOT_PERMITTED where it names another
// host.
func mayOwn(tx *ledger.Tx, programme string, owner receipt.Holder) error {
	party, err := parties.Get(tx, programme, owner.Party)
	if err != nil {
		return err
	}
	if party.Host != owner.MSP {
		return fault.New(fault.NotPermitted, "party %s is not hosted by %s", owner.Party, owner.MSP)
	}
	return nil
}
