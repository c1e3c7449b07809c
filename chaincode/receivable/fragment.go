package receivable

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of fragments.
const (
	// MaxFragments is the most fragments that one receivable ever has, closed ones included. Each fragment carries its
	// part of that number (Fragment.Budget), so no counter is shared and holders do not wait for each other.
	MaxFragments = 1000
	// MaxParts is the most parts of one split, and the most fragments of one merge.
	MaxParts = 100
	// MaxTiers is how often a fragment may pass from holder to holder.
	MaxTiers = 16
)

// Fragment is a part of a confirmed receivable, with one holder.
type Fragment struct {
	// ID is "frg-", the hex digits of the receivable's id, and twelve of its own (ReceivableOf).
	ID         string         `json:"id"`
	Receivable string         `json:"receivable"`
	Status     FragmentStatus `json:"status"`
	// Holder is the party to whom the debtor owes the face.
	Holder   string        `json:"holder"`
	Currency string        `json:"currency"`
	DueDate  calendar.Date `json:"due_date"`
	// OpenedMinor is the face at the beginning, FaceMinor what is left of it: zero once the fragment is closed.
	OpenedMinor int64 `json:"opened_minor"`
	FaceMinor   int64 `json:"face_minor"`
	// InterestMinor is late interest that has accrued and is not paid.
	InterestMinor int64 `json:"interest_minor,omitempty"`
	// Opened is when the fragment came to be.
	Opened time.Time `json:"opened"`
	// Parents are the fragments whose place it took; none for the root.
	Parents []string `json:"parents,omitempty"`
	// Chain is its way from the seller to the holder, in order; the seller's own have none.
	Chain []Endorsement `json:"chain,omitempty"`
	// Budget is how many more fragments may come of this one.
	Budget int `json:"budget"`
	// Offer is what the holder offers, while it is offered.
	Offer *Offer `json:"offer,omitempty"`
	// Encumbrance is the financing that it backs, while it is reserved or pledged.
	Encumbrance *Encumbrance `json:"encumbrance,omitempty"`
	// Dispute is the dispute that freezes it, while it is frozen.
	Dispute string `json:"dispute,omitempty"`
	// Undisputable is set when a dispute has lapsed without a result, so that the same fragment is not frozen again.
	Undisputable bool `json:"undisputable,omitempty"`
	// Agreed is the holder's consent to a credit note.
	Agreed *Consent `json:"agreed,omitempty"`
}

// Tier counts the transfers from the seller: 0 for the seller itself.
func (f Fragment) Tier() int { return len(f.Chain) }

// Live reports whether anything is owed on the fragment.
func (f Fragment) Live() bool { return f.Status != "" && !FragmentLife.Final(f.Status) }

// Encumbered reports whether the fragment backs a financing.
func (f Fragment) Encumbered() bool { return f.Status == Reserved || f.Status == Pledged }

// Face is the face as an amount.
func (f Fragment) Face() money.Amount { return money.Amount{Minor: f.FaceMinor, Currency: f.Currency} }

func (f Fragment) open(faceMinor int64, at time.Time) (Fragment, error) {
	next, err := FragmentLife.Next("", Open)
	if err != nil {
		return f, err
	}
	if faceMinor <= 0 {
		return f, fault.New(fault.SplitNotExact, "a fragment has a face above zero")
	}
	f.Status, f.OpenedMinor, f.FaceMinor, f.Opened = next, faceMinor, faceMinor, at.UTC()
	return f, nil
}

func (f Fragment) close(action FragmentAction) (Fragment, error) {
	next, err := f.step(action)
	if err != nil {
		return f, err
	}
	f.Status, f.FaceMinor, f.InterestMinor, f.Budget = next, 0, 0, 0
	f.Offer, f.Encumbrance, f.Agreed, f.Dispute = nil, nil, nil, ""
	return f, nil
}

// heldBy returns NOT_HOLDER unless the actor is a maker of the holder.
func (f Fragment) heldBy(by member.Actor, roles ...member.Role) error {
	if by.Party == "" || by.Party != f.Holder {
		return fault.New(fault.NotHolder, "fragment %s has another holder", f.ID)
	}
	if !slices.ContainsFunc(roles, by.Has) {
		return fault.New(fault.NotPermitted, "this needs the role %v", roles)
	}
	return nil
}

