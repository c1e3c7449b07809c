package receipt

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// DeviceKind says what a device does.
type DeviceKind string

// The kinds of device.
const (
	Sensor    DeviceKind = "sensor"    // measures; signs its readings where it has a key
	Collector DeviceKind = "collector" // the operator's service or gateway: signs batches
)

// DeviceStatus of a device.
type DeviceStatus string

// The statuses of a device.
const (
	Registered DeviceStatus = "registered"
	Attested   DeviceStatus = "attested"
	Revoked    DeviceStatus = "revoked"
)

// DeviceAction is a step in the life of a device.
type DeviceAction string

// The actions on a device.
const (
	Register  DeviceAction = "register"
	Attest    DeviceAction = "attest"
	Calibrate DeviceAction = "calibrate"
	Revoke    DeviceAction = "revoke"
)

// DeviceLifecycle is what can happen to a device.
var DeviceLifecycle = transition.Table[DeviceStatus, DeviceAction]{
	{From: "", Action: Register, To: Registered, Who: "the warehouse operator", Why: "Says what the device measures, within which limits, and under which key."},
	{From: Registered, Action: Attest, To: Attested, Who: "another organisation", Why: "Nobody vouches for their own instruments; its readings count from here on."},
	{From: Attested, Action: Calibrate, To: Attested, Who: "another organisation", Why: "Vouches for a later calibration; without it readings are refused from the day after the last one ends."},
	{From: Registered, Action: Revoke, To: Revoked, Who: "the warehouse operator", Why: "It was registered in error, or never used."},
	{From: Attested, Action: Revoke, To: Revoked, Who: "the operator or the attesting organisation", Why: "Stolen, broken or replaced: readings from the given instant on are refused."},
}

// Limits of a device.
const (
	MaxMeasures = 16
	// LateSeconds is how long readings from before a revocation are still taken after it was recorded. Whoever holds a
	// stolen key could otherwise date readings before the revocation for ever.
	LateSeconds = 24 * 60 * 60
	// SkewSeconds is by how much a reading may be dated after the transaction that anchors it.
	SkewSeconds = 120
)

// Measure is a property that a device measures. All values are in 10^-Scale of Unit, inclusive: RangeMin and RangeMax are
// what the instrument can read, LimitMin and LimitMax the alarm limits; outside of these a reading is an excursion.
type Measure struct {
	Property string `json:"property"`
	Unit     string `json:"unit"`
	Scale    int    `json:"scale"`
	RangeMin int64  `json:"range_min"`
	RangeMax int64  `json:"range_max"`
	LimitMin int64  `json:"limit_min"`
	LimitMax int64  `json:"limit_max"`
}

// Device is an instrument or a collector, registered by the operator that runs it. It is public: it holds no terms.
type Device struct {
	ID       string       `json:"id"`
	Kind     DeviceKind   `json:"kind"`
	Operator string       `json:"operator"` // MSP id
	Status   DeviceStatus `json:"status"`
	// Key is the device's own; a sensor without one is believed as far as the collector that signs its batches.
	Key      PublicKey `json:"key,omitempty"`
	Measures []Measure `json:"measures,omitempty"`
	// FirstSequence is the number of the first reading that will be anchored.
	FirstSequence int64 `json:"first_sequence,omitempty"`
	// InstalledAt is the instant from which the device watches; older readings are refused.
	InstalledAt time.Time `json:"installed_at"`
	// CalibratedUntil is the last day (UTC) of the calibration of a sensor.
	CalibratedUntil calendar.Date `json:"calibrated_until,omitzero"`
	AttestedBy      string        `json:"attested_by,omitempty"` // MSP id
	AttestedAt      time.Time     `json:"attested_at,omitzero"`
	RevokedFrom     time.Time     `json:"revoked_from,omitzero"` // readings at or after this instant are refused
	RevokedAt       time.Time     `json:"revoked_at,omitzero"`   // when the revocation was recorded
}

// DeviceRegistration is the input for a new device.
type DeviceRegistration struct {
	ID              string        `json:"id"`
	Kind            DeviceKind    `json:"kind"`
	Key             PublicKey     `json:"key,omitempty"`
	Measures        []Measure     `json:"measures,omitempty"`
	FirstSequence   int64         `json:"first_sequence,omitempty"` // 1 when left out
	InstalledAt     time.Time     `json:"installed_at"`
	CalibratedUntil calendar.Date `json:"calibrated_until,omitzero"`
}

// Validate reports every failure of the input with its field and value.
func (in DeviceRegistration) Validate() error {
	var bad fault.Fields
	checkID(&bad, "id", in.ID)
	if in.Key != "" {
		in.Key.Check(&bad, "key")
	}
	if !milliseconds(in.InstalledAt) {
		bad.Add("installed_at", in.InstalledAt, "must be an instant in UTC in whole milliseconds")
	}
	switch in.Kind {
	case Sensor:
		if len(in.Measures) == 0 || len(in.Measures) > MaxMeasures {
			bad.Add("measures", len(in.Measures), "must be 1 to %d", MaxMeasures)
		}
		if in.CalibratedUntil.IsZero() {
			bad.Add("calibrated_until", "", "is missing: a sensor's readings count only while it is calibrated")
		}
	case Collector:
		if in.Key == "" {
			bad.Add("key", "", "is missing: a collector signs")
		}
		if len(in.Measures) > 0 {
			bad.Add("measures", len(in.Measures), "must be empty: a collector measures nothing")
		}
	default:
		bad.Add("kind", in.Kind, "must be sensor or collector")
	}
	if in.FirstSequence < 0 {
		bad.Add("first_sequence", in.FirstSequence, "must be 1 or more")
	}
	for i, m := range in.Measures {
		m.check(&bad, fmt.Sprintf("measures[%d]", i))
		if i > 0 && strings.Compare(in.Measures[i-1].Property, m.Property) >= 0 {
			bad.Add(fmt.Sprintf("measures[%d].property", i), m.Property, "must be in alphabetical order, each once")
		}
	}
	return bad.Err()
}

