package evidence

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/contract"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/network/topology"
)

// house is a consortium in memory with two warehouse programmes: the first is read by supplier host and bank A, the second by
// supplier host and bank B. Both are of the one warehouse, which is as far apart as two warehouses: neither bank reads the
// other's programme.
type house struct {
	*memory.Consortium
	t testing.TB
}

const (
	prgA = "prg-0000000000000000000a"
	prgB = "prg-0000000000000000000b"
)

var lotKey = receipt.LotKey{Key: strings.Repeat("5a", receipt.LotKeyBytes)}

func newHouse(t testing.TB) *house {
	h := &house{memory.New(topology.Default()), t}
	t.Cleanup(h.Close)
	founders := []member.Founder{{MSP: "BuyerMSP", Kind: member.Buyer}, {MSP: "SupplierMSP", Kind: member.Supplier}, {MSP: "BankAMSP", Kind: member.Bank},
		{MSP: "BankBMSP", Kind: member.Bank}, {MSP: "WarehouseMSP", Kind: member.Warehouse}, {MSP: "RegulatorMSP", Kind: member.Regulator}}
	h.must(h.governed("buyer", "gwen", "member:Found", jsonOf(founders)))
	governors := map[string]string{"buyer": "gwen", "supplier": "hana", "bankA": "gina", "bankB": "greta", "warehouse": "gus", "regulator": "reg"}
	for org, user := range governors {
		h.must(h.governed(org, user, "member:Register", jsonOf(member.Registration{Name: org, SealingKey: h.session(org, user).Keyring.Public()})))
	}
	for _, p := range []struct{ id, bank, msp string }{{prgA, "bankA", "BankAMSP"}, {prgB, "bankB", "BankBMSP"}} {
		_, _, err := h.session("warehouse", "gus").Found(t.Context(), p.id, circle.Programme, []string{"SupplierMSP", p.msp}, "")
		h.must(err)
		for _, org := range []string{"warehouse", "supplier", p.bank, "regulator"} {
			_, _, err := h.session(org, governors[org]).Confirm(t.Context(), p.id)
			h.must(err)
		}
		for _, alias := range []string{"acme", "birch"} {
			party := member.Party{ID: memory.PartyID(alias), Host: "SupplierMSP", Name: alias, FingerprintKey: strings.Repeat("ab", 32)}
			h.must(h.call("supplier", "hana", "member:RegisterParty", p.id, party, nil, p.id, party.ID))
		}
		h.must(h.call("warehouse", "gus", "receipt:RegisterLotKey", p.id, lotKey, nil, p.id))
	}
	return h
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (h *house) must(err error) { h.t.Helper(); require.NoError(h.t, err) }

func (h *house) session(org, user string) *consortium.Session {
	s, err := h.Session(org, user)
	h.must(err)
	return s
}

func (h *house) governed(org, user, function string, args ...string) error {
	_, err := h.session(org, user).Submit(h.t.Context(), consortium.Call{Function: function, Args: args, Governed: true}, nil)
	return err
}

func (h *house) call(org, user, function, programme string, input, out any, args ...string) error {
	_, err := h.session(org, user).Submit(h.t.Context(), consortium.Call{Function: function, Args: args, Input: input, Circles: []string{programme}}, out)
	return err
}

func (h *house) ask(org, user, function, programme string, input, out any, args ...string) error {
	return h.session(org, user).Evaluate(h.t.Context(), consortium.Call{Function: function, Args: args, Input: input, Circles: []string{programme}}, out)
}

// devices registers the collector dev and a sensor, both attested by the programme's bank.
func (h *house) devices(programme, org, governor string, sensor receipt.DeviceRegistration) (Signer, []receipt.Device) {
	collector := h.session("warehouse", "dev")
	key, err := CertificateKey(collector.User().CertificatePEM)
	h.must(err)
	id := "dev-c0110000" + programme[len(programme)-1:]
	for _, in := range []receipt.DeviceRegistration{{ID: id, Kind: receipt.Collector, Key: key, InstalledAt: start}, sensor} {
		h.must(h.call("warehouse", "wes", "receipt:RegisterDevice", programme, nil, nil, programme, jsonOf(in)))
		h.must(h.call(org, governor, "receipt:AttestDevice", programme, nil, nil, in.ID))
	}
	var list [2]receipt.Device
	for i, id := range []string{id, sensor.ID} {
		h.must(h.ask("warehouse", "wes", "receipt:Device", programme, nil, &list[i], id))
	}
	return collector.User().Sign, list[:]
}

func sensor(id string, key receipt.PublicKey) receipt.DeviceRegistration {
	return receipt.DeviceRegistration{ID: id, Kind: receipt.Sensor, Key: key, InstalledAt: start, CalibratedUntil: calendar.MustParse("2026-12-31"),
		Measures: []receipt.Measure{{Property: "Temperature", Unit: "CEL", Scale: 1, RangeMin: -400, RangeMax: 850, LimitMin: 20, LimitMax: 80}}}
}

func goods(lot string, value int64) receipt.Goods {
	return receipt.Goods{Class: "cocoa-beans", GTIN: "4012345111118", Lot: lot, Quantity: receipt.Quantity{Value: value, Scale: 3, Unit: "TNE"}}
}

func issuance(id, party string, devices []string, goods ...receipt.Goods) receipt.Issuance {
	return receipt.Issuance{ID: id, Owner: receipt.Holder{MSP: "SupplierMSP", Party: party}, Site: "urn:epc:id:sgln:4012345.00005.0",
		Goods: goods, Devices: devices, StoredOn: calendar.MustParse("2026-01-05"), Declared: &money.Amount{Minor: 4_200_000, Currency: "EUR"}}
}

func (h *house) issue(programme string, in receipt.Issuance) error {
	return h.call("warehouse", "wes", "receipt:Issue", programme, in, nil, programme, in.ID)
}

func TestReceiptWithEvidenceOnTheLedger(t *testing.T) {
	h := newHouse(t)
	h.Ledger.SetNow(start)
	sign, devices := h.devices(prgA, "bankA", "gina", sensor("dev-00000001", ""))
	acme := memory.PartyID("acme")
	require.NoError(t, h.issue(prgA, issuance("rct-00000001", acme, []string{"dev-00000001"}, goods("L-1", 12_500))))

	sim, err := NewSimulator(Profile{Device: devices[1], Start: start, Every: time.Minute, Base: []int64{50}, Noise: []int64{4}}, 1, nil)
	require.NoError(t, err)
	var last Batch
	for round := range 2 {
		h.Ledger.Advance(2 * time.Hour)
		segment, err := sim.Segment(90)
		require.NoError(t, err)
		var head receipt.Head
		require.NoError(t, h.ask("warehouse", "dev", "receipt:Head", prgA, nil, &head, prgA, "dev-00000001"))
		assert.Equal(t, int64(90*round), head.Last)
		last, err = Seal(Header{ID: consortium.NewID("evd"), Programme: prgA, Collector: devices[0].ID, Receipts: []string{"rct-00000001"}},
			[]Segment{segment}, devices, []receipt.Head{head}, h.Ledger.Now(), sign)
		require.NoError(t, err)
		require.NoError(t, h.call("warehouse", "dev", "receipt:AnchorEvidence", prgA, last.Batch, nil, prgA, last.ID))
	}
	again := last.Batch
	again.ID = "evd-00000099"
	forged := Batch{Batch: again}
	require.NoError(t, forged.Sign(sign))
	assert.Equal(t, fault.EvidenceReplayed, fault.CodeOf(h.call("warehouse", "dev", "receipt:AnchorEvidence", prgA, forged.Batch, nil, prgA, forged.ID)))
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(h.call("warehouse", "wes", "receipt:AnchorEvidence", prgA, forged.Batch, nil, prgA, forged.ID)))

	var watch receipt.Watch
	require.NoError(t, h.ask("bankA", "mona", "receipt:Watch", prgA, nil, &watch, "rct-00000001"))
	require.Len(t, watch.Devices, 1)
	assert.Equal(t, int64(180), watch.Devices[0].Readings)
	assert.Equal(t, int64(2), watch.Batches)

	proof, err := last.Prove("dev-00000001", 137)
	require.NoError(t, err)
	var verified contract.Verified
	require.NoError(t, h.ask("bankA", "mona", "receipt:VerifyReading", prgA, proof, &verified, last.ID))
	assert.Equal(t, proof.Reading, verified.Reading)
	proof.Reading.Value++
	assert.Equal(t, fault.EvidenceProofInvalid, fault.CodeOf(h.ask("bankA", "mona", "receipt:VerifyReading", prgA, proof, &verified, last.ID)))

	var got receipt.Receipt
	require.NoError(t, h.ask("supplier", "amy", "receipt:Get", prgA, nil, &got, "rct-00000001"))
	assert.Equal(t, receipt.Stored, got.Status)
	assert.Equal(t, int64(4_200_000), got.Declared.Minor)
	assert.Equal(t, fault.RecordNotFound, fault.CodeOf(h.ask("supplier", "bea", "receipt:Get", prgA, nil, &got, "rct-00000001")), "another SME of the same host")
	for user, want := range map[string]int{"amy": 1, "bea": 0, "hana": 1} {
		var page contract.ReceiptPage
		require.NoError(t, h.ask("supplier", user, "receipt:List", prgA, nil, &page, "10", ""))
		assert.Len(t, page.Receipts, want, user)
	}
	var outside contract.ReceiptPage
	require.NoError(t, h.ask("bankB", "nils", "receipt:List", prgB, nil, &outside, "10", ""))
	assert.Empty(t, outside.Receipts, "a bank that has no key of the programme")
}