func (f Fragment) of(r Receivable) error {
	if f.Receivable != r.ID {
		return fault.New(fault.InternalError, "fragment %s is not of receivable %s", f.ID, r.ID)
	}
	return nil
}

// Division is the input of a split: either amounts or ratios, one a part.
type Division struct {
	// AmountsMinor are the faces of the parts in minor units. When they are less than the whole, the rest is one part more.
	AmountsMinor []int64 `json:"amounts_minor,omitempty"`
	// Ratios divide the face in proportion, by the method of largest remainders (money.Amount.Allocate).
	Ratios []int64 `json:"ratios,omitempty"`
}

// Validate reports every failure with its field and value.
func (d Division) Validate() error {
	var bad fault.Fields
	if (len(d.AmountsMinor) == 0) == (len(d.Ratios) == 0) {
		bad.Add("amounts_minor", len(d.AmountsMinor), "either amounts or ratios must be given")
	}
	for _, list := range []struct {
		path   string
		values []int64
	}{{"amounts_minor", d.AmountsMinor}, {"ratios", d.Ratios}} {
		if len(list.values) > MaxParts {
			bad.Add(list.path, len(list.values), "there may be at most %d", MaxParts)
			continue
		}
		left := int64(math.MaxInt64)
		for i, v := range list.values {
			if v <= 0 || v > left {
				bad.Add(fmt.Sprintf("%s[%d]", list.path, i), v, "must be above zero, and all of them together fit into 64 bits")
				continue
			}
			left -= v
		}
	}
	return bad.Err()
}

func (d Division) faces(whole money.Amount) ([]int64, error) {
	if len(d.Ratios) > 0 {
		parts, err := whole.Allocate(d.Ratios)
		if err != nil {
			return nil, err
		}
		faces := make([]int64, len(parts))
		for i, p := range parts {
			faces[i] = p.Minor
		}
		return faces, nil
	}
	faces, rest := slices.Clone(d.AmountsMinor), whole.Minor
	for _, v := range faces {
		rest -= v
	}
	switch {
	case rest < 0:
		return nil, fault.New(fault.SplitNotExact, "the parts are more than the whole")
	case rest > 0:
		faces = append(faces, rest)
	}
	return faces, nil
}

// Split divides the fragment; its parts take its place, with the same holder and chain. It returns the closed fragment and
// the parts. Errors: NOT_HOLDER, FRAGMENT_ENCUMBERED, FRAGMENT_FROZEN, RECEIVABLE_MATURED, RECEIVABLE_EXHAUSTED,
// SPLIT_NOT_EXACT, INPUT_INVALID, TRANSITION_DENIED.
func (f Fragment) Split(r Receivable, in Division, by member.Actor, at time.Time) (Fragment, []Fragment, error) {
	if err := in.Validate(); err != nil {
		return f, nil, err
	}
	if err := f.ready(r, by, at); err != nil {
		return f, nil, err
	}
	closed, err := f.close(SplitUp)
	if err != nil {
		return f, nil, err
	}
	faces, err := in.faces(f.Face())
	if err != nil {
		return f, nil, err
	}
	if len(faces) < 2 || len(faces) > MaxParts {
		return f, nil, fault.New(fault.SplitNotExact, "a split makes 2 to %d parts", MaxParts)
	}
	if f.Budget < len(faces) {
		return f, nil, fault.New(fault.ReceivableExhausted, "no such number of fragments may come of fragment %s", f.ID)
	}
	budgets, err := divideBudget(f.Budget-len(faces), faces)
	if err != nil {
		return f, nil, err
	}
	chains, err := divideChain(f.Chain, faces)
	if err != nil {
		return f, nil, err
	}
	parts := make([]Fragment, len(faces))
	for i, face := range faces {
		part := Fragment{ID: fragmentID(f.Receivable, f.ID, fmt.Sprint(i)), Receivable: f.Receivable, Holder: f.Holder, Currency: f.Currency,
			DueDate: f.DueDate, Parents: []string{f.ID}, Chain: chains[i], Budget: budgets[i], Undisputable: f.Undisputable}
		if parts[i], err = part.open(face, at); err != nil {
			return f, nil, err
		}
	}
	return closed, parts, nil
}

