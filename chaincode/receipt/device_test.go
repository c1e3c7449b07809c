package receipt

import (
	"crypto/ed25519"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

func registration(t testing.TB) DeviceRegistration {
	public, _ := key(t, "device")
	return DeviceRegistration{ID: "dev-00000001", Kind: Sensor, Key: public, InstalledAt: noon.Add(-24 * time.Hour), CalibratedUntil: calendar.MustParse("2026-03-10"),
		Measures: []Measure{{Property: "Temperature", Unit: "CEL", Scale: 1, RangeMin: -400, RangeMax: 850, LimitMin: 20, LimitMax: 80}}}
}

func TestRegistrationReportsEveryFailure(t *testing.T) {
	require.NoError(t, registration(t).Validate())
	bad := DeviceRegistration{ID: "d", Kind: "gauge", Key: "AAAA", FirstSequence: -1, InstalledAt: noon.Add(1), Measures: []Measure{
		{Property: "t!", Unit: "C", Scale: 7, RangeMin: 2, RangeMax: 1, LimitMin: 5, LimitMax: 4}, {Property: "T", Unit: "CEL"}, {Property: "T", Unit: "CEL"}}}
	for _, want := range []string{"id:", "kind:", "key:", "first_sequence:", "installed_at:", "measures[0].property:", "measures[0].unit:", "measures[0].scale:",
		"measures[0].range_min:", "measures[0].limit_min:", "measures[2].property:"} {
		assert.ErrorContains(t, bad.Validate(), want)
	}
	sensor := registration(t)
	sensor.CalibratedUntil, sensor.Measures = calendar.Date{}, nil
	assert.ErrorContains(t, sensor.Validate(), "calibrated_until")
	assert.ErrorContains(t, sensor.Validate(), "measures")
	collector := registration(t)
	collector.Kind, collector.Key = Collector, ""
	assert.ErrorContains(t, collector.Validate(), "key: is missing")
}

func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	rsa := PublicKey("MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==")
	for _, k := range []PublicKey{"", "x", rsa} {
		_, err := k.parse()
		assert.Error(t, err, k)
		assert.False(t, k.Verify([]byte("m"), []byte("s")))
	}
}

func TestTrustedUntil(t *testing.T) {
	d, err := NewDevice(wes, registration(t))
	require.NoError(t, err)
	assert.Equal(t, int64(1), d.FirstSequence)
	assert.Equal(t, fault.DeviceNotAttested, fault.CodeOf(d.trusted(noon, noon)))
	_, err = d.Attest(member.Actor{MSP: wes.MSP, User: "u-9"}, noon)
	assert.Equal(t, fault.DeviceSelfAttested, fault.CodeOf(err))
	d, err = d.Attest(banker, noon)
	require.NoError(t, err)
	assert.NoError(t, d.trusted(noon, noon))
	assert.NoError(t, d.trusted(time.Date(2026, 3, 10, 23, 59, 59, 0, time.UTC), noon), "the last day counts")
	assert.Equal(t, fault.DeviceCalibrationExpired, fault.CodeOf(d.trusted(time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC), noon)))

	later := calendar.MustParse("2027-03-10")
	_, err = d.Calibrate(wes, later, noon)
	assert.Equal(t, fault.DeviceSelfAttested, fault.CodeOf(err))
	_, err = d.Calibrate(rival, d.CalibratedUntil, noon)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	again, err := d.Calibrate(rival, later, noon)
	require.NoError(t, err)
	assert.NoError(t, again.trusted(time.Date(2027, 3, 10, 0, 0, 0, 0, time.UTC), noon))

	_, err = d.Revoke(rival, noon, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	_, err = d.Revoke(wes, d.InstalledAt.Add(-time.Second), noon)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	for name, from := range map[string]time.Time{"back-dated": noon.Add(-time.Hour), "now": noon, "planned": noon.Add(72 * time.Hour)} {
		r, err := d.Revoke(banker, from, noon)
		require.NoError(t, err)
		deadline := noon
		if from.After(noon) {
			deadline = from
		}
		deadline = deadline.Add(LateSeconds * time.Second)
		assert.NoError(t, r.trusted(from.Add(-time.Millisecond), deadline), "%s: a reading from before, in time", name)
		assert.Equal(t, fault.DeviceRevoked, fault.CodeOf(r.trusted(from.Add(-time.Millisecond), deadline.Add(1))), "%s: too late", name)
		assert.Equal(t, fault.DeviceRevoked, fault.CodeOf(r.trusted(from, noon)), "%s: at the instant", name)
	}
	collector := registration(t)
	collector.Kind, collector.Measures, collector.CalibratedUntil = Collector, nil, calendar.Date{}
	c, err := NewDevice(wes, collector)
	require.NoError(t, err)
	c, err = c.Attest(banker, noon)
	require.NoError(t, err)
	assert.NoError(t, c.trusted(noon, noon), "a collector is not calibrated")
}

