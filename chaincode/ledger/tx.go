// Package ledger is the store below the contracts: one operation's context, typed repositories over public and sealed
// records, the access table, the event envelope, and the rules that every transaction keeps (request ids, keys, time).
package ledger

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

// Limits of one operation.
const (
	MaxInputBytes = 4 << 20
	MaxKeys       = 64
	MaxEvents     = 2000
)

// What the contracts and the client share with the form on the ledger.
type (
	CircleKey = record.CircleKey
	Event     = record.Event
)

// Operation is what a transaction, or one user-signed operation of a batch, brings along: who, when, which request, with
// what sealed input and which keys. Nothing below it knows which of the two it was.
type Operation struct {
	ID       string // the transaction's id; nonces of sealed records are derived from it
	Function string // "contract:Method"
	Caller   member.Actor
	Identity Identity
	At       time.Time
	Request  string
	Input    []byte
	Keys     []CircleKey
}

// Identity is the public half of the key that signed the operation.
type Identity struct {
	CertificatePEM []byte
}

// Tx is the context of one operation. Contracts read and write through repositories that take it.
type Tx struct {
	op      Operation
	store   Store
	keys    map[epochRef]seal.Key
	circles map[string]parsedCircle
	events  []Event
	access  Access
}

type epochRef struct {
	circle string
	epoch  int
}

// NewTx returns the context of an operation over a store. Keys are checked when they are first used.
func NewTx(op Operation, store Store, access Access) (*Tx, error) {
	if len(op.Input) > MaxInputBytes {
		return nil, fault.New(fault.InputTooLarge, "the sealed input is larger than %d bytes", MaxInputBytes)
	}
	if len(op.Keys) > MaxKeys {
		return nil, fault.New(fault.InputTooLarge, "a transaction carries at most %d keys", MaxKeys)
	}
	tx := &Tx{op: op, store: store, access: access, keys: map[epochRef]seal.Key{}, circles: map[string]parsedCircle{}}
	for _, k := range op.Keys {
		key, err := seal.ParseKey(k.Key)
		if err != nil {
			return nil, fault.New(fault.KeyWrong, "the key of circle %s epoch %d is malformed", k.Circle, k.Epoch)
		}
		tx.keys[epochRef{k.Circle, k.Epoch}] = key
	}
	return tx, nil
}

// Caller is who signed the operation.
func (tx *Tx) Caller() member.Actor { return tx.op.Caller }

// Identity is the certificate of who signed the operation.
func (tx *Tx) Identity() Identity { return tx.op.Identity }

// Now is the operation's instant in UTC: the transaction's timestamp, which endorsers hold to a tight window.
func (tx *Tx) Now() time.Time { return tx.op.At }

// Today is the calendar date of Now in UTC.
func (tx *Tx) Today() calendar.Date { return calendar.From(tx.op.At) }

// Request is the client's request id.
func (tx *Tx) Request() string { return tx.op.Request }

// ID is the id of the transaction that carries the operation.
func (tx *Tx) ID() string { return tx.op.ID }

// Validator is an input that can report every one of its failures.
type Validator interface{ Validate() error }

// Input decodes the operation's sealed input, strictly, and validates it. It returns INPUT_MISSING where there is none,
// and INPUT_INVALID where it is not of the type.
func Input[T any](tx *Tx) (T, error) {
	var in T
	if len(tx.op.Input) == 0 {
		return in, fault.New(fault.InputMissing, "%s needs a sealed input", tx.op.Function)
	}
	if err := decodeStrict(tx.op.Input, &in); err != nil {
		return in, fault.New(fault.InputInvalid, "the sealed input of %s is not of its type", tx.op.Function)
	}
	if v, ok := any(in).(Validator); ok {
		if err := v.Validate(); err != nil {
			return in, err
		}
	}
	return in, nil
}

