package document

import (
	"github.com/cockroachdb/apd/v3"

	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// exact does decimal arithmetic without rounding: 200 digits are more than any sum of a document's amounts needs.
var exact = apd.BaseContext.WithPrecision(200)

func parseAmount(text, currency string) (int64, error) {
	a, err := money.ParseDecimal(text, currency)
	return a.Minor, err
}

// creditTypes are the codes of UNTDID 1001 that EN 16931 counts as credit notes (code list 2024-05).
var creditTypes = map[string]bool{
	"81": true, "83": true, "261": true, "262": true, "296": true, "308": true, "381": true, "396": true, "420": true,
	"458": true, "502": true, "503": true, "532": true,
}

// checkType compares the type code with the root element: a document with a credit note's code is a credit note,
// whatever it stands in, or a credit would be taken for a claim.
func (r *reader) checkType(root, n *xmlsafe.Node, i *Invoice) {
	switch {
	case i.TypeCode == "":
		r.warn(root, "BT-3_MISSING", "the type code is not stated")
	case i.Kind == KindInvoice && creditTypes[i.TypeCode]:
		if i.Syntax == UBL {
			r.warn(n, "TYPE_MISMATCH", "type code %s is a credit note's", i.TypeCode)
		}
		i.Kind = KindCreditNote
	case i.Kind == KindCreditNote && !creditTypes[i.TypeCode]:
		r.warn(n, "TYPE_MISMATCH", "type code %s is not a credit note's", i.TypeCode)
	}
}

// check warns about what does not add up in a document that was read: the calculation rules of EN 16931-1 section 6.4
// and what people trip over.
func (r *reader) check(root *xmlsafe.Node, i *Invoice) {
	if len(r.failures) > 0 {
		return
	}
	t := &i.Totals
	d := func(minor *int64) *apd.Decimal {
		if minor == nil {
			return apd.New(0, 0)
		}
		return apd.New(*minor, 0)
	}
	unit, _ := money.Lookup(i.Currency)
	warn := func(rule, what string, stated int64, computed *apd.Decimal) {
		if computed.Cmp(apd.New(stated, 0)) == 0 {
			return
		}
		major := new(apd.Decimal).Set(computed)
		major.Exponent -= int32(unit.Exponent)
		r.warn(root, rule, "%s is stated as %s but adds up to %s %s", what,
			money.Amount{Minor: stated, Currency: i.Currency}, i.Currency, major.Text('f'))
	}
	if t.LineNetMinor != nil && len(i.Lines) > 0 {
		sum, complete := apd.New(0, 0), true
		for _, l := range i.Lines {
			net, _, err := exact.NewFromString(string(l.NetAmount))
			if err != nil {
				complete = false
				break
			}
			net.Exponent += int32(unit.Exponent)
			_, _ = exact.Add(sum, sum, net)
		}
		if complete {
			warn("BR-CO-10", "the sum of line net amounts", *t.LineNetMinor, sum)
		}
	}
	total := new(apd.Decimal)
	if t.LineNetMinor != nil && t.TaxExclusiveMinor != nil {
		_, _ = exact.Sub(total, d(t.LineNetMinor), d(t.AllowanceMinor))
		_, _ = exact.Add(total, total, d(t.ChargeMinor))
		warn("BR-CO-13", "the total without VAT", *t.TaxExclusiveMinor, total)
	}
	if t.TaxExclusiveMinor != nil && t.TaxInclusiveMinor != nil {
		_, _ = exact.Add(total, d(t.TaxExclusiveMinor), d(t.TaxMinor))
		warn("BR-CO-15", "the total with VAT", *t.TaxInclusiveMinor, total)
	}
	if t.TaxInclusiveMinor != nil {
		_, _ = exact.Sub(total, d(t.TaxInclusiveMinor), d(&t.PrepaidMinor))
		_, _ = exact.Add(total, total, d(&t.RoundingMinor))
		warn("BR-CO-16", "the payable amount", t.PayableMinor, total)
	}
	if !i.DueDate.IsZero() && i.DueDate.Before(i.IssueDate) {
		r.warn(root, "DUE_BEFORE_ISSUE", "due %s, issued %s", i.DueDate, i.IssueDate)
	}
	if i.Payee != nil && !i.Payee.sameAs(i.Seller) {
		r.warn(root, "PAYEE_NOT_SELLER", "the money goes to %q, the seller is %q", i.Payee.Name, i.Seller.Name)
	}
	if i.Kind == KindCreditNote && len(i.Preceding) == 0 {
		r.warn(root, "CREDIT_UNREFERENCED", "the credit note names no invoice")
	}
}

// sameAs reports whether two parties of one document are the same: by an identifier with its scheme, or by name where
// one of them has none.
func (p Party) sameAs(other Party) bool {
	schemed := func(ids []Identifier) map[Identifier]bool {
		found := map[Identifier]bool{}
		for _, id := range ids {
			if id.Scheme != "" {
				found[Identifier{Scheme: id.Scheme, ID: id.ID}] = true
			}
		}
		return found
	}
	mine, theirs := schemed(p.IDs), schemed(other.IDs)
	for id := range mine {
		if theirs[id] {
			return true
		}
	}
	return (len(mine) == 0 || len(theirs) == 0) && p.Name != "" && p.Name == other.Name
}
