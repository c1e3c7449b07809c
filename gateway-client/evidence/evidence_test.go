package evidence

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
)

const (
	programme = "prg-0123456789abcdef0123"
	operator  = "WarehouseMSP"
)

var start = time.Date(2026, time.March, 2, 6, 0, 0, 0, time.UTC)

// world is an operator with a collector and sensors, as the ledger would hold them.
type world struct {
	collector receipt.Device
	sign      Signer
	devices   []receipt.Device
	signers   []Signer
	heads     []receipt.Head
}

func newWorld(t testing.TB, sensors int, keyed bool) *world {
	t.Helper()
	w := &world{}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	var public receipt.PublicKey
	public, w.sign, err = SignerOf(key)
	require.NoError(t, err)
	w.collector = attested(t, receipt.DeviceRegistration{ID: "dev-c0110000", Kind: receipt.Collector, Key: public, InstalledAt: start.Add(-time.Hour)})
	for i := range sensors {
		id := fmt.Sprintf("dev-%08x", i+1)
		in := receipt.DeviceRegistration{ID: id, Kind: receipt.Sensor, InstalledAt: start.Add(-time.Hour), CalibratedUntil: calendar.MustParse("2026-12-31"),
			Measures: []receipt.Measure{
				{Property: "RelativeHumidity", Unit: "P1", Scale: 1, RangeMin: 0, RangeMax: 1000, LimitMin: 300, LimitMax: 700},
				{Property: "Temperature", Unit: "CEL", Scale: 2, RangeMin: -4000, RangeMax: 8500, LimitMin: 200, LimitMax: 800}}}
		var sign Signer
		if keyed {
			in.Key, sign, err = SignerOf(SeededKey(id))
			require.NoError(t, err)
		}
		w.devices, w.signers, w.heads = append(w.devices, attested(t, in)), append(w.signers, sign), append(w.heads, receipt.Head{})
	}
	return w
}

func attested(t testing.TB, in receipt.DeviceRegistration) receipt.Device {
	d, err := receipt.NewDevice(member.Actor{MSP: operator}, in)
	require.NoError(t, err)
	d, err = d.Attest(member.Actor{MSP: "BankAMSP"}, start)
	require.NoError(t, err)
	return d
}

func (w *world) simulator(t testing.TB, i int, p Profile) *Simulator {
	p.Device, p.Start = w.devices[i], start
	if p.Every == 0 {
		p.Every = time.Minute
	}
	p.Base, p.Swing, p.Noise = []int64{500, 500}, []int64{50, 100}, []int64{10, 30}
	s, err := NewSimulator(p, uint64(i)+7, w.signers[i])
	require.NoError(t, err)
	return s
}

func (w *world) seal(t testing.TB, id string, at time.Time, segments ...Segment) Batch {
	t.Helper()
	b, err := Seal(Header{ID: id, Programme: programme, Collector: w.collector.ID, Receipts: []string{"rct-00000001"}}, segments, w.devices, w.heads, at, w.sign)
	require.NoError(t, err)
	return b
}

// check is what the ledger does with a batch; JSON and back first, as the batch travels.
func (w *world) check(t testing.TB, b receipt.Batch, now time.Time) error {
	t.Helper()
	raw, err := json.Marshal(b)
	require.NoError(t, err)
	var sent receipt.Batch
	require.NoError(t, json.Unmarshal(raw, &sent))
	var devices []receipt.Device
	var heads []receipt.Head
	for _, s := range sent.Segments {
		d, h := receipt.Device{}, receipt.Head{}
		for i := range w.devices {
			if w.devices[i].ID == s.Device {
				d, h = w.devices[i], w.heads[i]
			}
		}
		devices, heads = append(devices, d), append(heads, h)
	}
	next, err := sent.Check(operator, w.collector, devices, heads, now)
	if err != nil {
		return err
	}
	for _, h := range next {
		for i := range w.devices {
			if w.devices[i].ID == h.Device {
				w.heads[i] = h
			}
		}
	}
	return nil
}

