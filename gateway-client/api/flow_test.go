package api_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/api"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

func (w *world) invoice(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.docs, "invoices", name))
	require.NoError(w.t, err)
	return string(text)
}

// The life of a claim through the API alone: issued from a document, confirmed by two people, divided, passed on, credited,
// disputed, paid.
func TestAClaimsLife(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	programme := w.vars["programme"]
	amy, bea, alice, bruno, mona := w.as("supplier/amy"), w.as("supplier/bea"), w.as("buyer/alice"), w.as("buyer/bruno"), w.as("bankA/mona")

	id := amy.ask("/receivables?programme="+programme, w.invoice("acme-INV-1001.xml")).text("about")
	assert.Equal(t, "issued", amy.get("/receivables/"+id).text("status"), "what was waited for is in the read model")
	w.at("buyer")
	alice.ask("/receivables/"+id+"/propose", nil)
	refused := alice.try("/receivables/"+id+"/confirm", nil)
	assert.Equal(t, http.StatusForbidden, refused.Code)
	assert.Equal(t, string(fault.NotPermitted), refused.text("code"))
	bruno.ask("/receivables/"+id+"/confirm", nil)
	again := bruno.try("/receivables/"+id+"/confirm", nil)
	assert.Equal(t, http.StatusConflict, again.Code, "%s", again.Body)
	w.at("supplier")

	var held projection.Slice[receivable.Holding]
	amy.get("/holdings?receivable=" + id).into(&held)
	require.Len(t, held.Items, 1)
	root := held.Items[0].Fragment
	split := amy.ask("/fragments/"+root+"/split", map[string]any{"amounts_minor": []int64{1_000_000}})
	list, _ := split.field("result", "fragments").([]any)
	require.NotEmpty(t, list)
	passed := fmt.Sprint(list[0])
	amy.ask("/fragments/"+passed+"/offer", map[string]any{"to": w.vars["party_birch"], "recourse": "with_recourse"})
	bea.ask("/fragments/"+passed+"/accept", nil)
	assert.Equal(t, "held", bea.get("/holdings/"+passed).text("status"))
	assert.Equal(t, http.StatusNotFound, bea.get("/receivables/"+id+"-not").Code)

	w.at("bankA")
	var fragments projection.Slice[receivable.Fragment]
	mona.get("/fragments?receivable=" + id + "&status=held").into(&fragments)
	assert.Len(t, fragments.Items, 2)
	assert.Equal(t, http.StatusOK, mona.get("/walk/receivable/"+id).Code)
	assert.Equal(t, http.StatusOK, mona.get("/history/receivable/"+id).Code)

	w.at("buyer")
	bill := bruno.get("/receivables/" + id + "/bill")
	assert.EqualValues(t, 4_825_000, bill.field("total_minor"))
	bruno.ask("/receivables/"+id+"/pay", map[string]any{"amount_minor": 4_825_000, "currency": "EUR"})
	assert.Equal(t, "settled", bruno.get("/receivables/"+id).text("status"))
	var payments projection.Slice[receivable.Payment]
	bruno.get("/receivables/" + id + "/payments").into(&payments)
	require.Len(t, payments.Items, 1)
	response := bruno.get("/receivables/" + id + "/response")
	assert.Equal(t, http.StatusOK, response.Code, "%s", response.Body)
	assert.Contains(t, response.Body.String(), "ApplicationResponse")
}

