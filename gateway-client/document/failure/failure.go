// Package failure says where in a document something is wrong: which file, which element or JSON path, which line.
package failure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Failure is one reason why a document could not be read. Element is a slash path of element names in an XML document
// ("/Invoice/LegalMonetaryTotal/PayableAmount"), Path a JSON path ("$.epcisBody.eventList[2].action"); at most one of
// them is set. Line counts from 1; 0 means that there is none. Value is what stood there, shortened.
type Failure struct {
	Code    fault.Code `json:"code"`
	File    string     `json:"file"`
	Element string     `json:"element,omitempty"`
	Path    string     `json:"path,omitempty"`
	Line    int        `json:"line,omitempty"`
	Value   string     `json:"value,omitempty"`
	Reason  string     `json:"reason"`
}

// maxValueRunes bounds how much of a wrong value an error repeats.
const maxValueRunes = 64

// Short shortens a value for an error message.
func Short(value string) string {
	n := 0
	for i := range value {
		if n == maxValueRunes {
			return value[:i] + "…"
		}
		n++
	}
	return value
}

// Error implements error: file, line and place, then code, reason and value.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		b.WriteString(": ")
	} else if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if place := f.Element + f.Path; place != "" {
		b.WriteString(place)
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s: %s", f.Code, f.Reason)
	if f.Value != "" {
		fmt.Fprintf(&b, " (found %q)", f.Value)
	}
	return b.String()
}

// Unwrap gives the failure as a fault, so that its code decides the exit and HTTP status.
func (f *Failure) Unwrap() error {
	return &fault.Error{Code: f.Code, Detail: f.File, Fields: fault.Fields{{
		Path: f.Element + f.Path, Value: f.Value, Reason: f.Reason,
	}}}
}

// List is every failure of one document, in the order of the document.
type List []*Failure

// Error implements error: the failures, one a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single failures.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, f := range l {
		errs[i] = f
	}
	return errs
}

// Err returns nil when the list is empty, else the list.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// InFile returns err with every failure in it marked as one of the named file. An error that is no failure becomes
// one, with the code INPUT_INVALID.
func InFile(err error, file string) List {
	if err == nil {
		return nil
	}
	var list List
	if !errors.As(err, &list) {
		list = single(err)
	}
	marked := make(List, len(list))
	for i, f := range list {
		c := *f
		c.File = file
		marked[i] = &c
	}
	return marked
}

// single turns an error that is no list into failures: one a field of a fault that names fields.
func single(err error) List {
	var one *Failure
	if errors.As(err, &one) {
		return List{one}
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return List{{Code: fault.InputInvalid, Reason: err.Error()}}
	}
	var list List
	for _, field := range f.Fields {
		list = append(list, &Failure{Code: f.Code, Path: field.Path, Value: field.Value, Reason: field.Reason})
	}
	if len(list) > 0 {
		return list
	}
	reason := f.Detail
	if row, ok := fault.Describe(f.Code); ok && reason == "" {
		reason = row.Meaning
	}
	return List{{Code: f.Code, Reason: reason}}
}
