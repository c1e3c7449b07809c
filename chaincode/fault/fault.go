// Package fault is the one vocabulary of failures: the chaincode returns it, the client translates it, and the
// command line, the API and the pages show it under the same stable code.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Kind says what the caller can do about a failure. The client maps it, once, to an HTTP status and an exit status.
type Kind string

const (
	// Invalid input: the caller sent something that can never be accepted. Exit status 2, HTTP 422.
	Invalid Kind = "invalid"
	// Forbidden: the caller may not do this. Exit status 1, HTTP 403.
	Forbidden Kind = "forbidden"
	// NotFound: no such record, or none that the caller may see. Exit status 1, HTTP 404.
	NotFound Kind = "not_found"
	// Refused: a rule of finance or the state of a record says no. Exit status 1, HTTP 409.
	Refused Kind = "refused"
	// Unavailable: nothing was decided; the same request may succeed later. Exit status 1, HTTP 503.
	Unavailable Kind = "unavailable"
	// Internal: a defect or a broken record. Exit status 1, HTTP 500.
	Internal Kind = "internal"
)

// Field is one failure of one input. Path is the input's name as a JSON path ("lines[2].amount_minor"), Value what was
// sent (shortened), Reason what would be right.
type Field struct {
	Path   string `json:"path"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
}

// Error is a failure with a stable code. Detail says what happened to whom, in English, for people.
type Error struct {
	Code   Code    `json:"code"`
	Detail string  `json:"detail,omitempty"`
	Fields []Field `json:"fields,omitempty"`
}

// New returns a failure with the code and a formatted detail. The detail must not hold commercial terms when it is
// made on the ledger: peers log it.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Error implements error: code, detail, and every field failure.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s", f.Path)
		if f.Value != "" {
			fmt.Fprintf(&b, "=%q", f.Value)
		}
		fmt.Fprintf(&b, ": %s", f.Reason)
	}
	return b.String()
}

// Is reports whether the target is a fault of the same code, so errors.Is(err, fault.New(code, "")) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Public returns the failure without the values that were sent and without free text beside the code's own, which is
// what may leave the chaincode.
func (e *Error) Public() *Error {
	p := &Error{Code: e.Code, Detail: e.Detail}
	for _, f := range e.Fields {
		p.Fields = append(p.Fields, Field{Path: f.Path, Reason: f.Reason})
	}
	return p
}

// CodeOf returns the stable code of the first fault in the chain of err, or "" when there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Fields collects failures, so that a Validate reports all of them at once.
type Fields []Field

// Add records a failure of the field at path.
func (f *Fields) Add(path string, value any, format string, args ...any) {
	v := fmt.Sprint(value)
	if len(v) > 64 {
		v = v[:61] + "..."
	}
	*f = append(*f, Field{Path: path, Value: v, Reason: fmt.Sprintf(format, args...)})
}

// Err returns nil when nothing was recorded, else one INPUT_INVALID error that holds every failure.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: InputInvalid, Fields: f}
}

// Marshal returns the wire form in which the chaincode sends a failure: one JSON object.
func Marshal(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: InternalError, Detail: err.Error()}
	}
	b, jerr := json.Marshal(e.Public())
	if jerr != nil {
		return string(e.Code)
	}
	return string(b)
}

// Parse finds the wire form of a failure anywhere in a peer's message and returns it; nil when there is none or its
// code is not one of ours.
func Parse(message string) *Error {
	for i := strings.IndexByte(message, '{'); i >= 0; {
		var e Error
		if json.NewDecoder(strings.NewReader(message[i:])).Decode(&e) == nil {
			if _, known := codes[e.Code]; known {
				return &e
			}
		}
		next := strings.IndexByte(message[i+1:], '{')
		if next < 0 {
			return nil
		}
		i += 1 + next
	}
	return nil
}
