package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// contract is an API's OpenAPI document, as its clients read it.
type contract struct {
	raw        map[string]any
	operations []operation
	compiler   *jsonschema.Compiler
	compiled   map[string]*jsonschema.Schema
}

// operation is one of the document's.
type operation struct {
	id, method, path string
	params           []parameter
	bodyType         string // content type; "" without a body
	body             map[string]any
	responses        map[string]any
	matches          *regexp.Regexp
}

type parameter struct {
	name, in string
	required bool
	schema   map[string]any
}

const documentURL = "https://tallystick.test/openapi.json"

func readContract(t *testing.T, text []byte) *contract {
	t.Helper()
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	d := &contract{raw: raw.(map[string]any), compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	require.Regexp(t, `^3\.1\.`, d.raw["openapi"])
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	require.NoError(t, d.compiler.AddResource(documentURL, raw))
	paths := d.raw["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			o := item[method].(map[string]any)
			op := operation{id: o["operationId"].(string), method: strings.ToUpper(method), path: path, responses: o["responses"].(map[string]any)}
			params, _ := o["parameters"].([]any)
			for _, p := range params {
				m := p.(map[string]any)
				required, _ := m["required"].(bool)
				op.params = append(op.params, parameter{m["name"].(string), m["in"].(string), required, m["schema"].(map[string]any)})
			}
			if b, ok := o["requestBody"].(map[string]any); ok {
				content := b["content"].(map[string]any)
				for _, ct := range slices.Sorted(maps.Keys(content)) {
					op.bodyType = ct
					op.body, _ = content[ct].(map[string]any)["schema"].(map[string]any)
				}
			}
			op.matches = regexp.MustCompile("^" + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + "$")
			d.operations = append(d.operations, op)
		}
	}
	return d
}

// of returns the operation that a request is for. A path without parameters wins over one with them.
func (d *contract) of(method, path string) (operation, bool) {
	path, _, _ = strings.Cut(path, "?")
	found := slices.DeleteFunc(slices.Clone(d.operations), func(o operation) bool { return o.method != method || !o.matches.MatchString(path) })
	slices.SortStableFunc(found, func(a, b operation) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	if len(found) == 0 {
		return operation{}, false
	}
	return found[0], true
}

func pointer(parts ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	var b strings.Builder
	b.WriteString("#")
	for _, p := range parts {
		b.WriteString("/" + escape.Replace(p))
	}
	return b.String()
}

// check returns what is wrong with an answer by the document.
func (d *contract) check(method, path string, status int, header http.Header, text []byte) error {
	op, known := d.of(method, path)
	if !known {
		return nil // the address is none of the API's
	}
	name := fmt.Sprint(status)
	response, ok := op.responses[name].(map[string]any)
	if !ok {
		name = "default"
		if response, ok = op.responses[name].(map[string]any); !ok || status < 300 {
			return fmt.Errorf("%s: status %d is not in the document: %s", op.id, status, text)
		}
	}
	contentType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	content, _ := response["content"].(map[string]any)
	if len(content) == 0 && len(text) == 0 {
		return nil
	}
	if _, ok := content[contentType]; !ok {
		return fmt.Errorf("%s: status %d has the content type %q, which is not in the document", op.id, status, contentType)
	}
	if !strings.HasSuffix(contentType, "json") {
		return nil
	}
	at := documentURL + pointer("paths", op.path, strings.ToLower(method), "responses", name, "content", contentType, "schema")
	schema, ok := d.compiled[at]
	if !ok {
		var err error
		if schema, err = d.compiler.Compile(at); err != nil {
			return err
		}
		d.compiled[at] = schema
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: status %d is no JSON: %w", op.id, status, err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%s: status %d is not as documented: %w\n%s", op.id, status, err, text)
	}
	return nil
}

// resolve follows references within the document.
func (d *contract) resolve(schema map[string]any) map[string]any {
	for {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		at := any(d.raw)
		for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(map[string]any)[part]
		}
		schema = at.(map[string]any)
	}
}

// types lists the types that a schema allows.
func types(schema map[string]any) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var list []string
		for _, one := range t {
			list = append(list, one.(string))
		}
		return list
	}
	return nil
}

func number(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}
