package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
	"github.com/tallystick/tallystick/gateway-client/evidence"
)

// content is what is in a file.
type content struct {
	events   []epcis.Event
	readings []receipt.Reading
	closed   *Closed
}

// read parses a file by its name's suffix. Everything else than the two forms of our own is taken for EPCIS.
func read(name string, raw []byte) (c content, err error) {
	if len(raw) > MaxFileBytes {
		return c, fault.New(fault.InputTooLarge, "a file has at most %d bytes", MaxFileBytes)
	}
	switch {
	case strings.HasSuffix(name, suffixSegment):
		c.closed = &Closed{}
		if err := json.Unmarshal(raw, c.closed); err != nil {
			return c, fault.New(fault.DocumentMalformed, "is no closed segment: %v", err)
		}
	case strings.HasSuffix(name, suffixReadings):
		dec := json.NewDecoder(bytes.NewReader(raw))
		for line := 1; ; line++ {
			var r receipt.Reading
			if err := dec.Decode(&r); err == io.EOF {
				break
			} else if err != nil {
				return c, fault.New(fault.DocumentMalformed, "line %d is no reading: %v", line, err)
			}
			if err := r.Validate(); err != nil {
				return c, err
			}
			if len(r.Signature) == 0 {
				return c, fault.New(fault.EvidenceSignatureInvalid, "line %d is not signed by device %s", line, r.Device)
			}
			c.readings = append(c.readings, r)
		}
	default:
		c.events, err = epcis.Parse(bytes.NewReader(raw))
	}
	return c, err
}

// materials are what is to be anchored, by device.
type materials map[string]*material

type material struct {
	device   receipt.Device
	readings []receipt.Reading
	closed   []evidence.Segment
}

func (m materials) of(d receipt.Device) *material {
	if m[d.ID] == nil {
		m[d.ID] = &material{device: d}
	}
	return m[d.ID]
}

func (m materials) add(d receipt.Device, readings []receipt.Reading) {
	m.of(d).readings = append(m.of(d).readings, readings...)
}

func (m materials) close(d receipt.Device, s evidence.Segment) {
	m.of(d).closed = append(m.of(d).closed, s)
}

// draw plans what is in the spool. Files that cannot be read are set aside.
func (c *Collector) draw(ctx context.Context) (p plan, more bool, err error) {
	names, err := c.Spool.waiting()
	if err != nil || len(names) == 0 {
		return p, false, err
	}
	house, err := c.survey(ctx)
	if err != nil {
		return p, false, err
	}
	m, count := materials{}, 0
	for _, name := range names {
		if len(p.Files) == MaxFiles || count >= MaxReadings {
			return p, true, c.seal(ctx, &p, house, m)
		}
		raw, err := os.ReadFile(c.Spool.path(incoming, name))
		if err != nil {
			return p, false, err
		}
		hash := hashOf(raw)
		if c.Spool.done(hash) || slices.ContainsFunc(p.Files, func(f spooled) bool { return f.Hash == hash }) {
			if err := os.Remove(c.Spool.path(incoming, name)); err != nil {
				return p, false, err
			}
			continue
		}
		n, err := c.take(ctx, house, m, name, raw)
		if err != nil && !final(err) && !unreadable(err) {
			return p, false, err
		}
		if err != nil {
			c.log().Warn("a file was set aside", "file", name, "error", err)
			if err := c.Spool.rejectFile(name, err); err != nil {
				return p, false, err
			}
			continue
		}
		count += n
		p.Files = append(p.Files, spooled{name, hash})
	}
	return p, false, c.seal(ctx, &p, house, m)
}

// unreadable reports whether a file's content is wrong.
func unreadable(err error) bool {
	row, known := fault.Describe(fault.CodeOf(err))
	return known && row.Kind == fault.Invalid
}

// take adds a file's readings, all of them or none.
func (c *Collector) take(ctx context.Context, house *house, m materials, name string, raw []byte) (n int, err error) {
	file, err := read(name, raw)
	if err != nil {
		return 0, err
	}
	ids := []string{}
	for _, identifier := range evidence.DevicesIn(file.events) {
		ids = append(ids, evidence.DeviceID(identifier))
	}
	for _, r := range file.readings {
		if !slices.Contains(ids, r.Device) {
			ids = append(ids, r.Device)
		}
	}
	if file.closed != nil {
		ids = append(ids, file.closed.Segment.Device)
	}
	devices := make([]receipt.Device, len(ids))
	for i, id := range ids {
		if devices[i], err = house.device(ctx, c.Ledger, id); err != nil {
			return 0, err
		}
	}
	if file.closed != nil {
		s, err := evidence.Receive(devices[0], file.closed.Segment, file.closed.Readings)
		if err != nil {
			return 0, err
		}
		m.close(devices[0], s)
		return len(s.Readings), nil
	}
	found, _, err := evidence.ReadingsIn(file.events, devices)
	if err != nil {
		return 0, err
	}
	for _, r := range file.readings {
		found[r.Device] = append(found[r.Device], r)
	}
	for _, d := range devices {
		for _, r := range found[d.ID] {
			if len(r.Signature) > 0 && !d.Key.Verify(r.Message(), r.Signature) {
				return 0, fault.New(fault.EvidenceSignatureInvalid, "sequence %d of device %s", r.Sequence, d.ID)
			}
		}
	}
	for _, d := range devices {
		m.add(d, found[d.ID])
		n += len(found[d.ID])
	}
	return n, nil
}

