package receipt

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of one batch.
const (
	MaxSegments        = 64
	MaxSegmentReadings = 1 << maxPath
	MaxBatchReceipts   = 32
)

// Summary is what a segment says of one property: values in 10^-Scale of Unit. Sum is exact, so the mean is, too.
type Summary struct {
	Property string `json:"property"`
	Unit     string `json:"unit"`
	Scale    int    `json:"scale"`
	Count    int64  `json:"count"`
	Min      int64  `json:"min"`
	Max      int64  `json:"max"`
	Sum      int64  `json:"sum"`
	// Excursions counts the readings outside of the device's alarm limits, ExcursionSeconds adds up the times from each of
	// them to the property's next reading, in whole seconds.
	Excursions       int64 `json:"excursions"`
	ExcursionSeconds int64 `json:"excursion_seconds"`
}

// Mean is the mean of the values, half to even.
func (s Summary) Mean() int64 {
	mean, _ := money.MulDiv(s.Sum, 1, max(1, s.Count), money.HalfEven)
	return mean
}

// Segment is the readings of one device in one batch, in the order of their sequence: leaf i of the tree under Root is the
// i-th of them.
type Segment struct {
	Device string    `json:"device"`
	First  int64     `json:"first"` // sequence of the first reading
	Last   int64     `json:"last"`  // sequence of the last reading
	From   time.Time `json:"from"`  // instant of the first reading
	To     time.Time `json:"to"`    // instant of the last reading
	Count  int64     `json:"count"`
	// Missing counts the sequences between First and Last of which there is no reading.
	Missing int64 `json:"missing"`
	// SilenceSeconds is the longest time between two readings that follow each other, in whole seconds.
	SilenceSeconds int64     `json:"silence_seconds"`
	Root           Hash      `json:"root"`
	Summaries      []Summary `json:"summaries"` // sorted by property
	// Signature is the device's own over Statement, where the device has a key.
	Signature []byte `json:"signature,omitempty"`
	// Readings come with the segment of a device that has a key and signs each reading instead. They are checked, and not kept.
	Readings []Reading `json:"readings,omitempty"`
	// Lost counts the sequences between the device's previous segment and First. The collector declares them; readings that
	// are lost without a word are refused.
	Lost int64 `json:"lost"`
}

// Batch is the evidence that one transaction anchors. It proves every reading in it, and holds none.
type Batch struct {
	ID        string    `json:"id"`
	Programme string    `json:"programme"`
	Collector string    `json:"collector"` // the device that signs
	Receipts  []string  `json:"receipts"`  // the receipts whose goods the devices watch
	SealedAt  time.Time `json:"sealed_at"` // when the collector closed the batch
	Segments  []Segment `json:"segments"`
	// Source is the salted hash of the document that the readings were taken from, where there is one.
	Source    Hash   `json:"source,omitempty"`
	Root      Hash   `json:"root"` // Merkle root over the segments
	Signature []byte `json:"signature"`
}

// Head is where a device's anchored readings end in a programme. The zero Head, but for its device, is the beginning.
type Head struct {
	Device string    `json:"device"`
	Last   int64     `json:"last"`
	At     time.Time `json:"at,omitzero"`
	Batch  string    `json:"batch,omitempty"`
}

const (
	segmentDomain = "tallystick segment v1\n"
	batchDomain   = "tallystick evidence v1\n"
)

// Statement is what the device signs: every field of the segment but the signature and Lost, which the device cannot know.
func (s Segment) Statement() []byte {
	e := encoder{b: []byte(segmentDomain)}
	e.text(s.Device)
	e.int(s.First)
	e.int(s.Last)
	e.time(s.From)
	e.time(s.To)
	e.int(s.Count)
	e.int(s.Missing)
	e.int(s.SilenceSeconds)
	e.text(string(s.Root))
	e.int(int64(len(s.Summaries)))
	for _, p := range s.Summaries {
		e.text(p.Property)
		e.text(p.Unit)
		e.small(p.Scale)
		for _, v := range [...]int64{p.Count, p.Min, p.Max, p.Sum, p.Excursions, p.ExcursionSeconds} {
			e.int(v)
		}
	}
	return e.b
}

// leafHash is the segment as a leaf of the batch's tree.
func (s Segment) leafHash() []byte {
	e := encoder{b: s.Statement()}
	e.bytes(s.Signature)
	e.int(s.Lost)
	return hashLeaf(e.b)
}

