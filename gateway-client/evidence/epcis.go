package evidence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
)

// DeviceID is the id under which a device with this EPCIS identifier is registered, so that nobody has to keep a list: "dev-"
// and 20 hex digits of a hash. An identifier is no secret; the id keeps it out of public records, not from who knows it.
func DeviceID(identifier string) string {
	sum := sha256.Sum256([]byte("tallystick device\n" + identifier))
	return "dev-" + hex.EncodeToString(sum[:10])
}

// DevicesIn lists the identifiers of the devices that report in the events, each once, in their order.
func DevicesIn(events []epcis.Event) []string {
	var list []string
	for _, e := range events {
		for _, r := range e.Reports {
			if r.Device != "" && !slices.Contains(list, r.Device) {
				list = append(list, r.Device)
			}
		}
	}
	return list
}

// FromEvents closes what the devices report in EPCIS events into segments. Where the reports carry a sequence and the device's
// signature (epcis.Namespace), the readings go along with the segment; a device that is registered with a key must sign. Else
// only the collector signs, and a device's readings are numbered by time from where its anchored ones end. A report on an interval gives its
// minimum at the beginning and its maximum at the end. Values are rounded half to even to the device's scale and converted to
// its unit. Events that are declared to be in error, reports without a device or a number, and properties that the device is
// not registered for are left out, and counted in skipped. DEVICE_UNKNOWN names a device that is not among devices.
func FromEvents(events []epcis.Event, devices []receipt.Device, heads []receipt.Head) (segments []Segment, skipped int, err error) {
	readings, skipped, err := ReadingsIn(events, devices)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range devices {
		list := readings[d.ID]
		if len(list) == 0 {
			continue
		}
		next, err := following(d.ID, devices, heads)
		if err != nil {
			return nil, 0, err
		}
		s, err := CloseReadings(list, d, next)
		if err != nil {
			return nil, 0, err
		}
		segments = append(segments, s)
	}
	if len(segments) == 0 {
		return nil, skipped, fault.New(fault.InputMissing, "the events hold no reading of a registered device")
	}
	return segments, skipped, nil
}

// ReadingsIn turns what the devices report in EPCIS events into readings, by device. Those without the device's signature have
// no sequence yet.
func ReadingsIn(events []epcis.Event, devices []receipt.Device) (readings map[string][]receipt.Reading, skipped int, err error) {
	readings = map[string][]receipt.Reading{}
	for _, e := range events {
		for _, report := range e.Reports {
			if e.Error != nil || report.Device == "" {
				skipped++
				continue
			}
			id := DeviceID(report.Device)
			i := slices.IndexFunc(devices, func(d receipt.Device) bool { return d.ID == id })
			if i < 0 {
				return nil, 0, fault.New(fault.DeviceUnknown, "%s %s is to be registered as %s", report.Path, report.Device, id)
			}
			list, err := readingsOf(e, report, devices[i])
			if err != nil {
				return nil, 0, err
			}
			if signs := devices[i].Key != ""; signs != (len(report.Signature) > 0) && len(list) > 0 {
				return nil, 0, fault.New(fault.EvidenceSignatureInvalid, "%s: device %s %s", report.Path, id, map[bool]string{
					true: "has a key and must sign its readings", false: "has no registered key, but signs"}[signs])
			}
			if len(list) == 0 {
				skipped++
			}
			readings[id] = append(readings[id], list...)
		}
	}
	return readings, skipped, nil
}

// CloseReadings puts a device's readings in order and closes them into a segment. Signed readings are in order by the device's
// own sequence; the others are numbered by time, beginning with next.
func CloseReadings(list []receipt.Reading, d receipt.Device, next int64) (Segment, error) {
	list = slices.Clone(list)
	signed := len(list) > 0 && len(list[0].Signature) > 0
	if signed {
		slices.SortFunc(list, func(a, b receipt.Reading) int { return cmp.Compare(a.Sequence, b.Sequence) })
	} else {
		slices.SortStableFunc(list, func(a, b receipt.Reading) int {
			return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Property, b.Property))
		})
	}
	rec := NewRecorder(d)
	for i, r := range list {
		if !signed {
			r.Sequence = next + int64(i)
		}
		if err := rec.Add(r); err != nil {
			return Segment{}, err
		}
	}
	return rec.Close(nil)
}

