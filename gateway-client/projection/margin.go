package projection

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// MarginAccount is a loan's margin, with the terms under which it was made.
type MarginAccount struct {
	receipt.Margin
	Terms receipt.Terms `json:"terms"`
}

func marginKinds() []kind {
	return []kind{
		kindOf("margin", forBank, func(m *MarginAccount, l lookup, r *row) error {
			if m.Call != nil {
				r.status, r.due = string(m.Call.Status), dayText(m.Call.CureBy)
			}
			r.columns("margin", "ltv_bps", m.LTVBps)
			return ofLoan(m.Loan, l, r)
		}),
		kindOf("sale", forBank, func(x *receipt.Sale, l lookup, r *row) error {
			r.link("sold", "receipt", x.Receipt)
			return ofLoan(x.Loan, l, r)
		}),
		kindOf("collateral-terms", bankOnly, func(_ *receipt.TermsVersion, l lookup, r *row) error {
			var desk struct {
				Founder string `json:"founder"`
			}
			_, err := l("circle", r.id, &desk)
			r.msp = desk.Founder
			return err
		}),
	}
}

// ofLoan makes a record that of the loan's bank and borrower.
func ofLoan(id string, l lookup, r *row) error {
	var loan financing.Loan
	_, err := l("loan", id, &loan)
	r.msp = loan.Bank
	r.concern(loan.Borrower)
	r.link("about", "loan", id)
	return err
}

// Margins lists margin accounts: of the viewer's bank, or of its party's loans. Common.Status filters by the latest call.
func (s *Store) Margins(ctx context.Context, v Viewer, c Common, p Page) (Slice[MarginAccount], error) {
	return page(ctx, s, v, listing{typ: "margin", Common: c}, p, whole[MarginAccount])
}

// Margin returns a loan's margin, or RECORD_NOT_FOUND.
func (s *Store) Margin(ctx context.Context, v Viewer, loan string) (MarginAccount, error) {
	return one[MarginAccount](ctx, s, v, "margin", loan)
}

// Sales lists sales of pledged goods, those for one loan where it is given.
func (s *Store) Sales(ctx context.Context, v Viewer, loan string, p Page) (Slice[receipt.Sale], error) {
	l := listing{typ: "sale"}
	if loan != "" {
		l.to = &link{"about", "loan", loan}
	}
	return page(ctx, s, v, l, p, whole[receipt.Sale])
}

// CollateralTerms returns how a desk lends on goods, or RECORD_NOT_FOUND.
func (s *Store) CollateralTerms(ctx context.Context, v Viewer, desk string) (receipt.TermsVersion, error) {
	return one[receipt.TermsVersion](ctx, s, v, "collateral-terms", desk)
}
