package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// reading describes an operation that only reads.
type reading struct {
	id, path, tag, summary string
}

var security = []map[string][]string{{"bearer": {}}, {"login": {}}}

func (r reading) operation() huma.Operation {
	return huma.Operation{OperationID: r.id, Method: http.MethodGet, Path: prefix + r.path, Summary: r.summary, Tags: []string{r.tag}, Security: security}
}

// body is an answer's.
type body[T any] struct {
	Body T
}

// get registers a read of one thing. Its input is a struct of parameters.
func get[I, T any](a *API, r reading, read func(ctx context.Context, v visit, in *I) (T, error)) {
	huma.Register(a.huma, r.operation(), func(ctx context.Context, in *I) (*body[T], error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		out, err := read(ctx, v, in)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return &body[T]{out}, nil
	})
}

// ByID is the input of a read by an id.
type ByID struct {
	ID string `path:"id" maxLength:"128" doc:"The record's id"`
}

// getByID registers a read of one record.
func getByID[T any](a *API, r reading, read func(ctx context.Context, v visit, id string) (T, error)) {
	get(a, r, func(ctx context.Context, v visit, in *ByID) (T, error) { return read(ctx, v, in.ID) })
}

// Paging are the parameters of a list.
type Paging struct {
	Size  int    `query:"size" minimum:"1" maximum:"200" default:"50" doc:"Rows on a page"`
	After string `query:"after" maxLength:"256" doc:"The cursor that the page before gave as next"`
}

// Common are the filters that lists of records share.
type Common struct {
	Status  []string `query:"status" maxItems:"16" doc:"Keep records in one of the statuses"`
	DueFrom string   `query:"due_from" pattern:"^\\d{4}-\\d{2}-\\d{2}$" doc:"Keep what is due on this day or later"`
	DueTo   string   `query:"due_to" pattern:"^\\d{4}-\\d{2}-\\d{2}$" doc:"Keep what is due on this day or earlier"`
	Circle  string   `query:"circle" maxLength:"64" doc:"Keep the records of one programme or desk"`
	Sort    string   `query:"sort" enum:"newest,due" default:"newest" doc:"The newest first, or by due date"`
}

func (c Common) filter() (f projection.Common, err error) {
	f = projection.Common{Status: c.Status, Circle: c.Circle, ByDue: c.Sort == "due"}
	var bad fault.Fields
	for _, d := range []struct {
		name, text string
		into       *calendar.Date
	}{{"due_from", c.DueFrom, &f.DueFrom}, {"due_to", c.DueTo, &f.DueTo}} {
		if d.text == "" {
			continue
		}
		if *d.into, err = calendar.Parse(d.text); err != nil {
			bad.Add(d.name, d.text, "must be a calendar date such as 2026-01-15")
		}
	}
	return f, inQuery(bad.Err())
}

// inQuery makes a fault's fields parameters of the query.
func inQuery(err error) error {
	f, ok := err.(*fault.Error)
	if !ok {
		return err
	}
	p := newProblem(f.Code, f.Detail)
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, Wrong{Location: "query." + field.Path, Message: field.Reason, Value: field.Value})
	}
	return p
}

func (p Paging) page() projection.Page { return projection.Page{Size: p.Size, After: p.After} }

// pagesOnly is the input of a list without a filter.
type pagesOnly struct {
	Paging
}

// list registers a list twice: as pages in JSON, and as an export in CSV under the path with .csv, which Accept: text/csv asks for, too.
func list[F, T any, P interface {
	*F
	page() projection.Page
}](a *API, r reading, read func(ctx context.Context, v visit, f *F, p projection.Page) (projection.Slice[T], error)) {
	op := r.operation()
	op.Description = "Pages: ask again with after=next until there is no next. With Accept: text/csv, or at the path with .csv, all rows at once."
	huma.Register(a.huma, op, func(ctx context.Context, in *F) (*body[projection.Slice[T]], error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		slice, err := read(ctx, v, in, P(in).page())
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		if slice.Items == nil {
			slice.Items = []T{}
		}
		return &body[projection.Slice[T]]{slice}, nil
	})
	a.exports[op.Path] = true
	a.huma.OpenAPI().Paths[op.Path].Get.Responses["200"].Content[csvType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	r.id, r.path, r.summary = "export-"+r.id[len("list-"):], r.path+csvSuffix, r.summary+", as CSV"
	op = r.operation()
	op.Description = "Comma-separated values with a header line, in UTF-8. Amounts are in minor units. A cell that a spreadsheet would take for a formula begins with an apostrophe."
	op.Responses = map[string]*huma.Response{"200": {Description: "The rows", Content: map[string]*huma.MediaType{csvType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *F) (*huma.StreamResponse, error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		// The first page is read before the answer begins, so that what is wrong with the request has its status.
		first, err := read(ctx, v, in, projection.Page{Size: projection.MaxPageSize})
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return export(ctx, r.id, first, func(p projection.Page) (projection.Slice[T], error) { return read(ctx, v, in, p) }), nil
	})
	doc := a.huma.OpenAPI().Paths[op.Path].Get
	doc.Parameters = slices.DeleteFunc(doc.Parameters, func(p *huma.Param) bool { return p.Name == "size" || p.Name == "after" })
}
