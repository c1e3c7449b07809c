package document

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// ciiInvoice reads a UN/CEFACT Cross Industry Invoice D16B; CEN/TS 16931-3-3 binds the business terms to it.
func (r *reader) ciiInvoice(root *xmlsafe.Node) *Invoice {
	head := r.at(root, "ExchangedDocument")
	trade := r.at(root, "SupplyChainTradeTransaction")
	agreement := r.at(trade, "ApplicableHeaderTradeAgreement")
	settlement := r.at(trade, "ApplicableHeaderTradeSettlement")
	i := &Invoice{Syntax: CII, Kind: KindInvoice}
	for _, part := range []struct {
		node *xmlsafe.Node
		path []string
	}{
		{head, []string{"ExchangedDocument"}}, {trade, []string{"SupplyChainTradeTransaction"}},
		{agreement, []string{"SupplyChainTradeTransaction", "ApplicableHeaderTradeAgreement"}},
		{settlement, []string{"SupplyChainTradeTransaction", "ApplicableHeaderTradeSettlement"}},
	} {
		if part.node == nil {
			r.missing(root, part.path...)
			return i
		}
	}
	i.Customization = r.text(root, "ExchangedDocumentContext", "GuidelineSpecifiedDocumentContextParameter", "ID")
	i.Profile = r.text(root, "ExchangedDocumentContext", "BusinessProcessSpecifiedDocumentContextParameter", "ID")
	i.ID = r.required(head, "ID")
	i.TypeCode = r.id(head, "TypeCode")
	r.checkType(root, r.at(head, "TypeCode"), i)
	if e := r.at(head, "IssueDateTime"); e != nil {
		if i.IssueDate = r.ciiDate(e); i.IssueDate.IsZero() && len(r.failures) == 0 {
			r.fail(e, fault.InputMissing, "", "is empty")
		}
	} else {
		r.missing(head, "IssueDateTime")
	}
	for _, n := range r.all(head, "IncludedNote") {
		i.Notes = append(i.Notes, r.text(n, "Content"))
	}
	i.Currency = r.required(settlement, "InvoiceCurrencyCode")
	if n := r.at(settlement, "InvoiceCurrencyCode"); i.Currency != "" {
		r.checkCurrency(n, i.Currency)
	}
	i.TaxCurrency = r.id(settlement, "TaxCurrencyCode")
	i.BuyerReference = r.id(agreement, "BuyerReference")
	i.OrderID = r.id(agreement, "BuyerOrderReferencedDocument", "IssuerAssignedID")
	i.ContractID = r.id(agreement, "ContractReferencedDocument", "IssuerAssignedID")
	r.ciiParties(agreement, settlement, i)
	r.ciiTotals(settlement, i)
	r.ciiPayment(settlement, i)
	for _, d := range r.all(settlement, "InvoiceReferencedDocument") {
		i.Preceding = append(i.Preceding, Reference{
			ID:        r.required(d, "IssuerAssignedID"),
			TypeCode:  r.id(d, "TypeCode"),
			IssueDate: r.ciiDate(r.at(d, "FormattedIssueDateTime")),
		})
	}
	for _, n := range r.all(trade, "IncludedSupplyChainTradeLineItem") {
		i.Lines = append(i.Lines, r.ciiLine(n, i.Currency))
	}
	r.check(root, i)
	return i
}

// ciiLayouts are the formats of UNTDID 2379 that name a day; EN 16931 allows 102 only.
var ciiLayouts = map[string]string{"102": "20060102", "203": "200601021504", "204": "20060102150405", "": "20060102"}

// ciiDate reads the DateTimeString or DateTime below an element; nil and an empty element have none.
func (r *reader) ciiDate(n *xmlsafe.Node) calendar.Date {
	var none calendar.Date
	if n == nil {
		return none
	}
	for _, name := range []string{"DateTimeString", "DateString"} {
		e := r.at(n, name)
		if e == nil {
			continue
		}
		layout, ok := ciiLayouts[e.Attr("format")]
		if !ok {
			r.fail(e, fault.DateInvalid, e.Attr("format"), "is in a format that is no calendar date; 102 (YYYYMMDD) is expected")
			return none
		}
		t, err := time.Parse(layout, textOf(e))
		if err != nil || calendar.From(t).IsZero() {
			r.fail(e, fault.DateInvalid, textOf(e), "is not a calendar date of the form %s", "YYYYMMDD")
			return none
		}
		return calendar.From(t)
	}
	for _, name := range []string{"DateTime", "Date"} {
		e := r.at(n, name)
		if e == nil {
			continue
		}
		s := textOf(e)
		if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == 'T' {
			s = s[:len(time.DateOnly)]
		}
		date, err := calendar.Parse(s)
		if err != nil {
			r.fail(e, fault.DateInvalid, textOf(e), "is not an ISO 8601 calendar date")
		}
		return date
	}
	return none
}

func (r *reader) ciiParties(agreement, settlement *xmlsafe.Node, i *Invoice) {
	for _, side := range []struct {
		element string
		party   *Party
	}{{"SellerTradeParty", &i.Seller}, {"BuyerTradeParty", &i.Buyer}} {
		n := r.at(agreement, side.element)
		if n == nil {
			r.missing(agreement, side.element)
			continue
		}
		*side.party = r.ciiParty(n)
	}
	if n := r.at(settlement, "PayeeTradeParty"); n != nil {
		payee := r.ciiParty(n)
		i.Payee = &payee
	}
}

