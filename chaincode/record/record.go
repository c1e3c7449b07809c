// Package record is the form in which records, keys and events stand on the ledger. The chaincode writes it and every
// client reads it, so it is pure and holds no rule.
package record

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/seal"
)

// Names of the transient fields of a transaction. Transient data goes to the endorsers that the client names and is not
// written to the ledger.
const (
	TransientRequest = "request" // the client's request id
	TransientInput   = "input"   // the sealed input, JSON
	TransientKeys    = "keys"    // JSON array of CircleKey
)

// EventName is the name of the one chaincode event that a transaction sets.
const EventName = "tallystick"

// MaxIDBytes limits one part of a record's id.
const MaxIDBytes = 128

// CircleKey is a key that a transaction carries in its transient data.
type CircleKey struct {
	Circle string `json:"circle"`
	Epoch  int    `json:"epoch"`
	Key    string `json:"key"` // base64
}

// Event says that something happened to a record: public, opaque ids only.
type Event struct {
	Type   string `json:"type"` // "receivable.confirmed"
	ID     string `json:"id"`
	Circle string `json:"circle,omitempty"`
	Ref    string `json:"ref,omitempty"` // the id of another record that it concerns
}

// Envelope is the one event of a transaction.
type Envelope struct {
	Version  int     `json:"version"`
	Request  string  `json:"request"`
	Function string  `json:"function"`
	Events   []Event `json:"events"`
}

// Value is a record as it stands in the world state. Body is set on a public record; Circle, Epoch and Box on a sealed one.
type Value struct {
	Type    string          `json:"type"`
	Changed time.Time       `json:"changed"`
	Body    json.RawMessage `json:"body,omitempty"`
	Circle  string          `json:"circle,omitempty"`
	Epoch   int             `json:"epoch,omitempty"`
	Box     string          `json:"box,omitempty"` // base64
}

// Sealed reports whether the record's body is sealed.
func (v Value) Sealed() bool { return v.Box != "" }

// Parse reads a record's value from the world state or from a block.
func Parse(raw []byte) (Value, error) {
	var v Value
	if err := json.Unmarshal(raw, &v); err != nil || v.Type == "" {
		return v, fault.New(fault.SealBroken, "a state value is not a record")
	}
	return v, nil
}

// Marshal is the record's canonical form.
func (v Value) Marshal() ([]byte, error) { return json.Marshal(v) }

// Open returns the record's body as JSON. A sealed one needs its circle's key of its epoch.
func (v Value) Open(stateKey string, key seal.Key) ([]byte, error) {
	if !v.Sealed() {
		return v.Body, nil
	}
	box, err := base64.StdEncoding.DecodeString(v.Box)
	if err != nil {
		return nil, fault.New(fault.SealBroken, "the box of a %s is not base64", v.Type)
	}
	body, err := key.Open(v.binding(stateKey), box)
	if err != nil {
		return nil, fault.New(fault.SealBroken, "a %s of circle %s epoch %d does not open", v.Type, v.Circle, v.Epoch)
	}
	return body, nil
}

// Seal puts the body into the record's box.
func (v *Value) Seal(stateKey, transactionID string, key seal.Key, body []byte) error {
	box, err := key.Seal(v.binding(stateKey), transactionID, body)
	if err != nil {
		return fault.New(fault.InputTooLarge, "a %s is too large to seal", v.Type)
	}
	v.Box = base64.StdEncoding.EncodeToString(box)
	return nil
}

func (v Value) binding(stateKey string) seal.Binding {
	return seal.Binding{StateKey: stateKey, Type: v.Type, Circle: v.Circle, Epoch: v.Epoch}
}

const (
	separator = "\x00"
	maxRune   = "\U0010FFFF"
)

// Key is the state key of a record: a Fabric composite key of its type and the parts of its id.
func Key(typ string, id ...string) (string, error) {
	var b strings.Builder
	b.WriteString(separator)
	for _, part := range append([]string{typ}, id...) {
		if part == "" || len(part) > MaxIDBytes || !utf8.ValidString(part) || strings.Contains(part, separator) || strings.Contains(part, maxRune) {
			return "", fault.New(fault.InputInvalid, "an id of a %s is empty, too long or malformed", typ)
		}
		b.WriteString(part)
		b.WriteString(separator)
	}
	return b.String(), nil
}

// Prefix is the range of state keys of a type whose ids begin with the parts: from the first string up to, without, the
// second.
func Prefix(typ string, id ...string) (from, to string, err error) {
	from, err = Key(typ, id...)
	return from, from + maxRune, err
}

// SplitKey is the reverse of Key.
func SplitKey(stateKey string) (typ string, id []string, err error) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(stateKey, separator), separator), separator)
	if !strings.HasPrefix(stateKey, separator) || !strings.HasSuffix(stateKey, separator) || parts[0] == "" {
		return "", nil, fmt.Errorf("%q is not the key of a record", stateKey)
	}
	return parts[0], parts[1:], nil
}