// divideBudget gives each part one, so that it can be merged again, as far as there are enough, and the rest by face.
func divideBudget(left int, faces []int64) ([]int, error) {
	list := make([]int, len(faces))
	if left >= len(faces) {
		left -= len(faces)
		for i := range list {
			list[i] = 1
		}
	}
	parts, err := (money.Amount{Minor: int64(left)}).Allocate(faces)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		list[i] += int(p.Minor)
	}
	return list, nil
}

// Merge joins fragments of one receivable, one holder and one chain of transfers into one. It returns the closed fragments
// and the new one. Errors are those of Split, and FRAGMENTS_DIFFER.
func Merge(r Receivable, list []Fragment, by member.Actor, at time.Time) (closed []Fragment, merged Fragment, err error) {
	if len(list) < 2 || len(list) > MaxParts {
		return nil, merged, fault.New(fault.InputInvalid, "a merge takes 2 to %d fragments", MaxParts)
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b Fragment) int { return cmp.Compare(a.ID, b.ID) })
	first := list[0]
	merged = Fragment{Receivable: first.Receivable, Holder: first.Holder, Currency: first.Currency, DueDate: first.DueDate, Undisputable: true}
	var face int64
	for i, f := range list {
		if err := f.ready(r, by, at); err != nil {
			return nil, merged, err
		}
		if i > 0 && f.ID == list[i-1].ID {
			return nil, merged, fault.New(fault.InputInvalid, "fragment %s is named twice", f.ID)
		}
		if f.Receivable != first.Receivable || f.Holder != first.Holder || !sameChain(f.Chain, first.Chain) {
			return nil, merged, fault.New(fault.FragmentsDiffer, "fragments %s and %s have different terms", first.ID, f.ID)
		}
		c, err := f.close(MergeInto)
		if err != nil {
			return nil, merged, err
		}
		closed = append(closed, c)
		face += f.FaceMinor // faces of one receivable together fit
		merged.Parents = append(merged.Parents, f.ID)
		merged.Budget += f.Budget
		merged.Chain = addChain(merged.Chain, f.Chain)
		merged.Undisputable = merged.Undisputable && f.Undisputable
	}
	if merged.Budget < 1 {
		return nil, merged, fault.New(fault.ReceivableExhausted, "no more fragments may come of these")
	}
	merged.Budget--
	merged.ID = fragmentID(merged.Receivable, merged.Parents...)
	merged, err = merged.open(face, at)
	return closed, merged, err
}

// ready returns an error unless the actor, a maker of the holder, may deal with the fragment now.
func (f Fragment) ready(r Receivable, by member.Actor, at time.Time) error {
	if err := f.of(r); err != nil {
		return err
	}
	if err := f.heldBy(by, member.Maker); err != nil {
		return err
	}
	return r.Tradable(at)
}

// fragmentHex is how many hex digits of a fragment's id are its own; those before them are the receivable's.
const fragmentHex = 12

// fragmentID makes the id of a fragment out of what it comes from: its receivable, and the fragments whose place it takes.
// They close when they give rise to fragments, so no two get one id.
func fragmentID(receivable string, from ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{receivable}, from...), "/")))
	return "frg-" + strings.TrimPrefix(receivable, "rcv-") + hex.EncodeToString(sum[:fragmentHex/2])
}

// ReceivableOf returns the id of the receivable that the fragment with the id is of, or INPUT_INVALID where it is no
// fragment's id.
func ReceivableOf(fragment string) (string, error) {
	var bad fault.Fields
	checkID(&bad, "fragment", fragment, "frg")
	hexes := strings.TrimPrefix(fragment, "frg-")
	if len(hexes) <= fragmentHex {
		bad.Add("fragment", fragment, "must be the id of a fragment")
	}
	if err := bad.Err(); err != nil {
		return "", err
	}
	return "rcv-" + hexes[:len(hexes)-fragmentHex], nil
}
