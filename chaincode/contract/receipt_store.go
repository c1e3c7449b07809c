package contract

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Records of the receipt capability. A lot's claims stand under its fingerprint and the programme, one in each programme that
// ever had the lot, so that each is guarded by the circle that writes it and all of them are found under the fingerprint.
var (
	receipts      = ledger.Sealed[receipt.Receipt]("receipt")
	lotKeys       = ledger.Sealed[receipt.LotKey]("lot-key")              // id: programme
	lotKeyAnchors = ledger.Public[receipt.LotKeyAnchor]("lot-key-anchor") // id: theLotKey
	lotClaims     = ledger.Public[receipt.LotClaim]("lot-claim")          // id: fingerprint, programme
	devices       = ledger.Public[receipt.Device]("device")
	deviceHeads   = ledger.Sealed[receipt.Head]("device-head") // id: programme, device
	evidence      = ledger.Sealed[receipt.Batch]("evidence")
	watches       = ledger.Sealed[receipt.Watch]("receipt-watch") // id: receipt
)

// theLotKey is the id of the one anchor.
const theLotKey = "0"

// saveReceipts writes receipts after a step and moves the claims on their lots. before holds the receipts as they were read;
// what is in after and not in before is new.
func saveReceipts(tx *ledger.Tx, before, after []receipt.Receipt) error {
	if len(after) == 0 {
		return fault.New(fault.InternalError, "a step without a receipt")
	}
	if moves := receipt.LotMoves(before, after); len(moves) > 0 {
		key, err := lotKeys.Get(tx, after[0].Programme)
		if err != nil {
			return err
		}
		for _, m := range moves {
			if err := moveLot(tx, key.Bytes(), after[0].Programme, m); err != nil {
				return err
			}
		}
	}
	for _, r := range after {
		old := false
		for _, b := range before {
			old = old || b.ID == r.ID
		}
		var err error
		if old {
			err = receipts.Update(tx, r, r.ID)
		} else {
			err = receipts.Create(tx, r.Programme, r, r.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func moveLot(tx *ledger.Tx, key []byte, programme string, m receipt.LotMove) error {
	fingerprints, err := receipt.LotFingerprints(key, m.Goods)
	if err != nil {
		return err
	}
	for _, f := range fingerprints {
		if m.New {
			if err := lotIsFree(tx, f); err != nil {
				return err
			}
		}
		claim, found, err := lotClaims.Find(tx, f, programme)
		if err != nil {
			return err
		}
		if claim, err = claim.Apply(programme, m); err != nil {
			return err
		}
		if found {
			err = lotClaims.Update(tx, claim, f, programme)
		} else {
			err = lotClaims.Create(tx, programme, claim, f, programme)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lotIsFree returns RECEIPT_LOT_LIVE while any programme has the lot under a live receipt. It reads by range, so that a claim
// added meanwhile makes the transaction invalid.
func lotIsFree(tx *ledger.Tx, fingerprint string) error {
	claims, err := lotClaims.All(tx, fingerprint)
	if err != nil {
		return err
	}
	for _, c := range claims {
		if c.Record.Lines > 0 {
			return fault.New(fault.ReceiptLotLive, "the lot is under live receipt %s", c.Record.Origin)
		}
	}
	return nil
}

// The smallest interface that a financing needs of receipts: keep them for an application, pledge them for its loan, let them
// go, let the creditor sell. Who may decide that is the financing's to say; each returns the receipt as it is now.

// reserveReceipt keeps the owner's receipt for an application to the bank, an MSP id.
func reserveReceipt(tx *ledger.Tx, actor member.Actor, id, bank, application string) (receipt.Receipt, error) {
	return financeReceipt(tx, id, "receipt.reserved", application, func(r receipt.Receipt) (receipt.Receipt, error) {
		return r.Reserve(actor, bank, application, tx.Now())
	})
}

// freeReceipt ends the reservation for the application.
func freeReceipt(tx *ledger.Tx, id, application string) (receipt.Receipt, error) {
	return financeReceipt(tx, id, "receipt.freed", application, func(r receipt.Receipt) (receipt.Receipt, error) {
		return r.Free(application)
	})
}

// pledgeReceipt turns the reservation for the application into a pledge for the loan.
func pledgeReceipt(tx *ledger.Tx, id, application, loan string) (receipt.Receipt, error) {
	return financeReceipt(tx, id, "receipt.pledged", loan, func(r receipt.Receipt) (receipt.Receipt, error) {
		return r.Pledge(application, loan, tx.Now())
	})
}

// releaseReceipt ends the pledge for the loan, on the receipt or on those that have replaced it. What was released or sold
// before stays as it is.
func releaseReceipt(tx *ledger.Tx, id, loan string) ([]receipt.Receipt, error) {
	return eachHeld(tx, id, loan, "receipt.released", func(r receipt.Receipt) (receipt.Receipt, error) { return r.Release(loan) })
}

// enforceReceipt lets the creditor of the loan sell the goods, under the receipt or those that have replaced it.
func enforceReceipt(tx *ledger.Tx, id, loan string) ([]receipt.Receipt, error) {
	return eachHeld(tx, id, loan, "receipt.enforced", func(r receipt.Receipt) (receipt.Receipt, error) {
		if r.Status == receipt.Enforced {
			return r, nil
		}
		return r.Enforce(loan)
	})
}

func eachHeld(tx *ledger.Tx, id, loan, event string, step func(receipt.Receipt) (receipt.Receipt, error)) ([]receipt.Receipt, error) {
	list, err := heldFor(tx, id, loan)
	if err != nil {
		return nil, err
	}
	for i, r := range list {
		if list[i], err = financeReceipt(tx, r.ID, event, loan, step); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// maxReplaced bounds how many receipts are followed from one that was split and merged.
const maxReplaced = 256

// heldFor lists the live receipts that the financing holds and that the receipt with the id has become.
func heldFor(tx *ledger.Tx, id, financing string) ([]receipt.Receipt, error) {
	var held []receipt.Receipt
	ids := []string{id}
	for i := 0; i < len(ids); i++ {
		if i >= maxReplaced {
			return nil, fault.New(fault.InputTooLarge, "receipt %s was replaced by more than %d others", id, maxReplaced)
		}
		r, err := receipts.Get(tx, ids[i])
		if err != nil {
			return nil, err
		}
		if r.Status.Liened() && r.Lien.Financing == financing {
			held = append(held, r)
		}
		for _, next := range r.Into {
			if !slices.Contains(ids, next) {
				ids = append(ids, next)
			}
		}
	}
	return held, nil
}

// sellReceipt makes the purchaser the owner.
func sellReceipt(tx *ledger.Tx, id, loan string, purchaser receipt.Holder) (receipt.Receipt, error) {
	return financeReceipt(tx, id, "receipt.sold", loan, func(r receipt.Receipt) (receipt.Receipt, error) {
		if err := mayOwn(tx, r.Programme, purchaser); err != nil {
			return r, err
		}
		return r.Sell(loan, purchaser)
	})
}

// Standing is what the ledger says of a lot of goods.
type Standing string

// The standings of a lot. Unknown is one in a programme without the lot key.
const (
	LotFree    Standing = "free"
	LotPledged Standing = "pledged"
	LotUnknown Standing = "unknown"
)

// LotStanding is a lot of an invoice's goods, and whether it is reserved or pledged under a receipt in any programme.
type LotStanding struct {
	receivable.Lot
	Standing Standing `json:"standing"`
	Receipt  string   `json:"receipt,omitempty"` // under which the lot was issued, where it is pledged
}

// lotStandings looks every lot up under its fingerprints, which the programme's lot key makes.
func lotStandings(tx *ledger.Tx, programme string, lots []receivable.Lot) ([]LotStanding, error) {
	if len(lots) == 0 {
		return nil, nil
	}
	key, known, err := lotKeys.Find(tx, programme)
	if err != nil {
		return nil, err
	}
	list := make([]LotStanding, len(lots))
	for i, lot := range lots {
		list[i] = LotStanding{Lot: lot, Standing: LotUnknown}
		if !known {
			continue
		}
		if list[i].Standing, list[i].Receipt, err = lotStanding(tx, key.Bytes(), lot); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func lotStanding(tx *ledger.Tx, key []byte, lot receivable.Lot) (Standing, string, error) {
	fingerprints, err := receipt.LotFingerprints(key, receipt.Goods{GTIN: lot.GTIN, LotIssuer: lot.Issuer, Lot: lot.Lot})
	if err != nil {
		return "", "", err
	}
	for _, f := range fingerprints {
		claims, err := lotClaims.All(tx, f)
		if err != nil {
			return "", "", err
		}
		for _, c := range bodies(claims) {
			if c.Pledged > 0 {
				return LotPledged, c.Origin, nil
			}
		}
	}
	return LotFree, "", nil
}

// goodsAreFree returns GOODS_PLEDGED while a lot among the goods of an invoice is reserved or pledged under a receipt in any
// programme: a bank would lend twice on them. Lots of a programme without the lot key cannot be looked up and pass; the
// receivable shows them as unknown.
func goodsAreFree(tx *ledger.Tx, r receivable.Receivable) error {
	list, err := lotStandings(tx, r.Programme, r.Invoice.Lots)
	if err != nil {
		return err
	}
	for _, l := range list {
		if l.Standing == LotPledged {
			return fault.New(fault.GoodsPledged, "goods of receivable %s are reserved or pledged under receipt %s", r.ID, l.Receipt)
		}
	}
	return nil
}

func financeReceipt(tx *ledger.Tx, id, event, ref string, step func(receipt.Receipt) (receipt.Receipt, error)) (receipt.Receipt, error) {
	was, err := receipts.Get(tx, id)
	if err != nil {
		return was, err
	}
	next, err := step(was)
	if err != nil {
		return was, err
	}
	if err := saveReceipts(tx, []receipt.Receipt{was}, []receipt.Receipt{next}); err != nil {
		return was, err
	}
	announce(tx, event, next, ref)
	return next, nil
}