func TestHonestBatchesAreTakenOneAfterTheOther(t *testing.T) {
	for _, keyed := range []bool{true, false} {
		w := newWorld(t, 3, keyed)
		sims := []*Simulator{w.simulator(t, 0, Profile{}), w.simulator(t, 1, Profile{Dropout: 50_000}),
			w.simulator(t, 2, Profile{SignEach: keyed, Excursions: []Excursion{{After: 30 * time.Minute, For: 10 * time.Minute, Offset: 900}}})}
		for round := range 4 {
			var segments []Segment
			for _, s := range sims {
				segment, err := s.Segment(101)
				require.NoError(t, err)
				segments = append(segments, segment)
			}
			b := w.seal(t, fmt.Sprintf("evd-%08x", round), start.Add(24*time.Hour), segments...)
			require.NoError(t, w.check(t, b.Batch, start.Add(24*time.Hour)), "keyed %v round %d", keyed, round)
			assert.Equal(t, int64(303), b.Count())
		}
		assert.Greater(t, w.heads[1].Last, int64(404), "dropouts use up sequences")
	}
}

func TestExcursionsAreCountedAndTimed(t *testing.T) {
	w := newWorld(t, 1, true)
	s := w.simulator(t, 0, Profile{Excursions: []Excursion{{After: 30 * time.Minute, For: 10 * time.Minute, Offset: 450}}})
	segment, err := s.Segment(120)
	require.NoError(t, err)
	require.Len(t, segment.Summaries, 2)
	for _, p := range segment.Summaries {
		assert.Equal(t, int64(10), p.Excursions, p.Property)
		assert.Equal(t, int64(600), p.ExcursionSeconds, p.Property)
		assert.Equal(t, int64(60), p.Count)
	}
}

func TestTheTampererNeverGetsABatchAccepted(t *testing.T) {
	for _, each := range []bool{false, true} {
		for _, kind := range Tamperings() {
			t.Run(fmt.Sprintf("%s/each=%v", kind, each), func(t *testing.T) { tampered(t, kind, each) })
		}
	}
}

// refusals says how the ledger refuses each tampering; each is for devices that sign every reading.
func refusals(each bool) map[Tampering]fault.Code {
	codes := map[Tampering]fault.Code{Replayed: fault.EvidenceReplayed, Revoked: fault.DeviceRevoked}
	for _, kind := range []Tampering{Altered, Summary, Reordered, Backdated, WrongKey, Dropped} {
		codes[kind] = fault.EvidenceSignatureInvalid
	}
	if each {
		codes[Summary], codes[Dropped] = fault.EvidenceSummaryWrong, fault.EvidenceSummaryWrong
	}
	return codes
}

func tampered(t *testing.T, kind Tampering, each bool) {
	_, other, err := SignerOf(SeededKey("somebody else"))
	require.NoError(t, err)
	now := start.Add(24 * time.Hour)
	w := newWorld(t, 1, true)
	s := w.simulator(t, 0, Profile{SignEach: each, Excursions: []Excursion{{After: 55 * time.Minute, For: 5 * time.Minute, Offset: 450}}})
	first, err := s.Segment(100)
	require.NoError(t, err)
	second, err := s.Segment(100)
	require.NoError(t, err)
	batch := w.seal(t, "evd-00000001", now, first)
	require.NoError(t, w.check(t, batch.Batch, now))
	anchored := receipt.Head{Device: w.devices[0].ID, Last: first.Last, At: first.To, Batch: "evd-00000001"}

	honest := second
	if kind == Replayed {
		honest = first
		w.heads[0] = receipt.Head{} // a tamperer's own client does not refuse to seal it
	}
	forged, err := Tamper(kind, w.devices[0], honest, other)
	require.NoError(t, err)
	forgedBatch := w.seal(t, "evd-00000002", now, forged)
	w.heads[0] = anchored
	if kind == Revoked {
		w.devices[0], err = w.devices[0].Revoke(member.Actor{MSP: operator}, second.From, now)
		require.NoError(t, err)
	}
	assert.Equal(t, refusals(each)[kind], fault.CodeOf(w.check(t, forgedBatch.Batch, now)))
	if kind == Revoked {
		return
	}
	w.heads[0] = anchored
	b := w.seal(t, "evd-00000003", now, second)
	assert.NoError(t, w.check(t, b.Batch, now), "the honest segment is taken still")
}

