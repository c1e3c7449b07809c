package api_test

import (
	"cmp"
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
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// everybody are users of every role of every organisation.
var everybody = []string{"supplier/amy", "supplier/bea", "supplier/cai", "supplier/hana", "buyer/alice", "buyer/bruno", "buyer/gwen", "bankA/mona", "bankA/carl",
	"bankA/rita", "bankB/greta", "warehouse/wes", "warehouse/dev", "regulator/reg"}

// A client that is made from the document alone sends requests that fit it and requests that break it, as everybody. Nothing
// that it sends is answered with a 5xx, and every answer fits the document. It takes ids from the lists that it is given, and
// other values from fields of the same name, as a reader of the document would. TALLYSTICK_FUZZ_EACH is how many requests it sends for
// each operation, TALLYSTICK_FUZZ_SEED where its chance begins.
func TestAClientMadeFromTheDocumentFindsNoDefect(t *testing.T) {
	each, seed := numberFrom(t, "TALLYSTICK_FUZZ_EACH", 24), numberFrom(t, "TALLYSTICK_FUZZ_SEED", 7)
	if testing.Short() {
		each = 4
	}
	w := play(t, "main-job.yaml", "")
	f := &fuzzer{random: rand.New(rand.NewPCG(uint64(seed), 1)), w: w, d: w.at("regulator").contract, statuses: map[int]int{}, named: map[string][]any{},
		committed: map[string]bool{}, codes: map[string]int{}, known: map[string]bool{},
		permitted: map[string][]*client{}}
	for _, who := range everybody {
		f.clients = append(f.clients, w.as(who))
	}
	f.collect()
	require.Greater(t, len(f.values), 50, "there are records to ask for")
	writes, reached := map[string]bool{}, map[string]bool{}
	operations := slices.Clone(f.d.operations)
	for n := range each {
		f.random.Shuffle(len(operations), func(i, j int) { operations[i], operations[j] = operations[j], operations[i] })
		for _, op := range operations {
			if f.send(op, n) < 300 {
				reached[op.id] = true
			}
			if op.method == http.MethodPost {
				writes[op.id] = true
			}
		}
	}
	t.Logf("%d operations, %d requests, %d operations succeeded at least once: %v", len(f.d.operations), f.requests, len(reached), f.statuses)
	t.Logf("of %d POST operations %d were committed at least once; never: %v", len(writes), len(f.committed),
		slices.DeleteFunc(slices.Sorted(maps.Keys(writes)), func(id string) bool { return f.committed[id] }))
	t.Logf("codes: %v", f.codes)
	for status := range f.statuses {
		assert.Less(t, status, 500)
	}
	if !testing.Short() {
		assert.Greater(t, len(reached), len(f.d.operations)*3/4, "requests of the generator get through")
		assert.Greater(t, len(f.committed), 15, "to the ledger, too")
	}
}

func numberFrom(t *testing.T, variable string, usual int) int {
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, variable)
	return n
}

type fuzzer struct {
	random    *rand.Rand
	w         *world
	d         *contract
	clients   []*client
	values    []string         // ids of every kind
	named     map[string][]any // what stands in fields of a name
	known     map[string]bool  // name and value
	xml       []string
	statuses  map[int]int
	codes     map[string]int
	committed map[string]bool
	permitted map[string][]*client // who has done an operation
	keys      int
	requests  int
	now       *client // who asks
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
				f.gather("", v, seen)
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

func (f *fuzzer) gather(name string, v any, seen map[string]bool) {
	switch x := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			f.gather(key, x[key], seen)
		}
		return
	case []any:
		for _, e := range x {
			f.gather(name, e, seen)
		}
		return
	case string:
		if idLike.MatchString(x) {
			seen[x] = true
		}
	}
	if at := fmt.Sprint(name, "=", v); !f.known[at] && v != "" {
		f.known[at] = true
		f.named[name] = append(f.named[name], v)
	}
}

// ids are the ids of the records that the client sees in a list, the newest first.
func (f *fuzzer) ids(c *client, list string) []string {
	var page struct {
		Items []struct {
			ID       string `json:"id"`
			Fragment string `json:"fragment"`
		} `json:"items"`
	}
	if json.Unmarshal(c.do(http.MethodGet, list+"?size=20", nil).Body.Bytes(), &page) != nil {
		return nil
	}
	var found []string
	for _, item := range page.Items {
		if id := cmp.Or(item.ID, item.Fragment); id != "" {
			found = append(found, id)
		}
	}
	return found
}

