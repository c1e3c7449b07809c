// Package fault is the one vocabulary of failures: the chaincode returns it, the client translates it, and the
// command line, the API and the pages show it under the same stable code.
package fault

import (
	"errors"
	"fmt"
	"regexp"
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

// Error implements error: code, detail, and every field with its reason. It leaves out the values that were sent,
// because this form is what the chaincode returns and what peers and services log; Text shows them.
func (e *Error) Error() string { return e.text(false) }

// Text is Error with the values that were sent, for the person who sent them.
func (e *Error) Text() string { return e.text(true) }

func (e *Error) text(values bool) string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	for _, f := range e.Fields {
		b.WriteString("; ")
		b.WriteString(f.Path)
		if values && f.Value != "" {
			fmt.Fprintf(&b, "=%q", f.Value)
		}
		b.WriteString(": ")
		b.WriteString(f.Reason)
	}
	return b.String()
}

// Is reports whether the target is a fault of the same code, so errors.Is(err, fault.New(code, "")) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
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

// Parse finds a failure that the chaincode returned, in the form of Error, anywhere in a peer's message. It returns nil
// where no known code stands in it.
func Parse(message string) *Error {
	for _, found := range codePattern.FindAllStringIndex(message, -1) {
		code := Code(message[found[0]:found[1]])
		if _, known := codes[code]; !known {
			continue
		}
		e := &Error{Code: code}
		rest, _, _ := strings.Cut(message[found[1]:], "\n")
		detail, fields, hasFields := strings.Cut(rest, "; ")
		e.Detail = strings.TrimPrefix(detail, ": ")
		for hasFields && fields != "" {
			var one string
			one, fields, _ = strings.Cut(fields, "; ")
			path, reason, _ := strings.Cut(one, ": ")
			switch n := len(e.Fields); {
			case pathPattern.MatchString(path) && reason != "":
				e.Fields = append(e.Fields, Field{Path: path, Reason: reason})
			case n > 0: // a sentence that goes on
				e.Fields[n-1].Reason += "; " + one
			default:
				e.Detail += "; " + one
			}
		}
		return e
	}
	return nil
}

// pathPattern is what the path of a field looks like; other words between semicolons are sentences.
var pathPattern = regexp.MustCompile(`^[A-Za-z_][\w.\[\]-]*$`)

var codePattern = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b`)
