package portal_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// watchers are one user for each organisation, and for each party that the supplier organisation hosts.
var watchers = map[string]string{"BuyerMSP": "buyer/bruno", "BankAMSP": "bankA/rita", "BankBMSP": "bankB/greta", "WarehouseMSP": "warehouse/wes",
	"acme": "supplier/amy", "birch": "supplier/bea", "cedar": "supplier/cai"}

// hiddenRecord is a record with the words by which it would be known.
type hiddenRecord struct {
	typ, id string
	words   []string // the id among them
}

// hiddenFrom lists, for each watcher, records that it must not see, by whose they are: of a hosted party those that name it nowhere,
// of an organisation those of circles without a seat of its own, and of a desk those of other banks and hosts.
func hiddenFrom(t *testing.T, d *demo) map[[2]string][]hiddenRecord {
	t.Helper()
	d.portal("regulator")
	store, v := d.stores["regulator"], projection.Viewer{MSP: "RegulatorMSP", Kind: member.Regulator}
	ctx, page, today := t.Context(), projection.Page{Size: projection.MaxPageSize}, calendar.From(d.Ledger.Now())
	rows := map[string][]map[string]any{}
	add := func(typ string) func(list any, err error) {
		return func(list any, err error) {
			require.NoError(t, err)
			raw, err := json.Marshal(list)
			require.NoError(t, err)
			var slice struct{ Items []map[string]any }
			require.NoError(t, json.Unmarshal(raw, &slice))
			rows[typ] = slice.Items
		}
	}
	receivables, err := store.Receivables(ctx, v, projection.ReceivableFilter{}, page)
	add("receivable")(receivables, err)
	fragments, err := store.Fragments(ctx, v, projection.FragmentFilter{}, page)
	add("fragment")(fragments, err)
	applications, err := store.Applications(ctx, v, projection.ApplicationFilter{}, page)
	add("application")(applications, err)
	loans, err := store.Loans(ctx, v, projection.LoanFilter{}, today, page)
	add("loan")(loans, err)
	receipts, err := store.Receipts(ctx, v, projection.ReceiptFilter{}, page)
	add("receipt")(receipts, err)
	circles, err := store.Circles(ctx, v, "", page)
	add("circle")(circles, err)

	seats := map[string]string{}
	for _, row := range rows["circle"] {
		raw, err := json.Marshal(row["current"])
		require.NoError(t, err)
		seats[fmt.Sprint(row["id"])] = string(raw)
	}
	text := func(row map[string]any) string {
		raw, err := json.Marshal(row)
		require.NoError(t, err)
		return string(raw)
	}
	about := map[string]string{} // all that is written of a receivable
	circleOf := map[string]string{}
	for _, row := range rows["receivable"] {
		about[fmt.Sprint(row["id"])] += text(row)
		circleOf[fmt.Sprint(row["id"])] = seats[fmt.Sprint(row["programme"])]
	}
	for _, row := range rows["fragment"] {
		about[fmt.Sprint(row["receivable"])] += text(row)
	}
	hidden := map[[2]string][]hiddenRecord{}
	for typ, list := range rows {
		for _, row := range list {
			one := hiddenRecord{typ: typ, id: fmt.Sprint(row["id"]), words: []string{fmt.Sprint(row["id"])}}
			parties, readers := text(row), seats[fmt.Sprint(row["programme"])]
			switch typ {
			case "circle":
				continue
			case "receivable":
				parties = about[one.id]
				invoice, _ := row["invoice"].(map[string]any)
				one.words = append(one.words, fmt.Sprint(invoice["number"]))
			case "fragment":
				parties, readers = about[fmt.Sprint(row["receivable"])], circleOf[fmt.Sprint(row["receivable"])]
			case "application", "loan":
				readers = fmt.Sprint(row["bank"], row["host"])
				collateral, _ := row["collateral"].([]any)
				for _, c := range collateral { // who reads the collateral reads by what it is held
					if m, ok := c.(map[string]any); ok {
						readers += seats[fmt.Sprint(m["circle"])]
					}
				}
			}
			sees := func(who string) bool {
				if strings.HasSuffix(who, "MSP") {
					return strings.Contains(readers, who)
				}
				return strings.Contains(parties, memory.PartyID(who))
			}
			for viewer := range watchers {
				for owner := range watchers {
					if viewer != owner && sees(owner) && !sees(viewer) {
						hidden[[2]string{viewer, owner}] = append(hidden[[2]string{viewer, owner}], one)
					}
				}
			}
		}
	}
	return hidden
}

