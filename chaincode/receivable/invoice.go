package receivable

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of an invoice.
const (
	MaxNumberBytes = 128
	MaxLines       = 100_000
	MaxLots        = 256
	maxLotBytes    = 120
	// MaxPayableMinor keeps every sum and every interest on a claim within 64 bits: ten million million euros.
	MaxPayableMinor = 1_000_000_000_000_000
	minKeyBytes     = 32
)

// Invoice is what the ledger keeps of an invoice: the terms that make the claim. The document itself stays off the
// ledger; DocumentHash proves which one it was.
type Invoice struct {
	// TypeCode is the document type, UNTDID 1001: "380" is a commercial invoice. InvoiceTypes lists those that are taken.
	TypeCode string `json:"type_code"`
	// Seller and Buyer are the opaque ids of the parties.
	Seller string `json:"seller"`
	Buyer  string `json:"buyer"`
	// Number is the invoice's number as the seller wrote it (EN 16931 BT-1).
	Number    string        `json:"number"`
	IssueDate calendar.Date `json:"issue_date"`
	DueDate   calendar.Date `json:"due_date"`
	Currency  string        `json:"currency"`
	// PayableMinor is the amount due for payment (EN 16931 BT-115), in minor units. What was prepaid is subtracted in it
	// already, so it is what the buyer confirms.
	PayableMinor int64 `json:"payable_minor"`
	// PrepaidMinor is what the invoice says was paid before (EN 16931 BT-113), for information.
	PrepaidMinor int64 `json:"prepaid_minor,omitempty"`
	// OtherPayee says that the document names a payee who is not the seller (EN 16931 BG-10), as it does when the claim
	// was assigned before. Banks see it.
	OtherPayee bool `json:"other_payee,omitempty"`
	// Lines counts the invoice's lines.
	Lines int `json:"lines"`
	// Lots are the lots of goods that the lines name: they must not be pledged under a warehouse receipt when the claim is
	// financed.
	Lots []Lot `json:"lots,omitempty"`
	// DocumentHash is the SHA-256 of a random salt and the document, in hex.
	DocumentHash string `json:"document_hash"`
}

// InvoiceTypes are the document types (UNTDID 1001) that make a claim: those of Peppol BIS Billing 3 without credit
// notes, 386 (prepayment: nothing was delivered), 393 (factored: the claim is somebody else's already) and 751 (for
// accounting only).
func InvoiceTypes() []string {
	return []string{"380", "80", "82", "84", "383", "384", "389", "395", "457", "527", "575", "623", "633", "780", "935"}
}

// CreditNoteTypes are the document types (UNTDID 1001) that lower a claim.
func CreditNoteTypes() []string { return []string{"381", "81", "83", "396", "532"} }

// Validate reports every failure of the terms with its field and value.
func (i Invoice) Validate() error {
	var bad fault.Fields
	i.check(&bad, "")
	return bad.Err()
}

func (i Invoice) check(bad *fault.Fields, path string) {
	if !slices.Contains(InvoiceTypes(), i.TypeCode) {
		bad.Add(path+"type_code", i.TypeCode, "must be one of UNTDID 1001 %v", InvoiceTypes())
	}
	checkParty(bad, path+"seller", i.Seller)
	checkParty(bad, path+"buyer", i.Buyer)
	if i.Seller == i.Buyer {
		bad.Add(path+"buyer", i.Buyer, "must not be the seller")
	}
	checkNumber(bad, path+"number", i.Number)
	i.IssueDate.Check(bad, path+"issue_date")
	i.DueDate.Check(bad, path+"due_date")
	if i.DueDate.Before(i.IssueDate) {
		bad.Add(path+"due_date", i.DueDate, "must not be before the issue date")
	}
	checkCurrency(bad, path+"currency", i.Currency)
	if i.PayableMinor <= 0 || i.PayableMinor > MaxPayableMinor {
		bad.Add(path+"payable_minor", i.PayableMinor, "must be above zero and at most %d", int64(MaxPayableMinor))
	}
	if i.PrepaidMinor < 0 {
		bad.Add(path+"prepaid_minor", i.PrepaidMinor, "must not be negative")
	}
	if i.Lines < 1 || i.Lines > MaxLines {
		bad.Add(path+"lines", i.Lines, "must be 1 to %d", MaxLines)
	}
	checkHash(bad, path+"document_hash", i.DocumentHash)
	checkLots(bad, path+"lots", i.Lots)
}

// Lot names a lot of goods as warehouse receipts name it: by the product's GTIN (8, 12, 13 or 14 digits), or by who numbered
// it, or both.
type Lot struct {
	GTIN   string `json:"gtin,omitempty"`
	Issuer string `json:"issuer,omitempty"`
	Lot    string `json:"lot"`
}

func checkLots(bad *fault.Fields, path string, list []Lot) {
	if len(list) > MaxLots {
		bad.Add(path, len(list), "must be at most %d", MaxLots)
		return
	}
	for i, l := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if l.GTIN == "" && l.Issuer == "" {
			bad.Add(at+".issuer", "", "must say who numbered the lot where it has no GTIN")
		}
		if l.GTIN != "" && !gtinPattern.MatchString(l.GTIN) {
			bad.Add(at+".gtin", l.GTIN, "must have 8, 12, 13 or 14 digits")
		}
		if l.Lot == "" {
			bad.Add(at+".lot", l.Lot, "is missing")
		}
		checkText(bad, at+".issuer", l.Issuer, maxLotBytes)
		checkText(bad, at+".lot", l.Lot, maxLotBytes)
		if slices.Contains(list[:i], l) {
			bad.Add(at+".lot", l.Lot, "is named twice")
		}
	}
}

