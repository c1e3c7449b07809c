package contract

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// RegisterLotKey seals the consortium's lot key into the programme's circle (sealed input: receipt.LotKey). The first
// programme, a warehouse's, commits to it in public; every other one must bring the same, or gets LOT_KEY_CONFLICT. A buyer's
// programme has it so that an invoice's goods can be looked up.
func (*Receipt) RegisterLotKey(ctx *ledger.Context, programme string) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:RegisterLotKey")
	if err != nil {
		return err
	}
	if err := tx.CanRead(programme); err != nil {
		return err
	}
	key, err := ledger.Input[receipt.LotKey](tx)
	if err != nil {
		return err
	}
	anchor := receipt.LotKeyAnchor{Commitment: receipt.LotKeyCommitment(key.Bytes())}
	was, found, err := lotKeyAnchors.Find(tx, theLotKey)
	if err != nil {
		return err
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	switch {
	case err != nil:
		return err
	case !found && m.Kind != member.Warehouse:
		err = fault.New(fault.NotPermitted, "a warehouse makes the consortium's lot key; import the one that it exports")
	case !found:
		err = lotKeyAnchors.Create(tx, programme, anchor, theLotKey)
	case was != anchor:
		err = fault.New(fault.LotKeyConflict, "programme %s", programme)
	}
	if err != nil {
		return err
	}
	if err := lotKeys.Create(tx, programme, key, programme); err != nil {
		return err
	}
	tx.Emit(ledger.Event{Type: "lot-key.registered", ID: programme, Circle: programme})
	return nil
}

// LotKey returns the lot key that a programme's circle keeps, to those who may hand it on to another programme.
func (*Receipt) LotKey(ctx *ledger.Context, programme string) (*receipt.LotKey, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:LotKey"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(programme); err != nil {
		return nil, err
	}
	key, err := lotKeys.Get(tx, programme)
	return &key, err
}

// RegisterDevice registers a device of the caller's organisation (JSON: receipt.DeviceRegistration), guarded by a programme
// that the organisation reads.
func (*Receipt) RegisterDevice(ctx *ledger.Context, programme, registration string) (*receipt.Device, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:RegisterDevice")
	if err != nil {
		return nil, err
	}
	if err := tx.CanRead(programme); err != nil {
		return nil, err
	}
	in, err := ledger.Decode[receipt.DeviceRegistration](registration)
	if err != nil {
		return nil, err
	}
	d, err := receipt.NewDevice(actor, in)
	if err != nil {
		return nil, err
	}
	if err := devices.Create(tx, programme, d, d.ID); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "device.registered", ID: d.ID, Circle: programme})
	return &d, nil
}

// AttestDevice vouches for another organisation's device, its key and its calibration.
func (*Receipt) AttestDevice(ctx *ledger.Context, id string) (*receipt.Device, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:AttestDevice")
	if err != nil {
		return nil, err
	}
	d, err := devices.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if d, err = d.Attest(actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "device.attested", ID: id, Ref: actor.MSP})
	return &d, devices.Update(tx, d, id)
}

// CalibrateDevice vouches for a later calibration of another organisation's sensor, until the day (ISO 8601).
func (*Receipt) CalibrateDevice(ctx *ledger.Context, id, until string) (*receipt.Device, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:CalibrateDevice")
	if err != nil {
		return nil, err
	}
	day, err := calendar.Parse(until)
	if err != nil {
		return nil, err
	}
	d, err := devices.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if d, err = d.Calibrate(actor, day, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "device.calibrated", ID: id, Ref: actor.MSP})
	return &d, devices.Update(tx, d, id)
}

// RevokeDevice refuses the device's readings from the instant on (RFC 3339, UTC).
func (*Receipt) RevokeDevice(ctx *ledger.Context, id, from string) (*receipt.Device, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:RevokeDevice")
	if err != nil {
		return nil, err
	}
	instant, err := time.Parse(time.RFC3339Nano, from)
	if err != nil {
		var bad fault.Fields
		bad.Add("from", from, "must be an instant such as 2026-11-22T08:00:00Z")
		return nil, bad.Err()
	}
	d, err := devices.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if d, err = d.Revoke(actor, instant.UTC(), tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "device.revoked", ID: id, Ref: actor.MSP})
	return &d, devices.Update(tx, d, id)
}

// Device returns a device.
func (*Receipt) Device(ctx *ledger.Context, id string) (*receipt.Device, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:Device"); err != nil {
		return nil, err
	}
	d, err := devices.Get(tx, id)
	return &d, err
}

// DevicePage is one page of the devices.
type DevicePage struct {
	Devices []receipt.Device `json:"devices"`
	Next    string           `json:"next"`
}

// Devices returns a page of all devices, after the bookmark. They are public.
func (*Receipt) Devices(ctx *ledger.Context, size int, after string) (*DevicePage, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:Devices"); err != nil {
		return nil, err
	}
	items, next, err := devices.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	page := &DevicePage{Devices: []receipt.Device{}, Next: next}
	for _, item := range items {
		page.Devices = append(page.Devices, item.Record)
	}
	return page, nil
}

// Anchored is the answer of AnchorEvidence.
type Anchored struct {
	ID       string `json:"id"`
	Segments int    `json:"segments"`
}

