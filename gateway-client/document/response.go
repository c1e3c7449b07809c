package document

import (
	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// ResponseCode says what a buyer makes of an invoice: the subset of UNCL 4343 that Peppol BIS Invoice Response 3.1
// uses.
type ResponseCode string

const (
	ResponseAcknowledged ResponseCode = "AB" // received
	ResponseInProcess    ResponseCode = "IP"
	ResponseUnderQuery   ResponseCode = "UQ" // disputed: the seller has to act
	ResponseConditional  ResponseCode = "CA" // accepted with changed conditions
	ResponseRejected     ResponseCode = "RE"
	ResponseAccepted     ResponseCode = "AP" // confirmed for payment
	ResponsePaid         ResponseCode = "PD" // payment initiated, in full
)

var responseCodes = map[ResponseCode]bool{
	ResponseAcknowledged: true, ResponseInProcess: true, ResponseUnderQuery: true, ResponseConditional: true,
	ResponseRejected: true, ResponseAccepted: true, ResponsePaid: true,
}

// The two code lists of a status: why, and what the seller should do.
const (
	StatusReasonList = "OPStatusReason"
	StatusActionList = "OPStatusAction"
)

// InvoiceResponse is a Peppol invoice response: an ApplicationResponse about one invoice.
type InvoiceResponse struct {
	ID            string
	IssueDate     calendar.Date
	IssueTime     string // as stated, "" when not
	Customization string
	Profile       string
	Note          string
	Sender        Party // the buyer, or who answers for it
	Receiver      Party // the seller
	Code          ResponseCode
	EffectiveDate calendar.Date // from when it holds; zero when not stated
	Statuses      []ResponseStatus
	Documents     []Reference // the invoice, normally one
	Issuer        Party       // of the invoice, where stated
	Recipient     Party       // of the invoice, where stated
}

// ResponseStatus is one reason or one requested action. List is OPStatusReason, OPStatusAction, or "" for a text only.
type ResponseStatus struct {
	List       string
	Code       string
	Text       string
	Conditions []Condition
}

// Condition names what is wrong or wanted: an attribute, often a business term such as BT-13, and its right value.
type Condition struct {
	Attribute   string
	Description string
}

// ublResponse reads an ApplicationResponse as Peppol's transaction T111 defines it.
func (r *reader) ublResponse(root *xmlsafe.Node) *InvoiceResponse {
	p := &InvoiceResponse{
		ID:            r.required(root, "ID"),
		IssueTime:     r.id(root, "IssueTime"),
		Customization: r.text(root, "CustomizationID"),
		Profile:       r.text(root, "ProfileID"),
		Note:          r.text(root, "Note"),
	}
	if e := r.at(root, "IssueDate"); e != nil {
		p.IssueDate = r.dateText(e)
	} else {
		r.missing(root, "IssueDate")
	}
	for _, side := range []struct {
		element string
		party   *Party
	}{{"SenderParty", &p.Sender}, {"ReceiverParty", &p.Receiver}} {
		if n := r.at(root, side.element); n != nil {
			*side.party = r.ublParty(n)
		} else {
			r.missing(root, side.element)
		}
	}
	d := r.only(root, "DocumentResponse")
	if d == nil {
		r.missing(root, "DocumentResponse", "Response", "ResponseCode")
		return p
	}
	response := r.at(d, "Response")
	p.Code = ResponseCode(r.required(d, "Response", "ResponseCode"))
	if p.Code != "" && !responseCodes[p.Code] {
		r.fail(r.at(response, "ResponseCode"), fault.InputInvalid, string(p.Code), "is not one of AB, IP, UQ, CA, RE, AP, PD")
	}
	p.EffectiveDate = r.date(response, "EffectiveDate")
	for _, n := range r.all(response, "Status") {
		p.Statuses = append(p.Statuses, r.ublStatus(n))
	}
	for _, n := range r.all(d, "DocumentReference") {
		p.Documents = append(p.Documents, r.ublReference(n))
	}
	if len(p.Documents) == 0 {
		r.missing(d, "DocumentReference", "ID")
	}
	if n := r.at(d, "IssuerParty"); n != nil {
		p.Issuer = r.ublParty(n)
	}
	if n := r.at(d, "RecipientParty"); n != nil {
		p.Recipient = r.ublParty(n)
	}
	if p.Code == ResponseRejected || p.Code == ResponseUnderQuery || p.Code == ResponseConditional {
		if len(p.Statuses) == 0 { // PEPPOL-T111-R001 and its kin
			r.warn(response, "REASON_MISSING", "%s needs a status with a reason", p.Code)
		}
	}
	return p
}

func (r *reader) ublStatus(n *xmlsafe.Node) ResponseStatus {
	s := ResponseStatus{
		List: r.at(n, "StatusReasonCode").Attr("listID"),
		Code: r.id(n, "StatusReasonCode"),
		Text: r.text(n, "StatusReason"),
	}
	known := map[string]map[string]bool{StatusReasonList: statusReasons, StatusActionList: statusActions}
	if s.Code != "" && !known[s.List][s.Code] {
		r.warn(n, "STATUS_UNKNOWN", "%q is no code of the list %q", s.Code, s.List)
	}
	for _, c := range r.all(n, "Condition") {
		s.Conditions = append(s.Conditions, Condition{Attribute: r.id(c, "AttributeID"), Description: r.text(c, "Description")})
	}
	return s
}
