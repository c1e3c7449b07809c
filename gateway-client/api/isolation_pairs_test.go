package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"context"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/webhook"
)

// eyes are a user of each organisation who sees all that it may see.
var eyes = map[string]string{"BuyerMSP": "buyer/bruno", "SupplierMSP": "supplier/hana", "BankAMSP": "bankA/rita", "BankBMSP": "bankB/greta",
	"WarehouseMSP": "warehouse/wes"}

// An organisation's service tells nothing of what stands in circles of others: every GET operation of the document (lists, exports,
// events, search among them) is tried for each pair of organisations, with what the one may read and the other may not.
func TestOrganisationsSeeNothingOfEachOthersCircles(t *testing.T) {
	var all sync.Map
	for _, scenario := range []string{"main-job.yaml", "receivables.yaml"} {
		t.Run(scenario, func(t *testing.T) {
			w := play(t, scenario, "")
			hidden := betweenOrganisations(t, w.as("regulator/reg"))
			random := rand.New(rand.NewPCG(13, 1))
			tried := 0
			for _, viewer := range slices.Sorted(maps.Keys(eyes)) {
				c := w.as(eyes[viewer])
				for _, owner := range slices.Sorted(maps.Keys(eyes)) {
					secrets := hidden[pair{viewer, owner}]
					if viewer == owner || len(secrets) == 0 {
						continue
					}
					all.Store(pair{viewer, owner}, true)
					for _, op := range c.o.contract.operations {
						if op.method == http.MethodGet {
							tried += spy(t, c, op, secrets, random)
						}
					}
					readers := []*client{w.as(eyes[owner])}
					if owner == "SupplierMSP" {
						for _, who := range hosted { // of a host each user sees one party's
							readers = append(readers, w.as(who))
						}
					}
					assert.NotZero(t, found(readers, secrets), "%s reads none of what %s must not: %v", owner, viewer, secrets)
				}
			}
			t.Logf("%d requests", tried)
		})
	}
	pairs := 0
	all.Range(func(any, any) bool { pairs++; return true })
	t.Logf("%d of the %d pairs have something to hide", pairs, len(eyes)*(len(eyes)-1))
	// A host reads all of its programmes, and bank B sits in none of them: that makes ten.
	assert.Equal(t, 10, pairs)
}

// found counts the secrets that readers find in lists.
func found(readers []*client, secrets []string) int {
	n := 0
	for _, c := range readers {
		n += foundBy(c, secrets)
	}
	return n
}

func foundBy(c *client, secrets []string) int {
	n := 0
	for _, path := range []string{"/receivables?size=200", "/receipts?size=200", "/applications?size=200", "/loans?size=200", "/consents?size=200", "/policies?size=200", "/parties?size=200",
		"/scores?size=200"} {
		answer := c.get(path).Body.String()
		for _, secret := range secrets {
			if strings.Contains(answer, secret) {
				n++
			}
		}
	}
	return n
}

