package receipt

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// PriceAgreement is what a programme's banks have agreed on: whose prices count. A new rule counts once every bank that reads
// the programme has agreed to it; until then the one before does.
type PriceAgreement struct {
	Active   *PriceRule `json:"active,omitempty"`
	Proposed *PriceRule `json:"proposed,omitempty"`
	Agreed   []string   `json:"agreed,omitempty"` // MSP ids that have agreed to what is proposed
}

// Propose puts a rule up for agreement, in place of one that was up before.
func (a PriceAgreement) Propose(rule PriceRule) (PriceAgreement, error) {
	if err := rule.Validate(); err != nil {
		return a, err
	}
	a.Proposed, a.Agreed = &rule, nil
	return a, nil
}

// Agree counts a bank's agreement with the rule that is proposed; banks are all banks that read the programme. Seen is the
// digest of the rule that the bank has looked at: TRANSITION_DENIED where another one has been proposed since.
func (a PriceAgreement) Agree(bank string, seen Hash, banks []string) (PriceAgreement, error) {
	if a.Proposed == nil || a.Proposed.Digest() != seen {
		return a, fault.New(fault.TransitionDenied, "this rule is not, or no longer, proposed")
	}
	if !slices.Contains(a.Agreed, bank) {
		a.Agreed = append(slices.Clone(a.Agreed), bank)
		slices.Sort(a.Agreed)
	}
	for _, b := range banks {
		if !slices.Contains(a.Agreed, b) {
			return a, nil
		}
	}
	a.Active, a.Proposed, a.Agreed = a.Proposed, nil, nil
	return a, nil
}

// Digest identifies the rule.
func (p PriceRule) Digest() Hash {
	e := encoder{b: []byte("tallystick price rule v1\n")}
	e.int(int64(p.Quorum))
	e.int(p.FreshSeconds)
	e.int(p.UsableSeconds)
	for _, s := range p.Sources {
		e.text(s.ID)
		e.text(string(s.Key))
	}
	return HashOf(hashLeaf(e.b))
}

// Sale is a sale of pledged goods and where the money went.
type Sale struct {
	Receipt       string  `json:"receipt"`
	Loan          string  `json:"loan"`
	Purchaser     Holder  `json:"purchaser"`
	Currency      string  `json:"currency"`
	ProceedsMinor int64   `json:"proceeds_minor"`
	Shares        []Share `json:"shares"`
}

// SaleInput is what the creditor says of a sale.
type SaleInput struct {
	Purchaser      Holder `json:"purchaser"`
	ProceedsMinor  int64  `json:"proceeds_minor"`
	SaleCostsMinor int64  `json:"sale_costs_minor"`
}

// Validate reports every failure of the input with its field and value.
func (s SaleInput) Validate() error {
	var bad fault.Fields
	s.Purchaser.Check(&bad, "purchaser")
	if s.ProceedsMinor < 0 {
		bad.Add("proceeds_minor", s.ProceedsMinor, "must not be negative")
	}
	if s.SaleCostsMinor < 0 {
		bad.Add("sale_costs_minor", s.SaleCostsMinor, "must not be negative")
	}
	return bad.Err()
}

// TermsVersion is a bank's terms for lending on goods: proposed by one user of its risk department, approved by another.
type TermsVersion struct {
	Active     *Terms `json:"active,omitempty"`
	Proposed   *Terms `json:"proposed,omitempty"`
	ProposedBy string `json:"proposed_by,omitempty"` // user id
}

// Propose puts terms up for approval.
func (v TermsVersion) Propose(t Terms, user string) (TermsVersion, error) {
	if err := t.Validate(); err != nil {
		return v, err
	}
	v.Proposed, v.ProposedBy = &t, user
	return v, nil
}

// Approve makes the proposed terms those of loans from now on, or returns MAKER_IS_CHECKER.
func (v TermsVersion) Approve(user string) (TermsVersion, error) {
	if v.Proposed == nil {
		return v, fault.New(fault.TransitionDenied, "no terms are proposed")
	}
	if v.ProposedBy == user {
		return v, fault.New(fault.MakerIsChecker, "these terms were proposed by the same user")
	}
	return TermsVersion{Active: v.Proposed}, nil
}
