package xmlsafe

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

func refused(t testing.TB, in string, o Options) *failure.Failure {
	t.Helper()
	_, err := Read(strings.NewReader(in), o)
	require.Error(t, err)
	var f *failure.Failure
	require.ErrorAs(t, err, &f)
	return f
}

// hostile are documents that must be refused before they cost anything.
var hostile = map[string]struct {
	in   string
	code fault.Code
	says string
}{
	"billion laughs":    {`<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>`, fault.DocumentMalformed, "document type"},
	"external entity":   {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, fault.DocumentMalformed, "document type"},
	"external DTD":      {`<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><a/>`, fault.DocumentMalformed, "document type"},
	"DTD after root":    {`<a/><!DOCTYPE a>`, fault.DocumentMalformed, "document type"},
	"undefined entity":  {`<a>&nbsp;</a>`, fault.DocumentMalformed, "entity"},
	"5 MB nested":       {strings.Repeat("<a>", 5<<20/3), fault.InputTooLarge, "nested"},
	"5 MB attributes":   {"<a " + strings.Repeat(`x="" `, 1<<20) + "/>", fault.InputTooLarge, "tag of more than"},
	"65 attributes":     {"<a" + attributes(65) + "/>", fault.InputTooLarge, "attributes"},
	"5 MB name":         {"<" + strings.Repeat("a", 5<<20) + "/>", fault.InputTooLarge, "tag of more than"},
	"5 MB text":         {"<a>" + strings.Repeat("b", 5<<20) + "</a>", fault.InputTooLarge, "text of more than"},
	"many namespaces":   {"<r>" + manyNamespaces(1100) + "</r>", fault.InputTooLarge, "namespace declarations"},
	"two roots":         {`<a/><b/>`, fault.DocumentMalformed, "second root"},
	"text after root":   {`<a/>b`, fault.DocumentMalformed, "outside the root"},
	"text before root":  {`b<a/>`, fault.DocumentMalformed, "outside the root"},
	"truncated":         {`<a><b>`, fault.DocumentMalformed, "truncated"},
	"truncated in tag":  {`<a><b c="`, fault.DocumentMalformed, "truncated"},
	"empty":             {``, fault.DocumentMalformed, "no element"},
	"only white space":  {" \n", fault.DocumentMalformed, "no element"},
	"not XML":           {`{"a": 1}`, fault.DocumentMalformed, "outside the root"},
	"PDF":               {"%PDF-1.4\n%\xe2\xe3\xcf\xd3", fault.DocumentMalformed, ""},
	"mismatch":          {`<a></b>`, fault.DocumentMalformed, "closed by"},
	"attribute twice":   {`<a b="1" b="2"/>`, fault.DocumentMalformed, "twice"},
	"unknown prefix":    {`<x:a/>`, fault.DocumentMalformed, "not declared"},
	"no UTF-8":          {"<a>\xff\xfe</a>", fault.DocumentMalformed, "UTF-8"},
	"control":           {"<a>\x1b[31m</a>", fault.DocumentMalformed, "illegal character"},
	"encoding unknown":  {`<?xml version="1.0" encoding="EBCDIC-XYZ"?><a/>`, fault.DocumentUnsupported, "encoding"},
	"encoding UTF-7":    {`<?xml version="1.0" encoding="UTF-7"?><a/>`, fault.DocumentUnsupported, "encoding"},
	"says UTF-16":       {`<?xml version="1.0" encoding="UTF-16"?><a/>`, fault.DocumentUnsupported, "encoding"},
	"encoding too long": {`<?xml version="1.0" encoding="x-` + strings.Repeat("y", 1<<20) + `"?><a/>`, fault.DocumentUnsupported, "encoding"},
	"encoding no name":  {`<?xml version="1.0" encoding=""?><a/>`, fault.DocumentUnsupported, "encoding"},
	"5 MB instructions": {strings.Repeat("<?x y?>", 5<<20/7) + "<a/>", fault.InputTooLarge, "processing instructions"},
	"5 MB comments":     {"<a>" + strings.Repeat("<!---->", 5<<20/7) + "</a>", fault.InputTooLarge, "comments"},
	"XML 1.1":           {`<?xml version="1.1"?><a/>`, fault.DocumentMalformed, "version"},
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}