// A collector that leaves the readings out, or brings those of a device without a key, is refused; so are too many.
func TestReadingsThatComeAlong(t *testing.T) {
	now := start.Add(24 * time.Hour)
	w := newWorld(t, 1, true)
	segment, err := w.simulator(t, 0, Profile{SignEach: true}).Segment(50)
	require.NoError(t, err)
	b := w.seal(t, "evd-00000001", now, segment)
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(w.check(t, b.Kept(), now)), "the readings are left out")
	proof, err := b.Prove(segment.Device, 7)
	require.NoError(t, err)
	require.NoError(t, proof.Verify(b.Kept()), "what is kept proves every reading")
	unsigned := b.Batch
	unsigned.Segments = append([]receipt.Segment{}, b.Batch.Segments...)
	unsigned.Segments[0].Readings = append([]receipt.Reading{}, b.Segments[0].Readings...)
	unsigned.Segments[0].Readings[49].Signature = nil
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(w.check(t, unsigned, now)), "one reading is not signed")
	w.devices[0].Key = ""
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(w.check(t, b.Batch, now)), "the device has no key")

	w = newWorld(t, 1, true)
	long, err := w.simulator(t, 0, Profile{SignEach: true}).Segment(receipt.MaxSignedReadings + 1)
	require.NoError(t, err)
	_, err = Seal(Header{ID: "evd-00000001", Programme: programme, Collector: w.collector.ID, Receipts: []string{"rct-00000001"}},
		[]Segment{long}, w.devices, w.heads, now, w.sign)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
}

// What a signing device reports in EPCIS keeps its own sequence and signature on the way to the ledger.
func TestSignedReadingsThroughEPCIS(t *testing.T) {
	now := start.Add(24 * time.Hour)
	w := newWorld(t, 1, true)
	const identifier = "urn:epc:id:giai:9520001.SIG-1"
	w.devices[0].ID = DeviceID(identifier)
	sim := w.simulator(t, 0, Profile{SignEach: true, Dropout: 50_000})
	var readings []receipt.Reading
	for range 60 {
		r, err := sim.Next()
		require.NoError(t, err)
		readings = append(readings, r)
	}
	place := Place{Identifiers: map[string]string{w.devices[0].ID: identifier}, ReadPoint: "urn:epc:id:sgln:9520001.00071.hallB"}
	var file bytes.Buffer
	require.NoError(t, WriteEPCIS(&file, place, readings))
	read := func(text string) ([]Segment, error) {
		events, err := epcis.Parse(strings.NewReader(text))
		require.NoError(t, err)
		segments, _, err := FromEvents(events, w.devices, w.heads)
		return segments, err
	}
	segments, err := read(file.String())
	require.NoError(t, err)
	assert.Equal(t, readings, segments[0].Readings)
	require.NoError(t, w.check(t, w.seal(t, "evd-00000001", now, segments...).Batch, now))

	value := `"value": ` + string(decimal(readings[9].Value, readings[9].Scale)) + ","
	_, err = read(strings.Replace(file.String(), value, `"value": 3.33,`, 1))
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(err), "a value that was changed in the file")
	_, err = read(strings.Replace(file.String(), epcis.Namespace, "urn:example:", 1))
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(err), "without its signatures the device is not believed")
	w.devices[0].Key = ""
	_, err = read(file.String())
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(err), "nobody can check the signatures")
}

