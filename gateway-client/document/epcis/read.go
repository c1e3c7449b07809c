package epcis

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

// Limits of one file.
const (
	MaxEvents   = 100_000
	maxFailures = 100 // reported of one file
	maxWarnings = 100 // reported of one event
)

// Parse reads a file of EPCIS events in JSON-LD: an EPCISDocument, an EPCISQueryDocument, one event, an object with an
// eventList, or an array of events. The error is a failure.List or *failure.Failure with the JSON path, line and reason
// of everything that the standard forbids; then there are no events.
func Parse(in io.Reader) ([]Event, error) {
	root, err := decode(in)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	events := r.file(root)
	if err := r.failures.Err(); err != nil {
		return nil, err
	}
	return events, nil
}

type reader struct {
	prefix   string // that the context binds to Namespace; "" for none
	failures failure.List
	warnings []Warning // of the event that is being read
}

func (r *reader) fail(n *node, format string, args ...any) {
	r.failAt(n.path(), n.line, n.shown(), fault.InputInvalid, format, args...)
}

func (r *reader) failAt(path string, line int, value string, code fault.Code, format string, args ...any) {
	if len(r.failures) < maxFailures {
		r.failures = append(r.failures, &failure.Failure{Code: code, Path: path, Line: line, Value: value, Reason: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) missing(parent *node, key string) {
	r.failAt(parent.path()+memberStep(key), parent.line, "", fault.InputMissing, "is missing")
}

func (r *reader) warn(n *node, code, format string, args ...any) {
	if len(r.warnings) == maxWarnings {
		r.warnings = append(r.warnings, Warning{Code: "MORE_WARNINGS", Path: "$", Reason: fmt.Sprintf("only the first %d are listed", maxWarnings)})
	}
	if len(r.warnings) > maxWarnings {
		return
	}
	r.warnings = append(r.warnings, Warning{Code: code, Path: n.path(), Reason: fmt.Sprintf(format, args...)})
}

func (r *reader) file(root *node) []Event {
	switch root.kind {
	case kindArray:
		return r.events(root)
	case kindObject:
	default:
		r.failAt("$", root.line, root.shown(), fault.DocumentUnsupported, "must be an object or an array of events")
		return nil
	}
	r.context(root)
	t := root.get("type")
	switch {
	case t == nil && root.get("eventList") != nil:
		return r.list(root, "eventList")
	case t == nil:
		r.missing(root, "type")
		return nil
	case t.kind != kindString:
		r.fail(t, "must be a string")
		return nil
	case t.text == "EPCISDocument":
		return r.document(root)
	case t.text == "EPCISQueryDocument":
		return r.queryDocument(root)
	}
	if e, ok := r.event(root, 0); ok {
		return []Event{e}
	}
	return nil
}

func (r *reader) document(root *node) []Event {
	for _, key := range []string{"@context", "schemaVersion", "creationDate", "epcisBody"} {
		if root.get(key) == nil {
			r.missing(root, key)
		}
	}
	r.header(root)
	body := r.object(root, "epcisBody")
	if body == nil {
		return nil
	}
	return r.list(body, "eventList")
}

func (r *reader) queryDocument(root *node) []Event {
	for _, key := range []string{"@context", "epcisBody"} {
		if root.get(key) == nil {
			r.missing(root, key)
		}
	}
	r.header(root)
	body := r.object(root, "epcisBody")
	if body == nil {
		return nil
	}
	results := body.get("queryResults")
	if results == nil {
		r.missing(body, "queryResults")
		return nil
	}
	if results = r.object(body, "queryResults"); results == nil {
		return nil
	}
	if results.get("queryName") == nil {
		r.missing(results, "queryName")
	}
	r.text(results, "queryName")
	r.text(results, "subscriptionID")
	inner := results.get("resultsBody")
	if inner == nil {
		r.missing(results, "resultsBody")
		return nil
	}
	if inner = r.object(results, "resultsBody"); inner == nil {
		return nil
	}
	return r.list(inner, "eventList")
}

var versionPattern = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

func (r *reader) header(root *node) {
	if v := root.get("schemaVersion"); v != nil && (v.kind != kindString || !versionPattern.MatchString(v.text)) {
		r.fail(v, `must be a version in a string, such as "2.0"`)
	}
	r.instant(root, "creationDate")
	if id := root.get("id"); id != nil && !strings.HasPrefix(id.text, "_:") { // a blank node of JSON-LD names nothing, which is fine
		r.uriOf(id)
	}
	for _, key := range []string{"sender", "receiver", "instanceIdentifier"} {
		r.text(root, key)
	}
	r.object(root, "epcisHeader")
}

// context checks the shape of a JSON-LD context and looks for the prefix of the own extension; what else it says is not looked
// at.
func (r *reader) context(n *node) {
	c := n.get("@context")
	if c == nil || c.kind == kindString {
		return
	}
	if c.kind == kindObject {
		r.bind(c)
		return
	}
	if c.kind != kindArray {
		r.fail(c, "must be a string, an object or an array of them")
		return
	}
	for _, item := range c.items {
		switch item.kind {
		case kindString:
		case kindObject:
			r.bind(item)
		default:
			r.fail(item, "must be a string or an object")
		}
	}
}

func (r *reader) bind(c *node) {
	for _, key := range c.keys {
		if m := c.members[key]; m.kind == kindString && m.text == Namespace {
			r.prefix = key
		}
	}
}

func (r *reader) list(n *node, key string) []Event {
	list := n.get(key)
	if list == nil {
		r.missing(n, key)
		return nil
	}
	if list.kind != kindArray {
		r.fail(list, "must be an array")
		return nil
	}
	return r.events(list)
}

func (r *reader) events(list *node) []Event {
	if len(list.items) > MaxEvents {
		r.failAt(list.path(), list.line, "", fault.InputTooLarge, "has more than %d events", MaxEvents)
		return nil
	}
	events := make([]Event, 0, len(list.items))
	for i, n := range list.items {
		if n.kind != kindObject {
			r.fail(n, "must be an event, an object")
			continue
		}
		if e, ok := r.event(n, i); ok {
			events = append(events, e)
		}
	}
	return events
}

// object returns the member when it is an object; else it fails and returns nil. A missing one is nil, too.
func (r *reader) object(n *node, key string) *node {
	m := n.get(key)
	if m == nil {
		return nil
	}
	if m.kind != kindObject {
		r.fail(m, "must be an object")
		return nil
	}
	return m
}

// array returns the items of a member that may be missing. need is how many it must have where it is there.
func (r *reader) array(n *node, key string, need int) []*node {
	m := n.get(key)
	if m == nil {
		return nil
	}
	if m.kind != kindArray {
		r.fail(m, "must be an array")
		return nil
	}
	if len(m.items) < need {
		r.fail(m, "must not be empty")
	}
	return m.items
}

func (r *reader) text(n *node, key string) string {
	m := n.get(key)
	if m == nil {
		return ""
	}
	if m.kind != kindString {
		r.fail(m, "must be a string")
		return ""
	}
	return m.text
}

// uriPattern is the least that RFC 3986 asks of a URI: a scheme, a colon, and no white space or control characters. A
// prefixed name of an extension has the same shape.
var uriPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+._-]*:[^\s\x00-\x20\x7f"<>^` + "`" + `{|}\\]+$`)

func (r *reader) uri(n *node, key string) string {
	m := n.get(key)
	if m == nil {
		return ""
	}
	return r.uriOf(m)
}

func (r *reader) uriOf(m *node) string {
	if m.kind != kindString {
		r.fail(m, "must be a URI in a string")
		return ""
	}
	if !uriPattern.MatchString(m.text) {
		r.fail(m, "is not a URI")
		return ""
	}
	return m.text
}

// uris reads an array of URIs. The standard wants lists of EPCs without repetition.
func (r *reader) uris(n *node, key string, unique bool) []string {
	var list []string
	seen := map[string]bool{}
	for _, m := range r.array(n, key, 0) {
		id := r.uriOf(m)
		if id == "" {
			continue
		}
		if unique && seen[id] {
			r.fail(m, "stands twice in the list")
			continue
		}
		seen[id] = true
		list = append(list, id)
	}
	return list
}

// word reads a term of a vocabulary: one of its bare words, or the URI of an extension. Where the vocabulary is open
// to newer versions (strict is false), an unknown word is only warned of.
func (r *reader) word(n *node, key string, vocabulary map[string]bool, strict bool) string {
	m := n.get(key)
	if m == nil {
		return ""
	}
	if m.kind != kindString {
		r.fail(m, "must be a string")
		return ""
	}
	r.wordOf(m, vocabulary, strict)
	return m.text
}

func (r *reader) wordOf(m *node, vocabulary map[string]bool, strict bool) {
	switch {
	case vocabulary[m.text]:
	case strings.HasPrefix(m.text, "urn:epcglobal:cbv:") || strings.Contains(m.text, "://ns.gs1.org/cbv/"):
		r.warn(m, "CBV_URI", "the standard wants the bare word for its own vocabulary, not %s", failure.Short(m.text))
	case uriPattern.MatchString(m.text):
	case strict:
		r.fail(m, "is neither a term of the standard nor the URI of an extension")
	default:
		r.warn(m, "UNKNOWN_TERM", "%q is no term of CBV 2.0", failure.Short(m.text))
	}
}

// instantPattern is RFC 3339 section 5.6 with the offset that the standard demands.
var instantPattern = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,18})?([Zz]|[+-][0-9]{2}:[0-9]{2})$`)

func (r *reader) instant(n *node, key string) time.Time {
	m := n.get(key)
	if m == nil {
		return time.Time{}
	}
	if m.kind == kindString && instantPattern.MatchString(m.text) {
		if t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(m.text)); err == nil {
			return t.UTC()
		}
	}
	r.fail(m, "must be an instant with a time zone (RFC 3339), such as 2026-01-15T08:30:00.000+01:00")
	return time.Time{}
}

func (r *reader) number(n *node, key string) Number {
	m := n.get(key)
	if m == nil {
		return ""
	}
	if m.kind != kindNumber {
		r.fail(m, "must be a number")
		return ""
	}
	return Number(m.text)
}

// unknownFields warns about names without a prefix that the standard does not know: typing errors, mostly.
func (r *reader) unknownFields(n *node, known map[string]bool) {
	for _, key := range n.keys {
		if !known[key] && !strings.Contains(key, ":") && !strings.HasPrefix(key, "@") {
			r.warn(n.members[key], "UNKNOWN_FIELD", "the standard knows no such field here, and it has no prefix of an extension")
		}
	}
}
