package receipt

import (
	"regexp"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// MaxSignatureBytes bounds a signature: Ed25519 has 64 bytes, P-256 in ASN.1 at most 72.
const MaxSignatureBytes = 128

// propertyPattern is a GS1 EPCIS measurement type without its prefix.
var propertyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,39}$`)

// Reading is one measurement of one property by one device: Value × 10^-Scale of Unit. A device numbers its readings from its
// first sequence on without a gap, whatever they measure.
type Reading struct {
	Device   string    `json:"device"`
	Sequence int64     `json:"sequence"`
	At       time.Time `json:"at"` // UTC, whole milliseconds
	Property string    `json:"property"`
	Unit     string    `json:"unit"`
	Scale    int       `json:"scale"`
	Value    int64     `json:"value"`
	// Signature is the device's own over Message, where it signs each reading.
	Signature []byte `json:"signature,omitempty"`
}

// Validate reports every failure of the reading with its field and value.
func (r Reading) Validate() error {
	var bad fault.Fields
	checkID(&bad, "device", r.Device)
	if r.Sequence < 1 {
		bad.Add("sequence", r.Sequence, "must be 1 or more")
	}
	if !milliseconds(r.At) {
		bad.Add("at", r.At, "must be an instant in UTC in whole milliseconds")
	}
	if !propertyPattern.MatchString(r.Property) {
		bad.Add("property", r.Property, "must be an EPCIS measurement type such as Temperature")
	}
	if !unitPattern.MatchString(r.Unit) {
		bad.Add("unit", r.Unit, "must be a UN/CEFACT Recommendation 20 code such as CEL")
	}
	if r.Scale < 0 || r.Scale > MaxScale {
		bad.Add("scale", r.Scale, "must be 0 to %d decimals", MaxScale)
	}
	if len(r.Signature) > MaxSignatureBytes {
		bad.Add("signature", len(r.Signature), "must be at most %d bytes", MaxSignatureBytes)
	}
	return bad.Err()
}

// readingDomain is the first line of what a device signs, so that a signature over a reading can stand for nothing else.
const readingDomain = "tallystick reading v1\n"

// Message is what a device signs: the domain, then device, sequence, instant, property, unit, scale and value in the encoding
// of this package.
func (r Reading) Message() []byte {
	e := encoder{b: append(make([]byte, 0, 128), readingDomain...)}
	e.text(r.Device)
	e.int(r.Sequence)
	e.time(r.At)
	e.text(r.Property)
	e.text(r.Unit)
	e.small(r.Scale)
	e.int(r.Value)
	return e.b
}

// Leaf is the reading as an entry of the Merkle tree: Message and the signature, which may be empty.
func (r Reading) Leaf() []byte {
	e := encoder{b: r.Message()}
	e.bytes(r.Signature)
	return e.b
}

// LeafHash is the hash of the reading in the tree: SHA-256(0x00 ‖ Leaf), RFC 6962 section 2.1.
func (r Reading) LeafHash() []byte { return hashLeaf(r.Leaf()) }