// readingsOf turns a report into readings: none where it has no number, or not of what the device measures.
func readingsOf(e epcis.Event, report epcis.Report, d receipt.Device) ([]receipt.Reading, error) {
	i := slices.IndexFunc(d.Measures, func(m receipt.Measure) bool { return m.Property == report.Property })
	if i < 0 {
		return nil, nil
	}
	m := d.Measures[i]
	from, to := report.Time, report.Time
	if from.IsZero() {
		from, to = firstOf(report.Start, e.Time), firstOf(report.End, report.Start, e.Time)
	}
	type point struct {
		at    time.Time
		value epcis.Number
	}
	points := []point{{from, report.Value}}
	if report.Value == "" {
		points = []point{{from, firstOf(report.Min, report.Mean, report.Max)}, {to, firstOf(report.Max, report.Mean, report.Min)}}
		if points[0] == points[1] {
			points = points[:1]
		}
	}
	var list []receipt.Reading
	for _, p := range points {
		if p.value == "" {
			continue
		}
		v, err := p.value.Convert(report.Unit, m.Unit, m.Scale)
		if err != nil {
			return nil, fault.New(fault.CodeOf(err), "%s: %v", report.Path, err)
		}
		list = append(list, receipt.Reading{Device: d.ID, Sequence: report.Sequence, At: p.at.UTC().Truncate(time.Millisecond), Property: m.Property,
			Unit: m.Unit, Scale: m.Scale, Value: v, Signature: report.Signature})
	}
	return list, nil
}

func firstOf[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// ParseClass reads the GTIN (14 digits) and the lot from a class-level EPC: urn:epc:class:lgtin:PREFIX.ITEM.LOT (GS1 EPC Tag
// Data Standard section 6.3.1), or a GS1 Digital Link with /01/GTIN/10/LOT. ok is false for anything else, and where the
// result is not a GTIN.
func ParseClass(class string) (gtin, lot string, ok bool) {
	if rest, found := strings.CutPrefix(class, "urn:epc:class:lgtin:"); found {
		parts := strings.SplitN(rest, ".", 3)
		if len(parts) != 3 || len(parts[1]) == 0 {
			return "", "", false
		}
		gtin = withCheckDigit(parts[1][:1] + parts[0] + parts[1][1:])
		lot = parts[2]
	} else if _, rest, found := strings.Cut(class, "/01/"); found {
		code, tail, _ := strings.Cut(rest, "/10/")
		lot, _, _ = strings.Cut(tail, "/")
		lot, _, _ = strings.Cut(lot, "?")
		gtin = strings.Repeat("0", max(0, 14-len(code))) + code
	}
	return gtin, lot, lot != "" && len(gtin) == 14 && receipt.ValidGTIN(gtin)
}

func withCheckDigit(digits string) string {
	for c := '0'; c <= '9'; c++ {
		if receipt.ValidGTIN(digits + string(c)) {
			return digits + string(c)
		}
	}
	return ""
}

// Anchor anchors the devices' reports in EPCIS events as one batch, signed with the key of the session's certificate, which
// the collector h.Collector is registered with. h.ID may be left out. at is when the batch is closed: now. The archive keeps the
// readings; the zero Archive keeps nothing.
func Anchor(ctx context.Context, s *consortium.Session, keep Archive, h Header, events []epcis.Event, at time.Time) (Batch, consortium.Committed, error) {
	var done consortium.Committed
	if h.ID == "" {
		h.ID = consortium.NewID("evd")
	}
	devices, heads, err := Positions(ctx, s, h.Programme, DevicesIn(events))
	if err != nil {
		return Batch{}, done, err
	}
	segments, _, err := FromEvents(events, devices, heads)
	if err != nil {
		return Batch{}, done, err
	}
	b, err := Seal(h, segments, devices, heads, at, s.User().Sign)
	if err != nil {
		return Batch{}, done, err
	}
	if keep.Dir != "" {
		if err := keep.Save(b); err != nil {
			return Batch{}, done, err
		}
	}
	done, err = Submit(ctx, s, b)
	return b, done, err
}

// Positions asks the ledger for the devices with these EPCIS identifiers, and where their anchored readings end.
func Positions(ctx context.Context, s *consortium.Session, programme string, identifiers []string) (devices []receipt.Device, heads []receipt.Head, err error) {
	for _, identifier := range identifiers {
		id := DeviceID(identifier)
		var d receipt.Device
		err := s.Evaluate(ctx, consortium.Call{Function: "receipt:Device", Args: []string{id}}, &d)
		if fault.CodeOf(err) == fault.RecordNotFound {
			return nil, nil, fault.New(fault.DeviceUnknown, "%s is to be registered as %s", identifier, id)
		}
		if err != nil {
			return nil, nil, err
		}
		h := receipt.Head{}
		if err := s.Evaluate(ctx, consortium.Call{Function: "receipt:Head", Args: []string{programme, id}, Circles: []string{programme}}, &h); err != nil {
			return nil, nil, err
		}
		devices, heads = append(devices, d), append(heads, h)
	}
	return devices, heads, nil
}

// Submitter is the part of a session that anchors.
type Submitter interface {
	Submit(ctx context.Context, call consortium.Call, out any) (consortium.Committed, error)
}

// Submit anchors a sealed batch. The request id comes from the batch's: a repeat is answered with the first result.
func Submit(ctx context.Context, s Submitter, b Batch) (consortium.Committed, error) {
	return s.Submit(ctx, consortium.Call{Function: "receipt:AnchorEvidence", Args: []string{b.Programme, b.ID}, Input: b.Batch,
		Circles: []string{b.Programme}, Request: "anchor-" + b.ID}, nil)
}
