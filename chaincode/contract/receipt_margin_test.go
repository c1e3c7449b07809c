package contract

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

const (
	goodsCircle = "prg-0000000000000000000f"
	sensorID    = "dev-00000001"
	collectorID = "dev-c0110000"
)

// storage is bank A's desk, and a warehouse programme that bank A, the supplier host and the regulator read.
type storage struct {
	*desk
	head receipt.Head
}

func newStorage(t testing.TB) *storage {
	s := &storage{desk: newDesk(t)}
	var key seal.Key
	sum := sha256.Sum256([]byte(goodsCircle))
	copy(key[:], sum[:])
	s.keys[goodsCircle] = key
	readers := []string{bankMSP, regulatorMSP, supplierMSP, warehouseMSP}
	f := circle.Founding{ID: goodsCircle, Kind: circle.Programme, Readers: readers, Commitment: key.Commitment(goodsCircle, 1)}
	for _, r := range readers {
		f.Digests = append(f.Digests, seal.TokenDigest(key.Token(goodsCircle, 1, r)))
		f.Envelopes = append(f.Envelopes, base64.StdEncoding.EncodeToString([]byte("for "+r)))
	}
	s.must(s.submit(user{msp: warehouseMSP, roles: "governor"}, "circle:Found", nil, text(f)))
	for _, r := range readers {
		s.must(s.submit(user{msp: r, roles: "governor"}, "circle:Confirm", nil, goodsCircle, "1", key.Token(goodsCircle, 1, r)))
	}
	s.host(goodsCircle, sellerParty, supplierMSP)
	s.host(goodsCircle, tierTwoParty, supplierMSP)
	s.must(s.house("governor", "receipt:RegisterLotKey", receipt.LotKey{Key: strings.Repeat("5a", 32)}, goodsCircle))
	_, public := signing("collector")
	installed := s.net.Now().UTC().Truncate(time.Millisecond)
	until, err := s.today().AddDays(365)
	require.NoError(t, err)
	for _, in := range []receipt.DeviceRegistration{
		{ID: collectorID, Kind: receipt.Collector, Key: public, InstalledAt: installed},
		{ID: sensorID, Kind: receipt.Sensor, InstalledAt: installed, CalibratedUntil: until,
			Measures: []receipt.Measure{{Property: "Temperature", Unit: "CEL", Scale: 1, RangeMin: -400, RangeMax: 850, LimitMin: 20, LimitMax: 80}}},
	} {
		s.must(s.house("operator", "receipt:RegisterDevice", nil, goodsCircle, text(in)))
		s.must(s.submit(bank("risk"), "receipt:AttestDevice", nil, in.ID))
	}
	return s
}

// signing is the key of that name.
func signing(name string) (ed25519.PrivateKey, receipt.PublicKey) {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	public, err := receipt.NewPublicKey(private.Public())
	if err != nil {
		panic(err)
	}
	return private, public
}

// house submits as the warehouse, which reads its own programme only.
func (s *storage) house(role, function string, input any, args ...string) ([]byte, error) {
	s.request++
	u := user{warehouseMSP, "p-00000f00d0", role}
	key := s.keys[goodsCircle]
	p := s.proposal(u, function, input, args...).WithTransient(record.TransientRequest, []byte(opaque("req", s.request))).
		WithTransient(record.TransientKeys, []byte(text([]record.CircleKey{{Circle: goodsCircle, Epoch: 1, Key: key.Text()}})))
	result, err := s.net.Submit(s.identity(u), p, supplierMSP, warehouseMSP)
	if err != nil {
		return nil, refusal(err)
	}
	return result.Payload, nil
}

