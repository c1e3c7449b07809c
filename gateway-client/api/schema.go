package api

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// textDate stands for a calendar date in a schema. A date that is not set is "".
type textDate string

// Schema implements huma.SchemaProvider.
func (textDate) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^(\d{4}-\d{2}-\d{2})?$`, Examples: []any{"2026-01-15"}, Description: "A calendar date of ISO 8601"}
}

// anything stands for any JSON value.
type anything struct{}

// Schema implements huma.SchemaProvider.
func (anything) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// newRegistry names schemas by package and type, because several capabilities have their own Terms and Division, and says how
// the types that write themselves look in JSON.
func newRegistry() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", schemaName)
	r.RegisterTypeAlias(reflect.TypeFor[calendar.Date](), reflect.TypeFor[textDate]())
	r.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[anything]())
	return r
}

var qualified = regexp.MustCompile(`(?:[\w.-]+/)*(\w+)\.(\w+)`)

// views are packages whose types need no prefix: the words are the API's own.
var views = map[string]bool{reflect.TypeFor[API]().PkgPath(): true, reflect.TypeFor[projection.Page]().PkgPath(): true}

// schemaName is the package and the type, such as ReceivableInvoice, or the type alone where it says as much.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return title(hint)
	}
	base, argument, generic := strings.Cut(name, "[")
	if !views[t.PkgPath()] {
		base = join(t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:], base)
	}
	if generic {
		argument = qualified.ReplaceAllStringFunc(strings.TrimSuffix(argument, "]"), func(q string) string {
			m := qualified.FindStringSubmatch(q)
			if m[1] == "api" || m[1] == "projection" {
				return title(m[2])
			}
			return join(m[1], m[2])
		})
		base += argument
	}
	return title(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, base))
}

func join(pkg, name string) string {
	if strings.HasPrefix(strings.ToLower(name), pkg) {
		return title(name)
	}
	return title(pkg) + title(name)
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