// SegmentRoot is the Merkle root over the batch's segments.
func (b Batch) SegmentRoot() (Hash, error) {
	leaves := make([][]byte, len(b.Segments))
	for i, s := range b.Segments {
		leaves[i] = s.leafHash()
	}
	return Root(leaves)
}

// Kept is the batch as it stands on the ledger and in archives: without the readings that came along to be checked.
func (b Batch) Kept() Batch {
	b.Segments = slices.Clone(b.Segments)
	for i := range b.Segments {
		b.Segments[i].Readings = nil
	}
	return b
}

// Message is what the collector signs.
func (b Batch) Message() []byte {
	e := encoder{b: []byte(batchDomain)}
	e.text(b.ID)
	e.text(b.Programme)
	e.text(b.Collector)
	e.int(int64(len(b.Receipts)))
	for _, id := range b.Receipts {
		e.text(id)
	}
	e.time(b.SealedAt)
	e.text(string(b.Source))
	e.int(int64(len(b.Segments)))
	e.text(string(b.Root))
	return e.b
}

// Window is from the first reading to the last, over all devices.
func (b Batch) Window() (from, to time.Time) {
	for i, s := range b.Segments {
		if i == 0 || s.From.Before(from) {
			from = s.From
		}
		if i == 0 || s.To.After(to) {
			to = s.To
		}
	}
	return from, to
}

// Count is the number of readings.
func (b Batch) Count() int64 {
	var n int64
	for _, s := range b.Segments {
		n += s.Count
	}
	return n
}

// Validate reports every failure of the batch that shows without knowing its devices.
func (b Batch) Validate() error {
	var bad fault.Fields
	checkID(&bad, "id", b.ID)
	checkID(&bad, "programme", b.Programme)
	checkID(&bad, "collector", b.Collector)
	if len(b.Receipts) == 0 {
		bad.Add("receipts", 0, "is missing")
	}
	checkIDs(&bad, "receipts", b.Receipts, MaxBatchReceipts)
	if !milliseconds(b.SealedAt) {
		bad.Add("sealed_at", b.SealedAt, "must be an instant in UTC in whole milliseconds")
	}
	for _, h := range [...]struct {
		path string
		hash Hash
	}{{"source", b.Source}, {"root", b.Root}} {
		if _, ok := h.hash.Bytes(); !ok && (h.hash != "" || h.path == "root") {
			bad.Add(h.path, h.hash, "must be a SHA-256 hash in lower-case hex")
		}
	}
	if len(b.Signature) == 0 || len(b.Signature) > MaxSignatureBytes {
		bad.Add("signature", len(b.Signature), "must have 1 to %d bytes", MaxSignatureBytes)
	}
	if len(b.Segments) == 0 || len(b.Segments) > MaxSegments {
		bad.Add("segments", len(b.Segments), "must be 1 to %d", MaxSegments)
		return bad.Err()
	}
	signed := 0
	for i, s := range b.Segments {
		at := fmt.Sprintf("segments[%d]", i)
		s.check(&bad, at)
		if signed += len(s.Readings); signed > MaxSignedReadings {
			bad.Add(at+".readings", signed, "must be at most %d in the batch", MaxSignedReadings)
			break
		}
		if i > 0 && strings.Compare(b.Segments[i-1].Device, s.Device) >= 0 {
			bad.Add(at+".device", s.Device, "must be in alphabetical order, each once")
		}
	}
	return bad.Err()
}

