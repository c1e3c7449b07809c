package xmlsafe

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

// declaration finds the encoding that an XML declaration names (XML 1.0, section 2.8 and 4.3.3), or the beginning of a name that is
// none.
var declaration = regexp.MustCompile(`^<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"'>]{0,41})`)

// toUTF8 converts a document to UTF-8 without a byte order mark. The mark decides, then the first bytes of a UTF-16
// document without one (XML 1.0, appendix F), then the XML declaration; without any of them it is UTF-8.
func toUTF8(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0xFE, 0xFF}),
		bytes.HasPrefix(data, []byte{'<', 0, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0, '<'}):
		return nil, unsupported("UTF-32")
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decode(data, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "UTF-16")
	case bytes.HasPrefix(data, []byte{'<', 0, '?', 0}):
		return decode(data, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "UTF-16")
	case bytes.HasPrefix(data, []byte{0, '<', 0, '?'}):
		return decode(data, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "UTF-16")
	}
	m := declaration.FindSubmatch(data)
	if m == nil {
		return data, nil
	}
	name := string(m[1])
	if strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8") || strings.EqualFold(name, "us-ascii") {
		return data, nil
	}
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil || strings.HasPrefix(strings.ToLower(name), "utf") {
		// A declaration that could be read byte by byte cannot be in UTF-16 or UTF-32.
		return nil, unsupported(name)
	}
	return decode(data, enc, name)
}

func decode(data []byte, enc encoding.Encoding, name string) ([]byte, error) {
	out, err := enc.NewDecoder().Bytes(data)
	if err != nil {
		return nil, &failure.Failure{Code: fault.DocumentMalformed, Element: "/", Line: 1, Reason: fmt.Sprintf("is not in its encoding %s: %v", name, err)}
	}
	return out, nil
}

func unsupported(name string) error {
	return &failure.Failure{Code: fault.DocumentUnsupported, Element: "/", Line: 1, Value: failure.Short(name),
		Reason: "the encoding is not supported here; send UTF-8"}
}