func (s *storage) store(n int, owner, lot string, kilograms, declared int64) string {
	id := opaque("rct", n)
	s.must(s.house("operator", "receipt:Issue", receipt.Issuance{ID: id, Owner: receipt.Holder{MSP: supplierMSP, Party: owner}, Site: "hall B",
		Goods:   []receipt.Goods{{Class: "cocoa-beans", GTIN: "4012345111118", Lot: lot, Quantity: receipt.Quantity{Value: kilograms, Unit: "KGM"}}},
		Devices: []string{sensorID}, StoredOn: s.today(), Declared: &money.Amount{Minor: declared, Currency: "EUR"},
		Charges: &money.Amount{Minor: 50_000, Currency: "EUR"}}, goodsCircle, id))
	return id
}

// anchor anchors one reading at the given temperature, in tenths of a degree.
func (s *storage) anchor(n int, value int64, receipts ...string) {
	at := s.net.Now().UTC().Truncate(time.Millisecond)
	r := receipt.Reading{Device: sensorID, Sequence: s.head.Last + 1, At: at, Property: "Temperature", Unit: "CEL", Scale: 1, Value: value}
	root, err := receipt.Root([][]byte{r.LeafHash()})
	require.NoError(s.t, err)
	sum := receipt.Summary{Property: "Temperature", Unit: "CEL", Scale: 1, Count: 1, Min: value, Max: value, Sum: value}
	if value < 20 || value > 80 {
		sum.Excursions = 1
	}
	b := receipt.Batch{ID: opaque("evd", n), Programme: goodsCircle, Collector: collectorID, Receipts: receipts, SealedAt: at,
		Segments: []receipt.Segment{{Device: sensorID, First: r.Sequence, Last: r.Sequence, From: at, To: at, Count: 1, Root: root, Summaries: []receipt.Summary{sum}}}}
	b.Root, err = b.SegmentRoot()
	require.NoError(s.t, err)
	private, _ := signing("collector")
	b.Signature = ed25519.Sign(private, b.Message())
	s.must(s.house("collector", "receipt:AnchorEvidence", b, goodsCircle, b.ID))
	s.head.Last++
}

func (s *storage) agreePrices() {
	rule := receipt.PriceRule{Quorum: 2, FreshSeconds: 3 * 86400, UsableSeconds: 10 * 86400}
	for _, id := range []string{"exchange-a", "exchange-b"} {
		_, public := signing(id)
		rule.Sources = append(rule.Sources, receipt.PriceSource{ID: id, Key: public})
	}
	s.must(s.house("governor", "receipt:ProposePrices", rule, goodsCircle))
	s.refused(fault.ReceiptUnpriced, "proposed is not agreed")(s.price(800_000))
	s.refused(fault.TransitionDenied)(s.submit(bank("risk"), "receipt:AgreePrices", nil, goodsCircle, strings.Repeat("00", 32)))
	s.must(s.submit(bank("risk"), "receipt:AgreePrices", nil, goodsCircle, string(rule.Digest())))
}

// price brings both sources' price of a tonne.
func (s *storage) price(minor int64) ([]byte, error) {
	for _, id := range []string{"exchange-a", "exchange-b"} {
		p := receipt.Price{Source: id, Class: "cocoa-beans", Minor: minor, Currency: "EUR", Per: 1, Unit: "TNE", At: s.net.Now().UTC().Truncate(time.Millisecond)}
		private, _ := signing(id)
		p.Signature = ed25519.Sign(private, p.Message())
		if payload, err := s.submit(bank("underwriter"), "receipt:ObservePrice", p, goodsCircle); err != nil {
			return payload, err
		}
	}
	return nil, nil
}

func (s *storage) setTerms() {
	t := receipt.Terms{Currency: "EUR", Classes: []receipt.ClassHaircut{{Class: "cocoa-beans", Bps: 1500}}, SilenceSeconds: 30 * 86400, SilenceBps: 1000,
		ExcursionBps: 2000, CustodyGapBps: 500, StalePriceBps: 1000, AdvanceBps: 6000, MaintenanceBps: 7500, CureBps: 7000, CureDays: 3}
	s.must(s.submit(bank("risk"), "margin:ProposeTerms", t, bankDesk))
	s.refused(fault.MakerIsChecker)(s.submit(bank("risk"), "margin:ApproveTerms", nil, bankDesk))
	s.must(s.submit(bank("risk,checker"), "margin:ApproveTerms", nil, bankDesk))
}