// lists lead from the last part of a property's or a parameter's name to the list that has such ids.
var listsOf = map[string]string{"receivable": "/receivables", "receivables": "/receivables", "fragment": "/holdings", "fragments": "/holdings", "consent": "/consents",
	"receipt": "/receipts", "receipts": "/receipts", "application": "/applications", "loan": "/loans", "score": "/scores", "device": "/devices", "models": "/models"}

// prefixes are what ids of what no list with such a name has begin with.
var prefixes = map[string]string{"programme": "prg-", "desk": "dsk-"}

// of is an id for a place in a path or a body, or "".
func (f *fuzzer) of(c *client, list string) string {
	if found := f.ids(c, "/api/v1"+list); len(found) > 0 {
		return pick(f.random, found)
	}
	return ""
}

// listBefore is the list before the first parameter of a path, where the document has one.
func (f *fuzzer) listBefore(path string) string {
	list, _, _ := strings.Cut(path, "/{")
	if list == "/api/v1/fragments" {
		list = "/api/v1/holdings" // one's own
	}
	if op, ok := f.d.of(http.MethodGet, list); ok && strings.HasPrefix(op.id, "list-") {
		return list
	}
	return ""
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// send sends one request for the operation; every third one is broken somewhere.
func (f *fuzzer) send(op operation, n int) int {
	c := pick(f.random, f.clients)
	broken := n%3 == 2
	if may := f.permitted[op.id]; len(may) > 0 && f.random.IntN(3) > 0 {
		c = pick(f.random, may)
	}
	path, query, headers := op.path, url.Values{}, []string{}
	f.now = c
	first := true
	for _, p := range op.params {
		value := f.parameter(p, broken)
		switch {
		case p.in == "path":
			if list := f.listBefore(op.path); first && list != "" && !broken {
				// One who sees such records is looked for: most people see none of most kinds.
				for range 4 {
					if found := f.ids(c, list); len(found) > 0 {
						value = pick(f.random, found)
						break
					}
					c = pick(f.random, f.clients)
				}
				f.now = c
			}
			if first = false; value == "" {
				value = "x"
			}
			path = strings.Replace(path, "{"+p.name+"}", url.PathEscape(value), 1)
		case !p.required && f.random.IntN(3) > 0, broken && f.random.IntN(8) == 0:
		case p.name == "Idempotency-Key":
			f.keys++
			value = fmt.Sprint("fuzz-", f.keys)
			if broken && f.random.IntN(2) == 0 {
				value = pick(f.random, []string{strings.Repeat("k", 200), fmt.Sprint("fuzz-", f.random.IntN(f.keys)), "ü"})
			}
			headers = append(headers, p.name, value)
		case p.name == "wait":
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
	if slices.ContainsFunc(op.params, func(p parameter) bool { return p.name == "wait" }) {
		query.Set("wait", fmt.Sprint(f.random.IntN(8) > 0))
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
		raw, err := json.Marshal(f.value("", op.body, 0, broken))
		require.NoError(f.w.t, err)
		if broken && f.random.IntN(5) == 0 {
			raw = pick(f.random, [][]byte{[]byte("{"), []byte("null"), []byte("[]"), {0xff, 0xfe}, []byte(`{"a":1e400}`), []byte(strings.Repeat("[", 20_000)), nil})
		}
		kind := "application/json"
		if broken {
			kind = pick(f.random, []string{"application/json", "application/json", "application/json", "", "text/plain"})
		}
		headers = append(headers, "Content-Type", kind)
		body = raw
	}
	f.w.patience = time.Minute
	if op.id == "stream-events" {
		f.w.patience = 300 * time.Millisecond
		if n%4 > 0 {
			return http.StatusNoContent // it takes all of the time that it is given
		}
	}
	r := f.ask(c, op, path, body, headers)
	// Who may do it is not in the document: others are asked to, whom it was permitted before first.
	if op.method == http.MethodPost && !broken {
		others := slices.Clone(f.clients)
		f.random.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		for _, other := range slices.Concat(f.permitted[op.id], others) {
			// Who acts for another party is told so as a wrong field.
			if code := r.text("code"); !strings.Contains(r.Body.String(), "the one that you act for") && code != string(fault.NotPermitted) && code != string(fault.RecordNotFound) && code != string(fault.NotHolder) && code != string(fault.KeyMissing) {
				break
			}
			if other != c {
				c = other
				r = f.ask(c, op, path, body, headers)
			}
		}
		f.codes[r.text("code")]++
		if show := os.Getenv("TALLYSTICK_FUZZ_SHOW"); show == op.id || show == "invalid" && r.text("code") == string(fault.InputInvalid) {
			f.w.t.Logf("%s %s as %s: %.900s\n%.1000s", op.method, path, c.person.User, r.Body, body)
		}
		if r.Code < 300 && (r.text("state") == "done" || r.Code == http.StatusCreated || op.id == "redrive-webhook") {
			f.committed[op.id] = true
			if !slices.Contains(f.permitted[op.id], c) {
				f.permitted[op.id] = append(f.permitted[op.id], c)
			}
		}
	}
	return r.Code
}

func (f *fuzzer) ask(c *client, op operation, path string, body any, headers []string) reply {
	r := c.do(op.method, path, body, headers...)
	f.statuses[r.Code]++
	f.requests++
	assert.Less(f.w.t, r.Code, 500, "%s %s as %s: %s\n%.2000s", op.method, path, c.person.User, r.Body, body)
	return r
}

var strange = []string{"", " ", "'", "\"; DROP TABLE record; --", "\x00", "%00", "../../etc/passwd", "ü\u202e漢字", "-1", "1e9", "9223372036854775808", "NaN", "null", "true",
	"=1+1", "<script>", "a/b", "0001-01-01", "2026-02-30", "9999-12-31", strings.Repeat("x", 3000)}

func (f *fuzzer) parameter(p parameter, broken bool) string {
	if broken && f.random.IntN(3) == 0 {
		return pick(f.random, strange)
	}
	switch v := f.value(p.name, p.schema, 0, false).(type) {
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
func (f *fuzzer) value(name string, schema map[string]any, depth int, broken bool) any {
	schema = f.d.resolve(schema)
	if broken && f.random.IntN(12) == 0 {
		return pick(f.random, []any{nil, "text", -1, 1.5, int64(1) << 62, true, []any{}, map[string]any{}, []any{[]any{[]any{}}}})
	}
	if list, ok := schema["enum"].([]any); ok && len(list) > 0 {
		return pick(f.random, list)
	}
	if v, ok := f.like(name, schema); ok {
		return v
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
		if !broken && f.random.IntN(3) > 0 {
			high = min(high, max(low, 0)+9)
			low = max(low, min(high, 1))
		}
		return low + f.random.Int64N(max(high-low, 1))
	case "array":
		low, _ := number(schema["minItems"])
		list := []any{}
		for range max(int(low), f.random.IntN(8)%3) + f.random.IntN(2) {
			e := f.value(name, schema["items"].(map[string]any), depth+1, broken)
			if text, ok := e.(string); ok && !broken && slices.Contains(list, any(text)) {
				continue
			}
			list = append(list, e)
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
		object[name] = f.value(name, properties[name].(map[string]any), depth+1, broken)
	}
	if broken && f.random.IntN(10) == 0 {
		object["nobody_knows"] = 1
	}
	return object
}

// like is a value that stands in a field of the name somewhere, or the id of a record that the name is about. It is of the schema's
// type; a bound of the schema may refuse it.
func (f *fuzzer) like(name string, schema map[string]any) (any, bool) {
	kinds := slices.DeleteFunc(types(schema), func(k string) bool { return k == "null" })
	if name == "" || len(kinds) == 0 || f.random.IntN(15) == 0 {
		return nil, false
	}
	switch kinds[0] {
	case "string":
		if list, ok := listsOf[name]; ok {
			if id := f.of(f.now, list); id != "" {
				return id, true
			}
		}
		switch name {
		case "to", "owner", "party", "buyer", "bidders":
			name = pick(f.random, []string{"seller", "holder", "owner", "buyer", "lender"})
		case "documents":
			return f.document(false), true
		case "reasons":
			return "QTY", true
		}
		if prefix, ok := prefixes[name]; ok {
			if list := slices.DeleteFunc(slices.Clone(f.values), func(v string) bool { return !strings.HasPrefix(v, prefix) }); len(list) > 0 {
				return pick(f.random, list), true
			}
		}
		texts := slices.DeleteFunc(slices.Clone(f.named[name]), func(v any) bool { _, ok := v.(string); return !ok })
		if len(texts) > 0 {
			return pick(f.random, texts), true
		}
	case "integer":
		numbers := slices.DeleteFunc(slices.Clone(f.named[name]), func(v any) bool { n, ok := v.(float64); return !ok || n != float64(int64(n)) })
		if len(numbers) > 0 {
			return int64(pick(f.random, numbers).(float64)), true
		}
	}
	return nil, false
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
