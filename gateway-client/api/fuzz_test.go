package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everybody are users of every role of every organisation.
var everybody = []string{"supplier/amy", "supplier/bea", "supplier/cai", "supplier/hana", "buyer/alice", "buyer/bruno", "buyer/gwen", "bankA/mona", "bankA/carl",
	"bankA/rita", "bankB/greta", "warehouse/wes", "warehouse/dev", "regulator/reg"}

// A client that is made from the document alone sends requests that fit it and requests that break it, as everybody. Nothing
// that it sends is answered with a 5xx, and every answer fits the document.
func TestAClientMadeFromTheDocumentFindsNoDefect(t *testing.T) {
	each := 24
	if testing.Short() {
		each = 4
	}
	w := play(t, "receivables.yaml", "")
	f := &fuzzer{random: rand.New(rand.NewPCG(7, 1)), w: w, d: w.at("regulator").contract, statuses: map[int]int{}}
	for _, who := range everybody {
		f.clients = append(f.clients, w.as(who))
	}
	f.collect()
	require.Greater(t, len(f.values), 50, "there are records to ask for")
	reached := map[string]bool{}
	for _, op := range f.d.operations {
		for n := range each {
			if f.send(op, n) < 300 {
				reached[op.id] = true
			}
		}
	}
	t.Logf("%d operations, %d requests, %d operations succeeded at least once: %v", len(f.d.operations), each*len(f.d.operations), len(reached), f.statuses)
	for status := range f.statuses {
		assert.Less(t, status, 500)
	}
	assert.Greater(t, len(reached)*2, len(f.d.operations)/2, "requests of the generator get through")
}

type fuzzer struct {
	random   *rand.Rand
	w        *world
	d        *contract
	clients  []*client
	values   []string // what stands in the records: ids, statuses, names, amounts
	xml      []string
	statuses map[int]int
	keys     int
}

var idLike = regexp.MustCompile(`^([a-z]+-[0-9a-f]{6,}|[A-Z][A-Za-z]+MSP|[0-9a-f]{64})$`)

// collect gathers the values of all lists as everybody sees them, and sample documents.
func (f *fuzzer) collect() {
	seen := map[string]bool{}
	for _, op := range f.d.operations {
		if op.method != http.MethodGet || strings.Contains(op.path, "{") || op.id == "stream-events" || !strings.HasPrefix(op.id, "list-") {
			continue
		}
		for _, c := range f.clients {
			var v any
			if json.Unmarshal(c.do(http.MethodGet, op.path, nil).Body.Bytes(), &v) == nil {
				gather(v, seen)
			}
		}
	}
	f.values = slices.Sorted(maps.Keys(seen))
	files, err := filepath.Glob(filepath.Join(f.w.docs, "invoices", "*.xml"))
	require.NoError(f.w.t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(f.w.t, err)
		f.xml = append(f.xml, string(text))
	}
}

func gather(v any, seen map[string]bool) {
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			gather(e, seen)
		}
	case []any:
		for _, e := range x {
			gather(e, seen)
		}
	case string:
		if idLike.MatchString(x) {
			seen[x] = true
		}
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// send sends one request for the operation; every third one is broken somewhere.
func (f *fuzzer) send(op operation, n int) int {
	c := pick(f.random, f.clients)
	broken := n%3 == 2
	path, query, headers := op.path, url.Values{}, []string{}
	for _, p := range op.params {
		value := f.parameter(p.schema, broken)
		switch {
		case p.in == "path":
			if value == "" {
				value = "x"
			}
			path = strings.Replace(path, "{"+p.name+"}", url.PathEscape(value), 1)
		case !p.required && f.random.IntN(3) > 0, broken && f.random.IntN(8) == 0:
		case p.name == "Idempotency-Key":
			f.keys++
			value = fmt.Sprint("fuzz-", f.keys-f.random.IntN(2))
			if broken && f.random.IntN(4) == 0 {
				value = strings.Repeat("k", 200)
			}
			headers = append(headers, p.name, value)
		case p.name == "wait":
			query.Set(p.name, fmt.Sprint(f.random.IntN(2) == 0))
		case p.in == "header":
			headers = append(headers, p.name, strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return -1
				}
				return r
			}, value))
		case p.in == "query":
			query.Set(p.name, value)
		}
	}
	if broken && f.random.IntN(6) == 0 {
		query.Set("colour", "red")
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var body any
	switch {
	case op.bodyType == "":
	case op.body == nil || op.bodyType != "application/json":
		body = f.document(broken)
	default:
		raw, err := json.Marshal(f.value(op.body, 0, broken))
		require.NoError(f.w.t, err)
		if broken && f.random.IntN(5) == 0 {
			raw = pick(f.random, [][]byte{[]byte("{"), []byte("null"), []byte("[]"), {0xff, 0xfe}, []byte(`{"a":1e400}`), []byte(strings.Repeat("[", 20_000)), nil})
		}
		headers = append(headers, "Content-Type", pick(f.random, []string{"application/json", "application/json", "application/json", "", "text/plain"}))
		body = raw
	}
	f.w.patience = time.Minute
	if op.id == "stream-events" {
		f.w.patience = 50 * time.Millisecond
	}
	r := c.do(op.method, path, body, headers...)
	f.statuses[r.Code]++
	if r.Code == http.StatusUnsupportedMediaType {
		f.w.t.Logf("415 %s %s", op.id, headers)
	}
	assert.Less(f.w.t, r.Code, 500, "%s %s as %s: %s\n%.2000s", op.method, path, c.person.User, r.Body, body)
	return r.Code
}