// Decode reads an argument that is a JSON document, strictly, and validates it like Input.
func Decode[T any](argument string) (T, error) {
	var in T
	if len(argument) > MaxInputBytes {
		return in, fault.New(fault.InputTooLarge, "an argument is larger than %d bytes", MaxInputBytes)
	}
	if err := decodeStrict([]byte(argument), &in); err != nil {
		return in, fault.New(fault.InputInvalid, "an argument is not of its type: %v", err)
	}
	if v, ok := any(in).(Validator); ok {
		if err := v.Validate(); err != nil {
			return in, err
		}
	}
	return in, nil
}

// Emit adds an event to the transaction's envelope.
func (tx *Tx) Emit(e Event) { tx.events = append(tx.events, e) }

// Envelope returns the transaction's event envelope as JSON; ok is false where nothing happened.
func (tx *Tx) Envelope() (payload []byte, ok bool, err error) {
	if len(tx.events) == 0 {
		return nil, false, nil
	}
	if len(tx.events) > MaxEvents {
		return nil, false, fault.New(fault.InputTooLarge, "one transaction does at most %d things", MaxEvents)
	}
	payload, err = json.Marshal(record.Envelope{Version: 1, Request: tx.op.Request, Function: tx.op.Function, Events: tx.events})
	return payload, true, err
}

// circleOf reads a circle's public record. Every sealed record asks for it, so it is parsed once for each value that it has.
func (tx *Tx) circleOf(id string) (circle.Circle, error) {
	key, err := Circles.Key(id)
	if err != nil {
		return circle.Circle{}, err
	}
	raw, err := tx.store.Get(key)
	if err != nil {
		return circle.Circle{}, err
	}
	if raw == nil {
		return circle.Circle{}, fault.New(fault.RecordNotFound, "there is no circle %s", id)
	}
	if known, ok := tx.circles[id]; ok && bytes.Equal(known.raw, raw) {
		return known.circle, nil
	}
	c, _, err := Circles.open(tx, key, raw)
	if err == nil {
		tx.circles[id] = parsedCircle{raw: raw, circle: c}
	}
	return c, err
}

type parsedCircle struct {
	raw    []byte
	circle circle.Circle
}

// keyFor returns the key of a circle's epoch that the operation carries, once it is checked against the commitment.
func (tx *Tx) keyFor(id string, epoch int) (seal.Key, error) {
	key, ok := tx.keys[epochRef{id, epoch}]
	if !ok {
		return key, fault.New(fault.KeyMissing, "the transaction carries no key of circle %s epoch %d", id, epoch)
	}
	c, err := tx.circleOf(id)
	if err != nil {
		return key, err
	}
	commitment, known := c.Commitment(epoch)
	if !known || !key.Matches(commitment, id, epoch) {
		return key, fault.New(fault.KeyWrong, "the key of circle %s epoch %d does not match its commitment", id, epoch)
	}
	return key, nil
}

// CircleOf returns the circle in which a record is sealed or guarded.
func (tx *Tx) CircleOf(typ string, id ...string) (string, error) {
	key, err := record.Key(typ, id...)
	if err != nil {
		return "", err
	}
	raw, err := tx.store.Get(key)
	if err != nil {
		return "", err
	}
	if raw == nil {
		return "", fault.New(fault.RecordNotFound, "there is no %s %v", typ, id)
	}
	v, err := record.Parse(raw)
	return v.Circle, err
}

// CanRead reports whether the caller's organisation is a reader of the circle.
func (tx *Tx) CanRead(id string) error {
	c, err := tx.circleOf(id)
	if err != nil {
		return err
	}
	if !slices.Contains(c.Readers(), tx.op.Caller.MSP) {
		return fault.New(fault.NotPermitted, "%s is no reader of circle %s", tx.op.Caller.MSP, id)
	}
	return nil
}

// Digest is a hash keyed by the circle's current key, for public unique keys that outsiders must not guess.
func (tx *Tx) Digest(circleID, purpose string, parts ...string) (string, error) {
	c, err := tx.circleOf(circleID)
	if err != nil {
		return "", err
	}
	epoch, err := c.Writable()
	if err != nil {
		return "", err
	}
	key, err := tx.keyFor(circleID, epoch.Number)
	if err != nil {
		return "", err
	}
	return key.Digest(purpose, parts...), nil
}
