package document

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// ublInvoice reads a UBL Invoice or CreditNote. Element names and cardinalities are those of UBL 2.1 (OASIS standard,
// 2013-11-04); the business terms are bound to them by CEN/TS 16931-3-2.
func (r *reader) ublInvoice(root *xmlsafe.Node) *Invoice {
	i := &Invoice{
		Syntax: UBL, Kind: KindInvoice,
		Customization:  r.text(root, "CustomizationID"),
		Profile:        r.text(root, "ProfileID"),
		ID:             r.required(root, "ID"),
		TaxCurrency:    r.id(root, "TaxCurrencyCode"),
		BuyerReference: r.id(root, "BuyerReference"),
		OrderID:        r.id(root, "OrderReference", "ID"),
		ContractID:     r.id(root, "ContractDocumentReference", "ID"),
	}
	typeElement, line, quantity := "InvoiceTypeCode", "InvoiceLine", "InvoicedQuantity"
	if root.Local == "CreditNote" {
		i.Kind = KindCreditNote
		typeElement, line, quantity = "CreditNoteTypeCode", "CreditNoteLine", "CreditedQuantity"
	}
	i.TypeCode = r.id(root, typeElement)
	r.checkType(root, r.at(root, typeElement), i)
	if e := r.at(root, "IssueDate"); e != nil {
		i.IssueDate = r.dateText(e)
	} else {
		r.missing(root, "IssueDate")
	}
	for _, n := range r.all(root, "Note") {
		i.Notes = append(i.Notes, r.bounded(n, maxTextRunes))
	}
	r.ublCurrency(root, i)
	r.ublParties(root, i)
	r.ublTotals(root, i)
	r.ublPayment(root, i)
	r.dueDate(root, i)
	for _, ref := range r.all(root, "BillingReference") {
		for _, name := range []string{"InvoiceDocumentReference", "SelfBilledInvoiceDocumentReference", "CreditNoteDocumentReference"} {
			for _, d := range r.all(ref, name) {
				i.Preceding = append(i.Preceding, r.ublReference(d))
			}
		}
	}
	for _, n := range r.all(root, line) {
		i.Lines = append(i.Lines, r.ublLine(n, quantity, i.Currency))
	}
	if len(i.Lines) == 0 {
		r.missing(root, line)
	}
	r.check(root, i)
	return i
}

func (r *reader) ublReference(d *xmlsafe.Node) Reference {
	return Reference{ID: r.required(d, "ID"), TypeCode: r.id(d, "DocumentTypeCode"), IssueDate: r.date(d, "IssueDate")}
}

// ublCurrency finds the document's currency; plain UBL may leave it to the payable amount.
func (r *reader) ublCurrency(root *xmlsafe.Node, i *Invoice) {
	n := r.at(root, "DocumentCurrencyCode")
	i.Currency = textOf(n)
	if n == nil {
		n = r.at(root, "LegalMonetaryTotal", "PayableAmount")
		i.Currency = n.Attr("currencyID")
		if n == nil || i.Currency == "" {
			r.missing(root, "DocumentCurrencyCode")
			return
		}
	}
	r.checkCurrency(n, i.Currency)
}

func (r *reader) checkCurrency(n *xmlsafe.Node, currency string) {
	if _, ok := money.Lookup(currency); !ok {
		r.fail(n, fault.CurrencyUnknown, currency, "is not an active ISO 4217 currency")
	}
}

func (r *reader) ublParties(root *xmlsafe.Node, i *Invoice) {
	for _, side := range []struct {
		element string
		party   *Party
	}{{"AccountingSupplierParty", &i.Seller}, {"AccountingCustomerParty", &i.Buyer}} {
		n := r.at(root, side.element, "Party")
		if n == nil {
			r.missing(root, side.element, "Party")
			continue
		}
		*side.party = r.ublParty(n)
	}
	if n := r.at(root, "PayeeParty"); n != nil {
		payee := r.ublParty(n)
		i.Payee = &payee
	}
}

func (r *reader) ublParty(n *xmlsafe.Node) Party {
	p := Party{
		TradingName: r.text(n, "PartyName", "Name"),
		Country:     r.id(n, "PostalAddress", "Country", "IdentificationCode"),
	}
	r.addID(&p, IdentifierEndpoint, r.at(n, "EndpointID"), "")
	for _, e := range r.all(n, "PartyIdentification") {
		r.addID(&p, IdentifierParty, r.at(e, "ID"), "")
	}
	for _, e := range r.all(n, "PartyTaxScheme") {
		r.addID(&p, IdentifierTax, r.at(e, "CompanyID"), r.id(e, "TaxScheme", "ID"))
	}
	for _, e := range r.all(n, "PartyLegalEntity") {
		if p.Name == "" {
			p.Name = r.text(e, "RegistrationName")
		}
		r.addID(&p, IdentifierLegal, r.at(e, "CompanyID"), "")
	}
	r.nameOf(n, &p)
	return p
}

