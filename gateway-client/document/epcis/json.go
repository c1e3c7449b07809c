package epcis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

// Limits of one file. They are far above what devices send in one go and far below what hurts.
const (
	maxBytes        = 32 << 20
	maxDepth        = 64
	maxValues       = 1_000_000
	maxMembers      = 10_000 // of one object
	maxTextBytes    = 16 << 10
	maxNumberLength = 64
	maxExponent     = 100
)

type kind string

const (
	kindObject kind = "an object"
	kindArray  kind = "an array"
	kindString kind = "a string"
	kindNumber kind = "a number"
	kindBool   kind = "true or false"
	kindNull   kind = "null"
)

// node is a JSON value that knows where it stands. Numbers keep their text: nothing becomes a float.
type node struct {
	kind    kind
	text    string // of a string or a number
	truth   bool
	items   []*node
	keys    []string // of an object, in the order of the file
	members map[string]*node
	twice   bool // an object that had its eventID twice

	parent *node
	key    string // in an object
	index  int    // in an array
	line   int
}

// path is the value's JSON path from the root, RFC 9535 in normal use: $.epcisBody.eventList[0]['example:field'].
func (n *node) path() string {
	if n == nil || n.parent == nil {
		return "$"
	}
	return n.parent.path() + n.step()
}

func (n *node) step() string {
	if n.parent.kind == kindArray {
		return "[" + strconv.Itoa(n.index) + "]"
	}
	return memberStep(n.key)
}

func memberStep(key string) string {
	key = failure.Short(key)
	if plainKey(key) {
		return "." + key
	}
	return "['" + strings.ReplaceAll(strings.ReplaceAll(key, `\`, `\\`), "'", `\'`) + "']"
}

// plainKey reports whether a name needs no quotes in a path.
func plainKey(key string) bool {
	for i, c := range key {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return key != ""
}

// get returns the member, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	return n.members[key]
}

// shown is the value as an error repeats it.
func (n *node) shown() string {
	switch n.kind {
	case kindString, kindNumber:
		return failure.Short(n.text)
	case kindBool:
		return strconv.FormatBool(n.truth)
	}
	return ""
}

// decode reads one JSON text (RFC 8259) strictly: UTF-8, no member twice in one object, nothing after it, limits on
// everything. Parsers differ on which of two members they take, so evidence with two is refused; only eventID, which
// carries none, may stand twice (it does in an example of GS1's own), and the last counts, with a warning.
func decode(in io.Reader) (*node, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return nil, &failure.Failure{Code: fault.InputInvalid, Path: "$", Reason: "cannot be read: " + err.Error()}
	}
	if len(data) > maxBytes {
		return nil, &failure.Failure{Code: fault.InputTooLarge, Path: "$", Reason: fmt.Sprintf("larger than %d bytes", maxBytes)}
	}
	data = bytes.TrimPrefix(data, []byte{0xEF, 0xBB, 0xBF})
	d := &decoder{data: data}
	if !utf8.Valid(data) {
		return nil, d.fail(nil, fault.DocumentMalformed, "is not in UTF-8, which JSON has to be")
	}
	d.dec = json.NewDecoder(bytes.NewReader(data))
	d.dec.UseNumber()
	root, err := d.document()
	if err != nil {
		return nil, err
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, d.fail(nil, fault.DocumentMalformed, "something follows the end of the JSON text")
	}
	return root, nil
}

type decoder struct {
	data   []byte
	dec    *json.Decoder
	values int
	line   int
	passed int // bytes of data that line has counted
}

func (d *decoder) here() int {
	if d.dec != nil {
		if at := int(d.dec.InputOffset()); at > d.passed && at <= len(d.data) {
			d.line += bytes.Count(d.data[d.passed:at], []byte{'\n'})
			d.passed = at
		}
	}
	return d.line + 1
}

func (d *decoder) fail(at *node, code fault.Code, format string, args ...any) error {
	return &failure.Failure{Code: code, Path: at.path(), Line: d.here(), Reason: fmt.Sprintf(format, args...)}
}