func (r *reader) ciiParty(n *xmlsafe.Node) Party {
	p := Party{
		Name:        r.text(n, "Name"),
		TradingName: r.text(n, "SpecifiedLegalOrganization", "TradingBusinessName"),
		Country:     r.id(n, "PostalTradeAddress", "CountryID"),
	}
	for _, e := range r.all(n, "URIUniversalCommunication") {
		r.addID(&p, IdentifierEndpoint, r.at(e, "URIID"), "")
	}
	for _, name := range []string{"GlobalID", "ID"} {
		for _, e := range r.all(n, name) {
			r.addID(&p, IdentifierParty, e, "")
		}
	}
	for _, e := range r.all(n, "SpecifiedTaxRegistration") {
		id := r.at(e, "ID")
		scheme := id.Attr("schemeID")
		if scheme == "VA" { // UNTDID 1153; UBL writes VAT
			scheme = "VAT"
		}
		r.addID(&p, IdentifierTax, id, scheme)
	}
	r.addID(&p, IdentifierLegal, r.at(n, "SpecifiedLegalOrganization", "ID"), "")
	r.nameOf(n, &p)
	return p
}

func (r *reader) ciiTotals(settlement *xmlsafe.Node, i *Invoice) {
	const name = "SpecifiedTradeSettlementHeaderMonetarySummation"
	n := r.only(settlement, name)
	if n == nil {
		r.missing(settlement, name, "DuePayableAmount")
		return
	}
	t := &i.Totals
	t.LineNetMinor = r.optionalAmount(r.at(n, "LineTotalAmount"), i.Currency)
	t.AllowanceMinor = r.optionalAmount(r.at(n, "AllowanceTotalAmount"), i.Currency)
	t.ChargeMinor = r.optionalAmount(r.at(n, "ChargeTotalAmount"), i.Currency)
	t.TaxExclusiveMinor = r.optionalAmount(r.ciiIn(n, "TaxBasisTotalAmount", i.Currency), i.Currency)
	t.TaxInclusiveMinor = r.optionalAmount(r.ciiIn(n, "GrandTotalAmount", i.Currency), i.Currency)
	t.TaxMinor = r.optionalAmount(r.ciiIn(n, "TaxTotalAmount", i.Currency), i.Currency)
	r.payable(n, i, "TotalPrepaidAmount", "RoundingAmount", "DuePayableAmount")
}

// ciiIn returns the amount that is in the currency, where CII states one in several.
func (r *reader) ciiIn(n *xmlsafe.Node, local, currency string) *xmlsafe.Node {
	for _, e := range r.all(n, local) {
		if id := e.Attr("currencyID"); id == "" || id == currency {
			return e
		}
	}
	return nil
}

func (r *reader) ciiPayment(settlement *xmlsafe.Node, i *Invoice) {
	reference := r.id(settlement, "PaymentReference")
	for _, n := range r.all(settlement, "SpecifiedTradeSettlementPaymentMeans") {
		account := r.at(n, "PayeePartyCreditorFinancialAccount", "IBANID")
		if account == nil {
			account = r.at(n, "PayeePartyCreditorFinancialAccount", "ProprietaryID")
		}
		m := PaymentMeans{
			Code:      r.id(n, "TypeCode"),
			Account:   r.bounded(account, maxIDRunes),
			Bank:      r.id(n, "PayeeSpecifiedCreditorFinancialInstitution", "BICID"),
			PaymentID: reference,
		}
		r.checkAccount(account, m)
		i.PaymentMeans = append(i.PaymentMeans, m)
	}
	var due *xmlsafe.Node
	for _, n := range r.all(settlement, "SpecifiedTradePaymentTerms") {
		r.ciiTerms(n, i)
		e := r.at(n, "DueDateDateTime")
		date := r.ciiDate(e)
		switch {
		case date.IsZero():
		case due == nil:
			i.DueDate, due = date, e
		case i.DueDate != date:
			r.warn(e, "DUE_DATES_DIFFER", "is %s, before it %s was stated", date, i.DueDate)
			i.DueDate = calendar.Date{} // instalments: there is no one due date
			return
		}
	}
}

func (r *reader) ciiLine(n *xmlsafe.Node, currency string) Line {
	price := r.at(n, "SpecifiedLineTradeAgreement", "NetPriceProductTradePrice")
	quantity := r.at(n, "SpecifiedLineTradeDelivery", "BilledQuantity")
	l := Line{
		ID:          r.id(n, "AssociatedDocumentLineDocument", "LineID"),
		Description: r.text(n, "SpecifiedTradeProduct", "Name"),
		Quantity:    r.decimal(quantity),
		Unit:        quantity.Attr("unitCode"),
		Price:       r.decimal(r.at(price, "ChargeAmount")),
		PriceBase:   r.decimal(r.at(price, "BasisQuantity")),
		Lots:        r.ciiLots(r.at(n, "SpecifiedTradeProduct")),
	}
	if e := r.at(n, "SpecifiedTradeProduct", "GlobalID"); e != nil {
		l.ItemID = Identifier{Scheme: e.Attr("schemeID"), ID: r.bounded(e, maxIDRunes)}
		r.checkIdentifier(e, l.ItemID.Scheme, l.ItemID.ID)
	}
	e := r.at(n, "SpecifiedLineTradeSettlement", "SpecifiedTradeSettlementLineMonetarySummation", "LineTotalAmount")
	if e != nil {
		l.NetAmount = r.decimal(e)
		if l.NetAmount != "" {
			l.NetMinor = r.optionalAmount(e, currency)
		}
	}
	return l
}