var strange = []string{"", " ", "'", "\"; DROP TABLE record; --", "\x00", "%00", "../../etc/passwd", "ü\u202e漢字", "-1", "1e9", "9223372036854775808", "NaN", "null", "true",
	"=1+1", "<script>", "a/b", "0001-01-01", "2026-02-30", "9999-12-31", strings.Repeat("x", 3000)}

func (f *fuzzer) parameter(schema map[string]any, broken bool) string {
	if broken && f.random.IntN(3) == 0 {
		return pick(f.random, strange)
	}
	switch v := f.value(schema, 0, false).(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = fmt.Sprint(e)
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}

func (f *fuzzer) document(broken bool) string {
	text := pick(f.random, f.xml)
	if !broken {
		return strings.Replace(text, "<cbc:ID>", fmt.Sprintf("<cbc:ID>F%d-", f.random.IntN(1000)), 1)
	}
	switch f.random.IntN(5) {
	case 0:
		return text[:f.random.IntN(len(text))]
	case 1:
		return `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Invoice>&b;</Invoice>`
	case 2:
		return strings.Repeat("<a>", 50_000)
	case 3:
		at := f.random.IntN(len(text))
		return text[:at] + pick(f.random, strange) + text[at:]
	}
	return pick(f.random, strange)
}

// value is a value of the schema; a broken one may differ from it somewhere.
func (f *fuzzer) value(schema map[string]any, depth int, broken bool) any {
	schema = f.d.resolve(schema)
	if broken && f.random.IntN(12) == 0 {
		return pick(f.random, []any{nil, "text", -1, 1.5, int64(1) << 62, true, []any{}, map[string]any{}, []any{[]any{[]any{}}}})
	}
	if list, ok := schema["enum"].([]any); ok && len(list) > 0 {
		return pick(f.random, list)
	}
	kinds := slices.DeleteFunc(types(schema), func(k string) bool { return k == "null" })
	if len(kinds) == 0 {
		return map[string]any{"x": f.random.IntN(10)}
	}
	switch kinds[0] {
	case "string":
		return f.text(schema, broken)
	case "boolean":
		return f.random.IntN(2) == 0
	case "integer", "number":
		low, hasLow := number(schema["minimum"])
		high, hasHigh := number(schema["maximum"])
		if !hasLow {
			low = 0
		}
		if !hasHigh {
			high = max(low, pick(f.random, []int64{1, 100, 1_000_000, 1 << 52, 1<<63 - 1}))
		}
		return low + f.random.Int64N(max(high-low, 1))
	case "array":
		low, _ := number(schema["minItems"])
		list := []any{}
		for range int(low) + f.random.IntN(3) {
			list = append(list, f.value(schema["items"].(map[string]any), depth+1, broken))
		}
		return list
	}
	object := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		must := slices.Contains(required, any(name))
		if broken && f.random.IntN(12) == 0 || !must && (depth > 4 || f.random.IntN(2) == 0) {
			continue
		}
		object[name] = f.value(properties[name].(map[string]any), depth+1, broken)
	}
	if broken && f.random.IntN(10) == 0 {
		object["nobody_knows"] = 1
	}
	return object
}

func (f *fuzzer) text(schema map[string]any, broken bool) string {
	if broken && f.random.IntN(4) == 0 {
		return pick(f.random, strange)
	}
	switch {
	case schema["format"] == "date-time":
		return f.w.c.Ledger.Now().Add(time.Duration(f.random.IntN(200)-100) * time.Hour).Format(time.RFC3339)
	case strings.Contains(fmt.Sprint(schema["pattern"]), `\d{4}-`):
		return f.w.c.Ledger.Now().AddDate(0, 0, f.random.IntN(100)-50).Format(time.DateOnly)
	case schema["pattern"] == "^[0-9]+$":
		return fmt.Sprint(f.random.IntN(1000))
	case schema["contentEncoding"] == "base64":
		return "AAAA"
	}
	most, bounded := number(schema["maxLength"])
	if bounded && most == 3 {
		return pick(f.random, []string{"EUR", "USD", "KGM", "JPY"})
	}
	text := pick(f.random, []string{pick(f.random, f.values), pick(f.random, f.values), "EUR", "receivable", "issued", "ACT/360", "bank", "QTY", "INV-1001", "p-00000a", "https://hooks.example/x"})
	if bounded && int64(len(text)) > most {
		text = text[:most]
	}
	return text
}