// Without device signatures the collector is trusted with the readings, and still cannot rewrite what is anchored.
func TestCollectorWithoutDeviceSignatures(t *testing.T) {
	now := start.Add(24 * time.Hour)
	next := func(t *testing.T) (*world, Segment, Segment) {
		w := newWorld(t, 1, false)
		s := w.simulator(t, 0, Profile{})
		first, err := s.Segment(100)
		require.NoError(t, err)
		second, err := s.Segment(100)
		require.NoError(t, err)
		require.NoError(t, w.check(t, w.seal(t, "evd-00000001", now, first).Batch, now))
		return w, first, second
	}
	t.Run("back-dated", func(t *testing.T) {
		w, _, second := next(t)
		forged, err := Tamper(Backdated, w.devices[0], second, nil)
		require.NoError(t, err)
		assert.Equal(t, fault.EvidenceBackdated, fault.CodeOf(w.check(t, w.seal(t, "evd-00000002", now, forged).Batch, now)))
	})
	t.Run("replayed", func(t *testing.T) {
		w, first, _ := next(t)
		_, err := Seal(Header{ID: "evd-00000002", Programme: programme, Collector: w.collector.ID, Receipts: []string{"rct-00000001"}},
			[]Segment{first}, w.devices, w.heads, now, w.sign)
		assert.Equal(t, fault.EvidenceReplayed, fault.CodeOf(err), "the client refuses before it sends")
	})
	t.Run("signed by another collector", func(t *testing.T) {
		w, _, second := next(t)
		b := w.seal(t, "evd-00000002", now, second)
		_, other, err := SignerOf(SeededKey("another collector"))
		require.NoError(t, err)
		require.NoError(t, b.Sign(other))
		assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(w.check(t, b.Batch, now)))
	})
	t.Run("root of other segments", func(t *testing.T) {
		w, _, second := next(t)
		b := w.seal(t, "evd-00000002", now, second)
		b.Batch.Segments[0].SilenceSeconds--
		assert.Equal(t, fault.EvidenceRootMismatch, fault.CodeOf(w.check(t, b.Batch, now)))
	})
	t.Run("lost readings that are not declared", func(t *testing.T) {
		w, _, second := next(t)
		rec := NewRecorder(w.devices[0])
		for _, r := range second.Readings[5:] {
			require.NoError(t, rec.Add(r))
		}
		short, err := rec.Close(nil)
		require.NoError(t, err)
		b := w.seal(t, "evd-00000002", now, short)
		assert.Equal(t, int64(5), b.Batch.Segments[0].Lost, "the client declares them")
		b.Batch.Segments[0].Lost = 0
		require.NoError(t, b.Sign(w.sign))
		assert.Equal(t, fault.EvidenceSequenceGap, fault.CodeOf(w.check(t, b.Batch, now)))
	})
	t.Run("from the future", func(t *testing.T) {
		w, _, second := next(t)
		b := w.seal(t, "evd-00000002", start, second)
		assert.Equal(t, fault.EvidenceFromFuture, fault.CodeOf(w.check(t, b.Batch, start)))
	})
	t.Run("calibration is over", func(t *testing.T) {
		w, _, second := next(t)
		w.devices[0].CalibratedUntil = calendar.MustParse("2026-03-01")
		assert.Equal(t, fault.DeviceCalibrationExpired, fault.CodeOf(w.check(t, w.seal(t, "evd-00000002", now, second).Batch, now)))
	})
	t.Run("device of another operator", func(t *testing.T) {
		w, _, second := next(t)
		w.devices[0].Operator = "OtherMSP"
		assert.Equal(t, fault.DeviceUnknown, fault.CodeOf(w.check(t, w.seal(t, "evd-00000002", now, second).Batch, now)))
	})
	t.Run("never attested", func(t *testing.T) {
		w, _, second := next(t)
		w.devices[0].AttestedBy = ""
		assert.Equal(t, fault.DeviceNotAttested, fault.CodeOf(w.check(t, w.seal(t, "evd-00000002", now, second).Batch, now)))
	})
}

func TestEveryReadingCanBeProvedAndNoOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, 2, rapid.Bool().Draw(rt, "keyed"))
		n := rapid.IntRange(1, 70).Draw(rt, "n")
		var segments []Segment
		for i := range w.devices {
			s, err := w.simulator(t, i, Profile{Dropout: 100_000}).Segment(n)
			require.NoError(rt, err)
			segments = append(segments, s)
		}
		b := w.seal(t, "evd-00000001", start.Add(time.Hour), segments...)
		pick := rapid.SampledFrom(segments).Draw(rt, "segment")
		reading := rapid.SampledFrom(pick.Readings).Draw(rt, "reading")
		p, err := b.Prove(reading.Device, reading.Sequence)
		require.NoError(rt, err)
		require.NoError(rt, p.Verify(b.Batch))

		forged := p
		switch rapid.IntRange(0, 3).Draw(rt, "forgery") {
		case 0:
			forged.Reading.Value++
		case 1:
			forged.Segment = 1 - forged.Segment
		case 2:
			forged.Index++
		case 3:
			forged.Path = append(append([]receipt.Hash{}, p.Path...), receipt.HashOf(make([]byte, receipt.HashBytes)))
		}
		assert.Equal(rt, fault.EvidenceProofInvalid, fault.CodeOf(forged.Verify(b.Batch)))
	})
}