// document reads the value without recursion, so that nesting cannot exhaust the stack.
func (d *decoder) document() (*node, error) {
	var root, current *node // current is the open container
	depth, key, wantsValue := 0, "", false
	for {
		token, err := d.dec.Token()
		if err != nil {
			return nil, d.syntax(current, err)
		}
		if text, ok := token.(string); ok && current != nil && current.kind == kindObject && !wantsValue {
			if len(text) > maxTextBytes {
				return nil, d.fail(current, fault.InputTooLarge, "a name of more than %d bytes", maxTextBytes)
			}
			if _, twice := current.members[text]; twice && text != "eventID" {
				return nil, &failure.Failure{Code: fault.DocumentMalformed, Path: current.path() + memberStep(text), Line: d.here(),
					Reason: "stands twice in one object"}
			}
			if len(current.keys) >= maxMembers {
				return nil, d.fail(current, fault.InputTooLarge, "more than %d members in one object", maxMembers)
			}
			key, wantsValue = text, true
			continue
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			if current.parent == nil {
				return root, nil
			}
			current, depth = current.parent, depth-1
			continue
		}
		n, err := d.value(token, current)
		if err != nil {
			return nil, err
		}
		n.attach(current, key)
		wantsValue = false
		if root == nil {
			root = n
		}
		if n.kind == kindObject || n.kind == kindArray {
			if depth++; depth > maxDepth {
				return nil, d.fail(current, fault.InputTooLarge, "is nested more than %d deep", maxDepth)
			}
			current = n
		} else if current == nil {
			return root, nil
		}
	}
}

func (n *node) attach(parent *node, key string) {
	if parent == nil {
		return
	}
	n.parent = parent
	if parent.kind == kindArray {
		n.index = len(parent.items)
		parent.items = append(parent.items, n)
		return
	}
	n.key = key
	if _, twice := parent.members[key]; twice {
		parent.twice = true
	} else {
		parent.keys = append(parent.keys, key)
	}
	parent.members[key] = n
}

func (d *decoder) value(token json.Token, current *node) (*node, error) {
	if d.values++; d.values > maxValues {
		return nil, d.fail(current, fault.InputTooLarge, "more than %d values", maxValues)
	}
	n := &node{line: d.here()}
	switch t := token.(type) {
	case json.Delim:
		n.kind = kindArray
		if t == '{' {
			n.kind, n.members = kindObject, map[string]*node{}
		}
	case string:
		if len(t) > maxTextBytes {
			return nil, d.fail(current, fault.InputTooLarge, "a text of more than %d bytes", maxTextBytes)
		}
		n.kind, n.text = kindString, t
	case json.Number:
		n.kind, n.text = kindNumber, t.String()
		if !sane(n.text) {
			return nil, d.fail(current, fault.InputTooLarge, "the number %q has more than %d characters or an exponent beyond ±%d",
				failure.Short(n.text), maxNumberLength, maxExponent)
		}
	case bool:
		n.kind, n.truth = kindBool, t
	default:
		n.kind = kindNull
	}
	return n, nil
}

// sane keeps numbers such as 1e999999999 away from exact arithmetic.
func sane(number string) bool {
	if len(number) > maxNumberLength {
		return false
	}
	_, exponent, has := strings.Cut(strings.ToLower(number), "e")
	if !has {
		return true
	}
	e, err := strconv.Atoi(exponent)
	return err == nil && e <= maxExponent && e >= -maxExponent
}

func (d *decoder) syntax(current *node, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if current == nil && len(bytes.TrimSpace(d.data)) == 0 {
			return d.fail(current, fault.DocumentMalformed, "the file is empty")
		}
		return d.fail(current, fault.DocumentMalformed, "the file ends too early: it is truncated")
	}
	return d.fail(current, fault.DocumentMalformed, "is not JSON: %s", err.Error())
}
