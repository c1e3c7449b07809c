// Package xmlsafe reads XML that a stranger sent: no document type declarations, hence no entities, no external
// access, limits on everything, and every element knows its line. It gives a small tree; business documents are small.
package xmlsafe

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

// Limits bounds what is read. Zero fields mean the default.
type Limits struct {
	Bytes             int // of the document as sent; default 20 MiB
	Depth             int // of nested elements; default 64 (a signed UBL invoice uses about 20)
	Elements          int // default 500,000
	AttributesInOne   int // of one element; default 64
	TagBytes          int // of one start tag; default 16 KiB
	TextBytesInOne    int // of one element's text where it is kept; default 64 KiB
	NamespacesAltered int // namespace declarations in all; default 1,000
	Asides            int // comments and processing instructions in all; default 10,000
}

func (l Limits) orDefault() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.Bytes, 20 << 20}, {&l.Depth, 64}, {&l.Elements, 500_000}, {&l.AttributesInOne, 64},
		{&l.TagBytes, 16 << 10}, {&l.TextBytesInOne, 64 << 10}, {&l.NamespacesAltered, 1_000},
		{&l.Asides, 10_000},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return l
}

// Attr is an attribute other than a namespace declaration.
type Attr struct{ Space, Local, Value string }

// Node is an element. Text is its own character data, with the children's left out, as it was written.
type Node struct {
	Space    string // namespace URI
	Local    string
	Attrs    []Attr
	Text     string
	Children []*Node
	Parent   *Node
	Line     int // of the start tag, from 1

	skip bool // its text is dropped
}

// Options say what to read and what to leave out.
type Options struct {
	Limits Limits
	// SkipText names elements (local names) whose text, and that of everything in them, is checked and dropped: embedded
	// attachments, signatures, extensions.
	SkipText map[string]bool
}

// Read parses one document. It returns a *failure.Failure with code DOCUMENT_MALFORMED, INPUT_TOO_LARGE or
// DOCUMENT_UNSUPPORTED (an unknown encoding); the element and line where it stopped are set.
func Read(r io.Reader, o Options) (*Node, error) {
	limits := o.Limits.orDefault()
	data, err := io.ReadAll(io.LimitReader(r, int64(limits.Bytes)+1))
	if err != nil {
		return nil, &failure.Failure{Code: fault.InputInvalid, Reason: "cannot be read: " + err.Error()}
	}
	if len(data) > limits.Bytes {
		return nil, &failure.Failure{Code: fault.InputTooLarge, Element: "/", Line: 1, Reason: fmt.Sprintf("larger than %d bytes", limits.Bytes)}
	}
	data, err = toUTF8(data)
	if err != nil {
		return nil, err
	}
	p := &parser{limits: limits, skip: o.SkipText, spaces: map[string]bool{"": true, xmlNamespace: true}}
	return p.run(data)
}

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

type parser struct {
	limits   Limits
	skip     map[string]bool
	spaces   map[string]bool // namespace URIs that the document has declared
	declared int
	asides   int
	elements int
	root     *Node
	current  *Node
	depth    int
	text     []byte
	line     int
}

func (p *parser) run(data []byte) (*Node, error) {
	dec := xml.NewDecoder(&tagGuard{r: bytes.NewReader(data), limit: p.limits.TagBytes})
	dec.Strict = true
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // toUTF8 has done it
	for {
		p.line, _ = dec.InputPos()
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, p.syntax(err)
		}
		if err := p.take(token); err != nil {
			return nil, err
		}
	}
	if p.root == nil {
		return nil, p.fail(fault.DocumentMalformed, "there is no element: the file is empty or no XML")
	}
	return p.root, nil
}

func (p *parser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		if len(p.current.Children) == 0 || len(bytes.TrimSpace(p.text)) > 0 {
			p.current.Text += string(p.text)
		}
		p.text = p.text[:0]
		p.current = p.current.Parent
		p.depth--
	case xml.CharData:
		if p.current == nil {
			if len(bytes.TrimSpace(t)) > 0 {
				return p.fail(fault.DocumentMalformed, "there is text outside the root element")
			}
			return nil
		}
		if p.current.skip {
			return nil
		}
		if len(p.text)+len(p.current.Text)+len(t) > p.limits.TextBytesInOne {
			return p.fail(fault.InputTooLarge, fmt.Sprintf("text of more than %d bytes in one element", p.limits.TextBytesInOne))
		}
		p.text = append(p.text, t...)
	case xml.Comment, xml.ProcInst:
		if p.asides++; p.asides > p.limits.Asides {
			return p.fail(fault.InputTooLarge, fmt.Sprintf("more than %d comments and processing instructions", p.limits.Asides))
		}
	case xml.Directive:
		return p.fail(fault.DocumentMalformed, "document type declarations are refused: they can carry entities and external references")
	}
	return nil
}

