package portal

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"slices"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// maxDocumentBytes bounds an invoice document.
const maxDocumentBytes = 4 << 20

// programmeOptions are the programmes in which the person's party is registered, for a choice.
func (v *visit) programmeOptions(founders member.Kind) ([]page.Option, error) {
	list, err := v.Store.Circles(v.ctx(), v.viewer, circle.Programme, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return nil, err
	}
	members, err := v.Store.Members(v.ctx(), v.viewer, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return nil, err
	}
	kinds, names := map[string]member.Kind{}, map[string]string{}
	for _, m := range members.Items {
		kinds[m.MSP], names[m.MSP] = m.Kind, m.Name
	}
	var own []string
	if v.person.Kind == member.Supplier {
		p, err := v.Store.Party(v.ctx(), v.viewer, v.person.Party)
		if err != nil && fault.CodeOf(err) != fault.RecordNotFound {
			return nil, err
		}
		own = p.Circles
	}
	var out []page.Option
	for _, c := range list.Items {
		if !c.Reads || c.Status != circle.Active || kinds[c.Founder] != founders || v.person.Kind == member.Supplier && !slices.Contains(own, c.ID) {
			continue
		}
		option := page.Option{Value: c.ID, Text: names[c.Founder]}
		if slices.ContainsFunc(list.Items, func(other projection.CircleView) bool { return other.Founder == c.Founder && other.ID != c.ID }) {
			option.Text = v.t("programme.of", "founder", names[c.Founder], "id", page.Short(c.ID))
		}
		out = append(out, option)
	}
	return out, nil
}

func uploadForm(v *visit) (answer, error) {
	options, err := v.programmeOptions(member.Buyer)
	if err != nil {
		return answer{}, err
	}
	return show(page.Upload{Programmes: options}.Draw())
}

// upload shows what a document says, and issues it when the person has seen that.
func upload(v *visit) (answer, error) {
	programme := v.form("programme")
	if v.form("do") == "issue" {
		raw, err := base64.StdEncoding.DecodeString(v.form("document"))
		if err != nil {
			return answer{}, fault.New(fault.DocumentMalformed, "the document was not sent whole")
		}
		return v.submit("receivable.issue", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
			in := receivable.Issuance{ID: ids.New("rcv")}
			_, in.Invoice, err = v.invoiceOf(ctx, s, programme, raw)
			return operation.Issue(programme, in), in.ID, err
		})
	}
	file, header, err := v.r.FormFile("file")
	if err != nil {
		return answer{}, fault.New(fault.InputMissing, "choose a file")
	}
	defer file.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(file, maxDocumentBytes+1))
	if err != nil {
		return answer{}, err
	}
	if len(raw) > maxDocumentBytes {
		return answer{}, fault.New(fault.InputTooLarge, "a document has at most %d bytes", maxDocumentBytes)
	}
	view := page.Upload{Programme: programme, FileName: header.Filename, File: base64.StdEncoding.EncodeToString(raw), Key: key()}
	if view.Programmes, err = v.programmeOptions(member.Buyer); err != nil {
		return answer{}, err
	}
	session, err := v.session()
	if err != nil {
		return answer{}, err
	}
	doc, terms, err := v.invoiceOf(v.ctx(), session, programme, raw)
	if doc == nil {
		return answer{}, err
	}
	view.Read = doc
	if err == nil {
		view.Terms = &terms
	} else if view.Fault = faultOf(err); view.Fault == nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// invoiceOf reads a document and makes the ledger's form of it. The document is returned where it can be read, even if the
// ledger would not take it.
func (v *visit) invoiceOf(ctx context.Context, s *consortium.Session, programme string, raw []byte) (*document.Document, receivable.Invoice, error) {
	doc, err := document.Parse(bytes.NewReader(raw))
	if err != nil {
		return nil, receivable.Invoice{}, err
	}
	if doc.Invoice == nil {
		return nil, receivable.Invoice{}, fault.New(fault.DocumentUnsupported, "it is a %s, not an invoice", doc.Kind)
	}
	register, err := s.Parties(ctx, programme)
	if err != nil {
		return doc, receivable.Invoice{}, err
	}
	terms, err := operation.Invoice(s, doc, raw, register, "")
	return doc, terms, err
}