func TestManyAtOnceAndByResponse(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	programme := w.vars["programme"]
	amy, alice, bruno := w.as("supplier/amy"), w.as("buyer/alice"), w.as("buyer/bruno")
	bad := amy.try("/receivables/bulk/issue", map[string]any{"programme": programme, "documents": []string{"<no/>", w.invoice("acme-INV-1001.xml"), "x"}})
	assert.Equal(t, http.StatusUnprocessableEntity, bad.Code)
	at := locations(bad)
	require.Len(t, at, 2, "every document that is wrong is named")
	assert.Contains(t, at[0], "body.documents[0]")
	assert.Contains(t, at[1], "body.documents[2]")
	amy.ask("/receivables/bulk/issue", map[string]any{"programme": programme, "documents": []string{w.invoice("acme-INV-1001.xml"), w.invoice("acme-INV-1002.xml")}})
	w.at("buyer")
	alice.ask("/invoice-responses", w.invoice("response-AP-INV-1001.xml"))
	bruno.ask("/invoice-responses", w.invoice("response-AP-INV-1001.xml"))
	var list projection.Slice[receivable.Receivable]
	alice.get("/receivables?status=issued").into(&list)
	require.Len(t, list.Items, 1)
	ids := []string{list.Items[0].ID}
	alice.ask("/receivables/bulk/propose", map[string]any{"programme": programme, "receivables": ids})
	bruno.ask("/receivables/bulk/confirm", map[string]any{"programme": programme, "receivables": ids})
	alice.get("/receivables?status=confirmed").into(&list)
	assert.Len(t, list.Items, 2)
	var page projection.Slice[receivable.Receivable]
	alice.get("/receivables?size=1").into(&page)
	require.NotEmpty(t, page.Next)
	first := page.Items[0].ID
	page = projection.Slice[receivable.Receivable]{}
	alice.get("/receivables?size=1&after=" + page.Next).into(&page)
	assert.NotEmpty(t, first)
}

func TestIdempotency(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	amy, bea := w.as("supplier/amy"), w.as("supplier/bea")
	path := "/api/v1/receivables?programme=" + w.vars["programme"]
	without := amy.do(http.MethodPost, path, w.invoice("acme-INV-1001.xml"))
	assert.Equal(t, http.StatusUnprocessableEntity, without.Code)
	assert.Equal(t, []string{"header.Idempotency-Key"}, locations(without))

	first := amy.do(http.MethodPost, path, w.invoice("acme-INV-1001.xml"), "Idempotency-Key", "k")
	require.Equal(t, http.StatusAccepted, first.Code, "%s", first.Body)
	assert.Empty(t, first.Header().Get("Idempotency-Replayed"))
	location := first.Header().Get("Location")
	assert.Equal(t, "/api/v1/operations/"+first.text("id"), location)
	ended := amy.do(http.MethodGet, location+"?wait=true", nil)
	assert.Equal(t, "done", ended.text("state"))

	second := amy.do(http.MethodPost, path, w.invoice("acme-INV-1001.xml"), "Idempotency-Key", "k")
	assert.Equal(t, http.StatusOK, second.Code)
	assert.Equal(t, "true", second.Header().Get("Idempotency-Replayed"))
	assert.Equal(t, first.text("id"), second.text("id"))
	other := amy.do(http.MethodPost, path, w.invoice("acme-INV-1002.xml"), "Idempotency-Key", "k")
	assert.Equal(t, http.StatusConflict, other.Code)
	assert.Equal(t, string(fault.RequestReused), other.text("code"))
	elsewhere := amy.do(http.MethodPost, "/api/v1/fragments/frg-1/accept", nil, "Idempotency-Key", "k")
	assert.Equal(t, http.StatusConflict, elsewhere.Code, "another path is another request")

	assert.Equal(t, http.StatusNotFound, bea.do(http.MethodGet, location, nil).Code, "an operation is its person's")
	var list projection.Slice[outbox.Operation]
	amy.get("/operations").into(&list)
	assert.Len(t, list.Items, 1)
}