// nameOf falls back to the trading name and warns when a party has neither name nor id.
func (r *reader) nameOf(n *xmlsafe.Node, p *Party) {
	if p.Name == "" {
		p.Name, p.TradingName = p.TradingName, ""
	}
	if p.Name == "" && len(p.IDs) == 0 {
		r.warn(n, "PARTY_UNNAMED", "has neither a name nor an identifier")
	}
}

// addID appends an identifier with the scheme that its schemeID names, or the given one.
func (r *reader) addID(p *Party, kind IdentifierKind, n *xmlsafe.Node, scheme string) {
	id := r.bounded(n, maxIDRunes)
	if id == "" {
		return
	}
	if scheme == "" {
		scheme = n.Attr("schemeID")
	}
	r.checkIdentifier(n, scheme, id)
	p.IDs = append(p.IDs, Identifier{Kind: kind, Scheme: scheme, ID: id})
}

func (r *reader) ublTotals(root *xmlsafe.Node, i *Invoice) {
	n := r.only(root, "LegalMonetaryTotal")
	if n == nil {
		r.missing(root, "LegalMonetaryTotal", "PayableAmount")
		return
	}
	t := &i.Totals
	t.LineNetMinor = r.optionalAmount(r.at(n, "LineExtensionAmount"), i.Currency)
	t.AllowanceMinor = r.optionalAmount(r.at(n, "AllowanceTotalAmount"), i.Currency)
	t.ChargeMinor = r.optionalAmount(r.at(n, "ChargeTotalAmount"), i.Currency)
	t.TaxExclusiveMinor = r.optionalAmount(r.at(n, "TaxExclusiveAmount"), i.Currency)
	t.TaxInclusiveMinor = r.optionalAmount(r.at(n, "TaxInclusiveAmount"), i.Currency)
	r.payable(n, i, "PrepaidAmount", "PayableRoundingAmount", "PayableAmount")
	// A second TaxTotal states the tax in the seller's tax currency (BT-111).
	for _, total := range r.all(root, "TaxTotal") {
		if e := r.at(total, "TaxAmount"); e != nil && (e.Attr("currencyID") == "" || e.Attr("currencyID") == i.Currency) {
			if t.TaxMinor == nil {
				t.TaxMinor = r.optionalAmount(e, i.Currency)
			}
		}
	}
}

// payable reads the three amounts that decide what is owed, which must be exact.
func (r *reader) payable(n *xmlsafe.Node, i *Invoice, prepaid, rounding, payable string) {
	t := &i.Totals
	if e := r.only(n, prepaid); e != nil {
		t.PrepaidMinor = r.amount(e, i.Currency)
	}
	if e := r.only(n, rounding); e != nil {
		t.RoundingMinor = r.amount(e, i.Currency)
	}
	if e := r.only(n, payable); e != nil {
		t.PayableMinor = r.amount(e, i.Currency)
	} else {
		r.missing(n, payable)
	}
}

func (r *reader) ublPayment(root *xmlsafe.Node, i *Invoice) {
	i.DueDate = r.date(root, "DueDate")
	for _, n := range r.all(root, "PaymentMeans") {
		m := PaymentMeans{
			Code:      r.id(n, "PaymentMeansCode"),
			Account:   r.id(n, "PayeeFinancialAccount", "ID"),
			Bank:      r.id(n, "PayeeFinancialAccount", "FinancialInstitutionBranch", "ID"),
			PaymentID: r.id(n, "PaymentID"),
			DueDate:   r.date(n, "PaymentDueDate"),
		}
		r.checkAccount(r.at(n, "PayeeFinancialAccount", "ID"), m)
		i.PaymentMeans = append(i.PaymentMeans, m)
	}
	for _, n := range r.all(root, "PaymentTerms") {
		r.ublTerms(n, i)
	}
}

func (r *reader) ublLine(n *xmlsafe.Node, quantity, currency string) Line {
	l := Line{
		ID:          r.id(n, "ID"),
		Description: r.text(n, "Item", "Name"),
		Quantity:    r.decimal(r.at(n, quantity)),
		Unit:        r.at(n, quantity).Attr("unitCode"),
		Price:       r.decimal(r.at(n, "Price", "PriceAmount")),
		PriceBase:   r.decimal(r.at(n, "Price", "BaseQuantity")),
		Lots:        r.ublLots(r.at(n, "Item")),
	}
	if l.Description == "" {
		l.Description = r.text(n, "Item", "Description")
	}
	if e := r.at(n, "Item", "StandardItemIdentification", "ID"); e != nil {
		l.ItemID = Identifier{Scheme: e.Attr("schemeID"), ID: r.bounded(e, maxIDRunes)}
		r.checkIdentifier(e, l.ItemID.Scheme, l.ItemID.ID)
	}
	if e := r.at(n, "LineExtensionAmount"); e != nil {
		l.NetAmount = r.decimal(e)
		if l.NetAmount != "" {
			l.NetMinor = r.optionalAmount(e, currency)
		}
	}
	return l
}
