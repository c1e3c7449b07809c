package evidence

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
	"github.com/tallystick/tallystick/gateway-client/memory"
)

func events(t testing.TB, path string) []epcis.Event {
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	list, err := epcis.Parse(bytes.NewReader(raw))
	require.NoError(t, err)
	return list
}

func hallSensor(identifier string) receipt.DeviceRegistration {
	return receipt.DeviceRegistration{ID: DeviceID(identifier), Kind: receipt.Sensor, InstalledAt: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC),
		CalibratedUntil: calendar.MustParse("2026-12-31"), Measures: []receipt.Measure{
			{Property: "RelativeHumidity", Unit: "P1", Scale: 1, RangeMin: 0, RangeMax: 1000, LimitMin: 0, LimitMax: 650},
			{Property: "Temperature", Unit: "CEL", Scale: 1, RangeMin: -400, RangeMax: 850, LimitMin: 50, LimitMax: 250}}}
}

// The main job: the operator's collector anchors an EPCIS file, without any device that can sign.
func TestEPCISFileIsAnchored(t *testing.T) {
	h := newHouse(t)
	h.Ledger.SetNow(time.Date(2026, 1, 14, 8, 0, 0, 0, time.UTC))
	file := events(t, "../../testdata/epcis/lot-8841-in-range.jsonld")
	identifiers := DevicesIn(file)
	require.NotEmpty(t, identifiers)
	var ids []string
	for i, identifier := range identifiers {
		in := hallSensor(identifier)
		ids = append(ids, in.ID)
		if i == 0 {
			collector := h.session("warehouse", "dev")
			key, err := CertificateKey(collector.User().CertificatePEM)
			require.NoError(t, err)
			c := receipt.DeviceRegistration{ID: "dev-c0110000", Kind: receipt.Collector, Key: key, InstalledAt: in.InstalledAt}
			require.NoError(t, h.call("warehouse", "wes", "receipt:RegisterDevice", prgA, nil, nil, prgA, jsonOf(c)))
			require.NoError(t, h.call("bankA", "gina", "receipt:AttestDevice", prgA, nil, nil, c.ID))
		}
		require.NoError(t, h.call("warehouse", "wes", "receipt:RegisterDevice", prgA, nil, nil, prgA, jsonOf(in)))
		require.NoError(t, h.call("bankA", "gina", "receipt:AttestDevice", prgA, nil, nil, in.ID))
	}
	require.NoError(t, h.issue(prgA, issuance("rct-00000001", memory.PartyID("acme"), ids, goods("L-1", 8000))))

	header := Header{Programme: prgA, Collector: "dev-c0110000", Receipts: []string{"rct-00000001"}}
	keep := Archive{t.TempDir()}
	b, _, err := Anchor(t.Context(), h.session("warehouse", "dev"), keep, header, file, h.Ledger.Now())
	require.NoError(t, err)
	var anchored receipt.Batch
	require.NoError(t, h.ask("bankA", "mona", "receipt:Evidence", prgA, nil, &anchored, b.ID))
	assert.Equal(t, b.Batch, anchored)
	kept, err := keep.Load(b.ID)
	require.NoError(t, err)
	proof, err := kept.Prove(kept.Segments[0].Device, 3)
	require.NoError(t, err)
	require.NoError(t, h.ask("bankA", "mona", "receipt:VerifyReading", prgA, proof, nil, b.ID))
	for _, s := range anchored.Segments {
		for _, p := range s.Summaries {
			assert.Zero(t, p.Excursions, p.Property)
		}
	}
	_, _, err = Anchor(t.Context(), h.session("warehouse", "dev"), Archive{}, header, file, h.Ledger.Now())
	assert.Equal(t, fault.EvidenceBackdated, fault.CodeOf(err), "the same file again: its readings get new sequences and old instants")

	h.Ledger.Advance(48 * time.Hour)
	excursion, _, err := Anchor(t.Context(), h.session("warehouse", "dev"), Archive{}, header, events(t, "../../testdata/epcis/lot-8841-excursion.jsonld"), h.Ledger.Now())
	require.NoError(t, err)
	var found int64
	for _, s := range excursion.Batch.Segments {
		for _, p := range s.Summaries {
			found += p.Excursions
		}
	}
	assert.Positive(t, found)
}

