package receipt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// LotKeyBytes is the length of the key of lot fingerprints.
const LotKeyBytes = 32

// lotDomain keeps the MAC of a lot apart from every other use of the same key.
const lotDomain = "tallystick lot v1\n"

// LotClaim is the public record under a lot's fingerprint: it says that the goods are taken, and nothing about them. While
// Lines is above zero the lot is live, and every live line of it descends from the receipt Origin. Pledged counts the lines
// that are reserved or pledged, so a bank in another programme learns that the goods are not free.
type LotClaim struct {
	Programme string `json:"programme"`
	Origin    string `json:"origin"`
	Lines     int    `json:"lines"`
	Pledged   int    `json:"pledged"`
}

// LotFingerprints returns the names under which the goods' lot is unique, in hex: HMAC-SHA256 under the consortium's lot key
// over the canonical lot (docs/adr/0050). Goods with a GTIN and a lot issuer have two, so that a lot once described by its
// GTIN and once by its producer still meets itself.
func LotFingerprints(key []byte, g Goods) ([]string, error) {
	if len(key) != LotKeyBytes {
		return nil, fault.New(fault.InputInvalid, "the lot key must have %d bytes", LotKeyBytes)
	}
	var list []string
	if g.GTIN != "" {
		list = append(list, lotMAC(key, "gtin", pad(g.GTIN), foldMark(g.Lot)))
	}
	if g.LotIssuer != "" {
		list = append(list, lotMAC(key, "issuer", foldName(g.LotIssuer), foldMark(g.Lot)))
	}
	return list, nil
}

// lotMAC separates the parts by a byte that none of them can hold.
func lotMAC(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(lotDomain + strings.Join(parts, "\x00")))
	return hex.EncodeToString(mac.Sum(nil))
}

// classDomain keeps the MAC of a commodity class apart from that of a lot.
const classDomain = "tallystick class v1\n"

// ClassMark stands for a commodity class in public places, such as the key of a record: the class itself would tell outsiders what
// a warehouse stores. It is HMAC-SHA256 under the lot key over programme and class, in hex.
func ClassMark(key []byte, programme, class string) (string, error) {
	if len(key) != LotKeyBytes {
		return "", fault.New(fault.InputInvalid, "the lot key must have %d bytes", LotKeyBytes)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(classDomain + programme + "\x00" + class))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// foldMark drops what differs between two copies of one lot mark: case and blanks. Punctuation stays, since lots 1-23 and
// 12-3 of one producer are two lots.
func foldMark(s string) string { return strings.ToUpper(strings.ReplaceAll(s, " ", "")) }

// foldName keeps the letters and digits of a name, in one case.
func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToUpper(s))
}

// pad is the 14 digits form of a GTIN, in which the shorter ones are the same product.
func pad(gtin string) string { return strings.Repeat("0", max(0, 14-len(gtin))) + gtin }

// LotKeyCommitment is the public commitment to a lot key: whoever holds a key can check that it is the consortium's.
func LotKeyCommitment(key []byte) string {
	sum := sha256.Sum256(append([]byte("tallystick lot key v1\n"), key...))
	return hex.EncodeToString(sum[:])
}

// LotKey is the consortium's lot key in hex, as a programme's circle keeps it sealed.
type LotKey struct {
	Key string `json:"key"`
}

// Validate reports every failure of the input with its field.
func (k LotKey) Validate() error {
	var bad fault.Fields
	if raw, err := hex.DecodeString(k.Key); err != nil || len(raw) != LotKeyBytes {
		bad.Add("key", len(k.Key), "must be %d bytes in hex", LotKeyBytes)
	}
	return bad.Err()
}

// Bytes are the bytes of a valid key.
func (k LotKey) Bytes() []byte {
	raw, _ := hex.DecodeString(k.Key)
	return raw
}

// LotKeyAnchor is the public commitment to the one lot key of the consortium.
type LotKeyAnchor struct {
	Commitment string `json:"commitment"`
}

// Claim takes the lot for the first line of a newly issued receipt, or returns RECEIPT_LOT_LIVE while it is taken.
func (c LotClaim) Claim(programme, origin string) (LotClaim, error) {
	if c.Lines > 0 {
		return c, fault.New(fault.ReceiptLotLive, "the lot is under live receipt %s", c.Origin)
	}
	return LotClaim{Programme: programme, Origin: origin, Lines: 1}, nil
}

// Move changes the counts of the claim by what a step did to the lot's lines. It returns INTERNAL_ERROR for a count that
// cannot be: a defect, never a user's mistake.
func (c LotClaim) Move(origin string, lines, pledged int) (LotClaim, error) {
	c.Lines += lines
	c.Pledged += pledged
	if c.Origin != origin || c.Lines < 0 || c.Pledged < 0 || c.Pledged > c.Lines {
		return c, fault.New(fault.InternalError, "the claim on a lot of receipt %s does not match its lines", origin)
	}
	return c, nil
}

// Apply is what a step does to the programme's claim: it takes a new lot, then moves the counts.
func (c LotClaim) Apply(programme string, m LotMove) (LotClaim, error) {
	if !m.New {
		return c.Move(m.Origin, m.Lines, m.Pledged)
	}
	c, err := c.Claim(programme, m.Origin)
	if err != nil {
		return c, err
	}
	return c.Move(m.Origin, m.Lines-1, m.Pledged)
}
