package member

import (
	"encoding/hex"
	"regexp"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of a party's entry.
const (
	MaxIdentifiers     = 16
	MaxIdentifierBytes = 64
	fingerprintKeyHex  = 64
)

// Identifier is a legal entity's number under a scheme of ISO/IEC 6523 or the Peppol code list ("0088" is a GLN), or "VAT".
type Identifier struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
}

// Party is the sealed entry that says who an opaque party id is, in one circle. FingerprintKey (32 bytes in hex) keys the
// fingerprints of the party's invoices: the host makes it once, and every circle that the party trades in has the same.
type Party struct {
	ID             string       `json:"id"`
	Host           string       `json:"host"` // MSP id of the organisation that vouches for it
	Name           string       `json:"name"`
	Country        string       `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Identifiers    []Identifier `json:"identifiers,omitempty"`
	FingerprintKey string       `json:"fingerprint_key"`
}

// PartyAnchor is the public half of a party: its host, and a commitment to its fingerprint key, so that no second key can be
// slipped in to finance an invoice twice.
type PartyAnchor struct {
	ID         string `json:"id"`
	Host       string `json:"host"`
	Commitment string `json:"commitment"`
}

var (
	partyPattern   = regexp.MustCompile(`^p-[0-9a-f]{6,40}$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
	hexPattern     = regexp.MustCompile(`^[0-9a-f]*$`)
)

// Validate reports every failure of the input with its field and value.
func (p Party) Validate() error {
	var bad fault.Fields
	if !partyPattern.MatchString(p.ID) {
		bad.Add("id", p.ID, "must look like p-0123456789ab")
	}
	if p.Name == "" || len(p.Name) > MaxNameBytes {
		bad.Add("name", p.Name, "must have 1 to %d bytes", MaxNameBytes)
	}
	if p.Country != "" && !countryPattern.MatchString(p.Country) {
		bad.Add("country", p.Country, "must be an ISO 3166-1 alpha-2 code")
	}
	if len(p.Identifiers) > MaxIdentifiers {
		bad.Add("identifiers", len(p.Identifiers), "there may be at most %d", MaxIdentifiers)
	}
	for _, id := range p.Identifiers {
		if id.Value == "" || len(id.Value) > MaxIdentifierBytes || len(id.Scheme) > MaxIdentifierBytes {
			bad.Add("identifiers", id.Value, "must have 1 to %d bytes", MaxIdentifierBytes)
		}
	}
	if len(p.FingerprintKey) != fingerprintKeyHex || !hexPattern.MatchString(p.FingerprintKey) {
		bad.Add("fingerprint_key", "", "must be 32 bytes in hex")
	}
	return bad.Err()
}

// Key returns the party's fingerprint key.
func (p Party) Key() ([]byte, error) {
	raw, err := hex.DecodeString(p.FingerprintKey)
	if err != nil {
		return nil, fault.New(fault.InternalError, "party %s has no usable fingerprint key", p.ID)
	}
	return raw, nil
}
