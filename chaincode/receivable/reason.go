package receivable

import (
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Reason is why a buyer rejects or disputes: a code of the Peppol list OPStatusReason (Peppol BIS Invoice Response 3,
// status clarification reason).
type Reason string

// ReasonRow is a reason with its meaning.
type ReasonRow struct {
	Code    Reason
	Meaning string
}

// Reasons lists the codes that a rejection or a dispute may give, in the order of the Peppol list, of which "NON" (no
// issue) and "PPD" (partially paid) are left out: they are no reason to refuse.
func Reasons() []ReasonRow {
	return []ReasonRow{
		{"REF", "references incorrect"},
		{"LEG", "legal information incorrect"},
		{"REC", "receiver unknown"},
		{"QUA", "item quality insufficient"},
		{"DEL", "delivery issues"},
		{"PRI", "prices incorrect"},
		{"QTY", "quantity incorrect"},
		{"ITM", "items incorrect"},
		{"PAY", "payment terms incorrect"},
		{"UNR", "not recognised"},
		{"FIN", "finance terms incorrect"},
		{"OTH", "other"},
	}
}

// Limits of a response.
const (
	MaxReasons   = 12
	MaxNoteBytes = 1000
)

// Because is the input of a rejection or dispute.
type Because struct {
	Reasons []Reason `json:"reasons"`
	Note    string   `json:"note,omitempty"`
}

// Validate reports every failure with its field and value.
func (b Because) Validate() error {
	var bad fault.Fields
	b.check(&bad)
	return bad.Err()
}

func (b Because) check(bad *fault.Fields) {
	if len(b.Reasons) == 0 || len(b.Reasons) > MaxReasons {
		bad.Add("reasons", len(b.Reasons), "there must be 1 to %d", MaxReasons)
	}
	for i, r := range b.Reasons {
		if !slices.ContainsFunc(Reasons(), func(row ReasonRow) bool { return row.Code == r }) {
			bad.Add(fmt.Sprintf("reasons[%d]", i), r, "must be a code of the Peppol list OPStatusReason")
		}
	}
	checkText(bad, "note", b.Note, MaxNoteBytes)
}

// ResponseCode is the status of a Peppol Invoice Response (UNCL4343, subset of the BIS) that says the same to the seller:
// AB message acknowledged, IP in process, UQ under query, RE rejected, AP accepted, PD paid. It is empty where a response
// would say nothing.
func (s Status) ResponseCode() string {
	switch s {
	case Issued:
		return "AB"
	case Proposed:
		return "IP"
	case Disputed:
		return "UQ"
	case Rejected:
		return "RE"
	case Confirmed, Matured, Overdue, Defaulted, WrittenOff:
		return "AP"
	case Settled:
		return "PD"
	}
	return ""
}