func TestProblems(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	alice := w.as("buyer/alice")
	nobody := httptest.NewRecorder()
	alice.o.api.ServeHTTP(nobody, httptest.NewRequest(http.MethodGet, "/api/v1/receivables", nil))
	assert.Equal(t, http.StatusUnauthorized, nobody.Code)
	assert.Contains(t, nobody.Body.String(), `"LOGIN_REQUIRED"`)
	assert.Equal(t, "application/problem+json", nobody.Header().Get("Content-Type"))
	assert.NotEmpty(t, nobody.Header().Get("WWW-Authenticate"))

	assert.Equal(t, http.StatusNotFound, alice.get("/no-such-thing").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, alice.do(http.MethodDelete, "/api/v1/receivables", nil).Code)
	r := alice.get("/receivables?size=1000&due_from=yesterday&colour=red")
	assert.Equal(t, http.StatusUnprocessableEntity, r.Code)
	assert.Contains(t, fmt.Sprint(locations(r)), "query.colour")
	r = alice.get("/receivables?size=1000&due_from=yesterday")
	assert.Equal(t, []string{"query.due_from", "query.size"}, locations(r), "every field at once")
	r = alice.get("/receivables?after=nonsense")
	assert.Equal(t, []string{"query.after"}, locations(r))
	r = alice.try("/receivables/rcv-00000001/pay", map[string]any{"amount_minor": -1, "currency": "EURO"})
	assert.Equal(t, []string{"body.amount_minor", "body.currency"}, locations(r))
	assert.Equal(t, string(fault.InputInvalid), r.text("code"))
	r = alice.try("/receivables/rcv-00000001/reject", map[string]any{"reasons": []string{"NONE"}})
	assert.Equal(t, http.StatusUnprocessableEntity, r.Code, "the ledger's own rules, before anything is sent")
	r = w.as("supplier/amy").try("/receivables?programme="+w.vars["programme"], strings.Repeat("x", 9<<20))
	assert.Equal(t, http.StatusRequestEntityTooLarge, r.Code)
	assert.Equal(t, string(fault.InputTooLarge), r.text("code"))
}

func TestEveryCodeHasAStatus(t *testing.T) {
	for _, code := range fault.Codes() {
		row, _ := fault.Describe(code)
		status := api.StatusOf(code)
		assert.GreaterOrEqual(t, status, 400, code)
		assert.Equal(t, row.Kind == fault.Internal || row.Kind == fault.Unavailable && code != fault.ServiceBusy, status >= 500, code)
	}
	assert.Equal(t, http.StatusTooManyRequests, api.StatusOf(fault.ServiceBusy))
	assert.Equal(t, http.StatusInternalServerError, api.StatusOf("NOBODY_KNOWS"))
}

func TestLoadIsShed(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	w.services["buyer"] = w.start("buyer", outbox.Config{QueuePerPerson: 2, GiveUpAfter: 1, InFlight: 1})
	alice := w.as("buyer/alice")
	codes := map[int]int{}
	for i := range 40 {
		r := alice.do(http.MethodPost, "/api/v1/programmes/"+w.vars["programme"]+"/rules", map[string]any{"grace_days": i % 5}, "Idempotency-Key", fmt.Sprint("k", i))
		codes[r.Code]++
		if r.Code == http.StatusTooManyRequests {
			assert.NotEmpty(t, r.Header().Get("Retry-After"))
			assert.Equal(t, string(fault.ServiceBusy), r.text("code"))
		}
	}
	assert.NotZero(t, codes[http.StatusTooManyRequests], "%v", codes)
	assert.NotZero(t, codes[http.StatusAccepted], "%v", codes)
}

func TestExportIsHarmlessCSV(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	amy := w.as("supplier/amy")
	evil := strings.Replace(w.invoice("acme-INV-1001.xml"), ">INV-1001<", ">=HYPERLINK(1)<", 1)
	amy.ask("/receivables?programme="+w.vars["programme"], evil)
	for _, r := range []reply{amy.get("/receivables.csv"), amy.get("/receivables?size=1", "Accept", "text/csv")} {
		require.Equal(t, http.StatusOK, r.Code, "%s", r.Body)
		rows, err := csv.NewReader(r.Body).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2)
		row := map[string]string{}
		for i, name := range rows[0] {
			row[name] = rows[1][i]
		}
		assert.Equal(t, "'=HYPERLINK(1)", row["invoice.number"])
		assert.Equal(t, "4825000", row["invoice.payable_minor"])
		assert.Equal(t, "issued", row["status"])
	}
}