// Canonical is what makes an invoice the same invoice: document type, seller, number, issue date, currency and payable
// amount, as JSON in the form of RFC 8785 (members in order, no white space), amounts as text. Its HMAC is the
// fingerprint.
func (i Invoice) Canonical() []byte {
	return canonical(struct {
		Currency     string `json:"currency"`
		DocumentType string `json:"document_type"`
		IssueDate    string `json:"issue_date"`
		Number       string `json:"number"`
		Payable      string `json:"payable_minor"`
		Schema       string `json:"schema"`
		Seller       string `json:"seller"`
	}{i.Currency, i.TypeCode, i.IssueDate.String(), i.Number, strconv.FormatInt(i.PayableMinor, 10), "tallystick/fingerprint/1", i.Seller})
}

// NearCanonical is what near duplicates have in common: seller, currency, amount, and the number without punctuation and
// case (NormalNumber). The document type and the date are left out: a copy often changes them.
func (i Invoice) NearCanonical() []byte {
	return canonical(struct {
		Currency string `json:"currency"`
		Number   string `json:"number"`
		Payable  string `json:"payable_minor"`
		Schema   string `json:"schema"`
		Seller   string `json:"seller"`
	}{i.Currency, NormalNumber(i.Number), strconv.FormatInt(i.PayableMinor, 10), "tallystick/near-fingerprint/1", i.Seller})
}

// Fingerprint is the HMAC-SHA256 of Canonical under the seller's fingerprint key, in hex: the same in every programme,
// and not to be guessed without the key. It returns INPUT_INVALID for a key of less than 32 bytes.
func (i Invoice) Fingerprint(key []byte) (string, error) { return keyed(key, i.Canonical()) }

// NearFingerprint is the HMAC-SHA256 of NearCanonical, like Fingerprint.
func (i Invoice) NearFingerprint(key []byte) (string, error) { return keyed(key, i.NearCanonical()) }

// Digest is the SHA-256 of all the terms, in hex. It gives nothing away, because the document's hash in it is salted.
func (i Invoice) Digest() string {
	sum := sha256.Sum256(canonical(i))
	return hex.EncodeToString(sum[:])
}

// NormalNumber is a document number without what copies change: Unicode compatibility forms (full-width digits), case,
// and everything that is neither letter nor digit. A number of nothing else stays as it is.
func NormalNumber(number string) string {
	normal := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, norm.NFKC.String(number))
	if normal == "" {
		return number
	}
	return normal
}

func keyed(key, text []byte) (string, error) {
	if len(key) < minKeyBytes {
		return "", fault.New(fault.InputInvalid, "a fingerprint key has at least %d bytes", minKeyBytes)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// canonical writes a struct whose JSON members stand in alphabetical order, or at least always in the same one, without
// the escapes for HTML. Texts on the ledger hold none of the characters that JSON writers treat differently
// (checkText).
func canonical(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // structs of texts, numbers and dates always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

var (
	partyPattern = regexp.MustCompile(`^p-[0-9a-f]{6,40}$`)
	gtinPattern  = regexp.MustCompile(`^([0-9]{8}|[0-9]{12,14})$`)
	hashPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	idPattern    = regexp.MustCompile(`^[a-z]{2,4}-[0-9a-f]{8,40}$`)
)

func checkID(bad *fault.Fields, path, id, prefix string) {
	if !idPattern.MatchString(id) || !strings.HasPrefix(id, prefix+"-") {
		bad.Add(path, id, "must look like %s-0123456789abcdef0123", prefix)
	}
}

func checkParty(bad *fault.Fields, path, party string) {
	if !partyPattern.MatchString(party) {
		bad.Add(path, party, "must be a party id like p-0123456789ab")
	}
}

func checkHash(bad *fault.Fields, path, hash string) {
	if !hashPattern.MatchString(hash) {
		bad.Add(path, hash, "must be 64 hex digits")
	}
}

func checkCurrency(bad *fault.Fields, path, currency string) {
	if _, ok := money.Lookup(currency); !ok {
		bad.Add(path, currency, "must be an active ISO 4217 code")
	}
}

func checkNumber(bad *fault.Fields, path, number string) {
	if number == "" || strings.TrimSpace(number) != number {
		bad.Add(path, number, "must not be empty and not begin or end with white space")
	}
	checkText(bad, path, number, MaxNumberBytes)
}

// checkText refuses what would make canonical bytes ambiguous or a screen unreadable: invalid UTF-8, control characters,
// and line and paragraph separators.
func checkText(bad *fault.Fields, path, text string, maxBytes int) {
	if len(text) > maxBytes {
		bad.Add(path, len(text), "must have at most %d bytes", maxBytes)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
	}) {
		bad.Add(path, text, "must be UTF-8 without control characters")
	}
}