func (s *storage) lend(advance int64, receipts ...string) {
	r := financing.Request{ID: opaque("app", 1), Bank: bankMSP, Product: financing.InventoryProduct, Currency: "EUR", AdvanceMinor: advance, TenorDays: 90, Consent: s.consent}
	for _, id := range receipts {
		r.Collateral = append(r.Collateral, financing.Ref{Kind: financing.Receipt, ID: id, Circle: goodsCircle})
	}
	s.must(s.submit(seller("maker"), "financing:Apply", r, bankDesk, r.ID))
	s.score(1, good)
	require.Equal(s.t, "approved", s.decide(1).Status)
	s.must(s.submit(seller("checker"), "financing:Accept", nil, opaque("app", 1), opaque("lon", 1)))
	s.must(s.submit(bank("maker"), "financing:Draw", financing.DrawInput{Note: "SEPA 1"}, opaque("lon", 1)))
}

func (s *storage) receipt(id string) receipt.Receipt {
	return decoded[receipt.Receipt](s.t, s.must(s.evaluate(bank("maker"), "receipt:Get", id)))
}

func (s *storage) assess() receipt.CallStatus {
	return decoded[MarginStatus](s.t, s.must(s.submit(bank("underwriter"), "margin:Assess", nil, opaque("lon", 1)))).Status
}

func (s *storage) margin() MarginAccount {
	return decoded[MarginAccount](s.t, s.must(s.evaluate(bank("maker"), "margin:Get", opaque("lon", 1))))
}

func TestLoanOnGoodsFromPledgeToSale(t *testing.T) {
	s := newStorage(t)
	s.agreePrices()
	loan := opaque("lon", 1)
	first, second := s.store(1, sellerParty, "L-1", 12_500, 10_000_000), s.store(2, sellerParty, "L-2", 2_000, 1_600_000)
	s.anchor(1, 50, first, second)
	s.must(s.price(800_000))
	s.lend(6_000_000, first) // on the declared value: the bank has no terms for goods yet
	s.setTerms()
	assert.Equal(t, receipt.Pledged, s.receipt(first).Status)
	s.refused(fault.ReceiptPledged)(s.submit(seller("maker"), "receipt:Request", nil, first))
	assert.Empty(t, s.assess(), "60 000 owed on goods worth 85 000")
	assert.Equal(t, int64(7059), s.margin().LTVBps)

	// The price falls: a call, which more collateral cures.
	s.net.Advance(days(1))
	s.must(s.price(700_000))
	assert.Equal(t, receipt.CallOpen, s.assess())
	assert.Equal(t, receipt.CallOpen, s.assess(), "once")
	assert.Equal(t, 1, s.margin().Calls)
	s.refused(fault.MarginCallOpen)(s.submit(bank("checker"), "margin:Release", nil, loan, first))
	s.refused(fault.NotPermitted, "somebody else's loan")(s.submit(tierTwo("maker"), "margin:AddCollateral", nil, loan, second))
	added := decoded[MarginStatus](t, s.must(s.submit(seller("maker"), "margin:AddCollateral", nil, loan, second)))
	assert.Equal(t, receipt.CallCured, added.Status)
	s.refused(fault.ReceiptPledged)(s.submit(seller("maker"), "margin:AddCollateral", nil, loan, second))

	// The bank splits what it holds; an excursion then takes a fifth of the value, and nobody cures the call.
	parts := receipt.Division{Parts: []receipt.Part{{ID: opaque("rct", 11), Values: []int64{10_000}}, {ID: opaque("rct", 12), Values: []int64{2_500}}}}
	s.must(s.submit(bank("maker"), "receipt:Split", parts, first))
	assert.Equal(t, receipt.CallCured, s.assess(), "the parts are worth what the whole was")
	s.net.Advance(time.Hour)
	s.anchor(2, 95, opaque("rct", 11), opaque("rct", 12))
	assert.Equal(t, receipt.CallOpen, s.assess())
	assert.Equal(t, 2, s.margin().Calls)
	s.refused(fault.MarginCallNotLapsed)(s.submit(bank("checker"), "margin:Liquidate", nil, loan))
	s.net.Advance(days(7))
	s.must(s.price(700_000))
	liquidated := decoded[MarginStatus](t, s.must(s.submit(bank("checker"), "margin:Liquidate", nil, loan)))
	assert.Equal(t, receipt.CallLiquidated, liquidated.Status)
	assert.Equal(t, receipt.Enforced, s.receipt(opaque("rct", 11)).Status)

	// The sale of the larger part pays everything; the rest of the goods and of the money go back.
	sale := receipt.SaleInput{Purchaser: receipt.Holder{MSP: supplierMSP, Party: tierTwoParty}, ProceedsMinor: 6_900_000, SaleCostsMinor: 100_000}
	s.refused(fault.KeyMissing, "a bank that does not read the desk")(s.submit(otherBank("maker"), "margin:Sell", sale, loan, opaque("rct", 11)))
	s.must(s.submit(bank("maker"), "margin:Sell", sale, loan, opaque("rct", 11)))
	assert.Equal(t, tierTwoParty, s.receipt(opaque("rct", 11)).Owner.Party)
	done := decoded[receipt.Sale](t, s.must(s.evaluate(seller("maker"), "margin:Sale", opaque("rct", 11))))
	var total int64
	for _, share := range done.Shares {
		total += share.PaidMinor
		assert.Zero(t, share.UnpaidMinor, share.Rank)
	}
	assert.Equal(t, int64(6_900_000), total)
	assert.Positive(t, done.Shares[4].PaidMinor, "a surplus for the owner")
	assert.Equal(t, financing.Repaid, s.loan(1).Status)
	for _, id := range []string{opaque("rct", 12), second} {
		assert.Equal(t, receipt.Stored, s.receipt(id).Status)
		assert.Equal(t, sellerParty, s.receipt(id).Controller.Party)
	}
	s.must(s.submit(seller("maker"), "receipt:Request", nil, second))
	s.must(s.house("operator", "receipt:Deliver", nil, second))
}

