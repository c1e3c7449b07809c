package receipt

import (
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Division is the input of a split: one part for each new receipt.
type Division struct {
	Parts []Part `json:"parts"`
}

// Part is one of the receipts that replace another. Values[i] is what it takes of line i, in that line's scale and unit; 0 is
// nothing of it.
type Part struct {
	ID     string  `json:"id"`
	Values []int64 `json:"values"`
}

// Validate reports every failure of the input with its field and value.
func (d Division) Validate() error {
	var bad fault.Fields
	if len(d.Parts) < 2 || len(d.Parts) > MaxParts {
		bad.Add("parts", len(d.Parts), "must be 2 to %d", MaxParts)
		return bad.Err()
	}
	ids := make([]string, 0, len(d.Parts))
	for i, p := range d.Parts {
		ids = append(ids, p.ID)
		some := false
		for j, v := range p.Values {
			if v < 0 {
				bad.Add(fmt.Sprintf("parts[%d].values[%d]", i, j), v, "must not be negative")
			}
			some = some || v > 0
		}
		if !some || len(p.Values) > MaxLines {
			bad.Add(fmt.Sprintf("parts[%d].values", i), len(p.Values), "must take something of at most %d lines", MaxLines)
		}
	}
	checkIDs(&bad, "parts", ids, MaxParts)
	return bad.Err()
}

// Split replaces the receipt by several, to the last unit of every line. The actor is the party in control; a pledge for a
// loan stays on every part. Storage charges and the declared value are allocated by the
// number of lines that a part takes: what share of a value a line has, the receipt does not know.
func (r Receipt) Split(a member.Actor, d Division) (parent Receipt, parts []Receipt, err error) {
	parent, err = r.by(a, r.Controller, Divide)
	if err != nil {
		return r, nil, err
	}
	if err := d.Validate(); err != nil {
		return r, nil, err
	}
	weights := make([]int64, len(d.Parts))
	for i, p := range d.Parts {
		if len(p.Values) != len(r.Lines) {
			return r, nil, fault.New(fault.ReceiptGoodsMismatch, "a part says what it takes of each of the %d lines", len(r.Lines))
		}
		part := r
		part.ID, part.Lines, part.From, part.Proposal, part.Relied = p.ID, nil, []string{r.ID}, nil, true
		parts = append(parts, part)
		parent.Into = append(slices.Clip(parent.Into), p.ID)
		weights[i] = 0
	}
	for j, line := range r.Lines {
		if err := deal(parts, weights, line, j, d); err != nil {
			return r, nil, err
		}
	}
	if r.Charges != nil {
		shares, err := r.Charges.Allocate(weights)
		if err != nil {
			return r, nil, err
		}
		for i := range parts {
			parts[i].Charges = positive(shares[i])
		}
	}
	if r.Declared != nil {
		shares, err := r.Declared.Allocate(weights)
		if err != nil {
			return r, nil, err
		}
		for i := range parts {
			parts[i].Declared = positive(shares[i])
		}
	}
	parent.Proposal, parent.Lien, parent.Relied = nil, nil, true
	return parent, parts, nil
}

// deal gives every part its share of line j.
func deal(parts []Receipt, weights []int64, line Line, j int, d Division) error {
	var takers []int
	var values []int64
	for i, p := range d.Parts {
		if p.Values[j] > 0 {
			takers, values = append(takers, i), append(values, p.Values[j])
			weights[i]++
		}
	}
	if len(takers) == 1 && values[0] == line.Quantity.Value {
		parts[takers[0]].Lines = append(parts[takers[0]].Lines, line)
		return nil
	}
	pieces, err := line.divide(values)
	if err != nil {
		return err
	}
	for k, i := range takers {
		parts[i].Lines = append(parts[i].Lines, pieces[k])
	}
	return nil
}

func positive(a money.Amount) *money.Amount {
	if !a.IsPositive() {
		return nil
	}
	return &a
}

// Merge replaces several receipts by one with the given id. They must be one owner's, in one place of one operator, in one
// status and, where pledged, for one financing. The actor is the party in control.
func Merge(a member.Actor, id string, list []Receipt) (merged Receipt, ended []Receipt, err error) {
	var bad fault.Fields
	checkID(&bad, "id", id)
	if len(list) < 2 || len(list) > MaxParts {
		bad.Add("receipts", len(list), "must be 2 to %d", MaxParts)
	}
	if err := bad.Err(); err != nil {
		return Receipt{}, nil, err
	}
	first := list[0]
	merged = first
	merged.ID, merged.Lines, merged.Devices, merged.From, merged.Charges = id, nil, nil, nil, nil
	merged.Declared, merged.Into, merged.Proposal, merged.Relied = nil, nil, nil, true
	for i, r := range list {
		if slices.ContainsFunc(list[:i], func(o Receipt) bool { return o.ID == r.ID }) {
			return Receipt{}, nil, fault.New(fault.ReceiptGoodsMismatch, "receipt %s is named twice", r.ID)
		}
		if !first.joins(r) {
			return Receipt{}, nil, fault.New(fault.ReceiptGoodsMismatch,
				"receipts %s and %s differ in owner, operator, place, conditions, status or financing", first.ID, r.ID)
		}
		next, err := r.by(a, r.Controller, Join)
		if err != nil {
			return Receipt{}, nil, err
		}
		merged.Lines = append(merged.Lines, r.Lines...)
		merged.From = append(merged.From, r.ID)
		for _, device := range r.Devices {
			if !slices.Contains(merged.Devices, device) {
				merged.Devices = append(merged.Devices, device)
			}
		}
		if merged.Charges, err = add(merged.Charges, r.Charges); err != nil {
			return Receipt{}, nil, err
		}
		if merged.Declared, err = add(merged.Declared, r.Declared); err != nil {
			return Receipt{}, nil, err
		}
		if r.StoredOn.Before(merged.StoredOn) {
			merged.StoredOn = r.StoredOn
		}
		next.Into, next.Lien, next.Proposal, next.Relied = []string{id}, nil, nil, true
		ended = append(ended, next)
	}
	if len(merged.Lines) > MaxLines || len(merged.Devices) > MaxDevices {
		return Receipt{}, nil, fault.New(fault.InputTooLarge, "a receipt has at most %d lines and %d devices", MaxLines, MaxDevices)
	}
	return merged, ended, nil
}

func (r Receipt) joins(o Receipt) bool {
	sameLien := r.Lien == nil && o.Lien == nil ||
		r.Lien != nil && o.Lien != nil && r.Lien.Financing == o.Lien.Financing && r.Lien.Creditor == o.Lien.Creditor
	return sameLien && r.Programme == o.Programme && r.Operator == o.Operator && r.Owner == o.Owner &&
		r.Controller == o.Controller && r.Status == o.Status && r.Site == o.Site && slices.Equal(r.Conditions, o.Conditions)
}

func add(a, b *money.Amount) (*money.Amount, error) {
	if a == nil || b == nil {
		if a == nil {
			a = b
		}
		return a, nil
	}
	sum, err := a.Add(*b)
	return &sum, err
}

// LotMove is what a step does to the claim on one lot: Lines and Pledged change by these counts. New lots are taken with
// LotClaim.Claim first.
type LotMove struct {
	Goods   Goods
	Origin  string
	New     bool
	Lines   int
	Pledged int
}

// LotMoves compares the receipts that a step has read with those that it writes, and lists the lots whose claims change, in
// the order of the lines. It is the same for every step, so that no step can forget a lot.
func LotMoves(before, after []Receipt) []LotMove {
	var moves []LotMove
	count := func(list []Receipt, sign int, isNew bool) {
		for _, r := range list {
			if !r.Status.Live() {
				continue
			}
			for _, line := range r.Lines {
				i := slices.IndexFunc(moves, func(m LotMove) bool {
					return m.Origin == line.Origin && sameLot(m.Goods, line.Goods)
				})
				if i < 0 {
					moves = append(moves, LotMove{Goods: line.Goods, Origin: line.Origin, New: isNew})
					i = len(moves) - 1
				}
				moves[i].Lines += sign
				if r.Status.Liened() {
					moves[i].Pledged += sign
				}
			}
		}
	}
	count(before, -1, false)
	count(after, 1, true)
	return slices.DeleteFunc(moves, func(m LotMove) bool { return m.Lines == 0 && m.Pledged == 0 })
}
