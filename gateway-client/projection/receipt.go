package projection

import (
	"context"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

func receiptKinds() []kind {
	return []kind{
		kindOf("receipt", forGoods, deriveReceipt),
		kindOf("device", public, func(d *receipt.Device, _ lookup, r *row) error {
			r.status, r.msp, r.due = string(d.Status), d.Operator, dayText(d.CalibratedUntil)
			return nil
		}),
		kindOf("evidence", forGoods, func(b *receipt.Batch, _ lookup, r *row) error {
			for _, id := range b.Receipts {
				r.link(roleOf, "receipt", id)
			}
			r.link("collector", "device", b.Collector)
			for _, seg := range b.Segments {
				r.link("device", "device", seg.Device)
			}
			return nil
		}),
		kindOf("receipt-watch", forGoods, func(w *receipt.Watch, _ lookup, r *row) error {
			r.link(roleOf, "receipt", w.Receipt)
			if slices.ContainsFunc(w.Devices, func(d receipt.DeviceWatch) bool { return d.Breaches > 0 }) {
				r.status = "breached"
			}
			return nil
		}),
		kindOf("price-agreement", forCircle, func(*receipt.PriceAgreement, lookup, *row) error { return nil }),
		kindOf("price-quotes", forCircle, func(*receipt.Quotes, lookup, *row) error { return nil }),
	}
}

func deriveReceipt(x *receipt.Receipt, _ lookup, r *row) error {
	r.status = string(x.Status)
	r.concern(x.Owner.Party)
	if x.Offer != nil {
		r.concern(x.Offer.Party)
		r.meet(x.Owner.Party, x.Offer.Party)
	}
	for _, d := range x.Devices {
		r.link("device", "device", d)
	}
	for _, id := range x.From {
		r.link("from", "receipt", id)
	}
	for _, id := range x.Into {
		r.link("into", "receipt", id)
	}
	if x.Lien != nil {
		r.msp = x.Lien.Creditor
	}
	for _, line := range x.Lines {
		r.terms = append(r.terms, words(line.Lot)...)
	}
	r.columns("receipt", "programme", x.Programme, "operator", x.Operator, "owner", x.Owner.Party, "site", x.Site)
	return nil
}

// ReceiptFilter filters a list of receipts; empty fields filter nothing.
type ReceiptFilter struct {
	Common
	Owner, Programme, Operator, Site string
	// Device keeps the receipts whose goods a device watches.
	Device string
}

func (f ReceiptFilter) listing() listing {
	l := listing{typ: "receipt", Common: f.Common, table: "receipt"}
	l.where("owner", f.Owner)
	l.where("programme", f.Programme)
	l.where("operator", f.Operator)
	l.where("site", f.Site)
	if f.Device != "" {
		l.to = &link{"device", "device", f.Device}
	}
	return l
}

// Receipts lists warehouse receipts: a supplier's party sees those that it owns or is offered, other organisations all that they
// read.
func (s *Store) Receipts(ctx context.Context, v Viewer, f ReceiptFilter, p Page) (Slice[receipt.Receipt], error) {
	return page(ctx, s, v, f.listing(), p, whole[receipt.Receipt])
}

// Receipt returns a warehouse receipt, or RECORD_NOT_FOUND.
func (s *Store) Receipt(ctx context.Context, v Viewer, id string) (receipt.Receipt, error) {
	return one[receipt.Receipt](ctx, s, v, "receipt", id)
}

// Watch returns what the evidence says of a receipt's goods so far, empty before the first; RECORD_NOT_FOUND where the viewer may
// not see the receipt.
func (s *Store) Watch(ctx context.Context, v Viewer, receiptID string) (receipt.Watch, error) {
	if _, err := s.Receipt(ctx, v, receiptID); err != nil {
		return receipt.Watch{}, err
	}
	w, err := one[receipt.Watch](ctx, s, v, "receipt-watch", receiptID)
	if fault.CodeOf(err) == fault.RecordNotFound {
		err = nil
	}
	w.Receipt = receiptID
	return w, err
}

// Devices lists devices. They are public.
func (s *Store) Devices(ctx context.Context, v Viewer, c Common, p Page) (Slice[receipt.Device], error) {
	return page(ctx, s, v, listing{typ: "device", Common: c}, p, whole[receipt.Device])
}

// Device returns a device, or RECORD_NOT_FOUND.
func (s *Store) Device(ctx context.Context, v Viewer, id string) (receipt.Device, error) {
	return one[receipt.Device](ctx, s, v, "device", id)
}

// Evidence lists the anchored batches on a receipt's goods, or all where the receipt is "". A supplier's party sees of a batch what
// is about its own receipts.
func (s *Store) Evidence(ctx context.Context, v Viewer, receiptID string, c Common, p Page) (Slice[receipt.Batch], error) {
	l := listing{typ: "evidence", Common: c}
	if receiptID != "" {
		if _, err := s.Receipt(ctx, v, receiptID); fault.CodeOf(err) == fault.RecordNotFound {
			return Slice[receipt.Batch]{Items: []receipt.Batch{}}, nil
		} else if err != nil {
			return Slice[receipt.Batch]{}, err
		}
		l.to = &link{roleOf, "receipt", receiptID}
	}
	return page(ctx, s, v, l, p, func(ctx context.Context, b receipt.Batch) (receipt.Batch, bool, error) {
		b, err := s.ownSegments(ctx, v, b)
		return b, true, err
	})
}

// EvidenceBatch returns an anchored batch as Evidence does, or RECORD_NOT_FOUND.
func (s *Store) EvidenceBatch(ctx context.Context, v Viewer, id string) (receipt.Batch, error) {
	b, err := one[receipt.Batch](ctx, s, v, "evidence", id)
	if err != nil {
		return b, err
	}
	return s.ownSegments(ctx, v, b)
}

// ownSegments leaves out of a batch what is about receipts that the viewer may not see. What is left does not add up to the
// batch's root: who checks a root reads the ledger.
func (s *Store) ownSegments(ctx context.Context, v Viewer, b receipt.Batch) (receipt.Batch, error) {
	if v.scope(forGoods) == all {
		return b, nil
	}
	var receipts, devices []string
	for _, id := range b.Receipts {
		r, err := s.Receipt(ctx, v, id)
		if fault.CodeOf(err) == fault.RecordNotFound {
			continue
		}
		if err != nil {
			return b, err
		}
		receipts, devices = append(receipts, id), append(devices, r.Devices...)
	}
	b.Receipts = receipts
	b.Segments = slices.DeleteFunc(b.Segments, func(seg receipt.Segment) bool { return !slices.Contains(devices, seg.Device) })
	return b, nil
}

// Prices returns what a programme's banks have agreed on, or RECORD_NOT_FOUND.
func (s *Store) Prices(ctx context.Context, v Viewer, programme string) (receipt.PriceAgreement, error) {
	return one[receipt.PriceAgreement](ctx, s, v, "price-agreement", programme)
}

// Quotes lists the latest prices by class of goods; Common.Circle keeps those of one programme.
func (s *Store) Quotes(ctx context.Context, v Viewer, c Common, p Page) (Slice[receipt.Quotes], error) {
	return page(ctx, s, v, listing{typ: "price-quotes", Common: c}, p, whole[receipt.Quotes])
}
