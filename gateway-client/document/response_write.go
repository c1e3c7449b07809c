package document

import (
	"io"
	"time"

	"github.com/beevik/etree"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Identifiers of Peppol BIS Invoice Response 3.
const (
	responseCustomization = "urn:fdc:peppol.eu:poacc:trns:invoice_response:3"
	responseProfile       = "urn:fdc:peppol.eu:poacc:bis:invoice_response:3"
)

// What a buyer does with an invoice here, and the response code that tells the seller.
var responseSteps = map[string]ResponseCode{
	"confirm": ResponseAccepted, "reject": ResponseRejected, "dispute": ResponseUnderQuery, "pay": ResponsePaid,
}

// ResponseFor returns the response code of a step in an invoice's life: confirm, reject, dispute or pay.
func ResponseFor(step string) (ResponseCode, bool) {
	code, ok := responseSteps[step]
	return code, ok
}

// Codes of the two status lists of Peppol BIS Invoice Response 3.
var (
	statusReasons = set("NON", "REF", "LEG", "REC", "QUA", "DEL", "PRI", "QTY", "ITM", "PAY", "UNR", "FIN", "PPD", "OTH")
	statusActions = set("NOA", "PIN", "NIN", "CNF", "CNP", "CNA", "OTH")
)

func set(codes ...string) map[string]bool {
	m := map[string]bool{}
	for _, c := range codes {
		m[c] = true
	}
	return m
}

// Respond makes the response of an invoice's buyer to its seller. The id is the response's own, the date that of its
// issue; statuses give reasons and requested actions, which RE, UQ and CA need.
func Respond(i *Invoice, id string, date calendar.Date, code ResponseCode, statuses ...ResponseStatus) *InvoiceResponse {
	return &InvoiceResponse{
		ID: id, IssueDate: date, Customization: responseCustomization, Profile: responseProfile,
		Sender: i.Buyer, Receiver: i.Seller, Code: code, Statuses: statuses,
		Documents: []Reference{{ID: i.ID, TypeCode: i.TypeCode, IssueDate: i.IssueDate}},
	}
}

// Validate reports every failure that would make the response no valid Peppol transaction T111.
func (p *InvoiceResponse) Validate() error {
	var f fault.Fields
	if p.ID == "" {
		f.Add("id", p.ID, "must not be empty")
	}
	if p.IssueDate.IsZero() {
		f.Add("issue_date", "", "must be a calendar date")
	}
	if p.IssueTime != "" {
		if _, err := time.Parse("15:04:05", p.IssueTime); err != nil {
			f.Add("issue_time", p.IssueTime, "must be a time such as 14:05:00")
		}
	}
	if !responseCodes[p.Code] {
		f.Add("code", p.Code, "must be one of AB, IP, UQ, CA, RE, AP, PD")
	}
	for _, side := range []struct {
		path  string
		party Party
	}{{"sender", p.Sender}, {"receiver", p.Receiver}} {
		if e := side.party.Endpoint(); e.ID == "" || e.Scheme == "" {
			f.Add(side.path+".endpoint", e.ID, "must have an electronic address with a scheme, such as a GLN (0088)")
		}
		if side.party.Name == "" {
			f.Add(side.path+".name", "", "must not be empty")
		}
	}
	if len(p.Documents) != 1 || p.Documents[0].ID == "" || p.Documents[0].TypeCode == "" {
		f.Add("documents", len(p.Documents), "must be one invoice or credit note with its id and type code")
	}
	reasons := 0
	for _, s := range p.Statuses {
		known := map[string]map[string]bool{StatusReasonList: statusReasons, StatusActionList: statusActions, "": nil}
		codes, list := known[s.List]
		if !list || s.Code != "" && !codes[s.Code] || s.Code == "" && (s.List != "" || s.Text == "") {
			f.Add("statuses", s.List+" "+s.Code, "must be a code of %s or %s, or a text alone", StatusReasonList, StatusActionList)
		}
		if s.List != StatusActionList {
			reasons++
		}
	}
	if (p.Code == ResponseRejected || p.Code == ResponseUnderQuery || p.Code == ResponseConditional) && reasons == 0 {
		f.Add("statuses", "", "must give a reason for %s", p.Code)
	}
	return f.Err()
}

// Endpoint is the party's first electronic address; the zero Identifier when it has none.
func (p Party) Endpoint() Identifier {
	for _, id := range p.IDs {
		if id.Kind == IdentifierEndpoint {
			return id
		}
	}
	return Identifier{}
}

// Write writes the response as a UBL 2.1 ApplicationResponse, the way Peppol BIS Invoice Response 3 wants it. It
// returns what Validate returns, or the writer's error.
func (p *InvoiceResponse) Write(w io.Writer) error {
	if err := p.Validate(); err != nil {
		return err
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("ApplicationResponse")
	root.CreateAttr("xmlns", ublResponse)
	root.CreateAttr("xmlns:cac", ublAggregate)
	root.CreateAttr("xmlns:cbc", ublBasic)
	basic(root, "CustomizationID", or(p.Customization, responseCustomization))
	basic(root, "ProfileID", or(p.Profile, responseProfile))
	basic(root, "ID", p.ID)
	basic(root, "IssueDate", p.IssueDate.String())
	basic(root, "IssueTime", p.IssueTime)
	basic(root, "Note", p.Note)
	writeParty(root.CreateElement("cac:SenderParty"), p.Sender)
	writeParty(root.CreateElement("cac:ReceiverParty"), p.Receiver)
	answer := root.CreateElement("cac:DocumentResponse")
	response := answer.CreateElement("cac:Response")
	basic(response, "ResponseCode", string(p.Code))
	basic(response, "EffectiveDate", p.EffectiveDate.String())
	for _, s := range p.Statuses {
		status := response.CreateElement("cac:Status")
		if e := basic(status, "StatusReasonCode", s.Code); e != nil {
			e.CreateAttr("listID", s.List)
		}
		basic(status, "StatusReason", s.Text)
		for _, c := range s.Conditions {
			condition := status.CreateElement("cac:Condition")
			basic(condition, "AttributeID", c.Attribute)
			basic(condition, "Description", c.Description)
		}
	}
	for _, d := range p.Documents {
		reference := answer.CreateElement("cac:DocumentReference")
		basic(reference, "ID", d.ID)
		basic(reference, "IssueDate", d.IssueDate.String())
		basic(reference, "DocumentTypeCode", d.TypeCode)
	}
	doc.Indent(2)
	_, err := doc.WriteTo(w)
	return err
}

func writeParty(e *etree.Element, p Party) {
	endpoint := p.Endpoint()
	if n := basic(e, "EndpointID", endpoint.ID); n != nil {
		n.CreateAttr("schemeID", endpoint.Scheme)
	}
	basic(e.CreateElement("cac:PartyLegalEntity"), "RegistrationName", p.Name)
}

// basic adds an element of UBL's basic components with the text, or nothing when there is none.
func basic(parent *etree.Element, name, text string) *etree.Element {
	if text == "" {
		return nil
	}
	e := parent.CreateElement("cbc:" + name)
	e.SetText(text)
	return e
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
