package financing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// LimitKind says what a bank's limit is on.
type LimitKind string

// The kinds of limits. Every limit is one bank's.
const (
	PerBorrower  LimitKind = "borrower"  // all loans of one SME
	PerBuyer     LimitKind = "buyer"     // all loans on claims against one buyer
	PerProgramme LimitKind = "programme" // all loans on collateral of one programme
	PerSector    LimitKind = "sector"    // all loans to borrowers of one sector
	Facility     LimitKind = "facility"  // all loans of the bank
)

// Unclassified is the sector of a borrower whom no register puts into one, so that leaving it out is no way round the limit.
const Unclassified = "unclassified"

// LimitKinds lists the kinds, in the order in which a loan draws on them.
func LimitKinds() []LimitKind {
	return []LimitKind{Facility, PerBorrower, PerBuyer, PerProgramme, PerSector}
}

func (k LimitKind) known() bool {
	for _, one := range LimitKinds() {
		if one == k {
			return true
		}
	}
	return false
}

// Limit is the head of a limit: it is read by every draw and written only when the total or the lanes change. What is used
// stands in its lanes.
type Limit struct {
	ID         string    `json:"id"`
	Bank       string    `json:"bank"`
	Kind       LimitKind `json:"kind"`
	Subject    string    `json:"subject"` // party, programme, sector; the bank's MSP id for the facility
	Currency   string    `json:"currency"`
	TotalMinor int64     `json:"total_minor"`
	Lanes      int       `json:"lanes"`
}

// Lane is a part of a limit that one draw at a time uses: 0 ≤ UsedMinor, and UsedMinor ≤ CapMinor whenever it grows. The
// caps of a limit's lanes add up to its total, so as many draws as there are lanes go on side by side and the total is
// never exceeded, not even for a moment.
type Lane struct {
	Limit     string `json:"limit"`
	Number    int    `json:"number"`
	CapMinor  int64  `json:"cap_minor"`
	UsedMinor int64  `json:"used_minor"`
}

// LimitID is the id of a bank's limit on a subject. It is keyed by the policy's limit key, so that it is the same for every
// endorser and tells an outsider nothing.
func (t Terms) LimitID(bank string, kind LimitKind, subject string) (string, error) {
	key, err := hex.DecodeString(t.LimitKey)
	if err != nil {
		return "", fault.New(fault.InternalError, "the policy has no usable limit key")
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{bank, string(kind), subject} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return "lim-" + hex.EncodeToString(mac.Sum(nil)[:16]), nil
}

// rule returns the policy's rule for the kind of limit; ok is false where the policy sets none.
func (t Terms) rule(kind LimitKind) (LimitRule, bool) {
	for _, r := range t.Limits {
		if r.Kind == kind {
			return r, true
		}
	}
	return LimitRule{}, false
}

// Limited reports whether the policy limits the kind.
func (t Terms) Limited(kind LimitKind) bool {
	_, ok := t.rule(kind)
	return ok
}

// SpreadLane picks a lane of a limit by the application's id, so that loans of different applications are drawn side by side.
func SpreadLane(application, limit string, lanes int) int {
	if lanes < 2 {
		return 0
	}
	sum := sha256.Sum256([]byte(application + "\x00" + limit))
	return int(binary.BigEndian.Uint32(sum[:4]) % uint32(lanes))
}

// OpenLimit makes a limit and its lanes by the policy's rule, with the total divided evenly. LIMIT_MISMATCH where the
// policy sets no limit of the kind.
func OpenLimit(p Policy, kind LimitKind, subject string) (Limit, []Lane, error) {
	rule, ok := p.Terms.rule(kind)
	if !ok {
		return Limit{}, nil, fault.New(fault.LimitMismatch, "policy %s sets no limit of kind %s", p.ID, kind)
	}
	id, err := p.Terms.LimitID(p.Bank, kind, subject)
	if err != nil {
		return Limit{}, nil, err
	}
	l := Limit{ID: id, Bank: p.Bank, Kind: kind, Subject: subject, Currency: p.Terms.Currency, TotalMinor: rule.TotalMinor, Lanes: int(rule.Lanes)}
	parts, err := money.Amount{Minor: rule.TotalMinor, Currency: l.Currency}.Split(l.Lanes)
	if err != nil {
		return Limit{}, nil, err
	}
	lanes := make([]Lane, l.Lanes)
	for i := range lanes {
		lanes[i] = Lane{Limit: id, Number: i, CapMinor: parts[i].Minor}
	}
	return l, lanes, nil
}

// FreeMinor is what can still be drawn on the lane.
func (l Lane) FreeMinor() int64 { return max(0, l.CapMinor-l.UsedMinor) }

// Draw uses a part of the lane, or returns LIMIT_EXCEEDED.
func (l Lane) Draw(minor int64) (Lane, error) {
	if minor < 0 || minor > l.FreeMinor() {
		return l, fault.New(fault.LimitExceeded, "lane %d of limit %s has no room; try another lane or rebalance", l.Number, l.Limit)
	}
	l.UsedMinor += minor
	return l, nil
}

// Free gives a part of the lane back.
func (l Lane) Free(minor int64) (Lane, error) {
	if minor < 0 || minor > l.UsedMinor {
		return l, fault.New(fault.InternalError, "lane %d of limit %s would hold less than nothing", l.Number, l.Limit)
	}
	l.UsedMinor -= minor
	return l, nil
}

// Rebalance divides a limit's total over its lanes again, so that the free room is the same in each; a new total may go
// with it. Used parts stay where they are. LIMIT_EXCEEDED where the new total is below what is used. The caps are changed
// together, in one transaction that reads every lane, so no draw sees a part of it.
func (l Limit) Rebalance(lanes []Lane, totalMinor int64) (Limit, []Lane, error) {
	used := int64(0)
	if len(lanes) != l.Lanes {
		return l, nil, fault.New(fault.LimitMismatch, "limit %s has %d lanes", l.ID, l.Lanes)
	}
	for i, lane := range lanes {
		if lane.Limit != l.ID || lane.Number != i {
			return l, nil, fault.New(fault.LimitMismatch, "these are not the lanes of limit %s", l.ID)
		}
		used += lane.UsedMinor
	}
	var f fault.Fields
	checkRange(&f, "total_minor", totalMinor, 1, MaxAmountMinor)
	if err := f.Err(); err != nil {
		return l, nil, err
	}
	if totalMinor < used {
		return l, nil, fault.New(fault.LimitExceeded, "more than the new total of limit %s is used", l.ID)
	}
	parts, err := money.Amount{Minor: totalMinor - used, Currency: l.Currency}.Split(l.Lanes)
	if err != nil {
		return l, nil, err
	}
	out := make([]Lane, len(lanes))
	for i, lane := range lanes {
		lane.CapMinor = lane.UsedMinor + parts[i].Minor
		out[i] = lane
	}
	l.TotalMinor = totalMinor
	return l, out, nil
}

// Gather puts all free room of the limit into one lane, for a draw that is larger than any lane's share.
func (l Limit) Gather(lanes []Lane, into int) ([]Lane, error) {
	if into < 0 || into >= l.Lanes || len(lanes) != l.Lanes {
		return nil, fault.New(fault.LimitMismatch, "limit %s has lanes 0 to %d", l.ID, l.Lanes-1)
	}
	used := int64(0)
	for _, lane := range lanes {
		used += lane.UsedMinor
	}
	out := make([]Lane, len(lanes))
	for i, lane := range lanes {
		lane.CapMinor = lane.UsedMinor
		if i == into {
			lane.CapMinor += l.TotalMinor - used
		}
		out[i] = lane
	}
	return out, nil
}