func TestTheTampererOnTheLedger(t *testing.T) {
	want := map[Tampering]fault.Code{
		Altered: fault.EvidenceSignatureInvalid, Summary: fault.EvidenceSignatureInvalid, Replayed: fault.EvidenceReplayed,
		Reordered: fault.EvidenceSignatureInvalid, Backdated: fault.EvidenceSignatureInvalid, WrongKey: fault.EvidenceSignatureInvalid,
		Dropped: fault.EvidenceSignatureInvalid, Revoked: fault.DeviceRevoked,
	}
	h := newHouse(t)
	h.Ledger.SetNow(start)
	public, device, err := SignerOf(SeededKey("dev-00000001"))
	require.NoError(t, err)
	_, other, err := SignerOf(SeededKey("somebody else"))
	require.NoError(t, err)
	sign, devices := h.devices(prgA, "bankA", "gina", sensor("dev-00000001", public))
	require.NoError(t, h.issue(prgA, issuance("rct-00000001", memory.PartyID("acme"), []string{"dev-00000001"}, goods("L-1", 12_500))))
	h.Ledger.Advance(12 * time.Hour)
	sim, err := NewSimulator(Profile{Device: devices[1], Start: start, Every: time.Minute, Base: []int64{50}, Noise: []int64{4},
		Excursions: []Excursion{{After: 130 * time.Minute, For: 10 * time.Minute, Offset: 90}}}, 1, device)
	require.NoError(t, err)
	first, err := sim.Segment(100)
	require.NoError(t, err)
	second, err := sim.Segment(100)
	require.NoError(t, err)
	anchor := func(id string, s Segment, heads ...receipt.Head) error {
		b, err := Seal(Header{ID: id, Programme: prgA, Collector: devices[0].ID, Receipts: []string{"rct-00000001"}}, []Segment{s}, devices, heads, h.Ledger.Now(), sign)
		require.NoError(t, err)
		return h.call("warehouse", "dev", "receipt:AnchorEvidence", prgA, b.Batch, nil, prgA, id)
	}
	require.NoError(t, anchor("evd-00000001", first))
	head := receipt.Head{Device: "dev-00000001", Last: first.Last}
	for i, kind := range Tamperings() {
		honest, heads := second, []receipt.Head{head}
		switch kind {
		case Replayed:
			honest, heads = first, nil
		case Revoked:
			require.NoError(t, h.call("bankA", "gina", "receipt:RevokeDevice", prgA, nil, nil, "dev-00000001", second.From.Format(time.RFC3339)))
		}
		forged, err := Tamper(kind, devices[1], honest, other)
		require.NoError(t, err)
		assert.Equal(t, want[kind], fault.CodeOf(anchor("evd-0000001"+string(rune('0'+i)), forged, heads...)), kind)
	}
}