func TestEventsAsTheyHappen(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	amy, cai := w.as("supplier/amy"), w.as("supplier/cai")
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		amy.o.api.ServeHTTP(rw, r.WithContext(identity.With(r.Context(), w.person("supplier", r.Header.Get("X-User")))))
	}))
	defer server.Close()
	listen := func(user, last string) (next func() (id, event string), stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/events?type=receivable", nil)
		require.NoError(t, err)
		r.Header.Set("X-User", user)
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
		lines := bufio.NewScanner(answer.Body)
		require.True(t, lines.Scan(), "the stream is open")
		return func() (id, event string) {
			for lines.Scan() {
				switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
				case "id":
					id = value
				case "event":
					event = value
				case "":
					if id != "" {
						return id, event
					}
				}
			}
			return id, event
		}, func() { cancel(); _ = answer.Body.Close() }
	}
	next, stop := listen("amy", "")
	amy.ask("/receivables?programme="+w.vars["programme"], w.invoice("acme-INV-1001.xml"))
	first, event := next()
	assert.Equal(t, "receivable.issued", event)
	amy.ask("/receivables?programme="+w.vars["programme"], w.invoice("acme-INV-1002.xml"))
	second, _ := next()
	stop()
	assert.NotEqual(t, first, second)
	next, stop = listen("amy", first)
	resumed, _ := next()
	stop()
	assert.Equal(t, second, resumed, "it goes on after the last event")
	assert.Equal(t, `{"events":[]}`, strings.TrimSpace(cai.get("/past-events?type=receivable").Body.String()), "another SME is told nothing")
}

func TestMetricsSayWhatHappened(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	amy := w.as("supplier/amy")
	amy.get("/receivables")
	text := amy.do(http.MethodGet, "/metrics", nil).Body.String()
	assert.Contains(t, text, `tallystick_http_requests_total{method="GET",route="/api/v1/receivables",status="200"} 1`)
	// As the service mounts it.
	service := chi.NewRouter()
	service.Handle("/api/*", amy.o.api)
	request := httptest.NewRequest(http.MethodGet, "/api/v1/me", nil)
	service.ServeHTTP(httptest.NewRecorder(), request.WithContext(identity.With(request.Context(), amy.person)))
	text = amy.do(http.MethodGet, "/metrics", nil).Body.String()
	assert.Contains(t, text, `tallystick_http_requests_total{method="GET",route="/api/v1/me",status="200"} 1`)
	for _, name := range []string{"tallystick_outbox_depth 0", "tallystick_projection_lag_blocks 0", "tallystick_http_request_duration_seconds_bucket"} {
		assert.Contains(t, text, name)
	}
}

// busy is a peer that has no room for questions.
type busy struct{ consortium.Network }

func (busy) Evaluate(context.Context, consortium.Proposal) ([]byte, error) {
	return nil, fault.New(fault.ServiceBusy, "the peer is busy")
}

func TestABusyPeerIsSaidWithATime(t *testing.T) {
	w := play(t, "receivables.yaml", "")
	bruno := w.as("buyer/bruno")
	var list projection.Slice[receivable.Receivable]
	bruno.get("/receivables").into(&list)
	require.NotEmpty(t, list.Items)
	s, err := bruno.o.Session(t.Context(), "bruno")
	require.NoError(t, err)
	s.Network = busy{s.Network}
	r := bruno.get("/receivables/" + list.Items[0].ID + "/bill")
	assert.Equal(t, http.StatusTooManyRequests, r.Code, "%s", r.Body)
	assert.Equal(t, "2", r.Header().Get("Retry-After"))
	r = bruno.try("/receivables/"+list.Items[0].ID+"/confirm", nil)
	assert.Equal(t, http.StatusTooManyRequests, r.Code, "a write is refused before it is stored: %s", r.Body)
	var operations projection.Slice[outbox.Operation]
	bruno.get("/operations").into(&operations)
	assert.Empty(t, operations.Items)
}