func (s Segment) check(bad *fault.Fields, at string) {
	checkID(bad, at+".device", s.Device)
	if s.First < 1 || s.Last < s.First || s.Last > 1<<53 {
		bad.Add(at+".last", s.Last, "must not be before first, and both must be 1 to 2^53")
	}
	if !milliseconds(s.From) || !milliseconds(s.To) || s.To.Before(s.From) {
		bad.Add(at+".to", s.To, "must not be before from, and both must be instants in UTC in whole milliseconds")
	}
	if s.Count < 1 || s.Count > MaxSegmentReadings {
		bad.Add(at+".count", s.Count, "must be 1 to %d", MaxSegmentReadings)
	}
	if s.Missing < 0 || s.Lost < 0 || s.SilenceSeconds < 0 {
		bad.Add(at+".missing", s.Missing, "must not be negative, nor must lost and silence_seconds")
	}
	if _, ok := s.Root.Bytes(); !ok {
		bad.Add(at+".root", s.Root, "must be a SHA-256 hash in lower-case hex")
	}
	if len(s.Signature) > MaxSignatureBytes {
		bad.Add(at+".signature", len(s.Signature), "must have at most %d bytes", MaxSignatureBytes)
	}
	if len(s.Readings) > 0 && (len(s.Signature) > 0 || int64(len(s.Readings)) != s.Count) {
		bad.Add(at+".readings", len(s.Readings), "must be all readings of a segment that its device has not signed")
	}
	if len(s.Summaries) == 0 || len(s.Summaries) > MaxMeasures {
		bad.Add(at+".summaries", len(s.Summaries), "must be 1 to %d", MaxMeasures)
	}
	for i, p := range s.Summaries {
		if !propertyPattern.MatchString(p.Property) || i > 0 && s.Summaries[i-1].Property >= p.Property {
			bad.Add(fmt.Sprintf("%s.summaries[%d].property", at, i), p.Property, "must be measurement types in alphabetical order, each once")
		}
	}
}

// Check decides whether the batch may be anchored now, and returns the devices' new heads. devices and heads stand in the
// order of the segments; a device that is not registered is the zero Device, one without anchored readings the zero Head. The
// caller has checked that the actor is of the operator's organisation.
//
// Errors, in the order in which they are looked for: DEVICE_UNKNOWN, DEVICE_NOT_ATTESTED, DEVICE_REVOKED,
// DEVICE_CALIBRATION_EXPIRED, EVIDENCE_ROOT_MISMATCH, EVIDENCE_SIGNATURE_INVALID, and for each segment
// EVIDENCE_FROM_FUTURE, EVIDENCE_REPLAYED, EVIDENCE_BACKDATED, EVIDENCE_SEQUENCE_GAP, EVIDENCE_SUMMARY_WRONG.
func (b Batch) Check(operator string, collector Device, devices []Device, heads []Head, now time.Time) ([]Head, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	if len(devices) != len(b.Segments) || len(heads) != len(b.Segments) {
		return nil, fault.New(fault.InternalError, "devices and heads must stand beside the segments")
	}
	if collector.ID != b.Collector || collector.Kind != Collector || collector.Operator != operator {
		return nil, fault.New(fault.DeviceUnknown, "collector %s", b.Collector)
	}
	// A collector's own clock dates the batch, so what counts for its key is when the batch arrives.
	if err := collector.trusted(now, now); err != nil {
		return nil, err
	}
	if b.SealedAt.After(now.Add(SkewSeconds * time.Second)) {
		return nil, fault.New(fault.EvidenceFromFuture, "batch %s", b.ID)
	}
	for i, s := range b.Segments {
		d := devices[i]
		if d.ID != s.Device || d.Kind != Sensor || d.Operator != operator {
			return nil, fault.New(fault.DeviceUnknown, "device %s", s.Device)
		}
		if err := d.trusted(s.To, now); err != nil {
			return nil, err
		}
	}
	root, err := b.SegmentRoot()
	if err != nil {
		return nil, err
	}
	if root != b.Root {
		return nil, fault.New(fault.EvidenceRootMismatch, "batch %s", b.ID)
	}
	if !collector.Key.Verify(b.Message(), b.Signature) {
		return nil, fault.New(fault.EvidenceSignatureInvalid, "batch %s is not signed by collector %s", b.ID, b.Collector)
	}
	next := make([]Head, 0, len(heads))
	for i, s := range b.Segments {
		if err := s.follows(devices[i], heads[i], now); err != nil {
			return nil, err
		}
		if err := s.agrees(devices[i]); err != nil {
			return nil, err
		}
		next = append(next, Head{Device: s.Device, Last: s.Last, At: s.To, Batch: b.ID})
	}
	return next, nil
}

