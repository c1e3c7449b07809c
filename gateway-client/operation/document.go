package operation

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

// crediting makes the ledger's form of a credit note. Its id comes from the document, under a key of the organisation's, so
// that a repeat is the same credit note and an outsider learns nothing.
func Crediting(s *consortium.Session, note *document.Invoice, raw []byte) (receivable.Crediting, error) {
	id, err := DocumentID(s, "crn", raw)
	if err != nil {
		return receivable.Crediting{}, err
	}
	hash, err := documentHash(s, raw)
	in := receivable.Crediting{ID: id, TypeCode: note.TypeCode, Number: note.ID, IssueDate: note.IssueDate, Currency: note.Currency,
		AmountMinor: note.Totals.PayableMinor, DocumentHash: hash}
	if err != nil {
		return in, err
	}
	return in, in.Validate()
}

// credited finds the receivable that a credit note is about: the own party's, with the number that the document names.
func Credited(ctx context.Context, s *consortium.Session, note *document.Invoice) (string, error) {
	var bad fault.Fields
	if len(note.Preceding) != 1 {
		bad.Add("billing_reference", len(note.Preceding), "must name one invoice; else name the receivable")
		return "", bad.Err()
	}
	ref := note.Preceding[0]
	programmes, err := s.Readable(ctx, circle.Programme)
	if err != nil {
		return "", err
	}
	found, err := ReceivablesWhere(ctx, s, programmes, func(r receivable.Receivable) bool {
		closed := []receivable.Status{receivable.Rejected, receivable.Withdrawn, receivable.Cancelled}
		return r.Invoice.Seller == s.User().Party && r.Invoice.Number == ref.ID && !slices.Contains(closed, r.Status) &&
			(ref.IssueDate.IsZero() || r.Invoice.IssueDate == ref.IssueDate)
	})
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		bad.Add("billing_reference", ref.ID, "must be one of your invoices on the ledger; %d fit; name the receivable", len(found))
		return "", bad.Err()
	}
	return found[0].ID, nil
}

func CreditNoteOnly(doc *document.Document) error {
	if doc.Kind != document.KindCreditNote {
		return &failure.Failure{Code: fault.DocumentUnsupported, Value: string(doc.Kind), Reason: "is not a credit note"}
	}
	return nil
}

// keyedHash is the HMAC-SHA256 of a document under a key that the organisation derives from its keyring, in hex.
func keyedHash(s *consortium.Session, purpose string, raw []byte) (string, error) {
	key, err := s.FingerprintKey(purpose)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(raw)
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// documentHash is the hash of a document under a salt that the organisation can derive again from its keyring, so that it can
// prove later which document it was.
func documentHash(s *consortium.Session, raw []byte) (string, error) {
	return keyedHash(s, "documents", raw)
}

// DocumentID is an opaque id that a document always gets in this organisation for this party.
func DocumentID(s *consortium.Session, prefix string, raw []byte) (string, error) {
	hash, err := keyedHash(s, "document-ids/"+s.User().Party, raw)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%s", prefix, hash[:20]), nil
}

// Invoice makes the ledger's form of an invoice document: parties by their opaque ids, and a keyed hash of the document.
func Invoice(s *consortium.Session, doc *document.Document, raw []byte, register []member.Party, buyer string) (receivable.Invoice, error) {
	out, err := termsOf(doc, register, s.User().Party, buyer)
	if err != nil {
		return out, err
	}
	if out.DocumentHash, err = documentHash(s, raw); err != nil {
		return out, err
	}
	return out, out.Validate()
}

func termsOf(doc *document.Document, register []member.Party, own, buyer string) (receivable.Invoice, error) {
	if doc.Kind != document.KindInvoice {
		return receivable.Invoice{}, fault.New(fault.DocumentUnsupported, "it is a %s, not an invoice", doc.Kind)
	}
	in := doc.Invoice
	out := receivable.Invoice{TypeCode: in.TypeCode, Seller: own, Buyer: buyer, Number: in.ID, IssueDate: in.IssueDate, DueDate: in.DueDate,
		Currency: in.Currency, PayableMinor: in.Totals.PayableMinor, PrepaidMinor: in.Totals.PrepaidMinor, OtherPayee: in.Payee != nil, Lines: len(in.Lines)}
	for _, lot := range in.Lots() {
		out.Lots = append(out.Lots, receivable.Lot{GTIN: lot.GTIN, Issuer: lot.Issuer, Lot: lot.Number})
	}
	if seller, found := partyOf(register, in.Seller); found && seller != own {
		return out, &fault.Error{Code: fault.InputInvalid, Fields: []fault.Field{{Path: "seller", Value: in.Seller.Name, Reason: "is another party than the one that you act for"}}}
	}
	if buyer == "" {
		party, found := partyOf(register, in.Buyer)
		if !found {
			return out, &fault.Error{Code: fault.InputInvalid, Fields: []fault.Field{{Path: "buyer", Value: in.Buyer.Name, Reason: "is not in the programme's register; name the buyer by its party id"}}}
		}
		out.Buyer = party
	}
	return out, nil
}

// partyOf finds a document's party in a register: by an identifier, else by the name.
func partyOf(register []member.Party, p document.Party) (string, bool) {
	for _, entry := range register {
		for _, id := range entry.Identifiers {
			if slices.ContainsFunc(p.IDs, func(have document.Identifier) bool { return have.Scheme == id.Scheme && have.ID == id.Value }) {
				return entry.ID, true
			}
		}
	}
	for _, entry := range register {
		if strings.EqualFold(entry.Name, p.Name) {
			return entry.ID, true
		}
	}
	return "", false
}