func (c *Collector) seal(ctx context.Context, p *plan, house *house, m materials) error {
	var hashes []string
	for _, f := range p.Files {
		hashes = append(hashes, f.Hash)
	}
	seed := strings.Join(hashes, " ")
	for _, id := range slices.Sorted(maps.Keys(m)) {
		if len(house.watching(id)) == 0 {
			why := fault.New(fault.DeviceUnknown, "device %s watches no live receipt", id)
			if err := c.Spool.reject(derive(seed, id), m[id].all(), why); err != nil {
				return err
			}
		}
	}
	batches, err := c.batches(ctx, house, m, house.programmes(), seed, 0)
	p.Batches = batches
	return err
}

func (m *material) all() []receipt.Reading {
	list := slices.Clone(m.readings)
	for _, s := range m.closed {
		list = append(list, s.Readings...)
	}
	return list
}

// batches puts the materials into sealed batches for the programmes, keeps their readings in the archive, and sets aside what can
// never be anchored. Ids come from the seed, so that the same work done again after a stop makes the same batches. Batches of a
// repeat hold one device each: what is wrong with one does not keep the others.
func (c *Collector) batches(ctx context.Context, house *house, m materials, programmes []string, seed string, tries int) ([]planned, error) {
	var list []planned
	for _, programme := range programmes {
		queues := map[string][]evidence.Segment{}
		heads := map[string]receipt.Head{}
		for _, id := range slices.Sorted(maps.Keys(m)) {
			if len(house.receipts[id][programme]) == 0 {
				continue
			}
			head := receipt.Head{}
			call := consortium.Call{Function: "receipt:Head", Args: []string{programme, id}, Circles: []string{programme}}
			if err := c.Ledger.Evaluate(ctx, call, &head); err != nil {
				return nil, err
			}
			heads[id] = head
			segments, late, err := m[id].segments(head, c.Now())
			if err != nil {
				return nil, err
			}
			why := fault.New(fault.EvidenceBackdated, "dated before what is anchored of device %s in programme %s, or in the future", id, programme)
			if err := c.Spool.reject(derive(seed, programme, id), late, why); err != nil {
				return nil, err
			}
			if len(segments) > 0 {
				queues[id] = segments
			}
		}
		for len(queues) > 0 {
			b, err := c.pack(house, programme, queues, heads, derive(seed, programme, strconv.Itoa(len(list))), tries > 0)
			if err != nil {
				return nil, err
			}
			if err := c.Archive.Save(b); err != nil {
				return nil, err
			}
			list = append(list, planned{Batch: b.Batch, Tries: tries})
		}
	}
	return list, nil
}

// pack takes the first segment of as many devices as fit into one batch off their queues, and moves the heads on.
func (c *Collector) pack(house *house, programme string, queues map[string][]evidence.Segment, heads map[string]receipt.Head, id string, alone bool) (evidence.Batch, error) {
	h := evidence.Header{ID: "evd-" + id, Programme: programme, Collector: c.Device}
	var segments []evidence.Segment
	var devices []receipt.Device
	var before []receipt.Head
	signed := 0
	for _, device := range slices.Sorted(maps.Keys(queues)) {
		s := queues[device][0]
		receipts := union(h.Receipts, house.receipts[device][programme])
		full := len(receipts) > receipt.MaxBatchReceipts || signed+len(s.Segment.Readings) > receipt.MaxSignedReadings ||
			len(segments) == receipt.MaxSegments || alone
		if len(segments) > 0 && full {
			continue
		}
		if len(receipts) > receipt.MaxBatchReceipts {
			c.log().Warn("a device watches more receipts than fit into a batch", "device", device, "receipts", len(receipts))
			receipts = receipts[:receipt.MaxBatchReceipts]
		}
		h.Receipts, signed = receipts, signed+len(s.Segment.Readings)
		segments, devices, before = append(segments, s), append(devices, house.known[device]), append(before, heads[device])
		heads[device] = receipt.Head{Device: device, Last: s.Last, At: s.To, Batch: h.ID}
		if queues[device] = queues[device][1:]; len(queues[device]) == 0 {
			delete(queues, device)
		}
	}
	return evidence.Seal(h, segments, devices, before, c.Now(), c.Ledger.User().Sign)
}