// follows checks the device's signature, over the segment or over each of its readings, and that the segment continues what is anchored.
func (s Segment) follows(d Device, head Head, now time.Time) error {
	switch {
	case d.Key == "" && len(s.Signature)+len(s.Readings) > 0:
		return fault.New(fault.EvidenceSignatureInvalid, "device %s has no registered key", s.Device)
	case d.Key != "" && len(s.Readings) > 0:
		if err := s.witnessed(d); err != nil {
			return err
		}
	case d.Key != "" && !d.Key.Verify(s.Statement(), s.Signature):
		return fault.New(fault.EvidenceSignatureInvalid, "the segment is not signed by device %s", s.Device)
	}
	switch {
	case s.To.After(now.Add(SkewSeconds * time.Second)):
		return fault.New(fault.EvidenceFromFuture, "device %s", s.Device)
	}
	expected := d.FirstSequence
	if head.Last > 0 {
		expected = head.Last + 1
	}
	switch {
	case s.First < expected:
		return fault.New(fault.EvidenceReplayed, "device %s continues at sequence %d", s.Device, expected)
	case s.From.Before(head.At) || s.From.Before(d.InstalledAt):
		return fault.New(fault.EvidenceBackdated, "device %s", s.Device)
	case s.First != expected+s.Lost:
		return fault.New(fault.EvidenceSequenceGap, "device %s continues at sequence %d; the batch must declare what is lost", s.Device, expected)
	case s.Last-s.First+1 != s.Count+s.Missing:
		return fault.New(fault.EvidenceSequenceGap, "device %s: readings and missing ones do not fill the sequence range", s.Device)
	}
	return nil
}

// agrees checks the summaries against the device and themselves.
func (s Segment) agrees(d Device) error {
	wrong := func(property, why string) error {
		return fault.New(fault.EvidenceSummaryWrong, "device %s, %s: %s", s.Device, property, why)
	}
	var count int64
	for _, p := range s.Summaries {
		m, ok := d.measure(p.Property)
		switch {
		case !ok || m.Unit != p.Unit || m.Scale != p.Scale:
			return wrong(p.Property, "the device does not measure it in this unit and scale")
		case p.Count < 1 || p.Count > s.Count || p.Min > p.Max || !p.sumPossible():
			return wrong(p.Property, "count, minimum, maximum and sum cannot be of the same readings")
		case p.Min < m.RangeMin || p.Max > m.RangeMax:
			return wrong(p.Property, "the instrument cannot read such a value")
		case p.Excursions < 0 || p.Excursions > p.Count || (p.Excursions > 0) != (p.Min < m.LimitMin || p.Max > m.LimitMax):
			return wrong(p.Property, "the excursions contradict minimum and maximum")
		case p.Excursions == p.Count && p.Min >= m.LimitMin && p.Min <= m.LimitMax,
			p.Excursions == p.Count && p.Max >= m.LimitMin && p.Max <= m.LimitMax:
			return wrong(p.Property, "the excursions contradict minimum and maximum")
		case p.ExcursionSeconds < 0 || p.ExcursionSeconds > s.seconds() || p.Excursions == 0 && p.ExcursionSeconds > 0:
			return wrong(p.Property, "the excursions last longer than the window")
		}
		count += p.Count
	}
	if count != s.Count {
		return wrong("count", "the properties' readings do not add up to the segment's")
	}
	if s.SilenceSeconds > s.seconds() || s.Count == 1 && (s.SilenceSeconds > 0 || s.From != s.To) {
		return wrong("silence", "it is longer than the window")
	}
	return nil
}

func (s Segment) seconds() int64 { return int64(s.To.Sub(s.From) / time.Second) }

// sumPossible reports whether count values, of which minimum and maximum are two, can have the sum. Products and differences
// may be beyond 64 bits.
func (p Summary) sumPossible() bool {
	if p.Count == 1 {
		return p.Min == p.Max && p.Sum == p.Min
	}
	lowest, highest, sum := big.NewInt(p.Min), big.NewInt(p.Max), big.NewInt(p.Sum)
	others := big.NewInt(p.Count - 1)
	least := new(big.Int).Add(new(big.Int).Mul(lowest, others), highest)
	most := new(big.Int).Add(new(big.Int).Mul(highest, others), lowest)
	return sum.Cmp(least) >= 0 && sum.Cmp(most) <= 0
}

// Watch is what the evidence says of one receipt's goods so far, by device.
type Watch struct {
	Receipt string        `json:"receipt"`
	Batches int64         `json:"batches"`
	Devices []DeviceWatch `json:"devices"` // sorted by device
}

