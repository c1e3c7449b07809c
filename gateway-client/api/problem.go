package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
	"github.com/tallystick/tallystick/gateway-client/outbox"
)

// Problem is a failure as RFC 9457 wants it, with the ledger's stable code and every field that is wrong.
type Problem struct {
	Type   string     `json:"type" doc:"A URI of the kind of problem; its last part is the code" example:"urn:tallystick:problem:INPUT_INVALID"`
	Title  string     `json:"title" doc:"What the code means, in English"`
	Status int        `json:"status" doc:"The HTTP status"`
	Code   fault.Code `json:"code" doc:"The stable code, the same on the ledger, in the command line and here" example:"INPUT_INVALID"`
	Detail string     `json:"detail,omitempty" doc:"What happened to whom"`
	Errors []Wrong    `json:"errors,omitempty" doc:"Every field that is wrong"`
	// Operation is the id of the operation that was refused.
	Operation string `json:"operation,omitempty" doc:"The operation that was refused or has failed"`
	Trace     string `json:"trace,omitempty" doc:"The trace id of the request"`

	retryAfter time.Duration
	headers    http.Header
}

// Wrong is one field that is wrong.
type Wrong struct {
	Location string `json:"location,omitempty" doc:"Where: body.amount_minor, path.id, query.size, header.Idempotency-Key, or an element of a document"`
	Message  string `json:"message" doc:"What would be right"`
	Value    string `json:"value,omitempty" doc:"What was sent, shortened"`
}

// Error implements error.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	for name, values := range p.headers {
		h[name] = values
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="tallystick"`)
	}
	return h
}

// busyPause is after what time to ask again where nobody knows better.
const busyPause = 2 * time.Second

const problemType = "application/problem+json"

// The one table from failures to HTTP statuses: by kind, and a few codes that HTTP has a word of its own for.
var (
	statusOfKind = map[fault.Kind]int{
		fault.Invalid: http.StatusUnprocessableEntity, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
		fault.Refused: http.StatusConflict, fault.Unavailable: http.StatusServiceUnavailable, fault.Internal: http.StatusInternalServerError,
	}
	statusOfCode = map[fault.Code]int{
		fault.InputTooLarge: http.StatusRequestEntityTooLarge, fault.ServiceBusy: http.StatusTooManyRequests, fault.LoginRequired: http.StatusUnauthorized,
	}
	// codeOfStatus is the code of what HTTP itself refuses.
	codeOfStatus = map[int]fault.Code{
		http.StatusUnauthorized: fault.LoginRequired, http.StatusForbidden: fault.NotPermitted, http.StatusNotFound: fault.RecordNotFound,
		http.StatusRequestEntityTooLarge: fault.InputTooLarge, http.StatusTooManyRequests: fault.ServiceBusy, http.StatusConflict: fault.TransitionDenied,
		http.StatusServiceUnavailable: fault.NetworkUnavailable, http.StatusInternalServerError: fault.InternalError,
	}
)

// StatusOf is the HTTP status of a failure's code.
func StatusOf(code fault.Code) int {
	if status, ok := statusOfCode[code]; ok {
		return status
	}
	row, _ := fault.Describe(code)
	if status, ok := statusOfKind[row.Kind]; ok {
		return status
	}
	return http.StatusInternalServerError
}

func newProblem(code fault.Code, detail string) *Problem {
	row, _ := fault.Describe(code)
	return &Problem{Type: "urn:tallystick:problem:" + string(code), Title: row.Meaning, Status: StatusOf(code), Code: code, Detail: detail}
}

// problemOf makes a problem of a failure. What is no fault is a defect or a network that did not answer: its text stays in the log.
func (a *API) problemOf(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if p = a.translated(err); p == nil {
		code := fault.InternalError
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			code = fault.NetworkUnavailable
		}
		a.c.Log.ErrorContext(ctx, "a request failed", "error", err, "trace", traceID(ctx))
		p = newProblem(code, "")
	}
	p.Trace = traceID(ctx)
	return p
}

// translated is the problem of a fault, of a document's failures, or of a full queue; nil for anything else.
func (a *API) translated(err error) *Problem {
	var busy *outbox.BusyError
	var list failure.List
	var one *failure.Failure
	var f *fault.Error
	switch {
	case errors.As(err, &busy):
		p := newProblem(fault.ServiceBusy, "")
		p.retryAfter = busy.RetryAfter
		return p
	case errors.As(err, &list) && len(list) > 0:
		return documentProblem(list)
	case errors.As(err, &one):
		return documentProblem(failure.List{one})
	case errors.As(err, &f):
		p := newProblem(f.Code, f.Detail)
		if f.Code == fault.ServiceBusy {
			p.retryAfter = busyPause
		}
		for _, field := range f.Fields {
			p.Errors = append(p.Errors, Wrong{Location: locationOf(field.Path), Message: field.Reason, Value: field.Value})
		}
		return p
	}
	return nil
}

func documentProblem(list failure.List) *Problem {
	p := newProblem(list[0].Code, "")
	for _, f := range list {
		at := f.Element + f.Path
		if f.Line > 0 {
			at = fmt.Sprintf("%s (line %d)", at, f.Line)
		}
		p.Errors = append(p.Errors, Wrong{Location: "body" + at, Message: f.Reason, Value: f.Value})
	}
	return p
}

// locationOf says where a field of a fault stands: in the body, unless it is a parameter.
func locationOf(path string) string {
	switch path {
	case "Idempotency-Key":
		return "header." + path
	case "size", "after", "state", "limit":
		return "query." + path
	}
	return "body." + path
}

// fromHuma makes a problem of what the framework refuses before a handler runs.
func fromHuma(status int, message string, errs ...error) huma.StatusError {
	code, ok := codeOfStatus[status]
	if !ok {
		code = fault.InputInvalid
	}
	p := newProblem(code, message)
	if status > 0 {
		p.Status = status
	}
	if status >= http.StatusInternalServerError {
		p.Detail = "" // it may say what must stay in the log
		return p
	}
	for _, err := range errs {
		if err == nil {
			continue
		}
		w := Wrong{Message: err.Error()}
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			w = Wrong{Location: detail.Location, Message: detail.Message, Value: valueText(detail.Value)}
		}
		p.Errors = append(p.Errors, w)
	}
	return p
}

func valueText(v any) string {
	if v == nil {
		return ""
	}
	text, isText := v.(string)
	if !isText {
		raw, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		text = string(raw)
	}
	return failure.Short(text)
}

// write answers a request that no operation of the framework has taken.
func (p *Problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the reader has gone: nobody to tell
}