func TestRepaymentCuresAndReleases(t *testing.T) {
	s := newStorage(t)
	s.agreePrices()
	s.setTerms()
	first, second := s.store(1, sellerParty, "L-1", 10_000, 8_000_000), s.store(2, sellerParty, "L-2", 10_000, 8_000_000)
	s.anchor(1, 50, first, second)
	s.must(s.price(800_000))
	s.lend(6_000_000, first, second)
	s.refused(fault.PriceOutOfDate, "the sources have spoken for this instant")(s.price(1))
	s.net.Advance(days(1))
	s.must(s.price(450_000)) // 20 t at 4500.00 less 15 %: 76 500 for 60 000
	assert.Equal(t, receipt.CallOpen, s.assess())
	s.must(s.submit(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: 3_000_000, Currency: "EUR", ReceivedOn: s.today(), Source: financing.FromBorrower}, opaque("lon", 1)))
	assert.Equal(t, receipt.CallCured, s.assess(), "30 000 for 76 500")
	s.refused(fault.MarginCallOpen, "one half alone would not do")(s.submit(bank("checker"), "margin:Release", nil, opaque("lon", 1), first))
	s.must(s.submit(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: 1_000_000, Currency: "EUR", ReceivedOn: s.today(), Source: financing.FromBorrower}, opaque("lon", 1)))
	s.must(s.submit(bank("checker"), "margin:Release", nil, opaque("lon", 1), first))
	assert.Equal(t, receipt.Stored, s.receipt(first).Status)
	assert.Equal(t, receipt.Pledged, s.receipt(second).Status)
	s.must(s.submit(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: 2_100_000, Currency: "EUR", ReceivedOn: s.today(), Source: financing.FromBorrower}, opaque("lon", 1)))
	assert.Equal(t, receipt.Stored, s.receipt(second).Status, "repaid: everything is free, and what was released before stays so")
}

