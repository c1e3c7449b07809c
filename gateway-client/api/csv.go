package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/gateway-client/projection"
)

const (
	csvSuffix     = ".csv"
	csvType       = "text/csv"
	maxExportRows = 1_000_000
	maxDepth      = 4
)

// negotiate sends a request that wants CSV of a list to the list's export.
func (a *API) negotiate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && a.exports[r.URL.Path] && strings.HasPrefix(strings.TrimSpace(r.Header.Get("Accept")), csvType) {
			r2 := r.Clone(r.Context())
			r2.URL.Path += csvSuffix
			r2.URL.RawPath = ""
			q := r2.URL.Query()
			q.Del("size")
			q.Del("after")
			r2.URL.RawQuery = q.Encode()
			r = r2
		}
		next.ServeHTTP(w, r)
	})
}

// export streams all pages of a list as CSV. Where a page cannot be read the connection is broken off, so that nobody takes
// a part for the whole.
func export[T any](ctx context.Context, name string, first projection.Slice[T], read func(projection.Page) (projection.Slice[T], error)) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(out huma.Context) {
		out.SetHeader("Content-Type", csvType+"; charset=utf-8")
		out.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", strings.TrimPrefix(name, "export-")+csvSuffix))
		out.SetHeader("X-Content-Type-Options", "nosniff")
		w := csv.NewWriter(out.BodyWriter())
		w.UseCRLF = true // RFC 4180
		columns := columnsOf(reflect.TypeFor[T](), "", nil, 0)
		names := make([]string, len(columns))
		for i, c := range columns {
			names[i] = c.name
		}
		fail := func(err error) {
			if err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		fail(w.Write(names))
		rows := 0
		for slice := first; ; {
			for _, item := range slice.Items {
				cells := make([]string, len(columns))
				for i, c := range columns {
					cells[i] = c.cell(reflect.ValueOf(item))
				}
				fail(w.Write(cells))
			}
			w.Flush()
			fail(w.Error())
			if rows += len(slice.Items); slice.Next == "" {
				return
			}
			if rows >= maxExportRows {
				panic(http.ErrAbortHandler)
			}
			var err error
			slice, err = read(projection.Page{Size: projection.MaxPageSize, After: slice.Next})
			fail(err)
			fail(ctx.Err())
		}
	}}
}

// column is a leaf of a row's JSON: its path, and the way to its field.
type column struct {
	name string
	path []int
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	textMarshal = reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
)

// columnsOf lists the leaves of a type in the order of its fields. Lists are one column, as JSON.
func columnsOf(t reflect.Type, name string, path []int, depth int) []column {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || t.Implements(textMarshal) || depth == maxDepth {
		return []column{{strings.TrimSuffix(name, "."), path}}
	}
	var list []column
	taken := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := append(append([]int{}, path...), i)
		switch {
		case tag == "-":
		case f.Anonymous && tag == "":
			for _, c := range columnsOf(f.Type, name, at, depth) {
				if !taken[c.name] {
					taken[c.name] = true
					list = append(list, c)
				}
			}
		default:
			if tag == "" {
				tag = f.Name
			}
			for _, c := range columnsOf(f.Type, name+tag+".", at, depth+1) {
				if !taken[c.name] {
					taken[c.name] = true
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// cell is the text of a row's column; a part that is not there is "".
func (c column) cell(v reflect.Value) string {
	for _, i := range c.path {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return ""
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.UTC().Format(time.RFC3339Nano)
	case interface{ MarshalText() ([]byte, error) }:
		text, err := x.MarshalText()
		if err != nil {
			return ""
		}
		return harmless(string(text))
	}
	switch v.Kind() {
	case reflect.String:
		return harmless(v.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 {
			return ""
		}
	}
	raw, err := json.Marshal(v.Interface())
	if err != nil {
		return ""
	}
	return string(raw)
}

// harmless marks text that a spreadsheet would take for a formula: OWASP, "CSV injection".
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