func TestCollectorChecksWhatDevicesSend(t *testing.T) {
	w := newWorld(t, 1, true)
	s, err := w.simulator(t, 0, Profile{SignEach: true, Dropout: 50_000}).Segment(40)
	require.NoError(t, err)
	s.Segment.Readings = nil // this device signs the segment, too
	s.Signature, err = w.signers[0](s.Statement())
	require.NoError(t, err)
	got, err := Receive(w.devices[0], s.Segment, s.Readings)
	require.NoError(t, err)
	assert.Equal(t, s.Segment, got.Segment)

	_, err = Receive(w.devices[0], s.Segment, s.Readings[1:])
	assert.Equal(t, fault.EvidenceRootMismatch, fault.CodeOf(err))
	forged := s.Segment
	forged.SilenceSeconds++
	_, err = Receive(w.devices[0], forged, s.Readings)
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(err))
	forged.Signature, err = w.signers[0](forged.Statement())
	require.NoError(t, err)
	_, err = Receive(w.devices[0], forged, s.Readings)
	assert.Equal(t, fault.EvidenceSummaryWrong, fault.CodeOf(err), "a device that lies about its own readings")
	altered := append([]receipt.Reading{}, s.Readings...)
	altered[3].Value++
	_, err = Receive(w.devices[0], s.Segment, altered)
	assert.Equal(t, fault.EvidenceSignatureInvalid, fault.CodeOf(err), "the reading's own signature gives it away first")
}

func TestSimulatorIsSeeded(t *testing.T) {
	w := newWorld(t, 1, false)
	a, err := w.simulator(t, 0, Profile{Dropout: 10_000}).Segment(500)
	require.NoError(t, err)
	b, err := w.simulator(t, 0, Profile{Dropout: 10_000}).Segment(500)
	require.NoError(t, err)
	assert.Equal(t, a.Segment, b.Segment)
}

func TestRecorderRefuses(t *testing.T) {
	w := newWorld(t, 1, true)
	good := receipt.Reading{Device: w.devices[0].ID, Sequence: 5, At: start, Property: "Temperature", Unit: "CEL", Scale: 2, Value: 400}
	for name, c := range map[string]struct {
		change func(*receipt.Reading)
		code   fault.Code
	}{
		"other device":     {func(r *receipt.Reading) { r.Device = "dev-99999999" }, fault.DeviceUnknown},
		"other unit":       {func(r *receipt.Reading) { r.Unit = "FAH" }, fault.EvidenceSummaryWrong},
		"other scale":      {func(r *receipt.Reading) { r.Scale = 1 }, fault.EvidenceSummaryWrong},
		"other property":   {func(r *receipt.Reading) { r.Property = "Illuminance" }, fault.EvidenceSummaryWrong},
		"beyond the range": {func(r *receipt.Reading) { r.Value = 8501 }, fault.EvidenceSummaryWrong},
		"same sequence":    {func(r *receipt.Reading) { r.Sequence = 5 }, fault.EvidenceReplayed},
		"earlier":          {func(r *receipt.Reading) { r.At = start.Add(-time.Second) }, fault.EvidenceBackdated},
		"not in UTC":       {func(r *receipt.Reading) { r.At = r.At.In(time.FixedZone("", 3600)) }, fault.InputInvalid},
		"wrong signature":  {func(r *receipt.Reading) { r.Signature = make([]byte, 64) }, fault.EvidenceSignatureInvalid},
	} {
		rec := NewRecorder(w.devices[0])
		require.NoError(t, rec.Add(good))
		next := good
		next.Sequence++
		c.change(&next)
		assert.Equal(t, c.code, fault.CodeOf(rec.Add(next)), name)
		assert.Equal(t, 1, rec.Count(), name)
	}
}

// BenchmarkMillionReadings reports what a million readings cost: transactions, and bytes of sealed input, for ten devices
// that sign their segments.
func BenchmarkMillionReadings(b *testing.B) {
	for b.Loop() {
		w := newWorld(b, 10, true)
		transactions, bytes := 0, 0
		var sims []*Simulator
		for i := range w.devices {
			sims = append(sims, w.simulator(b, i, Profile{Every: 2 * time.Second}))
		}
		var segments []Segment
		for _, s := range sims {
			segment, err := s.Segment(100_000)
			require.NoError(b, err)
			segments = append(segments, segment)
		}
		batch := w.seal(b, "evd-00000001", start.Add(48*time.Hour), segments...)
		require.NoError(b, w.check(b, batch.Batch, start.Add(48*time.Hour)))
		raw, err := json.Marshal(batch.Batch)
		require.NoError(b, err)
		transactions, bytes = transactions+1, bytes+len(raw)
		b.ReportMetric(float64(transactions), "transactions/Mreading")
		b.ReportMetric(float64(bytes), "bytes/Mreading")
	}
}