// betweenOrganisations finds, for each pair of organisations, ids and texts of records that the owner reads and the viewer does not:
// by the seats of the circle in which a record stands, and by the bank and the host that a record of a desk names.
func betweenOrganisations(t *testing.T, regulator *client) map[pair][]string {
	t.Helper()
	rows := func(path string) []map[string]any {
		var list []map[string]any
		for after := ""; ; {
			var page struct {
				Items []map[string]any `json:"items"`
				Next  string           `json:"next"`
			}
			regulator.get(path + "?size=200&after=" + after).into(&page)
			list = append(list, page.Items...)
			if after = page.Next; after == "" {
				return list
			}
		}
	}
	text := func(v any) string { return strings.TrimPrefix(fmt.Sprint(v), "<nil>") }
	seats := map[string][]string{}
	for _, row := range rows("/programmes") {
		raw, err := json.Marshal(row)
		require.NoError(t, err)
		var c struct {
			Current struct {
				Seats []struct {
					MSP string `json:"msp"`
				} `json:"seats"`
			} `json:"current"`
		}
		require.NoError(t, json.Unmarshal(raw, &c))
		for _, s := range c.Current.Seats {
			seats[text(row["id"])] = append(seats[text(row["id"])], s.MSP)
		}
	}
	readers := map[string][]string{} // by secret
	add := func(who []string, secrets ...string) {
		for _, s := range secrets {
			if s != "" && len(who) > 0 {
				readers[s] = append(readers[s], who...)
			}
		}
	}
	for _, row := range rows("/receivables") {
		invoice, _ := row["invoice"].(map[string]any)
		add(seats[text(row["programme"])], text(row["id"]), text(invoice["number"]), text(invoice["document_hash"]), text(row["fingerprint"]))
	}
	of := func(receivable string) []string { return readers[receivable] }
	for _, row := range rows("/fragments") {
		add(of(text(row["receivable"])), text(row["id"]))
	}
	for _, row := range rows("/receipts") {
		add(seats[text(row["programme"])], text(row["id"]))
	}
	// Who reads the collateral's circle reads by which application and loan it is held.
	concerned := func(row map[string]any) []string {
		who := []string{text(row["bank"]), text(row["host"])}
		collateral, _ := row["collateral"].([]any)
		for _, one := range collateral {
			c, _ := one.(map[string]any)
			who = append(who, seats[text(c["circle"])]...)
		}
		return who
	}
	desks := map[string][]string{}
	for _, path := range []string{"/applications", "/loans"} {
		for _, row := range rows(path) {
			desks[text(row["id"])] = []string{text(row["bank"]), text(row["host"])}
			add(concerned(row), text(row["id"]))
		}
	}
	for _, row := range rows("/scores") {
		add(desks[text(row["application"])], text(row["id"]))
	}
	for _, row := range rows("/consents") {
		add([]string{text(row["bank"]), "SupplierMSP"}, text(row["id"]))
	}
	for _, row := range rows("/policies") {
		add([]string{text(row["bank"]), "SupplierMSP"}, text(row["id"]))
	}
	public := map[string]bool{} // what an organisation is called
	for _, row := range rows("/members") {
		public[text(row["name"])] = true
	}
	for _, row := range rows("/parties") {
		circles, _ := row["circles"].([]any)
		who := []string{text(row["host"])}
		for _, c := range circles {
			who = append(who, seats[text(c)]...)
		}
		if !public[text(row["name"])] {
			add(who, text(row["name"]))
		}
	}
	hidden := map[pair][]string{}
	for _, secret := range slices.Sorted(maps.Keys(readers)) {
		for viewer := range eyes {
			for owner := range eyes {
				if slices.Contains(readers[secret], owner) && !slices.Contains(readers[secret], viewer) {
					hidden[pair{viewer, owner}] = append(hidden[pair{viewer, owner}], secret)
				}
			}
		}
	}
	return hidden
}

// colleagues are users of one organisation: of three SMEs that it hosts, and its own.
var colleagues = []string{"supplier/amy", "supplier/bea", "supplier/cai", "supplier/hana"}

// What somebody has asked of the ledger, and under which key, is nobody else's: each pair of the users of one service is tried.
func TestOperationsAndKeysAreAPersons(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	path := "/api/v1/receivables?wait=true&programme=" + w.vars["programme"]
	documents := map[string]string{"supplier/amy": "acme-INV-1001.xml", "supplier/bea": "birch-INV-2001.xml", "supplier/cai": "cedar-INV-3001.xml"}
	const key = "the same key for all"
	operations := map[string]string{}
	for who, document := range documents {
		r := w.as(who).do(http.MethodPost, path, w.invoice(document), "Idempotency-Key", key)
		require.Equal(t, http.StatusOK, r.Code, "%s: %s", who, r.Body)
		assert.Empty(t, r.Header().Get("Idempotency-Replayed"), "%s is answered with another's operation", who)
		operations[who] = r.text("id")
		assert.NotEmpty(t, r.text("about"))
	}
	for _, viewer := range colleagues {
		c := w.as(viewer)
		var own projection.Slice[outbox.Operation]
		c.get("/operations").into(&own)
		for owner, id := range operations {
			if viewer == owner {
				require.Len(t, own.Items, 1)
				assert.Equal(t, id, own.Items[0].ID)
				continue
			}
			for _, ask := range []string{"/operations/" + id, "/operations/" + id + "?wait=true", "/operations?after=" + id, "/operations.csv"} {
				r := c.get(ask)
				assert.NotContains(t, strings.ReplaceAll(r.Body.String(), "there is no operation "+id, ""), `"`+id+`","action"`, "%s as %s", ask, viewer)
				assert.NotContains(t, r.Body.String(), "issue-receivable,"+id, "%s as %s", ask, viewer)
				if !strings.HasSuffix(ask, ".csv") {
					assert.GreaterOrEqual(t, r.Code, 400, "%s as %s: %s", ask, viewer, r.Body)
				} else {
					assert.NotContains(t, r.Body.String(), id, "%s as %s", ask, viewer)
				}
			}
			assert.NotContains(t, own.Items, id)
		}
		if _, hasOwn := operations[viewer]; !hasOwn {
			assert.Empty(t, own.Items)
		}
	}
}

