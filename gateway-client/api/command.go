package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/propagation"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/outbox"
)

// writing describes an operation that asks something of the ledger.
type writing struct {
	id, path, tag, summary string
	maxBody                int64
}

func (w writing) operation(a *API) huma.Operation {
	op := huma.Operation{OperationID: w.id, Method: http.MethodPost, Path: prefix + w.path, Summary: w.summary, Tags: []string{w.tag},
		Security: security, DefaultStatus: http.StatusAccepted, MaxBodyBytes: w.maxBody, BodyReadTimeout: readTime,
		Description: "Stored, and sent to the ledger. The same Idempotency-Key and body again are answered with the same operation; another body is refused with 409."}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[outbox.Operation](), true, "Operation")
	op.Responses = map[string]*huma.Response{"200": {Description: "It has ended", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}}
	return op
}

// Asking are the parameters of every operation that asks something of the ledger.
type Asking struct {
	Key  string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"128" pattern:"^[ -~]+$" doc:"Your name for this request, unique among yours; repeat it to ask the same again"`
	Wait bool   `query:"wait" doc:"Wait for the commit, up to 25 seconds"`
}

// answer is what such an operation is answered with.
type answer struct {
	Status   int
	Location string `header:"Location" doc:"The operation's resource"`
	Replayed string `header:"Idempotency-Replayed" doc:"true where the same was asked before"`
	Body     outbox.Operation
}

// nothing is the path or the body of an operation that has none.
type nothing struct{}

// OnTwo are ids of a record and of another one that belongs to it.
type OnTwo struct {
	ID    string `path:"id" maxLength:"128" doc:"The record's id"`
	Other string `path:"other" maxLength:"128" doc:"The id of what belongs to it"`
}

// builder makes the call that an operation asks for, and names the record that it is about.
type builder[P, B any] func(ctx context.Context, s *consortium.Session, ids outbox.IDs, at P, in B) (call consortium.Call, about string, err error)

// The inputs of operations: the framework finds parameters in embedded structs only, so there is one for each place.
type (
	stepOnNone struct{ Asking }
	stepOnOne  struct {
		Asking
		ByID
	}
	stepOnTwo struct {
		Asking
		OnTwo
	}
	bodyOnNone[B any] struct {
		Asking
		Body    B
		RawBody []byte
	}
	bodyOnOne[B any] struct {
		Asking
		ByID
		Body    B
		RawBody []byte
	}
	bodyOnTwo[B any] struct {
		Asking
		OnTwo
		Body    B
		RawBody []byte
	}
	documentInto struct {
		Asking
		IntoProgramme
		RawBody []byte `contentType:"application/xml"`
	}
	documentOf struct {
		Asking
		OfReceivable
		RawBody []byte `contentType:"application/xml"`
	}
)

// posting registers an operation: parts takes its input apart.
func posting[I, P, B any](a *API, w writing, build builder[P, B], parts func(in *I) (asked Asking, at P, body B, raw []byte)) {
	op := w.operation(a)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*answer, error) {
		asked, at, body, raw := parts(in)
		return a.put(ctx, w, asked, at, raw, func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
			return build(ctx, s, ids, at, body)
		})
	})
	// The framework takes the raw bytes, which we hash, for a second kind of body.
	if in := a.huma.OpenAPI().Paths[op.Path].Post.RequestBody; in != nil && in.Content["application/json"] != nil {
		delete(in.Content, "application/octet-stream")
	}
}

// step registers an operation without a body.
func step[P any](a *API, w writing, build builder[P, nothing]) {
	switch b := any(build).(type) {
	case builder[nothing, nothing]:
		posting(a, w, b, func(in *stepOnNone) (Asking, nothing, nothing, []byte) { return in.Asking, nothing{}, nothing{}, nil })
	case builder[ByID, nothing]:
		posting(a, w, b, func(in *stepOnOne) (Asking, ByID, nothing, []byte) { return in.Asking, in.ByID, nothing{}, nil })
	case builder[OnTwo, nothing]:
		posting(a, w, b, func(in *stepOnTwo) (Asking, OnTwo, nothing, []byte) { return in.Asking, in.OnTwo, nothing{}, nil })
	default:
		panic("a step has no such place: " + w.id)
	}
}

// command registers an operation with a body in JSON.
func command[P, B any](a *API, w writing, build builder[P, B]) {
	switch b := any(build).(type) {
	case builder[nothing, B]:
		posting(a, w, b, func(in *bodyOnNone[B]) (Asking, nothing, B, []byte) { return in.Asking, nothing{}, in.Body, in.RawBody })
	case builder[ByID, B]:
		posting(a, w, b, func(in *bodyOnOne[B]) (Asking, ByID, B, []byte) { return in.Asking, in.ByID, in.Body, in.RawBody })
	case builder[OnTwo, B]:
		posting(a, w, b, func(in *bodyOnTwo[B]) (Asking, OnTwo, B, []byte) { return in.Asking, in.OnTwo, in.Body, in.RawBody })
	default:
		panic("a command has no such place: " + w.id)
	}
}

// ofDocument registers an operation whose body is an XML document.
func ofDocument[P any](a *API, w writing, build builder[P, []byte]) {
	w.maxBody = maxDocument
	switch b := any(build).(type) {
	case builder[IntoProgramme, []byte]:
		posting(a, w, b, func(in *documentInto) (Asking, IntoProgramme, []byte, []byte) {
			return in.Asking, in.IntoProgramme, in.RawBody, in.RawBody
		})
	case builder[OfReceivable, []byte]:
		posting(a, w, b, func(in *documentOf) (Asking, OfReceivable, []byte, []byte) {
			return in.Asking, in.OfReceivable, in.RawBody, in.RawBody
		})
	default:
		panic("a document has no such place: " + w.id)
	}
}

// put stores what was asked, waits for its end where that is wanted, and answers.
func (a *API) put(ctx context.Context, w writing, asked Asking, at any, raw []byte,
	build func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error)) (*answer, error) {
	v, err := a.visit(ctx)
	if err != nil {
		return nil, err
	}
	trace := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, trace)
	op, replayed, err := a.c.Outbox.Put(ctx, outbox.Submission{Person: v.person.Subject, Key: asked.Key, Body: fmt.Appendf(nil, "%q\n%s", fmt.Sprint(at), raw),
		User: v.person.User, Action: w.id, Traceparent: trace["traceparent"]},
		func(ctx context.Context, ids outbox.IDs) (consortium.Call, string, error) {
			s, err := v.session(ctx)
			if err != nil {
				return consortium.Call{}, "", err
			}
			return build(ctx, s, ids)
		})
	if err != nil {
		return nil, a.problemOf(ctx, err)
	}
	out := &answer{Status: http.StatusAccepted, Location: operationPath(op.ID)}
	if replayed {
		out.Replayed = "true"
	}
	if asked.Wait {
		waiting, cancel := context.WithTimeout(ctx, waitTime)
		defer cancel()
		if op, err = a.c.Outbox.Wait(waiting, v.person.Subject, op.ID); err != nil {
			return nil, a.problemOf(ctx, err)
		}
		if op.Problem != nil {
			return nil, a.refusal(ctx, op, replayed)
		}
		if op.State == outbox.Done {
			// What the caller reads next has this in it, unless the read model is far behind.
			_ = a.c.Store.Wait(waiting, op.Block)
		}
	}
	if op.State.Final() {
		out.Status = http.StatusOK
	}
	out.Body = op
	return out, nil
}

// refusal is the problem with which an operation ended.
func (a *API) refusal(ctx context.Context, op outbox.Operation, replayed bool) error {
	p := a.translated(op.Problem)
	p.Operation, p.Trace = op.ID, traceID(ctx)
	p.headers = http.Header{"Location": {operationPath(op.ID)}}
	if replayed {
		p.headers.Set("Idempotency-Replayed", "true")
	}
	return p
}

func operationPath(id string) string { return prefix + "/operations/" + id }

// missing is INPUT_INVALID for what a body must have.
func missing(field, reason string) error {
	var bad fault.Fields
	bad.Add(field, "", "%s", reason)
	return bad.Err()
}