// segments closes what is new after the head. Signed readings that are anchored already are left out without a word, and so are
// unsigned ones that stand twice; late ones, and such as are dated after now, are returned. An unsigned reading has to be later
// than what is anchored, since nothing else tells it from one that was sent again.
func (m *material) segments(head receipt.Head, now time.Time) (list []evidence.Segment, late []receipt.Reading, err error) {
	from := head.At
	if m.device.InstalledAt.After(from) {
		from = m.device.InstalledAt
	}
	future := now.Add(receipt.SkewSeconds * time.Second)
	next := m.device.FirstSequence
	if head.Last > 0 {
		next = head.Last + 1
	}
	var fresh []receipt.Reading
	seen := map[instant]bool{}
	for _, r := range m.readings {
		signed := len(r.Signature) > 0
		same := instant{r.At.UnixMilli(), r.Property, r.Value}
		switch {
		case signed && r.Sequence < next: // anchored before
		case !signed && seen[same]:
		case r.At.Before(from) || r.At.After(future) || !signed && head.Last > 0 && !r.At.After(head.At):
			late = append(late, r)
		default:
			fresh = append(fresh, r)
			seen[same] = true
		}
	}
	closed := slices.Clone(m.closed)
	slices.SortFunc(closed, func(a, b evidence.Segment) int { return int(a.First - b.First) })
	for _, s := range closed {
		switch {
		case s.Last < next:
		case s.First < next || s.From.Before(from) || s.To.After(future):
			late = append(late, s.Readings...)
		default:
			list = append(list, s)
			next, from = s.Last+1, s.To
		}
	}
	size := receipt.MaxSegmentReadings
	if len(fresh) > 0 && len(fresh[0].Signature) > 0 {
		size = receipt.MaxSignedReadings
		slices.SortFunc(fresh, func(a, b receipt.Reading) int { return int(a.Sequence - b.Sequence) })
		fresh = slices.CompactFunc(fresh, func(a, b receipt.Reading) bool { return a.Sequence == b.Sequence })
	}
	for part := range slices.Chunk(fresh, size) {
		s, err := evidence.CloseReadings(part, m.device, next)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, s)
		next = s.Last + 1
	}
	return list, late, nil
}

// instant is what an unsigned reading says.
type instant struct {
	at       int64 // milliseconds
	property string
	value    int64
}

func union(a, b []string) []string {
	list := slices.Concat(a, b)
	slices.Sort(list)
	return slices.Compact(list)
}

// derive is an opaque id's digits that the same parts always give.
func derive(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:10])
}

// house is what the ledger says of the operator's receipts and devices.
type house struct {
	receipts map[string]map[string][]string // live receipts by device and programme
	known    map[string]receipt.Device
}

// survey lists the operator's live receipts. It fails where the collector itself may not anchor.
func (c *Collector) survey(ctx context.Context) (*house, error) {
	h := &house{receipts: map[string]map[string][]string{}, known: map[string]receipt.Device{}}
	self, err := h.device(ctx, c.Ledger, c.Device)
	if err != nil {
		return nil, err
	}
	if self.Status != receipt.Attested {
		return nil, fault.New(fault.DeviceNotAttested, "collector %s is %s", c.Device, self.Status)
	}
	programmes, err := c.Ledger.Readable(ctx, circle.Programme)
	if err != nil {
		return nil, err
	}
	for after := ""; ; {
		var page struct {
			Receipts []receipt.Receipt `json:"receipts"`
			Next     string            `json:"next"`
		}
		if err := c.Ledger.Evaluate(ctx, consortium.Call{Function: "receipt:List", Args: []string{devicesPage, after}, Circles: programmes}, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Receipts {
			if r.Operator != c.Ledger.User().MSP || !r.Status.Live() {
				continue
			}
			for _, d := range r.Devices {
				if h.receipts[d] == nil {
					h.receipts[d] = map[string][]string{}
				}
				h.receipts[d][r.Programme] = append(h.receipts[d][r.Programme], r.ID)
			}
		}
		if page.Next == "" {
			return h, nil
		}
		after = page.Next
	}
}

func (h *house) watching(device string) map[string][]string { return h.receipts[device] }

// programmes lists those in which a device watches a receipt.
func (h *house) programmes() []string {
	var list []string
	for _, in := range h.receipts {
		list = union(list, slices.Collect(maps.Keys(in)))
	}
	return list
}

// device returns a registered device, or DEVICE_UNKNOWN.
func (h *house) device(ctx context.Context, l Ledger, id string) (receipt.Device, error) {
	if d, known := h.known[id]; known {
		return d, nil
	}
	var d receipt.Device
	err := l.Evaluate(ctx, consortium.Call{Function: "receipt:Device", Args: []string{id}}, &d)
	if fault.CodeOf(err) == fault.RecordNotFound {
		err = fault.New(fault.DeviceUnknown, "device %s is not registered", id)
	}
	if err == nil {
		h.known[id] = d
	}
	return d, err
}