func (m Measure) check(bad *fault.Fields, path string) {
	if !propertyPattern.MatchString(m.Property) {
		bad.Add(path+".property", m.Property, "must be an EPCIS measurement type such as Temperature")
	}
	if !unitPattern.MatchString(m.Unit) {
		bad.Add(path+".unit", m.Unit, "must be a UN/CEFACT Recommendation 20 code such as CEL")
	}
	if m.Scale < 0 || m.Scale > MaxScale {
		bad.Add(path+".scale", m.Scale, "must be 0 to %d decimals", MaxScale)
	}
	if m.RangeMin > m.RangeMax {
		bad.Add(path+".range_min", m.RangeMin, "must not be above range_max")
	}
	if m.LimitMin > m.LimitMax || m.LimitMin < m.RangeMin || m.LimitMax > m.RangeMax {
		bad.Add(path+".limit_min", m.LimitMin, "must not be above limit_max, and both must be inside of the range")
	}
}

// NewDevice registers a device of the actor's organisation.
func NewDevice(a member.Actor, in DeviceRegistration) (Device, error) {
	if err := in.Validate(); err != nil {
		return Device{}, err
	}
	status, err := DeviceLifecycle.Next("", Register)
	if err != nil {
		return Device{}, err
	}
	return Device{
		ID: in.ID, Kind: in.Kind, Operator: a.MSP, Status: status, Key: in.Key, Measures: in.Measures,
		FirstSequence: max(1, in.FirstSequence), InstalledAt: in.InstalledAt, CalibratedUntil: in.CalibratedUntil,
	}, nil
}

// Attest records that another organisation vouches for the device, its key and its calibration, or returns
// DEVICE_SELF_ATTESTED.
func (d Device) Attest(a member.Actor, at time.Time) (Device, error) {
	status, err := DeviceLifecycle.Next(d.Status, Attest)
	if err != nil {
		return d, err
	}
	if a.MSP == d.Operator {
		return d, fault.New(fault.DeviceSelfAttested, "device %s is this organisation's own", d.ID)
	}
	d.Status, d.AttestedBy, d.AttestedAt = status, a.MSP, at
	return d, nil
}

// Calibrate records a calibration that another organisation vouches for: the sensor's readings count until the given day.
func (d Device) Calibrate(a member.Actor, until calendar.Date, at time.Time) (Device, error) {
	status, err := DeviceLifecycle.Next(d.Status, Calibrate)
	if err != nil {
		return d, err
	}
	if a.MSP == d.Operator {
		return d, fault.New(fault.DeviceSelfAttested, "device %s is this organisation's own", d.ID)
	}
	if d.Kind != Sensor || !until.After(d.CalibratedUntil) {
		var bad fault.Fields
		bad.Add("calibrated_until", until, "must be after the end of the present calibration, of a sensor")
		return d, bad.Err()
	}
	d.Status, d.CalibratedUntil, d.AttestedBy, d.AttestedAt = status, until, a.MSP, at
	return d, nil
}

// Revoke refuses the device's readings from the given instant on. It may lie before now (a key found stolen) or after it (a
// planned replacement), but not before the device was installed.
func (d Device) Revoke(a member.Actor, from, at time.Time) (Device, error) {
	status, err := DeviceLifecycle.Next(d.Status, Revoke)
	if err != nil {
		return d, err
	}
	if a.MSP != d.Operator && a.MSP != d.AttestedBy {
		return d, fault.New(fault.NotPermitted, "device %s is revoked by its operator or by who attested it", d.ID)
	}
	if !milliseconds(from) || from.Before(d.InstalledAt) {
		var bad fault.Fields
		bad.Add("from", from, "must be an instant in UTC in whole milliseconds, not before the installation")
		return d, bad.Err()
	}
	d.Status, d.RevokedFrom, d.RevokedAt = status, from, at
	return d, nil
}

// trusted returns why readings up to the instant `last`, anchored now, cannot come from the device: nil,
// DEVICE_NOT_ATTESTED, DEVICE_REVOKED or DEVICE_CALIBRATION_EXPIRED.
func (d Device) trusted(last, now time.Time) error {
	if d.AttestedBy == "" {
		return fault.New(fault.DeviceNotAttested, "device %s", d.ID)
	}
	if d.Status == Revoked {
		deadline := d.RevokedAt
		if d.RevokedFrom.After(deadline) {
			deadline = d.RevokedFrom
		}
		if !last.Before(d.RevokedFrom) || now.After(deadline.Add(LateSeconds*time.Second)) {
			return fault.New(fault.DeviceRevoked, "device %s is revoked from %s", d.ID, d.RevokedFrom.Format(time.RFC3339))
		}
	}
	if d.Kind == Sensor && calendar.From(last).After(d.CalibratedUntil) {
		return fault.New(fault.DeviceCalibrationExpired, "device %s was calibrated until %s", d.ID, d.CalibratedUntil)
	}
	return nil
}

// measure finds what the device measures by property.
func (d Device) measure(property string) (Measure, bool) {
	for _, m := range d.Measures {
		if m.Property == property {
			return m, true
		}
	}
	return Measure{}, false
}