func TestSumPossible(t *testing.T) {
	for _, c := range []struct {
		p  Summary
		ok bool
	}{
		{Summary{Count: 1, Min: 5, Max: 5, Sum: 5}, true}, {Summary{Count: 1, Min: 5, Max: 6, Sum: 5}, false}, {Summary{Count: 1, Min: 5, Max: 5, Sum: 6}, false},
		{Summary{Count: 2, Min: 5, Max: 7, Sum: 12}, true}, {Summary{Count: 2, Min: 5, Max: 7, Sum: 13}, false},
		{Summary{Count: 3, Min: 5, Max: 7, Sum: 17}, true}, {Summary{Count: 3, Min: 5, Max: 7, Sum: 16}, false}, {Summary{Count: 3, Min: 5, Max: 7, Sum: 20}, false},
		{Summary{Count: 4, Min: math.MinInt64, Max: math.MaxInt64, Sum: math.MaxInt64}, true},
		{Summary{Count: 1 << 20, Min: math.MaxInt64 - 1, Max: math.MaxInt64, Sum: -5}, false},
	} {
		assert.Equal(t, c.ok, c.p.sumPossible(), "%+v", c.p)
	}
}

// FuzzBatch sends whatever decodes as a batch through the rules: they refuse or accept, and never panic.
func FuzzBatch(f *testing.F) {
	d, err := NewDevice(wes, registration(f))
	require.NoError(f, err)
	d.Key = ""
	d, err = d.Attest(banker, noon)
	require.NoError(f, err)
	public, private := key(f, "collector")
	c, err := NewDevice(wes, DeviceRegistration{ID: "dev-c0110000", Kind: Collector, Key: public, InstalledAt: noon})
	require.NoError(f, err)
	c, err = c.Attest(banker, noon)
	require.NoError(f, err)
	good := Batch{ID: "evd-00000001", Programme: "prg-00000001", Collector: c.ID, Receipts: []string{rid(1)}, SealedAt: noon, Segments: []Segment{{Device: d.ID,
		First: 1, Last: 2, From: noon, To: noon, Count: 2, Root: HashOf(make([]byte, HashBytes)),
		Summaries: []Summary{{Property: "Temperature", Unit: "CEL", Scale: 1, Count: 2, Min: 30, Max: 40, Sum: 70}}}}}
	good.Root, err = good.SegmentRoot()
	require.NoError(f, err)
	good.Signature = ed25519.Sign(private, good.Message())
	_, err = good.Check(wes.MSP, c, []Device{d}, []Head{{}}, noon)
	require.NoError(f, err)
	raw, err := json.Marshal(good)
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b Batch
		if json.Unmarshal(raw, &b) != nil || len(b.Segments) > MaxSegments {
			return
		}
		devices, heads := make([]Device, len(b.Segments)), make([]Head, len(b.Segments))
		for i := range devices {
			devices[i] = d
		}
		if root, err := b.SegmentRoot(); err == nil { // else the fuzzer would never come past the signature
			b.Root = root
			b.Signature = ed25519.Sign(private, b.Message())
		}
		next, err := b.Check(wes.MSP, c, devices, heads, noon)
		if err != nil {
			require.NotEmpty(t, fault.CodeOf(err))
			return
		}
		require.Len(t, next, len(b.Segments))
		for i, s := range b.Segments {
			require.Equal(t, s.Count+s.Missing+s.Lost, next[i].Last, "every sequence is accounted for")
			for _, p := range s.Summaries {
				require.LessOrEqual(t, p.Min, p.Mean())
				require.LessOrEqual(t, p.Mean(), p.Max)
			}
		}
		_, err = Watch{}.Add(Receipt{ID: rid(1), Devices: []string{d.ID}}, b)
		require.NoError(t, err)
	})
}
