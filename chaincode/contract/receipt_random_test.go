package contract

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// TestReceiptsWhateverPeopleTry lets two SMEs, the operator and the bank try random steps and holds the ledger's records
// against each other: the claims on lots count the live lines, parts of a lot add up to what was received, and a pledged
// receipt is the bank's.
func TestReceiptsWhateverPeopleTry(t *testing.T) {
	s := newStorage(t)
	w := &randomHouse{storage: s, random: rand.New(rand.NewPCG(4, 2)), kilograms: map[string]int64{}, outcomes: map[fault.Code]int{}}
	for i := range 400 {
		w.try(i)
		if i%20 == 19 {
			w.check()
		}
	}
	require.Greater(t, w.outcomes[""], 40, "too few steps succeed to show anything: %v", w.outcomes)
	require.Positive(t, w.outcomes[fault.ReceiptLotLive])
	require.Positive(t, w.outcomes[fault.ReceiptPledged]+w.outcomes[fault.CollateralEncumbered])
	require.Greater(t, w.pledged, 2, "too few receipts are pledged to show that they stay so")
	require.Greater(t, w.tried, 20, "too few steps are tried on pledged receipts")
}

type randomHouse struct {
	*storage
	random    *rand.Rand
	ids       []string
	kilograms map[string]int64 // by lot: received and not handed over
	outcomes  map[fault.Code]int
	next      int
	pledged   int // loans on goods that were made
	tried     int // steps that were tried on pledged receipts
	released  bool
}

func (w *randomHouse) id() string { w.next++; return opaque("rct", 1000+w.next) }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (w *randomHouse) try(step int) {
	sme := pick(w.random, []user{seller("maker"), tierTwo("maker")})
	if len(w.ids) == 0 || w.random.IntN(6) == 0 {
		w.issue(sme)
		return
	}
	id := pick(w.random, w.ids)
	was := w.receipt(id)
	for range 3 { // mostly such as still are live, and mostly by whom they concern
		if !was.Status.Live() {
			id = pick(w.random, w.ids)
			was = w.receipt(id)
		}
	}
	if concerned := was.Owner.Party; w.random.IntN(4) > 0 {
		if was.Offer != nil {
			concerned = was.Offer.Party
		}
		sme.party = concerned
	}
	w.released = false
	defer func() { w.stays(was) }()
	var err error
	switch w.random.IntN(13) {
	case 0:
		_, err = w.submit(sme, "receipt:Offer", receipt.Holder{MSP: supplierMSP, Party: pick(w.random, []string{sellerParty, tierTwoParty})}, id)
	case 1, 2:
		_, err = w.submit(sme, "receipt:Accept", nil, id)
	case 3:
		err = w.split(sme, was)
	case 4:
		other, merged := pick(w.random, w.ids), w.id()
		if _, err = w.submit(sme, "receipt:Merge", nil, merged, text([]string{id, other})); err == nil {
			w.ids = append(w.ids, merged)
		}
	case 5:
		_, err = w.submit(sme, "receipt:Request", nil, id)
	case 6:
		if _, err = w.house("operator", pick(w.random, []string{"receipt:Deliver", "receipt:Deliver", "receipt:Cancel"}), nil, id); err == nil {
			for _, line := range was.Lines {
				w.kilograms[line.Lot] -= line.Quantity.Value
			}
		}
	case 7, 9, 10:
		r := financing.Request{ID: opaque("app", 1000+step), Bank: bankMSP, Product: financing.InventoryProduct, Currency: "EUR", AdvanceMinor: 1_000_000, TenorDays: 30,
			Consent: w.consent, Collateral: []financing.Ref{{Kind: financing.Receipt, ID: id, Circle: goodsCircle}}}
		if _, err = w.submit(seller("maker"), "financing:Apply", r, bankDesk, r.ID); err == nil && w.random.IntN(3) > 0 {
			w.lend(1000 + step)
		}
	case 11: // the bank divides what it holds, and may let it go
		if was.Status == receipt.Pledged && w.random.IntN(3) == 0 {
			_, err = w.submit(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: w.owed(was.Lien.Financing), Currency: "EUR", ReceivedOn: w.today(),
				Source: financing.FromBorrower}, was.Lien.Financing)
			w.released = err == nil
			break
		}
		err = w.split(bank("maker"), was)
		w.released = err == nil
	case 12: // the operator wants to exchange goods, and the owner agrees in the bank's place
		if _, err = w.house("operator", "receipt:Propose", receipt.Proposal{Out: []int{0}, In: w.goods()}, id); err == nil {
			_, err = w.submit(sme, "receipt:Substitute", nil, id)
			if err == nil {
				w.kilograms[was.Lines[0].Lot] -= was.Lines[0].Quantity.Value
				now := w.receipt(id)
				in := now.Lines[len(now.Lines)-1]
				w.kilograms[in.Lot] = in.Quantity.Value
			}
		}
	case 8:
		if was.Lien != nil {
			_, err = w.submit(seller("maker"), "financing:Withdraw", nil, was.Lien.Financing)
		}
	}
	w.outcomes[fault.CodeOf(err)]++
}

