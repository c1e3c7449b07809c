package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal"
	"github.com/tallystick/tallystick/gateway-client/projection/projectiontest"
)

// pageLimit is how long a page may take, and pageRuns how often it is asked for. The median counts: what others do on the machine
// lengthens the rest.
const (
	pageLimit = 100 * time.Millisecond
	pageRuns  = 7
)

// idleOutbox is an outbox of somebody who has asked for nothing.
type idleOutbox struct{ portal.Outbox }

func (idleOutbox) List(context.Context, string, outbox.State, string, int) ([]outbox.Operation, error) {
	return nil, nil
}

// BenchmarkPages renders every page of each workspace with 100,000 invoices in the read model, and fails where one takes longer
// than it may: go test -run '^$' -bench Pages -benchtime 1x ./gateway-client/portal.
func BenchmarkPages(b *testing.B) {
	store, took := projectiontest.Fill(b, "sqlite:"+filepath.Join(b.TempDir(), "large.db"), projectiontest.Invoices)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	b.Logf("%d invoices were projected in %.1f s", projectiontest.Invoices, took.Seconds())
	handler, err := portal.New(portal.Config{Store: store, Outbox: idleOutbox{}, Sessions: sessionsOf{}, Now: projectiontest.Today.Start})
	require.NoError(b, err)
	for _, person := range []identity.Person{
		{User: "alice", MSP: "BuyerMSP", Kind: member.Buyer, Party: projectiontest.BuyerOf(0), Roles: []member.Role{member.Maker, member.Checker}},
		{User: "amy", MSP: "SupplierMSP", Kind: member.Supplier, Party: projectiontest.SellerOf(0), Roles: []member.Role{member.Maker}},
		{User: "mona", MSP: "BankAMSP", Kind: member.Bank, Roles: []member.Role{member.Maker, member.Checker}},
		{User: "wes", MSP: "WarehouseMSP", Kind: member.Warehouse, Roles: []member.Role{member.Maker, member.Operator}},
		{User: "reg", MSP: "RegulatorMSP", Kind: member.Regulator, Roles: []member.Role{member.Auditor}},
	} {
		b.Run(string(person.Kind), func(b *testing.B) { benchmarkPages(b, handler, person) })
	}
}

// benchmarkPages renders the pages that links lead to, one of each kind, from the first page on.
func benchmarkPages(b *testing.B, handler http.Handler, person identity.Person) {
	person.Subject, person.Name, person.Org = "test|"+person.User, person.User, strings.TrimSuffix(person.MSP, "MSP")
	get := func(address string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r.WithContext(identity.With(r.Context(), person)))
		return w
	}
	for range b.N {
		slowest, pages := time.Duration(0), 0
		seen, todo := map[string]bool{}, []string{"/", "/search?q=INV-0500", "/search?q=Seller"}
		for len(todo) > 0 {
			address := todo[0]
			todo = todo[1:]
			if seen[kindOf(address)] {
				continue
			}
			seen[kindOf(address)] = true
			w := get(address)
			for w.Code == http.StatusSeeOther {
				w = get(w.Header().Get("Location"))
			}
			if w.Code != http.StatusOK {
				b.Fatalf("%s: %d", address, w.Code)
			}
			todo = append(todo, linksIn(b, w.Body)...)
			runs := make([]time.Duration, pageRuns)
			for i := range runs {
				start := time.Now()
				get(address)
				runs[i] = time.Since(start)
			}
			slices.Sort(runs)
			median := runs[pageRuns/2]
			b.Logf("%-10s %7.1f ms  %s", person.Kind, float64(median.Microseconds())/1000, address)
			if median > pageLimit {
				b.Errorf("%s takes %s, more than %s", address, median.Round(time.Millisecond), pageLimit)
			}
			slowest, pages = max(slowest, median), pages+1
		}
		b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
		b.ReportMetric(float64(pages), "pages")
	}
}

// kindOf is an address without the id of its record and without the values of its query.
func kindOf(address string) string {
	path, query, _ := strings.Cut(address, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.ContainsAny(p, "0123456789") {
			parts[i] = "…"
		}
	}
	key := strings.Join(parts, "/")
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "show" || name == "q" {
			name += "=" + value
		}
		key += "&" + name
	}
	return key
}