// DeviceWatch adds up one device's segments.
type DeviceWatch struct {
	Device           string    `json:"device"`
	Since            time.Time `json:"since"`
	LastAt           time.Time `json:"last_at"`
	Readings         int64     `json:"readings"`
	Missing          int64     `json:"missing"` // lost ones among them
	Excursions       int64     `json:"excursions"`
	ExcursionSeconds int64     `json:"excursion_seconds"`
	SilenceSeconds   int64     `json:"silence_seconds"` // the longest, between batches or inside of one
	// Breaches counts the segments in which a property left the conditions under which the goods must be kept.
	Breaches int64 `json:"breaches"`
}

// Add takes the batch's segments from the receipt's devices into the watch. A batch without any of them is refused with
// DEVICE_UNKNOWN.
func (w Watch) Add(r Receipt, b Batch) (Watch, error) {
	w.Receipt = r.ID
	w.Devices = slices.Clone(w.Devices)
	found := false
	for _, s := range b.Segments {
		if !slices.Contains(r.Devices, s.Device) {
			continue
		}
		found = true
		i, known := slices.BinarySearchFunc(w.Devices, s.Device, func(d DeviceWatch, id string) int {
			return strings.Compare(d.Device, id)
		})
		if !known {
			w.Devices = slices.Insert(w.Devices, i, DeviceWatch{Device: s.Device, Since: s.From, LastAt: s.From})
		}
		w.Devices[i] = w.Devices[i].add(s, r.Conditions)
	}
	if !found {
		return w, fault.New(fault.DeviceUnknown, "none of the batch's devices watches receipt %s", r.ID)
	}
	w.Batches++
	return w, nil
}

func (d DeviceWatch) add(s Segment, conditions []Condition) DeviceWatch {
	d.SilenceSeconds = max(d.SilenceSeconds, s.SilenceSeconds, int64(s.From.Sub(d.LastAt)/time.Second))
	d.LastAt = s.To
	d.Readings += s.Count
	d.Missing += s.Missing + s.Lost
	for _, p := range s.Summaries {
		d.Excursions += p.Excursions
		d.ExcursionSeconds += p.ExcursionSeconds
		for _, c := range conditions {
			if c.Property == p.Property && c.Unit == p.Unit && c.breached(p) {
				d.Breaches++
			}
		}
	}
	return d
}

// breached compares across scales by bringing the coarser one to the finer.
func (c Condition) breached(p Summary) bool {
	return scaledLess(p.Min, p.Scale, c.Min, c.Scale) || scaledLess(c.Max, c.Scale, p.Max, p.Scale)
}

// scaledLess reports a × 10^-as < b × 10^-bs. A product beyond 64 bits is as far out as its sign says.
func scaledLess(a int64, as int, b int64, bs int) bool {
	raise := func(v int64, by int) (int64, bool) {
		r, err := money.MulDiv(v, pow10(max(0, by)), 1, money.Down)
		return r, err == nil
	}
	x, okX := raise(a, bs-as)
	y, okY := raise(b, as-bs)
	switch {
	case !okX:
		return a < 0
	case !okY:
		return b > 0
	}
	return x < y
}

// Join adds up what was seen under two receipts that one receipt replaces. A device that watched both has seen one place: the
// worse of the two counts, not the sum.
func (w Watch) Join(o Watch) Watch {
	w.Batches = max(w.Batches, o.Batches)
	w.Devices = slices.Clone(w.Devices)
	for _, d := range o.Devices {
		i, known := slices.BinarySearchFunc(w.Devices, d.Device, func(have DeviceWatch, id string) int {
			return strings.Compare(have.Device, id)
		})
		if !known {
			w.Devices = slices.Insert(w.Devices, i, d)
			continue
		}
		have := &w.Devices[i]
		if d.Since.Before(have.Since) {
			have.Since = d.Since
		}
		if d.LastAt.After(have.LastAt) {
			have.LastAt = d.LastAt
		}
		have.Readings, have.Missing = max(have.Readings, d.Readings), max(have.Missing, d.Missing)
		have.Excursions, have.ExcursionSeconds = max(have.Excursions, d.Excursions), max(have.ExcursionSeconds, d.ExcursionSeconds)
		have.SilenceSeconds, have.Breaches = max(have.SilenceSeconds, d.SilenceSeconds), max(have.Breaches, d.Breaches)
	}
	return w
}
