package receivable

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strconv"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// UndertakingSchema names the meaning of an undertaking's terms: the debtor promises, irrevocably and without set-off, to
// pay the amount in the currency on the due date to whoever holds the fragments of the receivable on the ledger then.
const UndertakingSchema = "tallystick/undertaking/1"

// MaxSignatureBytes is the most that a signature of an undertaking has.
const MaxSignatureBytes = 256

// Terms are what the debtor signs. They name neither seller nor invoice number, so that a holder further down can check
// the signature without learning who stands above; Invoice is the digest of the invoice's terms. The members stand in
// alphabetical order and amounts are texts, so the JSON is in the form of RFC 8785.
type Terms struct {
	AmountMinor string        `json:"amount_minor"`
	Currency    string        `json:"currency"`
	Debtor      string        `json:"debtor"`
	DueDate     calendar.Date `json:"due_date"`
	Invoice     string        `json:"invoice"`
	Programme   string        `json:"programme"`
	Receivable  string        `json:"receivable"`
	Schema      string        `json:"schema"`
}

// Bytes are the canonical bytes of the terms: what is signed.
func (t Terms) Bytes() []byte { return canonical(t) }

// Terms returns what the buyer's checker signs to confirm the receivable.
func (r Receivable) Terms() Terms {
	return Terms{
		AmountMinor: strconv.FormatInt(r.Invoice.PayableMinor-r.CreditedMinor, 10),
		Currency:    r.Invoice.Currency,
		Debtor:      r.Invoice.Buyer,
		DueDate:     r.Invoice.DueDate,
		Invoice:     r.Invoice.Digest(),
		Programme:   r.Programme,
		Receivable:  r.ID,
		Schema:      UndertakingSchema,
	}
}

// Undertaking is the debtor's promise with its signature, so that it proves itself whoever endorsed the transaction.
type Undertaking struct {
	Terms   Terms `json:"terms"`
	Maker   Mark  `json:"maker"`
	Checker Mark  `json:"checker"`
	// PublicKey is the checker's key: SubjectPublicKeyInfo in DER, base64.
	PublicKey string `json:"public_key"`
	// Signature is ECDSA over the SHA-256 of the terms' bytes: ASN.1 DER, base64.
	Signature string `json:"signature"`
}

// Verifier checks a signature over the terms' bytes and returns the public key that made it, as DER SubjectPublicKeyInfo.
type Verifier func(terms, signature []byte) (publicKey []byte, err error)

// ByCertificate verifies with the ECDSA key of a certificate: the one that signed the operation.
func ByCertificate(certificatePEM []byte) Verifier {
	var key []byte
	if block, _ := pem.Decode(certificatePEM); block != nil {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			key = certificate.RawSubjectPublicKeyInfo
		}
	}
	return func(terms, signature []byte) ([]byte, error) {
		if key == nil {
			return nil, fault.New(fault.UndertakingInvalid, "the signer has no certificate that parses")
		}
		return key, verify(key, terms, signature)
	}
}

// Verify returns UNDERTAKING_INVALID unless the signature matches terms and key.
func (u Undertaking) Verify() error {
	key, err := base64.StdEncoding.DecodeString(u.PublicKey)
	if err != nil {
		return fault.New(fault.UndertakingInvalid, "the public key is not base64")
	}
	signature, err := base64.StdEncoding.DecodeString(u.Signature)
	if err != nil {
		return fault.New(fault.UndertakingInvalid, "the signature is not base64")
	}
	return verify(key, u.Terms.Bytes(), signature)
}

func verify(publicKey, terms, signature []byte) error {
	parsed, err := x509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return fault.New(fault.UndertakingInvalid, "the public key does not parse")
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return fault.New(fault.UndertakingInvalid, "the public key is not one of ECDSA")
	}
	digest := sha256.Sum256(terms)
	if len(signature) > MaxSignatureBytes || !ecdsa.VerifyASN1(key, digest[:], signature) {
		return fault.New(fault.UndertakingInvalid, "the signature does not match the terms")
	}
	return nil
}

// Confirmation is the input of a confirm: the checker's signature over Terms.Bytes (base64, ASN.1 DER).
type Confirmation struct {
	Signature string `json:"signature"`
}

// Validate reports every failure with its field and value.
func (c Confirmation) Validate() error {
	var bad fault.Fields
	c.check(&bad, "")
	return bad.Err()
}

func (c Confirmation) check(bad *fault.Fields, path string) {
	raw, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil || len(raw) == 0 || len(raw) > MaxSignatureBytes {
		bad.Add(path+"signature", len(c.Signature), "must be base64 of 1 to %d bytes", MaxSignatureBytes)
	}
}

// Confirm makes the claim: the buyer's checker, another user than the maker, signs the undertaking, and the seller holds
// the root fragment of the whole amount. It returns MAKER_IS_CHECKER, UNDERTAKING_INVALID, NOT_PERMITTED or
// TRANSITION_DENIED.
func (r Receivable) Confirm(in Confirmation, check Verifier, by member.Actor, at time.Time) (Receivable, Fragment, error) {
	if err := in.Validate(); err != nil {
		return r, Fragment{}, err
	}
	if err := mustBe(by, r.Invoice.Buyer, member.Checker); err != nil {
		return r, Fragment{}, err
	}
	next, err := r.step(Confirm)
	if err != nil {
		return r, Fragment{}, err
	}
	if r.Proposal == nil || r.Proposal.User == by.User {
		return r, Fragment{}, fault.New(fault.MakerIsChecker, "receivable %s needs a second person of the buyer", r.ID)
	}
	signature, _ := base64.StdEncoding.DecodeString(in.Signature) // Validate has read it
	terms := r.Terms()
	key, err := check(terms.Bytes(), signature)
	if err != nil {
		return r, Fragment{}, err
	}
	next.Undertaking = &Undertaking{Terms: terms, Maker: *r.Proposal, Checker: mark(by, at),
		PublicKey: base64.StdEncoding.EncodeToString(key), Signature: in.Signature}
	next.Proposal, next.Response = nil, nil
	next.ConfirmedMinor = r.Invoice.PayableMinor
	root := Fragment{ID: fragmentID(r.ID), Receivable: r.ID, Holder: r.Invoice.Seller, Currency: r.Invoice.Currency,
		DueDate: r.Invoice.DueDate, Budget: MaxFragments - 1}
	root, err = root.open(next.Owed(), at)
	return next, root, err
}