func TestLotIsUnderOneLiveReceiptInTwoProgrammes(t *testing.T) {
	h := newHouse(t)
	acme, birch := memory.PartyID("acme"), memory.PartyID("birch")
	require.NoError(t, h.issue(prgA, issuance("rct-00000001", acme, nil, goods("L-1", 12_500))))
	assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(h.issue(prgA, issuance("rct-00000002", birch, nil, goods("l-1", 9)))), "same programme, other case")
	assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(h.issue(prgB, issuance("rct-00000002", birch, nil, goods("L-1", 9)))), "other programme")
	described := goods("L-1", 9)
	described.GTIN = "04012345111118"
	assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(h.issue(prgB, issuance("rct-00000002", birch, nil, described))), "the GTIN in 14 digits")
	assert.Equal(t, fault.LotKeyConflict, fault.CodeOf(h.call("warehouse", "gus", "receipt:RegisterLotKey", prgB,
		receipt.LotKey{Key: strings.Repeat("00", receipt.LotKeyBytes)}, nil, prgB)))

	// Split, pass on a part, deliver both: only then the lot is free again.
	division := receipt.Division{Parts: []receipt.Part{{ID: "rct-00000011", Values: []int64{5_000}}, {ID: "rct-00000012", Values: []int64{7_500}}}}
	var parts []contract.ReceiptStatus
	require.NoError(t, h.call("supplier", "amy", "receipt:Split", prgA, division, &parts, "rct-00000001"))
	require.Len(t, parts, 2)
	require.NoError(t, h.call("supplier", "amy", "receipt:Offer", prgA, receipt.Holder{MSP: "SupplierMSP", Party: birch}, nil, "rct-00000011"))
	assert.Equal(t, fault.ReceiptNotHeld, fault.CodeOf(h.call("supplier", "amy", "receipt:Accept", prgA, nil, nil, "rct-00000011")))
	require.NoError(t, h.call("supplier", "bea", "receipt:Accept", prgA, nil, nil, "rct-00000011"))
	assert.Equal(t, fault.ReceiptNotHeld, fault.CodeOf(h.call("supplier", "amy", "receipt:Request", prgA, nil, nil, "rct-00000011")))
	assert.Equal(t, fault.ReceiptTransferred, fault.CodeOf(h.call("warehouse", "wes", "receipt:Cancel", prgA, nil, nil, "rct-00000011")))
	for i, user := range []string{"bea", "amy"} {
		id := []string{"rct-00000011", "rct-00000012"}[i]
		assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(h.issue(prgB, issuance("rct-00000002", birch, nil, goods("L-1", 9)))))
		require.NoError(t, h.call("supplier", user, "receipt:Request", prgA, nil, nil, id))
		require.NoError(t, h.call("warehouse", "wes", "receipt:Deliver", prgA, nil, nil, id))
	}
	require.NoError(t, h.issue(prgB, issuance("rct-00000002", birch, nil, goods("L-1", 9))))
	assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(h.issue(prgA, issuance("rct-00000003", acme, nil, goods("L-1", 12_500)))), "and now the other way round")
}

func TestDeviceIsAttestedByAnotherOrganisation(t *testing.T) {
	h := newHouse(t)
	in := sensor("dev-00000001", "")
	require.NoError(t, h.call("warehouse", "wes", "receipt:RegisterDevice", prgA, nil, nil, prgA, jsonOf(in)))
	assert.Equal(t, fault.DeviceSelfAttested, fault.CodeOf(h.call("warehouse", "gus", "receipt:AttestDevice", prgA, nil, nil, in.ID)))
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(h.call("bankA", "mona", "receipt:AttestDevice", prgA, nil, nil, in.ID)), "a maker")
	require.NoError(t, h.call("bankA", "gina", "receipt:AttestDevice", prgA, nil, nil, in.ID))
	assert.Equal(t, fault.DeviceUnknown, fault.CodeOf(h.issue(prgA, issuance("rct-00000001", memory.PartyID("acme"), []string{"dev-00000002"}, goods("L-1", 9)))))
}
