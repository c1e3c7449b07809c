package evidence

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
)

// TestOutsiderLearnsNothingOfGoods reads everything that reached a bank outside of the programme: blocks with arguments, write
// sets, events and responses, and what its peer was asked.
func TestOutsiderLearnsNothingOfGoods(t *testing.T) {
	h := newHouse(t)
	h.Ledger.SetNow(start)
	sign, devices := h.devices(prgA, "bankA", "gina", sensor("dev-00000001", ""))
	secret := goods("LOT-KAKAO-4711", 12_500)
	secret.Grade = "Grade-I-fermented"
	in := issuance("rct-00000001", memory.PartyID("acme"), []string{"dev-00000001"}, secret)
	in.Site = "urn:epc:id:sgln:4012345.00005.hall-B"
	require.NoError(t, h.issue(prgA, in))
	sim, err := NewSimulator(Profile{Device: devices[1], Start: start, Every: time.Minute, Base: []int64{50}, Noise: []int64{4}}, 1, nil)
	require.NoError(t, err)
	h.Ledger.Advance(2 * time.Hour)
	segment, err := sim.Segment(90)
	require.NoError(t, err)
	b, err := Seal(Header{ID: "evd-00000001", Programme: prgA, Collector: devices[0].ID, Receipts: []string{"rct-00000001"}}, []Segment{segment}, devices, nil, h.Ledger.Now(), sign)
	require.NoError(t, err)
	_, err = Submit(t.Context(), h.session("warehouse", "dev"), b)
	require.NoError(t, err)
	require.NoError(t, h.call("supplier", "amy", "receipt:Split", prgA, receipt.Division{Parts: []receipt.Part{{ID: "rct-00000011", Values: []int64{2_500}}, {ID: "rct-00000012", Values: []int64{10_000}}}}, nil, "rct-00000001"))
	require.NoError(t, h.call("supplier", "amy", "receipt:Offer", prgA, receipt.Holder{MSP: "SupplierMSP", Party: memory.PartyID("birch")}, nil, "rct-00000011"))

	var got receipt.Receipt
	err = h.ask("bankB", "nils", "receipt:Get", prgA, nil, &got, "rct-00000011")
	assert.Contains(t, []fault.Code{fault.RecordNotFound, fault.KeyMissing}, fault.CodeOf(err), "it has no key: %v", err)

	secrets := []string{secret.Lot, secret.GTIN, secret.Class, secret.Grade, in.Site, "4200000", string(b.Root), string(segment.Root), `"min"`}
	seen := h.Ledger.SeenBy("BankBMSP")
	require.NotEmpty(t, seen)
	public := 0
	for _, raw := range seen {
		for _, s := range secrets {
			assert.False(t, bytes.Contains(raw, []byte(s)), "bank B saw %q", s)
		}
		if bytes.Contains(raw, []byte("rct-00000011")) {
			public++
		}
	}
	assert.Positive(t, public, "the search would find what is there")
	found := 0
	for _, raw := range h.Ledger.SeenBy("WarehouseMSP") {
		if bytes.Contains(raw, []byte(secret.Lot)) {
			found++
		}
	}
	assert.Positive(t, found, "an endorser of the programme does see it, in transient data")
}

// BenchmarkMillionReadingsOnTheLedger anchors a million readings of ten devices that sign, a day of one reading every 0.86
// seconds each, and reports what stands in the block afterwards.
func BenchmarkMillionReadingsOnTheLedger(b *testing.B) {
	h := newHouse(b)
	h.Ledger.SetNow(start)
	var registered []receipt.Device
	var ids []string
	var sims []*Simulator
	var sign Signer
	for i := range 10 {
		id := "dev-0000000" + string(rune('0'+i))
		public, key, err := SignerOf(SeededKey(id))
		require.NoError(b, err)
		if i == 0 {
			var pair []receipt.Device
			sign, pair = h.devices(prgA, "bankA", "gina", sensor(id, public))
			registered = append(registered, pair...)
		} else {
			in := sensor(id, public)
			require.NoError(b, h.call("warehouse", "wes", "receipt:RegisterDevice", prgA, nil, nil, prgA, jsonOf(in)))
			require.NoError(b, h.call("bankA", "gina", "receipt:AttestDevice", prgA, nil, nil, id))
			var d receipt.Device
			require.NoError(b, h.ask("warehouse", "wes", "receipt:Device", prgA, nil, &d, id))
			registered = append(registered, d)
		}
		sim, err := NewSimulator(Profile{Device: registered[i+1], Start: start, Every: 864 * time.Millisecond, Base: []int64{50}, Noise: []int64{4}}, uint64(i), key)
		require.NoError(b, err)
		sims, ids = append(sims, sim), append(ids, id)
	}
	require.NoError(b, h.issue(prgA, issuance("rct-00000001", memory.PartyID("acme"), ids, goods("L-1", 12_500))))
	h.Ledger.Advance(24 * time.Hour)
	b.ResetTimer()
	for b.Loop() {
		var segments []Segment
		for _, s := range sims {
			segment, err := s.Segment(100_000)
			require.NoError(b, err)
			segments = append(segments, segment)
		}
		heads := make([]receipt.Head, 0, len(ids))
		for _, s := range segments {
			heads = append(heads, receipt.Head{Device: s.Device, Last: s.First - 1})
		}
		batch, err := Seal(Header{ID: consortium.NewID("evd"), Programme: prgA, Collector: registered[0].ID, Receipts: []string{"rct-00000001"}}, segments, registered, heads, h.Ledger.Now(), sign)
		require.NoError(b, err)
		input, err := json.Marshal(batch.Batch)
		require.NoError(b, err)
		done, err := Submit(b.Context(), h.session("warehouse", "dev"), batch)
		require.NoError(b, err)
		size := 0
		for _, envelope := range h.Ledger.Block(done.Block).GetData().GetData() {
			size += len(envelope)
		}
		b.ReportMetric(1, "transactions/Mreading")
		b.ReportMetric(float64(len(input)), "input-bytes/Mreading")
		b.ReportMetric(float64(size), "block-bytes/Mreading")
		h.Ledger.Advance(24 * time.Hour)
	}
}
