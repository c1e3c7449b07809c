package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/memory"
)

// hosted are the SMEs of the supplier organisation, with a user of each.
var hosted = map[string]string{"acme": "supplier/amy", "birch": "supplier/bea", "cedar": "supplier/cai"}

// Two SMEs that the same organisation hosts see nothing of each other. Every GET operation of the document is tried, with every
// kind of id that it may take, for each pair: an operation that is added is tried, too.
func TestHostedSMEsSeeNothingOfEachOther(t *testing.T) {
	for _, at := range []struct{ scenario, mark string }{{"receivables.yaml", ""}, {"main-job.yaml", ""}, {"receivables.yaml", "trading"}} {
		t.Run(at.scenario+" "+at.mark, func(t *testing.T) {
			w := play(t, at.scenario, at.mark)
			if at.mark != "" {
				w.trade()
			}
			regulator := w.as("regulator/reg")
			secrets := secretsOf(t, regulator)
			random := rand.New(rand.NewPCG(11, 1))
			tried, pairs := 0, 0
			for _, viewer := range slices.Sorted(maps.Keys(hosted)) {
				for _, owner := range slices.Sorted(maps.Keys(hosted)) {
					hidden := secrets[pair{viewer, owner}]
					if viewer == owner || len(hidden) == 0 {
						continue
					}
					pairs++
					c := w.as(hosted[viewer])
					for _, op := range c.o.contract.operations {
						if op.method == http.MethodGet {
							tried += spy(t, c, op, hidden, random)
						}
					}
				}
			}
			assert.NotZero(t, pairs)
			if at.mark != "" {
				assert.Equal(t, len(hosted)*(len(hosted)-1), pairs, "each pair has something to hide")
			}
			t.Logf("%d pairs with something to hide, %d requests", pairs, tried)
		})
	}
}

type pair struct{ viewer, owner string }

// lists are the regulator's, each with where its rows have their id.
var lists = map[string]string{"/receivables": "id", "/fragments": "id", "/applications": "id", "/loans": "id", "/consents": "id", "/scores": "id", "/receipts": "id"}

// secretsOf finds, for each pair of SMEs, ids and other texts of records in which the owner has a part and the viewer none. The
// regulator sees everything, and each record names the parties that are concerned in it.
func secretsOf(t *testing.T, regulator *client) map[pair][]string {
	t.Helper()
	concerned := map[string]string{} // receivable → the text of all of its records
	rows := map[string][]map[string]any{}
	for path := range lists {
		for after := ""; ; {
			var page struct {
				Items []map[string]any `json:"items"`
				Next  string           `json:"next"`
			}
			regulator.get(path + "?size=200&after=" + after).into(&page)
			rows[path] = append(rows[path], page.Items...)
			if after = page.Next; after == "" {
				break
			}
		}
		for _, row := range rows[path] {
			raw, err := json.Marshal(row)
			require.NoError(t, err)
			switch {
			case path == "/receivables":
				concerned[fmt.Sprint(row["id"])] += string(raw)
			case row["receivable"] != nil:
				concerned[fmt.Sprint(row["receivable"])] += string(raw)
			}
		}
	}
	secrets := map[pair][]string{}
	for path, list := range rows {
		for _, row := range list {
			raw, err := json.Marshal(row)
			require.NoError(t, err)
			text := string(raw)
			switch {
			case path == "/receivables":
				text += concerned[fmt.Sprint(row["id"])]
			case row["receivable"] != nil:
				text += concerned[fmt.Sprint(row["receivable"])]
			}
			for viewer := range hosted {
				for owner := range hosted {
					if viewer == owner || strings.Contains(text, memory.PartyID(viewer)) || !strings.Contains(text, memory.PartyID(owner)) {
						continue
					}
					at := pair{viewer, owner}
					secrets[at] = append(secrets[at], fmt.Sprint(row[lists[path]]))
					if invoice, ok := row["invoice"].(map[string]any); ok {
						secrets[at] = append(secrets[at], fmt.Sprint(invoice["number"]), fmt.Sprint(invoice["document_hash"]))
					}
				}
			}
		}
	}
	for at, list := range secrets {
		slices.Sort(list)
		secrets[at] = slices.Compact(list)
	}
	return secrets
}

// recordTypes are values of a path's {type}.
var recordTypes = []string{"receivable", "fragment", "application", "loan", "consent", "score", "receipt", "party", "payment"}

// spy sends requests for an operation with what is hidden in every place that takes a text, and looks for anything else that is
// hidden in the answers.
func spy(t *testing.T, c *client, op operation, hidden []string, random *rand.Rand) int {
	t.Helper()
	asked := []string{""}
	open := strings.Contains(op.path, "{")
	for _, p := range op.params {
		open = open || p.in == "query" && p.required
	}
	if open {
		asked = hidden
		if len(asked) > 40 {
			asked = slices.Clone(asked)
			random.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
			asked = asked[:40]
		}
	}
	kinds := []string{""}
	if strings.Contains(op.path, "{type}") {
		kinds = recordTypes
	}
	n := 0
	for _, id := range asked {
		for _, kind := range kinds {
			path, query := strings.ReplaceAll(op.path, "{type}", kind), url.Values{}
			for _, p := range op.params {
				switch {
				case p.in == "path":
					path = strings.ReplaceAll(path, "{"+p.name+"}", url.PathEscape(id))
				case p.in == "query" && p.required:
					query.Set(p.name, id)
				case p.in == "query" && p.name == "after" && op.id == "stream-events":
					query.Set("after", "0")
				case p.in == "query" && (p.name == "size" || p.name == "limit"):
					most, _ := number(p.schema["maximum"])
					query.Set(p.name, fmt.Sprint(most))
				}
			}
			if len(query) > 0 {
				path += "?" + query.Encode()
			}
			c.w.patience = time.Minute
			if op.id == "stream-events" {
				c.w.patience = 300 * time.Millisecond
			}
			r := c.do(http.MethodGet, path, nil)
			n++
			answer := r.Body.String()
			// A refusal may repeat what was asked for; a fragment's id begins with its receivable's.
			of, _ := receivable.ReceivableOf(id)
			for _, secret := range hidden {
				if strings.Contains(answer, secret) && (secret != id && secret != of || r.Code < 300) {
					t.Errorf("%s is told of %q by %s (%d): %.300s", c.person.User, secret, path, r.Code, answer)
				}
			}
		}
	}
	return n
}

// What is looked for is there: its owner finds it, or the test above could not fail.
func TestTheirOwnRecordsTheySee(t *testing.T) {
	w := play(t, "receivables.yaml", "")
	secrets := secretsOf(t, w.as("regulator/reg"))
	for at, list := range secrets {
		found := 0
		c := w.as(hosted[at.owner])
		for _, path := range []string{"/receivables?size=200", "/holdings?size=200", "/applications?size=200", "/receivables.csv"} {
			answer := c.get(path).Body.String()
			for _, secret := range list {
				if strings.Contains(answer, secret) {
					found++
				}
			}
		}
		assert.NotZero(t, found, "%v", at)
	}
	// Every bank's desk is its own: bank B sees none of bank A's.
	greta := w.as("bankB/greta")
	assert.JSONEq(t, `{"items":[]}`, greta.get("/receivables").Body.String())
}