// The buyer's programme has the lot key, too; the invoice names the lot that a receipt stands for.
func TestGoodsAreNotFinancedTwice(t *testing.T) {
	s := newStorage(t)
	stored := s.store(1, sellerParty, "L-1", 10_000, 8_000_000)
	in := receivable.Issuance{ID: opaque("rcv", 1), Invoice: s.invoice("RE-1", 5_000_000)}
	in.Invoice.Lots = []receivable.Lot{{Issuer: "A farm", Lot: "77"}, {GTIN: "4012345111118", Lot: "l-1"}}
	s.must(s.submit(seller("maker"), "receivable:Issue", in, tradeCircle, in.ID))
	s.must(s.submit(buyer("maker"), "receivable:ProposeConfirm", nil, in.ID))
	s.must(s.submit(buyer("checker"), "receivable:Confirm", s.signed(buyer("checker"), in.ID), in.ID))
	root := s.fragments(in.ID)[0].ID
	standing := func() Standing { return s.receivable(in.ID).Goods[1].Standing }
	assert.Equal(t, LotUnknown, standing(), "the buyer's programme has no lot key")
	s.refused(fault.NotPermitted, "a supplier has no say in it")(s.submit(seller("maker"), "receipt:RegisterLotKey", receipt.LotKey{Key: strings.Repeat("5a", 32)}, tradeCircle))
	s.refused(fault.LotKeyConflict)(s.submit(user{msp: buyerMSP, roles: "governor"}, "receipt:RegisterLotKey", receipt.LotKey{Key: strings.Repeat("00", 32)}, tradeCircle))
	s.must(s.submit(user{msp: buyerMSP, roles: "governor"}, "receipt:RegisterLotKey", receipt.LotKey{Key: strings.Repeat("5a", 32)}, tradeCircle))
	assert.Equal(t, LotFree, standing())

	onGoods := financing.Request{ID: opaque("app", 1), Bank: bankMSP, Product: financing.InventoryProduct, Currency: "EUR", AdvanceMinor: 1_000_000, TenorDays: 30,
		Consent: s.consent, Collateral: []financing.Ref{{Kind: financing.Receipt, ID: stored, Circle: goodsCircle}}}
	s.must(s.submit(seller("maker"), "financing:Apply", onGoods, bankDesk, onGoods.ID))
	assert.Equal(t, LotPledged, standing())
	view := decoded[ReceivableView](t, s.must(s.evaluate(seller("maker"), "receivable:Get", in.ID)))
	assert.Empty(t, view.Goods, "what is pledged anywhere is not the seller's to ask")
	s.refused(fault.GoodsPledged, "the goods back an application")(s.apply(2, 1_000_000, root))
	s.must(s.submit(seller("maker"), "receivable:Offer", receivable.Offering{To: bankParty, Recourse: receivable.WithoutRecourse, ConsiderationMinor: 4_900_000}, root))
	s.refused(fault.GoodsPledged, "nor does a bank buy the claim")(s.submit(bank("maker"), "receivable:Accept", nil, root))
	s.must(s.submit(seller("maker"), "receivable:TakeBack", nil, root))
	s.must(s.submit(seller("maker"), "financing:Withdraw", nil, onGoods.ID))

	// The other way round: what was reserved before the goods were is not pledged after them.
	s.must(s.apply(3, 1_000_000, root))
	s.score(3, good)
	require.Equal(t, "approved", s.decide(3).Status)
	onGoods.ID = opaque("app", 4)
	s.must(s.submit(seller("maker"), "financing:Apply", onGoods, bankDesk, onGoods.ID))
	s.refused(fault.GoodsPledged)(s.submit(seller("checker"), "financing:Accept", nil, opaque("app", 3), opaque("lon", 3)))
	s.must(s.submit(seller("maker"), "financing:Withdraw", nil, onGoods.ID))
	s.must(s.submit(seller("checker"), "financing:Accept", nil, opaque("app", 3), opaque("lon", 3)))
}
