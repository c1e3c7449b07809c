package receipt

import (
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