func manyNamespaces(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<a xmlns:n%d="urn:%d"/>`, i, i)
	}
	return b.String()
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			f := refused(t, c.in, Options{})
			assert.Equal(t, c.code, f.Code, f.Reason)
			assert.Contains(t, f.Reason, c.says)
			assert.NotEmpty(t, f.Element)
			assert.Positive(t, f.Line)
			assert.Less(t, len(f.Error()), 1000, "an error must not repeat the attack")
		})
	}
}

func TestLimitsAreOptions(t *testing.T) {
	o := Options{Limits: Limits{Bytes: 10}}
	assert.Equal(t, fault.InputTooLarge, refused(t, "<a>1234567890</a>", o).Code)
	assert.Equal(t, fault.InputTooLarge, refused(t, "<a><b/><b/><b/></a>", Options{Limits: Limits{Elements: 3}}).Code)
	_, err := Read(strings.NewReader("<a>123</a>"), o)
	require.NoError(t, err, "exactly the limit")
}

func TestTree(t *testing.T) {
	root, err := Read(strings.NewReader("<?xml version='1.0'?>\n<!-- c -->\n<r xmlns='urn:r' xmlns:p='urn:p' v=' 1 '>\n<p:a>x<!-- y -->&amp;<![CDATA[<z>]]></p:a>\n  <p:a\n id='2'/><b><c/> tail</b>\n</r>\n<!-- end -->\n"), Options{})
	require.NoError(t, err)
	assert.Equal(t, "/r", root.Path())
	assert.Equal(t, "urn:r", root.Space)
	assert.Equal(t, "1", root.Attr("v"))
	assert.Len(t, root.Attrs, 1, "namespace declarations are no attributes")
	require.Len(t, root.Children, 3)
	a := root.Children[0]
	assert.Equal(t, "urn:p", a.Space)
	assert.Equal(t, "x&<z>", a.Text)
	assert.Equal(t, 4, a.Line)
	assert.Equal(t, "/r/a[1]", a.Path())
	assert.Equal(t, 5, root.Children[1].Line, "the line where the tag begins")
	assert.Equal(t, "/r/a[2]", root.Children[1].Path())
	assert.Equal(t, "2", root.Children[1].Attr("id"))
	assert.Equal(t, "/r/b/c", root.Children[2].Children[0].Path())
	assert.Equal(t, " tail", root.Children[2].Text)
	assert.Empty(t, (*Node)(nil).Attr("x"))
}

func TestSkippedTextMayBeLong(t *testing.T) {
	in := "<a><blob><c>" + strings.Repeat("A", 1<<20) + "</c></blob><b>x</b></a>"
	root, err := Read(strings.NewReader(in), Options{SkipText: map[string]bool{"blob": true}})
	require.NoError(t, err)
	assert.Empty(t, root.Children[0].Children[0].Text)
	assert.Equal(t, "x", root.Children[1].Text)
}

func TestAFailureNamesElementAndLine(t *testing.T) {
	f := refused(t, "<r>\n <a/>\n <a>\n  <b>\n</r>", Options{})
	assert.Equal(t, "/r/a[2]/b", f.Element)
	assert.Equal(t, 5, f.Line)
}

func TestEncodings(t *testing.T) {
	const body = `<a>Füllung 12 €</a>`
	encode := func(e interface{ Bytes([]byte) ([]byte, error) }, s string) []byte {
		b, err := e.Bytes([]byte(s))
		require.NoError(t, err)
		return b
	}
	le := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	be := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder()
	plainLE := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()
	plainBE := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"UTF-8":                  {[]byte(body), "Füllung 12 €"},
		"UTF-8 with mark":        {append([]byte{0xEF, 0xBB, 0xBF}, body...), "Füllung 12 €"},
		"UTF-8 declared":         {[]byte(`<?xml version="1.0" encoding="utf-8"?>` + body), "Füllung 12 €"},
		"UTF-16 LE":              {encode(le, `<?xml version="1.0" encoding="UTF-16"?>`+body), "Füllung 12 €"},
		"UTF-16 BE":              {encode(be, `<?xml version="1.0" encoding="UTF-16"?>`+body), "Füllung 12 €"},
		"UTF-16 LE without mark": {encode(plainLE, `<?xml version="1.0" encoding="UTF-16LE"?>`+body), "Füllung 12 €"},
		"UTF-16 BE without mark": {encode(plainBE, `<?xml version="1.0" encoding="UTF-16BE"?>`+body), "Füllung 12 €"},
		"ISO-8859-1":             {encode(charmap.ISO8859_1.NewEncoder(), `<?xml version="1.0" encoding="ISO-8859-1"?><a>Füllung</a>`), "Füllung"},
		"ISO-8859-15":            {encode(charmap.ISO8859_15.NewEncoder(), `<?xml version='1.0' encoding='ISO-8859-15'?>`+body), "Füllung 12 €"},
		"windows-1252":           {encode(charmap.Windows1252.NewEncoder(), `<?xml version="1.0" encoding="windows-1252" standalone="yes"?>`+body), "Füllung 12 €"},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := Read(bytes.NewReader(c.data), Options{})
			require.NoError(t, err)
			assert.Equal(t, c.want, root.Text)
		})
	}
	f := refused(t, "\xff\xfe\x00\x00<\x00\x00\x00", Options{})
	assert.Equal(t, fault.DocumentUnsupported, f.Code)
}

func FuzzRead(f *testing.F) {
	for _, c := range hostile {
		if len(c.in) < 4096 {
			f.Add([]byte(c.in))
		}
	}
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><a xmlns="u" b="c"><d>e</d></a>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Bytes: 1 << 16, Depth: 8, Elements: 100}
		root, err := Read(bytes.NewReader(data), Options{Limits: limits})
		if err != nil {
			var failed *failure.Failure
			require.ErrorAs(t, err, &failed)
			return
		}
		count := 0
		var walk func(n *Node, depth int)
		walk = func(n *Node, depth int) {
			count++
			require.LessOrEqual(t, depth, limits.Depth)
			require.NotEmpty(t, n.Path())
			for _, c := range n.Children {
				require.Same(t, n, c.Parent)
				walk(c, depth+1)
			}
		}
		walk(root, 1)
		require.LessOrEqual(t, count, limits.Elements)
	})
}

func BenchmarkHostile(b *testing.B) {
	for name, c := range hostile {
		if len(c.in) < 1<<20 {
			continue
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				refused(b, c.in, Options{})
			}
		})
	}
}
