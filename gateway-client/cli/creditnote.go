package cli

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

func invoiceCreditCommand(app *App) *cobra.Command {
	var of string
	var prepare bool
	cmd := &cobra.Command{
		Use:   "credit FILE",
		Short: "Apply a credit note to the receivable that it is about, as the seller",
		Long: `Reads a credit note (UBL 2.1 or CII) and applies it to the receivable of the invoice that it names. It lowers fragments in a
fixed order: your own that back no financing; then those of holders who have consented to this credit note; never one that
backs a financing. What it cannot lower becomes the buyer's recourse claim on you.

--prepare sends nothing and prints the id that the credit note will have, always the same for a file, so that holders can
consent to it: tally fragment consent.`,
		Example: `  tally --org supplier --user amy invoice credit acme-CN-1001.xml
  tally --org supplier --user amy invoice credit acme-CN-1001.xml --receivable rcv-… --prepare`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			var doc *document.Document
			var raw []byte
			err := app.eachFile(files, func(_ string, in io.Reader) (err error) {
				if raw, err = io.ReadAll(in); err != nil {
					return err
				}
				if doc, err = document.Parse(bytes.NewReader(raw)); err != nil {
					return err
				}
				return creditNoteOnly(doc)
			})
			if err != nil {
				return err
			}
			if prepare {
				return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
					in, err := crediting(s, doc.Invoice, raw)
					if err != nil {
						return err
					}
					if app.JSON() {
						return app.PrintJSON(in)
					}
					return app.table(func(row func(...string)) {
						row("id", in.ID)
						row("number", in.Number)
						row("amount", amountText(in.AmountMinor, in.Currency))
					})
				})
			}
			note := ""
			return app.submitStepNamed(cmd, func(step) string { return note }, func(ctx context.Context, s *consortium.Session) (consortium.Call, error) {
				in, err := crediting(s, doc.Invoice, raw)
				if err != nil {
					return consortium.Call{}, err
				}
				note = in.ID
				if of == "" {
					if of, err = credited(ctx, s, doc.Invoice); err != nil {
						return consortium.Call{}, err
					}
				}
				return onReceivable(ctx, s, "receivable:CreditNote", of, in, in.ID)
			})
		},
	}
	cmd.Flags().StringVar(&of, "receivable", "", "receivable that is credited (default: the one of the invoice that the document names)")
	cmd.Flags().BoolVar(&prepare, "prepare", false, "send nothing; print the id that the credit note will have")
	return cmd
}

func creditNoteOnly(doc *document.Document) error {
	if doc.Kind != document.KindCreditNote {
		return &failure.Failure{Code: fault.DocumentUnsupported, Value: string(doc.Kind), Reason: "is not a credit note"}
	}
	return nil
}

// crediting makes the ledger's form of a credit note. Its id comes from the document, under a key of the organisation's, so
// that a repeat is the same credit note and an outsider learns nothing.
func crediting(s *consortium.Session, note *document.Invoice, raw []byte) (receivable.Crediting, error) {
	id, err := documentID(s, "crn", raw)
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
func credited(ctx context.Context, s *consortium.Session, note *document.Invoice) (string, error) {
	var bad fault.Fields
	if len(note.Preceding) != 1 {
		bad.Add("billing_reference", len(note.Preceding), "must name one invoice; else say which receivable with --receivable")
		return "", bad.Err()
	}
	ref := note.Preceding[0]
	programmes, err := s.Readable(ctx, circle.Programme)
	if err != nil {
		return "", err
	}
	found, err := receivablesWhere(ctx, s, programmes, func(r receivable.Receivable) bool {
		closed := []receivable.Status{receivable.Rejected, receivable.Withdrawn, receivable.Cancelled}
		return r.Invoice.Seller == s.User().Party && r.Invoice.Number == ref.ID && !slices.Contains(closed, r.Status) &&
			(ref.IssueDate.IsZero() || r.Invoice.IssueDate == ref.IssueDate)
	})
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		bad.Add("billing_reference", ref.ID, "must be one of your invoices on the ledger; %d fit; say which receivable with --receivable", len(found))
		return "", bad.Err()
	}
	return found[0].ID, nil
}

// maxReceivablePages bounds a search through the receivables of a programme.
const maxReceivablePages = 5000

// receivablesWhere looks through all receivables that the user may see in the programmes.
func receivablesWhere(ctx context.Context, s *consortium.Session, programmes []string, match func(receivable.Receivable) bool) ([]receivable.Receivable, error) {
	var found []receivable.Receivable
	after := ""
	for range maxReceivablePages {
		var page struct {
			Receivables []receivable.Receivable `json:"receivables"`
			Next        string                  `json:"next"`
		}
		call := consortium.Call{Function: "receivable:List", Args: []string{"200", after}, Circles: programmes}
		if err := s.Evaluate(ctx, call, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Receivables {
			if match(r) {
				found = append(found, r)
			}
		}
		if page.Next == "" {
			return found, nil
		}
		after = page.Next
	}
	return nil, fault.New(fault.InputTooLarge, "there are more than %d pages of receivables; name the receivable", maxReceivablePages)
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

// documentID is an opaque id that a document always gets in this organisation for this party.
func documentID(s *consortium.Session, prefix string, raw []byte) (string, error) {
	hash, err := keyedHash(s, "document-ids/"+s.User().Party, raw)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%s", prefix, hash[:20]), nil
}
