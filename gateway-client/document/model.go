// Package document reads the documents of trade that organisations send each other: UBL 2.1 and UN/CEFACT CII
// invoices and credit notes, and Peppol invoice responses, all of them into one form. It writes invoice responses.
//
// The semantic model is EN 16931-1:2017; BT and BG numbers in comments are its business terms and groups. What a
// document states is kept as stated: nothing is recomputed, what does not add up becomes a warning.
package document

import (
	"fmt"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Syntax is the XML vocabulary of a document.
type Syntax string

const (
	UBL Syntax = "ubl" // OASIS UBL 2.1
	CII Syntax = "cii" // UN/CEFACT Cross Industry Invoice D16B
)

// Kind is what a document is for.
type Kind string

const (
	KindInvoice         Kind = "invoice"
	KindCreditNote      Kind = "credit_note"
	KindInvoiceResponse Kind = "invoice_response"
)

// Document is one document that was read. Exactly one of Invoice (which also holds credit notes) and Response is set.
type Document struct {
	Syntax   Syntax
	Kind     Kind
	Invoice  *Invoice
	Response *InvoiceResponse
	Warnings []Warning
}

// Warning is something odd that does not stop a document from being read. Code is stable.
type Warning struct {
	Code    string
	Element string
	Line    int
	Reason  string
}

// String is the warning in one line: code, place, reason.
func (w Warning) String() string {
	return fmt.Sprintf("%s %s (line %d): %s", w.Code, w.Element, w.Line, w.Reason)
}

// Decimal is an exact decimal number as text: an optional minus sign, digits, and optionally a point with digits.
// Prices and quantities have as many decimals as their author wants, so they are no amounts of money.
type Decimal string

// Invoice is an invoice or a credit note. Amounts are in minor units of Currency with the sign that the document
// states; a credit note's are positive where it credits. A zero date is not stated.
type Invoice struct {
	Syntax        Syntax
	Kind          Kind
	Customization string        // BT-24, which specification the document says it follows
	Profile       string        // BT-23
	TypeCode      string        // BT-3, UNTDID 1001; "" when a plain UBL document has none
	ID            string        // BT-1
	IssueDate     calendar.Date // BT-2
	DueDate       calendar.Date // BT-9
	Currency      string        // BT-5, ISO 4217
	TaxCurrency   string        // BT-6
	Notes         []string

	Totals Totals

	Seller Party  // BG-4
	Buyer  Party  // BG-7
	Payee  *Party // BG-10: who gets the money, where it is not the seller

	PaymentNote  string         // BT-20
	Terms        []Discount     // early-payment discounts, in the order of the document
	PaymentMeans []PaymentMeans // BG-16

	BuyerReference string      // BT-10
	OrderID        string      // BT-13
	ContractID     string      // BT-12
	Preceding      []Reference // BG-3: the invoices that a credit note or a correction is about
	Lines          []Line      // BG-25
}

// Totals are a document's totals, BG-22. A nil amount is not stated, or not exact in the currency (a warning says so).
type Totals struct {
	LineNetMinor      *int64 // BT-106
	AllowanceMinor    *int64 // BT-107
	ChargeMinor       *int64 // BT-108
	TaxExclusiveMinor *int64 // BT-109
	TaxMinor          *int64 // BT-110, in the document's currency
	TaxInclusiveMinor *int64 // BT-112
	PrepaidMinor      int64  // BT-113, 0 when not stated
	RoundingMinor     int64  // BT-114, 0 when not stated
	PayableMinor      int64  // BT-115
}

// Payable is the amount that the document states as payable.
func (i *Invoice) Payable() money.Amount {
	return money.Amount{Minor: i.Totals.PayableMinor, Currency: i.Currency}
}

// Party is an organisation as the document names it. Name is the registered name, or the trading name where that is
// all there is.
type Party struct {
	Name        string
	TradingName string
	Country     string // ISO 3166-1 alpha-2
	IDs         []Identifier
}

// IdentifierKind says what an identifier of a party is for.
type IdentifierKind string

const (
	IdentifierEndpoint IdentifierKind = "endpoint" // BT-34, BT-49: electronic address
	IdentifierParty    IdentifierKind = "party"    // BT-29, BT-46, BT-60
	IdentifierLegal    IdentifierKind = "legal"    // BT-30, BT-47, BT-61: registration
	IdentifierTax      IdentifierKind = "tax"      // BT-31, BT-32, BT-48: scheme VAT, or another tax scheme
)

// Identifier is an id with its scheme: an ISO/IEC 6523 code such as 0088 (GLN) or an EAS code, VAT for a VAT number,
// "" when the document names none.
type Identifier struct {
	Kind   IdentifierKind
	Scheme string
	ID     string
}

// Discount is what the seller takes off for early payment. Either Days from the issue date, or Until, or neither is
// stated; either the rate or the amount. RateBasisPoints is nil where the rate is no whole number of basis points.
type Discount struct {
	RateBasisPoints *int64
	AmountMinor     *int64        // the discount itself
	BaseMinor       *int64        // what the rate is applied to; nil: the payable amount
	Days            *int64        // calendar days
	Until           calendar.Date // last day
	Note            string        // the text that it was read from, "" for structured terms
}

// PaymentMeans is one way of paying that the document offers.
type PaymentMeans struct {
	Code      string        // BT-81, UNTDID 4461
	Account   string        // BT-84, IBAN where the code says so
	Bank      string        // BT-86, BIC
	PaymentID string        // BT-83, remittance information
	DueDate   calendar.Date // UBL PaymentDueDate, BT-9 of a UBL credit note
}

// Reference points to another document. TypeCode (UNTDID 1001) is "" when not stated.
type Reference struct {
	ID        string
	TypeCode  string
	IssueDate calendar.Date
}

// Line is an invoice line. Unit is a UN/ECE Recommendation 20 or 21 code. Price is for PriceBase units (1 when not
// stated). NetMinor is nil where the line's net amount is not exact in the currency; NetAmount always states it.
type Line struct {
	ID          string
	Description string
	ItemID      Identifier // standard item id, such as a GTIN (scheme 0160)
	Quantity    Decimal
	Unit        string
	Price       Decimal
	PriceBase   Decimal
	NetAmount   Decimal
	NetMinor    *int64
	Lots        []Lot // as the line states them; Invoice.Lots completes them
}
