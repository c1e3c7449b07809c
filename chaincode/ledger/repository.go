package ledger

import (
	"encoding/json"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

// MaxPageSize limits a page of a list.
const MaxPageSize = 200

// Repository stores records of one type, public or sealed. Ids are opaque; a sealed record's body is readable in its circle
// only. Contracts declare one a type.
type Repository[T any] struct {
	typ    string
	sealed bool
}

// Public returns a repository whose records everybody on the channel can read.
func Public[T any](typ string) Repository[T] { return Repository[T]{typ: typ} }

// Sealed returns a repository whose records only their circle can read.
func Sealed[T any](typ string) Repository[T] { return Repository[T]{typ: typ, sealed: true} }

// The records that the ledger itself reads.
var (
	Circles    = Public[circle.Circle]("circle")
	Envelopes  = Public[circle.Envelope]("envelope")
	Members    = Public[member.Member]("member")
	Consortium = Public[member.Consortium]("consortium")
)

// TheConsortium is the id of the one consortium record.
const TheConsortium = "0"

// Governed is the guard of governance records: their changes need the peer endorsement of a majority of the consortium.
const Governed = "\x00governed"

// Type is the name of the records' type on the ledger.
func (r Repository[T]) Type() string { return r.typ }

// Get returns a record, or RECORD_NOT_FOUND.
func (r Repository[T]) Get(tx *Tx, id ...string) (T, error) {
	rec, found, err := r.Find(tx, id...)
	if err == nil && !found {
		return rec, fault.New(fault.RecordNotFound, "there is no %s %v", r.typ, id)
	}
	return rec, err
}

// Find returns a record and whether it is there.
func (r Repository[T]) Find(tx *Tx, id ...string) (rec T, found bool, err error) {
	key, err := record.Key(r.typ, id...)
	if err != nil {
		return rec, false, err
	}
	raw, err := tx.store.Get(key)
	if err != nil || raw == nil {
		return rec, false, err
	}
	rec, _, err = r.open(tx, key, raw)
	return rec, err == nil, err
}

// GetMany returns the records with the ids, in their order, in one read; RECORD_NOT_FOUND names the first that is missing.
func (r Repository[T]) GetMany(tx *Tx, ids []string) ([]T, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		key, err := record.Key(r.typ, id)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	raws, err := tx.store.GetMany(keys)
	if err != nil {
		return nil, err
	}
	recs := make([]T, len(ids))
	for i, raw := range raws {
		if raw == nil {
			return nil, fault.New(fault.RecordNotFound, "there is no %s %s", r.typ, ids[i])
		}
		if recs[i], _, err = r.open(tx, keys[i], raw); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

// Create writes a new record, or returns RECORD_EXISTS. The guard is a circle's id, or Governed for a public record. A
// circle's record gets a key-level policy of two of its readers, a governed one of a majority of the consortium.
func (r Repository[T]) Create(tx *Tx, guard string, rec T, id ...string) error {
	key, err := record.Key(r.typ, id...)
	if err != nil {
		return err
	}
	raw, err := tx.store.Get(key)
	if err != nil {
		return err
	}
	if raw != nil {
		return fault.New(fault.RecordExists, "there is a %s %v already", r.typ, id)
	}
	if guard == Governed && r.sealed {
		return fault.New(fault.InternalError, "a sealed %s needs a circle", r.typ)
	}
	if err := tx.guard(key, guard); err != nil {
		return err
	}
	return r.write(tx, key, guard, rec)
}

// Update writes a record that is there, in the same circle, sealed under the circle's current epoch.
func (r Repository[T]) Update(tx *Tx, rec T, id ...string) error {
	key, err := record.Key(r.typ, id...)
	if err != nil {
		return err
	}
	raw, err := tx.store.Get(key)
	if err != nil {
		return err
	}
	if raw == nil {
		return fault.New(fault.RecordNotFound, "there is no %s %v", r.typ, id)
	}
	was, err := record.Parse(raw)
	if err != nil {
		return err
	}
	if calendar.From(was.Changed).Compare(tx.Today()) > 0 {
		return fault.New(fault.ClockBackwards, "the %s %v was changed on a later business date", r.typ, id)
	}
	return r.write(tx, key, was.Circle, rec)
}

// Item is one record of a list with its id.
type Item[T any] struct {
	ID     []string `json:"id"`
	Circle string   `json:"circle,omitempty"`
	Record T        `json:"record"`
}

// Page asks for a part of a list: at most Size records (1 to MaxPageSize; 0 means 50) after the bookmark.
type Page struct {
	Size  int
	After string
}

// List returns a page of the records whose ids begin with the parts, for queries. What the operation holds no key for is
// left out.
func (r Repository[T]) List(tx *Tx, page Page, id ...string) (items []Item[T], next string, err error) {
	from, to, err := r.prefix(id)
	if err != nil {
		return nil, "", err
	}
	size := page.Size
	if size == 0 {
		size = 50
	}
	if size < 1 || size > MaxPageSize {
		return nil, "", fault.New(fault.InputInvalid, "a page has 1 to %d records", MaxPageSize)
	}
	entries, next, err := tx.store.Page(from, to, size, page.After)
	if err != nil {
		return nil, "", err
	}
	items, err = r.items(tx, entries, true)
	return items, next, err
}

// All returns every record whose id begins with the parts, for decisions: the prefix must be narrow (MaxScan), and a record
// added meanwhile makes the transaction invalid.
func (r Repository[T]) All(tx *Tx, id ...string) ([]Item[T], error) {
	from, to, err := r.prefix(id)
	if err != nil {
		return nil, err
	}
	entries, err := tx.store.Scan(from, to)
	if err != nil {
		return nil, err
	}
	return r.items(tx, entries, false)
}

func (r Repository[T]) prefix(id []string) (from, to string, err error) {
	return record.Prefix(r.typ, id...)
}

func (r Repository[T]) items(tx *Tx, entries []Entry, skipUnreadable bool) ([]Item[T], error) {
	items := make([]Item[T], 0, len(entries))
	for _, e := range entries {
		rec, v, err := r.open(tx, e.Key, e.Value)
		if code := fault.CodeOf(err); skipUnreadable && code == fault.KeyMissing {
			continue
		}
		if err != nil {
			return nil, err
		}
		_, id, err := record.SplitKey(e.Key)
		if err != nil {
			return nil, err
		}
		items = append(items, Item[T]{ID: id, Circle: v.Circle, Record: rec})
	}
	return items, nil
}

func (r Repository[T]) open(tx *Tx, stateKey string, raw []byte) (rec T, v record.Value, err error) {
	if v, err = record.Parse(raw); err != nil {
		return rec, v, err
	}
	if v.Type != r.typ || v.Sealed() != r.sealed {
		return rec, v, fault.New(fault.SealBroken, "a %s stands where a %s should", v.Type, r.typ)
	}
	var key seal.Key
	if r.sealed {
		if key, err = tx.keyFor(v.Circle, v.Epoch); err != nil {
			return rec, v, err
		}
	}
	body, err := v.Open(stateKey, key)
	if err != nil {
		return rec, v, err
	}
	if err = json.Unmarshal(body, &rec); err != nil {
		return rec, v, fault.New(fault.SealBroken, "the body of a %s is not of its type", r.typ)
	}
	return rec, v, nil
}

func (r Repository[T]) write(tx *Tx, stateKey, circleID string, rec T) error {
	body, err := json.Marshal(rec)
	if err != nil {
		return fault.New(fault.InternalError, "a %s cannot be written: %v", r.typ, err)
	}
	v := record.Value{Type: r.typ, Changed: tx.Now()}
	if r.sealed {
		c, err := tx.circleOf(circleID)
		if err != nil {
			return err
		}
		epoch, err := c.Writable()
		if err != nil {
			return err
		}
		key, err := tx.keyFor(circleID, epoch.Number)
		if err != nil {
			return err
		}
		v.Circle, v.Epoch = circleID, epoch.Number
		if err := v.Seal(stateKey, tx.op.ID, key, body); err != nil {
			return err
		}
	} else {
		v.Body = body
		if circleID != Governed {
			v.Circle = circleID
		}
	}
	raw, err := v.Marshal()
	if err != nil {
		return fault.New(fault.InternalError, "a %s cannot be written: %v", r.typ, err)
	}
	tx.store.Put(stateKey, raw)
	return nil
}

// endorsersOfCircle is how many of a circle's readers must endorse a change of its records (design: two of the members).
const endorsersOfCircle = 2

func (tx *Tx) guard(stateKey, guard string) error {
	if guard == Governed {
		c, found, err := Consortium.Find(tx, TheConsortium)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.RecordNotFound, "the consortium is not founded yet")
		}
		tx.store.Guard(stateKey, c.Majority(), c.Voters())
		return nil
	}
	c, err := tx.circleOf(guard)
	if err != nil {
		return err
	}
	if _, err := c.Writable(); err != nil {
		return err
	}
	tx.store.Guard(stateKey, endorsersOfCircle, c.Readers())
	return nil
}

// FoundConsortium writes the register that every majority is counted from; RECORD_EXISTS when it was founded before.
func FoundConsortium(tx *Tx, c member.Consortium) error {
	key, err := record.Key(Consortium.typ, TheConsortium)
	if err != nil {
		return err
	}
	raw, err := tx.store.Get(key)
	if err != nil {
		return err
	}
	if raw != nil {
		return fault.New(fault.RecordExists, "the consortium is founded already")
	}
	if err := Consortium.write(tx, key, "", c); err != nil {
		return err
	}
	return Consortium.Reguard(tx, TheConsortium)
}

// Reguard renews the policy of a governed record after the consortium has changed.
func (r Repository[T]) Reguard(tx *Tx, id ...string) error {
	key, err := record.Key(r.typ, id...)
	if err != nil {
		return err
	}
	return tx.guard(key, Governed)
}