func (p *parser) start(t xml.StartElement) error {
	if p.current == nil && p.root != nil {
		return p.fail(fault.DocumentMalformed, "there is a second root element <"+failure.Short(t.Name.Local)+">")
	}
	if p.current != nil && len(bytes.TrimSpace(p.text)) > 0 {
		p.current.Text += string(p.text)
	}
	p.text = p.text[:0]
	n := &Node{Local: t.Name.Local, Parent: p.current, Line: p.line}
	n.skip = p.skip[n.Local] || p.current != nil && p.current.skip
	if p.elements++; p.elements > p.limits.Elements {
		return p.fail(fault.InputTooLarge, fmt.Sprintf("more than %d elements", p.limits.Elements))
	}
	if p.depth++; p.depth > p.limits.Depth {
		return p.fail(fault.InputTooLarge, fmt.Sprintf("elements are nested more than %d deep", p.limits.Depth))
	}
	if len(t.Attr) > p.limits.AttributesInOne {
		return p.fail(fault.InputTooLarge, fmt.Sprintf("more than %d attributes in one element", p.limits.AttributesInOne))
	}
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return p.fail(fault.DocumentMalformed, "attribute "+failure.Short(a.Name.Local)+" stands twice in <"+failure.Short(n.Local)+">")
			}
		}
		if a.Name.Space == "xmlns" || (a.Name.Space == "" && a.Name.Local == "xmlns") {
			if p.declared++; p.declared > p.limits.NamespacesAltered {
				return p.fail(fault.InputTooLarge, "too many namespace declarations")
			}
			p.spaces[a.Value] = true
			continue
		}
		n.Attrs = append(n.Attrs, Attr{a.Name.Space, a.Name.Local, a.Value})
	}
	// encoding/xml leaves an undeclared prefix where the namespace would stand.
	if !p.spaces[t.Name.Space] {
		return p.fail(fault.DocumentMalformed, fmt.Sprintf("namespace prefix %q of <%s> is not declared",
			failure.Short(t.Name.Space), failure.Short(n.Local)))
	}
	n.Space = t.Name.Space
	if p.current == nil {
		p.root = n
	} else {
		p.current.Children = append(p.current.Children, n)
	}
	p.current = n
	return nil
}

func (p *parser) fail(code fault.Code, reason string) *failure.Failure {
	return &failure.Failure{Code: code, Element: p.current.Path() + p.whole(), Line: p.line, Reason: reason}
}

// whole is the path of the document itself, for what is wrong outside of every element.
func (p *parser) whole() string {
	if p.current == nil {
		return "/"
	}
	return ""
}

// syntax turns the decoder's error into a failure that names the place.
func (p *parser) syntax(err error) error {
	var big *tagTooLong
	if errors.As(err, &big) {
		return p.fail(fault.InputTooLarge, big.Error())
	}
	f := p.fail(fault.DocumentMalformed, err.Error())
	var s *xml.SyntaxError
	if errors.As(err, &s) {
		f.Line, f.Reason = s.Line, s.Msg
	}
	switch {
	case strings.HasPrefix(f.Reason, "invalid character entity"):
		f.Reason += ": only the five predefined entities and character references are allowed"
	case f.Reason == "unexpected EOF":
		f.Reason = "the file ends too early: it is truncated"
	}
	return f
}

// Path is the element's place as slash-separated local names, with an index from 1 where siblings share the name.
// The path of nil is "".
func (n *Node) Path() string {
	if n == nil {
		return ""
	}
	name := n.Local
	if n.Parent != nil {
		index, same := 0, 0
		for _, c := range n.Parent.Children {
			if c.Local == n.Local && c.Space == n.Space {
				same++
			}
			if c == n {
				index = same
			}
		}
		if same > 1 {
			name = fmt.Sprintf("%s[%d]", name, index)
		}
	}
	return n.Parent.Path() + "/" + failure.Short(name)
}

// Attr returns the value of the attribute without a namespace, with white space trimmed; "" when there is none.
func (n *Node) Attr(local string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attrs {
		if a.Space == "" && a.Local == local {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// tagGuard bounds the length of one start tag before the decoder collects its attributes.
type tagGuard struct {
	r     *bytes.Reader
	limit int
	n     int // bytes since '<', or -1 outside of a tag
}

type tagTooLong struct{ limit int }

func (e *tagTooLong) Error() string { return fmt.Sprintf("a tag of more than %d bytes", e.limit) }

// ReadByte implements io.ByteReader, which keeps the decoder from reading ahead.
func (g *tagGuard) ReadByte() (byte, error) {
	b, err := g.r.ReadByte()
	if err != nil {
		return b, err
	}
	switch {
	case b == '<':
		g.n = 1
	case g.n == 1 && (b == '!' || b == '?'): // comment, CDATA, declaration: their content may be long
		g.n = 0
	case b == '>':
		g.n = 0
	case g.n > 0:
		if g.n++; g.n > g.limit {
			return 0, &tagTooLong{g.limit}
		}
	}
	return b, nil
}

// Read implements io.Reader; the decoder uses ReadByte.
func (g *tagGuard) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := g.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}