// AnchorEvidence anchors a batch of readings for receipts of the operator (sealed input: receipt.Batch). What it refuses, and
// with which codes, says receipt.Batch.Check.
func (*Receipt) AnchorEvidence(ctx *ledger.Context, programme, id string) (*Anchored, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receipt:AnchorEvidence")
	if err != nil {
		return nil, err
	}
	b, err := ledger.Input[receipt.Batch](tx)
	if err != nil {
		return nil, err
	}
	if b.ID != id || b.Programme != programme {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another batch than %s", id)
	}
	if err := checkBatch(tx, actor.MSP, b); err != nil {
		return nil, err
	}
	list, err := receipts.GetMany(tx, b.Receipts)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.Programme != programme || r.Operator != actor.MSP || !r.Status.Live() {
			return nil, fault.New(fault.TransitionDenied, "receipt %s is not a live one of this operator in the programme", r.ID)
		}
		w, _, err := watches.Find(tx, r.ID)
		if err != nil {
			return nil, err
		}
		if w, err = w.Add(r, b); err != nil {
			return nil, err
		}
		if err := saveWatch(tx, r, w); err != nil {
			return nil, err
		}
		tx.Emit(ledger.Event{Type: "evidence.anchored", ID: id, Circle: programme, Ref: r.ID})
	}
	if err := evidence.Create(tx, programme, b.Kept(), id); err != nil {
		return nil, err
	}
	return &Anchored{ID: id, Segments: len(b.Segments)}, nil
}

// checkBatch lets the rules decide and moves the devices' heads on.
func checkBatch(tx *ledger.Tx, operator string, b receipt.Batch) error {
	collector, _, err := devices.Find(tx, b.Collector)
	if err != nil {
		return err
	}
	sensors := make([]receipt.Device, len(b.Segments))
	heads := make([]receipt.Head, len(b.Segments))
	for i, s := range b.Segments {
		if sensors[i], _, err = devices.Find(tx, s.Device); err != nil {
			return err
		}
		if heads[i], _, err = deviceHeads.Find(tx, b.Programme, s.Device); err != nil {
			return err
		}
	}
	next, err := b.Check(operator, collector, sensors, heads, tx.Now())
	if err != nil {
		return err
	}
	for i, h := range next {
		if heads[i].Batch != "" {
			err = deviceHeads.Update(tx, h, b.Programme, h.Device)
		} else {
			err = deviceHeads.Create(tx, b.Programme, h, b.Programme, h.Device)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saveWatch writes what was seen of a receipt's goods.
func saveWatch(tx *ledger.Tx, r receipt.Receipt, w receipt.Watch) error {
	_, found, err := watches.Find(tx, r.ID)
	if err != nil {
		return err
	}
	if found {
		return watches.Update(tx, w, r.ID)
	}
	return watches.Create(tx, r.Programme, w, r.ID)
}

// inheritWatch gives the receipts that replace others what was seen of the same goods.
func inheritWatch(tx *ledger.Tx, was, created []receipt.Receipt) error {
	var all receipt.Watch
	for _, r := range was {
		w, found, err := watches.Find(tx, r.ID)
		if err != nil {
			return err
		}
		if found {
			all = all.Join(w)
		}
	}
	if len(all.Devices) == 0 {
		return nil
	}
	for _, r := range created {
		all.Receipt = r.ID
		if err := watches.Create(tx, r.Programme, all, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// Head returns where a device's anchored readings end in the programme; the zero head before the first.
func (*Receipt) Head(ctx *ledger.Context, programme, device string) (*receipt.Head, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:Head"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(programme); err != nil {
		return nil, err
	}
	h, _, err := deviceHeads.Find(tx, programme, device)
	h.Device = device
	return &h, err
}

// Evidence returns an anchored batch.
func (*Receipt) Evidence(ctx *ledger.Context, id string) (*receipt.Batch, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:Evidence"); err != nil {
		return nil, err
	}
	b, err := evidence.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return &b, tx.CanRead(b.Programme)
}

// Watch returns what the evidence says of a receipt's goods so far, to those who may see the receipt.
func (*Receipt) Watch(ctx *ledger.Context, id string) (*receipt.Watch, error) {
	tx := ctx.Tx()
	if _, err := visibleReceipt(tx, "receipt:Watch", id); err != nil {
		return nil, err
	}
	w, _, err := watches.Find(tx, id)
	w.Receipt = id
	return &w, err
}

// Verified is the answer of VerifyReading.
type Verified struct {
	Batch    string          `json:"batch"`
	LeafHash receipt.Hash    `json:"leaf_hash"`
	Root     receipt.Hash    `json:"root"` // the segment's
	Operator string          `json:"operator"`
	Reading  receipt.Reading `json:"reading"`
}

// VerifyReading checks that a reading is in an anchored batch (sealed input: receipt.Proof), or returns
// EVIDENCE_PROOF_INVALID. A reading that carries its device's signature is held against the device's key, too.
func (*Receipt) VerifyReading(ctx *ledger.Context, batch string) (*Verified, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receipt:VerifyReading"); err != nil {
		return nil, err
	}
	p, err := ledger.Input[receipt.Proof](tx)
	if err != nil {
		return nil, err
	}
	b, err := evidence.Get(tx, batch)
	if err != nil {
		return nil, err
	}
	if err := tx.CanRead(b.Programme); err != nil {
		return nil, err
	}
	if err := p.Verify(b); err != nil {
		return nil, err
	}
	d, err := devices.Get(tx, p.Reading.Device)
	if err != nil {
		return nil, err
	}
	if len(p.Reading.Signature) > 0 && !d.Key.Verify(p.Reading.Message(), p.Reading.Signature) {
		return nil, fault.New(fault.EvidenceSignatureInvalid, "the reading is not signed by device %s", d.ID)
	}
	return &Verified{Batch: batch, LeafHash: receipt.HashOf(p.Reading.LeafHash()), Root: b.Segments[p.Segment].Root,
		Operator: d.Operator, Reading: p.Reading}, nil
}