// lend carries an application through to the drawdown, where the policy approves.
func (w *randomHouse) lend(n int) {
	w.score(n, good)
	if w.decide(n).Status != "approved" {
		return
	}
	w.must(w.submit(seller("checker"), "financing:Accept", nil, opaque("app", n), opaque("lon", n)))
	w.must(w.submit(bank("maker"), "financing:Draw", financing.DrawInput{Note: "SEPA"}, opaque("lon", n)))
	w.pledged++
}

func (w *randomHouse) owed(loan string) int64 {
	return decoded[LoanView](w.t, w.must(w.evaluate(bank("maker"), "financing:Loan", loan))).Owed.TotalMinor()
}

// stays holds that a pledged receipt is as it was, whoever has tried whatever, but for a proposal, and for what the bank itself
// has done.
func (w *randomHouse) stays(was receipt.Receipt) {
	if was.Status != receipt.Pledged {
		return
	}
	w.tried++
	now := w.receipt(was.ID)
	now.Proposal, was.Proposal = nil, nil
	if !w.released {
		require.Equal(w.t, was, now, "a pledged receipt left the bank's control")
	}
}

func (w *randomHouse) goods() []receipt.Goods {
	return []receipt.Goods{{Class: "cocoa-beans", GTIN: "4012345111118", Lot: pick(w.random, []string{"A", "B", "C", "D", "E", "F"}),
		Quantity: receipt.Quantity{Value: 1 + w.random.Int64N(1000), Unit: "KGM"}}}
}

func (w *randomHouse) issue(owner user) {
	goods := w.goods()
	lot := goods[0].Lot
	in := receipt.Issuance{ID: w.id(), Owner: receipt.Holder{MSP: owner.msp, Party: owner.party}, Site: "hall B", StoredOn: w.today(),
		Goods: goods, Devices: []string{sensorID}, Declared: &money.Amount{Minor: 10_000_000, Currency: "EUR"}}
	_, err := w.house("operator", "receipt:Issue", in, goodsCircle, in.ID)
	w.outcomes[fault.CodeOf(err)]++
	if err == nil {
		w.ids = append(w.ids, in.ID)
		w.kilograms[lot] = in.Goods[0].Quantity.Value
		w.net.Advance(time.Second)
		w.anchor(1000+w.next, 50, in.ID)
	}
}

func (w *randomHouse) split(by user, was receipt.Receipt) error {
	parts := []receipt.Part{{ID: w.id()}, {ID: w.id()}}
	for _, line := range was.Lines {
		take := w.random.Int64N(line.Quantity.Value + 1)
		parts[0].Values, parts[1].Values = append(parts[0].Values, take), append(parts[1].Values, line.Quantity.Value-take)
	}
	_, err := w.submit(by, "receipt:Split", receipt.Division{Parts: parts}, was.ID)
	if err == nil {
		w.ids = append(w.ids, parts[0].ID, parts[1].ID)
	}
	return err
}

func (w *randomHouse) check() {
	held, lines, pledged, origin := map[string]int64{}, map[string]int{}, map[string]int{}, map[string]string{}
	for _, id := range w.ids {
		r := w.receipt(id)
		if !r.Status.Live() {
			continue
		}
		require.Equal(w.t, r.Status == receipt.Pledged, r.Controller.MSP == bankMSP)
		for _, line := range r.Lines {
			held[line.Lot] += line.Quantity.Value
			lines[line.Lot]++
			if r.Status.Liened() {
				pledged[line.Lot]++
			}
			if was, seen := origin[line.Lot]; seen {
				require.Equal(w.t, was, line.Origin, "lot %s is under two issues", line.Lot)
			}
			origin[line.Lot] = line.Origin
		}
	}
	lots := make([]string, 0, len(w.kilograms))
	for lot := range w.kilograms {
		lots = append(lots, lot)
	}
	slices.Sort(lots)
	for _, lot := range lots {
		require.Equal(w.t, w.kilograms[lot], held[lot], "lot %s", lot)
		w.inside(bank("maker"), func(tx *ledger.Tx, _ member.Actor) error {
			key, err := lotKeys.Get(tx, goodsCircle)
			require.NoError(w.t, err)
			f, err := receipt.LotFingerprints(key.Bytes(), receipt.Goods{GTIN: "4012345111118", Lot: lot})
			require.NoError(w.t, err)
			c, err := lotClaims.Get(tx, f[0], goodsCircle)
			require.NoError(w.t, err)
			require.Equal(w.t, []int{lines[lot], pledged[lot]}, []int{c.Lines, c.Pledged}, "lot %s", lot)
			return nil
		})
	}
}
