package member

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of a party's entry.
const (
	MaxIdentifiers     = 16
	MaxIdentifierBytes = 64
	fingerprintKeyHex  = 64
)

// Identifier is a legal entity's number under a scheme of ISO/IEC 6523 or the Peppol code list ("0088" is a GLN), or "VAT"; or what
// ties it to others, under "director" or "address".
type Identifier struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
}

// Party is the sealed entry that says who an opaque party id is, in one circle. FingerprintKey (32 bytes in hex) keys the
// fingerprints of the party's invoices: the host makes it once, and every circle that the party trades in has the same.
type Party struct {
	ID          string       `json:"id"`
	Host        string       `json:"host"` // MSP id of the organisation that vouches for it
	Name        string       `json:"name"`
	Country     string       `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Identifiers []Identifier `json:"identifiers,omitempty"`
	// Sector is the economic activity: section and division of ISIC Rev. 4, such as C25. Banks limit what they lend to one.
	Sector         string `json:"sector,omitempty"`
	FingerprintKey string `json:"fingerprint_key"`
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
	sectorPattern  = regexp.MustCompile(`^[A-U][0-9]{2}$`)
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
	if p.Sector != "" && !sectorPattern.MatchString(p.Sector) {
		bad.Add("sector", p.Sector, "must be a section and division of ISIC Rev. 4, such as C25")
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

// Schemes of identifiers that are no numbers of the entity itself: who shares one with another party is related to it. The value may be
// a hash, because only equality counts.
const (
	DirectorScheme = "director"
	AddressScheme  = "address"
)

// What two parties may share.
const (
	SharedDirector   = "director"
	SharedAddress    = "address"
	SharedIdentifier = "identifier"
)

// Shares lists what the registered entries of two parties have in common, spelling and punctuation aside: a director, an address, a
// number under the same scheme. It is empty for independent parties.
func (p Party) Shares(o Party) []string {
	var list []string
	for _, a := range p.Identifiers {
		for _, b := range o.Identifiers {
			if folded(a.Scheme) != folded(b.Scheme) || folded(a.Value) != folded(b.Value) {
				continue
			}
			what := SharedIdentifier
			switch folded(a.Scheme) {
			case DirectorScheme:
				what = SharedDirector
			case AddressScheme:
				what = SharedAddress
			}
			if !slices.Contains(list, what) {
				list = append(list, what)
			}
		}
	}
	slices.Sort(list)
	return list
}

// folded is a text's letters and digits in lower case.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