// A webhook carries what the person who registered it may see, and nothing else: each pair of hosted SMEs, and other organisations.
func TestWebhooksTellNobodyOfOthers(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	heard := map[string]*listener{}
	others := []string{"bankB/greta", "warehouse/wes"}
	for _, who := range append(slices.Clone(colleagues), others...) {
		l := &listener{status: http.StatusNoContent}
		server := httptest.NewServer(l)
		t.Cleanup(server.Close)
		heard[who] = l
		r := w.as(who).do(http.MethodPost, "/api/v1/webhooks", map[string]string{"url": server.URL}, "Idempotency-Key", "w")
		require.Equal(t, http.StatusCreated, r.Code, "%s", r.Body)
	}
	w.trade()

	for _, org := range []string{"supplier", "bankB", "warehouse"} {
		o := w.at(org)
		hooks, err := webhook.Open(t.Context(), webhook.Config{DB: o.db, Store: o.store, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Key: func(context.Context, string) ([]byte, error) { return []byte("key"), nil }})
		require.NoError(t, err)
		for more := true; more; {
			more, err = hooks.Round(t.Context())
			require.NoError(t, err)
		}
	}
	said := func(who string) string {
		var b strings.Builder
		for _, p := range heard[who].got {
			b.Write(p.body)
		}
		return b.String()
	}
	for _, who := range colleagues[:3] {
		assert.Contains(t, said(who), "receivable.issued", "%s is told of their own", who)
	}
	secrets := secretsOf(t, w.as("regulator/reg"))
	pairs := 0
	for at, hidden := range secrets {
		pairs++
		for _, secret := range hidden {
			assert.NotContains(t, said(hosted[at.viewer]), secret, "%s is told of %s's", at.viewer, at.owner)
		}
		assert.True(t, slices.ContainsFunc(hidden, func(s string) bool { return strings.Contains(said(hosted[at.owner]), s) }), "%v: the owner is told of it", at)
	}
	assert.Equal(t, 6, pairs, "each pair of SMEs has something to hide")
	for _, who := range others {
		assert.NotContains(t, said(who), `"receivable.`, "%s sits in no circle of the programme", who)
	}
}

// trade makes each of the three SMEs owner of something that neither of the others may see, and one offer between two of them.
func (w *world) trade() {
	t := w.t
	amy, bea, cai := w.as("supplier/amy"), w.as("supplier/bea"), w.as("supplier/cai")
	into := "/receivables?programme=" + w.vars["programme"]
	id := amy.ask(into, w.invoice("acme-INV-1001.xml")).text("about")
	amy.ask(into, w.invoice("acme-INV-1002.xml"))
	bea.ask(into, w.invoice("birch-INV-2001.xml"))
	cai.ask(into, w.invoice("cedar-INV-3001.xml"))
	w.as("buyer/alice").ask("/receivables/"+id+"/propose", nil)
	w.as("buyer/bruno").ask("/receivables/"+id+"/confirm", nil)
	w.at("supplier")
	var held projection.Slice[receivable.Holding]
	amy.get("/holdings?receivable=" + id).into(&held)
	require.Len(t, held.Items, 1)
	split := amy.ask("/fragments/"+held.Items[0].Fragment+"/split", map[string]any{"amounts_minor": []int64{1_000_000}})
	parts, _ := split.field("result", "fragments").([]any)
	require.NotEmpty(t, parts)
	amy.ask("/fragments/"+fmt.Sprint(parts[0])+"/offer", map[string]any{"to": w.vars["party_birch"], "recourse": "with_recourse"})
}