func TestStandardsExamplesBecomeReadings(t *testing.T) {
	dir := "../../../shared/data/epcis/gs1/WithSensorData"
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonld"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("no " + dir + ": the EPCIS standard's examples are not here")
	}
	some := 0
	for _, file := range files {
		list := events(t, file)
		var devices []receipt.Device
		for _, identifier := range DevicesIn(list) {
			d, err := receipt.NewDevice(member.Actor{MSP: operator}, hallSensor(identifier))
			require.NoError(t, err)
			devices = append(devices, d)
		}
		segments, _, err := FromEvents(list, devices, nil)
		if fault.CodeOf(err) == fault.InputMissing {
			continue
		}
		require.NoError(t, err, file)
		some += len(segments)
	}
	assert.GreaterOrEqual(t, some, 5)
}

func TestFromEventsNumbersByTimeAndConverts(t *testing.T) {
	d, err := receipt.NewDevice(member.Actor{MSP: operator}, hallSensor("urn:epc:id:giai:1"))
	require.NoError(t, err)
	at := time.Date(2026, 1, 13, 8, 0, 0, 0, time.UTC)
	list := []epcis.Event{
		{Time: at.Add(time.Hour), Reports: []epcis.Report{
			{Device: "urn:epc:id:giai:1", Property: "Temperature", Start: at.Add(time.Minute), End: at.Add(time.Hour), Min: "19.04", Max: "20.06", Mean: "19.5", Unit: "CEL"},
			{Device: "urn:epc:id:giai:1", Property: "Illuminance", Value: "800", Unit: "LUX"}}},
		{Time: at, Reports: []epcis.Report{{Device: "urn:epc:id:giai:1", Property: "Temperature", Value: "295.15", Unit: "KEL"}}},
		{Time: at, Error: &epcis.ErrorDeclaration{}, Reports: []epcis.Report{{Device: "urn:epc:id:giai:1", Property: "Temperature", Value: "99", Unit: "CEL"}}},
	}
	segments, skipped, err := FromEvents(list, []receipt.Device{d}, []receipt.Head{{Device: d.ID, Last: 7}})
	require.NoError(t, err)
	require.Len(t, segments, 1)
	assert.Equal(t, 2, skipped)
	var got []int64
	for _, r := range segments[0].Readings {
		got = append(got, r.Sequence, r.Value)
	}
	assert.Equal(t, []int64{8, 220, 9, 190, 10, 201}, got)

	_, _, err = FromEvents(list, nil, nil)
	assert.Equal(t, fault.DeviceUnknown, fault.CodeOf(err))
	assert.Contains(t, err.Error(), d.ID, "the error says under which id to register it")
}

func TestParseClass(t *testing.T) {
	for _, c := range []struct {
		class, gtin, lot string
		ok               bool
	}{
		{"urn:epc:class:lgtin:4012345.012345.998877", "04012345123456", "998877", true},
		{"https://id.gs1.org/01/04012345123456/10/998877", "04012345123456", "998877", true},
		{"https://example.com/01/4012345123456/10/A-1?x=1", "04012345123456", "A-1", true},
		{"https://id.gs1.org/01/04012345123457/10/998877", "", "", false}, // check digit
		{"urn:epc:class:lgtin:4012345.012345", "", "", false},
		{"urn:epc:idpat:sgtin:4012345.012345.*", "", "", false},
		{"", "", "", false},
	} {
		gtin, lot, ok := ParseClass(c.class)
		assert.Equal(t, c.ok, ok, c.class)
		if c.ok {
			assert.Equal(t, c.gtin, gtin, c.class)
			assert.Equal(t, c.lot, lot, c.class)
		}
	}
}

func TestArchiveKeepsWhatCanBeProved(t *testing.T) {
	w := newWorld(t, 2, true)
	var segments []Segment
	for i := range w.devices {
		s, err := w.simulator(t, i, Profile{SignEach: true}).Segment(33)
		require.NoError(t, err)
		segments = append(segments, s)
	}
	b := w.seal(t, "evd-00000001", start.Add(24*time.Hour), segments...)
	a := Archive{t.TempDir()}
	require.NoError(t, a.Save(b))
	again, err := a.Load(b.ID)
	require.NoError(t, err)
	assert.Equal(t, b.Kept(), again.Batch)
	p, err := again.Prove("dev-00000002", 20)
	require.NoError(t, err)
	require.NoError(t, p.Verify(b.Batch))

	b.Segments[0].Readings[3].Value++
	require.NoError(t, a.Save(b))
	_, err = a.Load(b.ID)
	assert.Equal(t, fault.EvidenceRootMismatch, fault.CodeOf(err))
	_, err = a.Load("evd-00000002")
	assert.Equal(t, fault.RecordNotFound, fault.CodeOf(err))
	assert.True(t, strings.HasPrefix(a.Path("../../etc/passwd"), a.Dir), "an id is no path")
}
