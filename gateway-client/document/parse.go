package document

import (
	"io"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// Namespaces of the root elements. UBL 2.1 kept the names of UBL 2.0, so that both are read.
const (
	ublPrefix       = "urn:oasis:names:specification:ubl:schema:xsd:"
	ublInvoice      = ublPrefix + "Invoice-2"
	ublCreditNote   = ublPrefix + "CreditNote-2"
	ublResponse     = ublPrefix + "ApplicationResponse-2"
	ublAggregate    = ublPrefix + "CommonAggregateComponents-2"
	ublBasic        = ublPrefix + "CommonBasicComponents-2"
	ciiPrefix       = "urn:un:unece:uncefact:data:standard:"
	ciiInvoice      = ciiPrefix + "CrossIndustryInvoice:100"
	sbdhNamespace   = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
	sbdhRoot        = "StandardBusinessDocument"
	attachmentInUBL = "EmbeddedDocumentBinaryObject"
	extensionsOfUBL = "UBLExtensions"
	attachmentInCII = "AttachmentBinaryObject"
)

// options keep attachments, and extensions with the signatures in them, out of memory; they may be long.
var options = xmlsafe.Options{SkipText: map[string]bool{attachmentInUBL: true, extensionsOfUBL: true, attachmentInCII: true}}

// Parse reads one document: a UBL invoice, credit note or invoice response, or a CII invoice, bare or in the standard
// business document envelope of a Peppol message. The error is a failure.List or *failure.Failure: every place that is
// wrong, with element, line and reason.
func Parse(in io.Reader) (*Document, error) {
	root, err := xmlsafe.Read(in, options)
	if err != nil {
		return nil, err
	}
	if root.Local == sbdhRoot && root.Space == sbdhNamespace && len(root.Children) > 1 {
		root = root.Children[len(root.Children)-1]
	}
	doc := &Document{}
	r := &reader{}
	switch {
	case root.Space == ublInvoice && root.Local == "Invoice", root.Space == ublCreditNote && root.Local == "CreditNote":
		r.known = func(space string) bool { return space == ublAggregate || space == ublBasic }
		doc.Syntax, doc.Invoice = UBL, r.ublInvoice(root)
		doc.Kind = doc.Invoice.Kind
	case root.Space == ublResponse && root.Local == "ApplicationResponse":
		r.known = func(space string) bool { return space == ublAggregate || space == ublBasic }
		doc.Syntax, doc.Kind, doc.Response = UBL, KindInvoiceResponse, r.ublResponse(root)
	case root.Space == ciiInvoice && root.Local == "CrossIndustryInvoice":
		r.known = func(space string) bool { return strings.HasPrefix(space, ciiPrefix) }
		doc.Syntax, doc.Invoice = CII, r.ciiInvoice(root)
		doc.Kind = doc.Invoice.Kind
	default:
		return nil, &failure.Failure{
			Code: fault.DocumentUnsupported, Element: root.Path(), Line: root.Line, Value: failure.Short(root.Space),
			Reason: "is no UBL 2.1 Invoice, CreditNote or ApplicationResponse, and no UN/CEFACT CrossIndustryInvoice D16B",
		}
	}
	if err := r.failures.Err(); err != nil {
		return nil, err
	}
	doc.Warnings = r.warnings
	return doc, nil
}

// ParseUBL reads a UBL 2.1 Invoice or CreditNote and refuses every other document.
func ParseUBL(in io.Reader) (*Invoice, []Warning, error) {
	return parseInvoice(in, UBL)
}

// ParseCII reads a UN/CEFACT CrossIndustryInvoice and refuses every other document.
func ParseCII(in io.Reader) (*Invoice, []Warning, error) {
	return parseInvoice(in, CII)
}

func parseInvoice(in io.Reader, syntax Syntax) (*Invoice, []Warning, error) {
	doc, err := Parse(in)
	if err != nil {
		return nil, nil, err
	}
	if doc.Invoice == nil || doc.Syntax != syntax {
		return nil, nil, &failure.Failure{Code: fault.DocumentUnsupported, Value: string(doc.Syntax) + " " + string(doc.Kind),
			Reason: "is no " + string(syntax) + " invoice or credit note"}
	}
	return doc.Invoice, doc.Warnings, nil
}