var fragmentIDs = regexp.MustCompile(`frg-[0-9a-f]+`)

var hrefs = regexp.MustCompile(`href="(/[^"]*)"`)

// pagesOf are the addresses of a record, and searches that would find it.
func pagesOf(r hiddenRecord) []string {
	at := map[string]string{"receivable": "/invoices/", "fragment": "/claims/", "application": "/applications/", "loan": "/loans/", "receipt": "/receipts/"}[r.typ]
	list := []string{at + url.PathEscape(r.id), "/graph/" + r.typ + "/" + url.PathEscape(r.id)}
	if r.typ == "application" {
		list = append(list, "/tenders/"+url.PathEscape(r.id))
	}
	for _, word := range r.words {
		list = append(list, "/search?q="+url.QueryEscape(word))
	}
	return list
}

// No page that somebody reaches, and none that they ask for by an id that they must not know, tells them of a record that is another
// organisation's or another hosted party's.
func TestPagesTellNobodyOfOthersRecords(t *testing.T) {
	d := newDemo(t, "")
	d.furnish()
	hidden := hiddenFrom(t, d)
	pairs, asked := 0, 0
	for _, viewer := range slices.Sorted(maps.Keys(watchers)) {
		org, user := parts(watchers[viewer])
		records := map[string]hiddenRecord{}
		for at, list := range hidden {
			if at[0] == viewer {
				pairs++
				for _, r := range list {
					records[r.id] = r
				}
			}
		}
		told := func(address, text string) {
			asked++
			echo, _ := url.QueryUnescape(address)
			for _, fragment := range fragmentIDs.FindAllString(echo, -1) { // its id begins with its receivable's
				of, _ := receivable.ReceivableOf(fragment)
				echo += " " + of
			}
			for id, r := range records {
				for _, word := range r.words {
					if strings.Contains(echo, word) || strings.Contains(echo, id) && word != id {
						continue // what was asked for may be repeated; that it leads nowhere is held below
					}
					assert.NotContains(t, text, word, "%s is told of %s's on %s", viewer, r.typ, address)
				}
			}
		}
		seen, todo := map[string]bool{}, []string{"/"}
		for len(todo) > 0 && len(seen) < 200 {
			address := todo[0]
			todo = todo[1:]
			if seen[address] {
				continue
			}
			seen[address] = true
			w := d.get(org, user, "en", address)
			told(address, w.Body.String())
			for _, m := range hrefs.FindAllStringSubmatch(w.Body.String(), -1) {
				todo = append(todo, html.UnescapeString(m[1]))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(records)) {
			for _, address := range pagesOf(records[id]) {
				w := d.get(org, user, "en", address)
				told(address, w.Body.String())
				if strings.HasPrefix(address, "/search") {
					assert.NotContains(t, w.Body.String(), "/"+id, "%s finds %s", viewer, address)
					continue
				}
				assert.NotEqual(t, http.StatusOK, w.Code, "%s reads %s", viewer, address)
			}
		}
	}
	t.Logf("%d pairs with something to hide, %d pages", pairs, asked)
	assert.GreaterOrEqual(t, pairs, 20)
	// What is looked for is there for whose it is, or the test could not fail.
	for at, list := range hidden {
		org, user := parts(watchers[at[1]])
		found := slices.ContainsFunc(list, func(r hiddenRecord) bool {
			return slices.ContainsFunc(pagesOf(r), func(a string) bool {
				w := d.get(org, user, "en", a)
				return w.Code == http.StatusOK && strings.Contains(w.Body.String(), "/"+r.id)
			})
		})
		assert.True(t, found, "%s reaches nothing of what %s must not", at[1], at[0])
	}
}
