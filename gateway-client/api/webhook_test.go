package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/webhook"
)

// listener is another system.
type listener struct {
	mu     sync.Mutex
	status int
	got    []posted
}

type posted struct {
	header http.Header
	body   []byte
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, posted{r.Header, body})
	w.WriteHeader(l.status)
}

func TestWebhooksAreSignedRepeatedAndKept(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	amy, bea := w.as("supplier/amy"), w.as("supplier/bea")
	heard := &listener{status: http.StatusInternalServerError}
	server := httptest.NewServer(heard)
	defer server.Close()

	register := func(c *client, key, url string) reply {
		return c.do(http.MethodPost, "/api/v1/webhooks", map[string]string{"url": url, "type": "receivable"}, "Idempotency-Key", key)
	}
	for _, bad := range []string{"http://example.org/x", "ftp://localhost/", "https://u:p@example.org/", "nonsense"} {
		r := register(amy, "bad", bad)
		assert.Equal(t, http.StatusUnprocessableEntity, r.Code, bad)
		assert.Equal(t, []string{"body.url"}, locations(r))
	}
	r := register(amy, "w-1", server.URL)
	require.Equal(t, http.StatusCreated, r.Code, "%s", r.Body)
	id, secret := r.text("id"), r.text("secret")
	again := register(amy, "w-1", server.URL)
	assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	assert.Equal(t, secret, again.text("secret"))
	assert.Equal(t, string(fault.RequestReused), register(amy, "w-1", server.URL+"/other").text("code"))
	assert.Equal(t, http.StatusNotFound, bea.get("/webhooks/"+id).Code, "a webhook is its person's")
	register(bea, "w-1", server.URL)

	amy.ask("/receivables?programme="+w.vars["programme"], w.invoice("acme-INV-1001.xml"))
	now := time.Now()
	hooks, err := webhook.Open(t.Context(), webhook.Config{DB: amy.o.db, Store: amy.o.store, Now: func() time.Time { return now }, Pause: time.Second, Log: slog.New(slog.DiscardHandler),
		Key: func(context.Context, string) ([]byte, error) { return []byte("key"), nil }})
	require.NoError(t, err)
	for range webhook.MaxAttempts {
		_, err := hooks.Round(t.Context())
		require.NoError(t, err)
		now = now.Add(2 * time.Hour)
	}
	require.Len(t, heard.got, webhook.MaxAttempts, "only who may see it is told of it")
	_, err = hooks.Round(t.Context())
	require.NoError(t, err)
	require.Len(t, heard.got, webhook.MaxAttempts, "and then it is given up")
	dead := amy.get("/webhooks/" + id + "/dead-letters")
	var letters struct {
		Deliveries []webhook.Delivery `json:"deliveries"`
	}
	dead.into(&letters)
	require.Len(t, letters.Deliveries, 1)
	assert.Contains(t, letters.Deliveries[0].Problem, "500")
	assert.Equal(t, http.StatusNotFound, bea.get("/webhooks/"+id+"/dead-letters").Code)

	heard.status = http.StatusNoContent
	redriven := amy.do(http.MethodPost, "/api/v1/webhooks/"+id+"/redrive", nil, "Idempotency-Key", "r-1")
	assert.EqualValues(t, 1, redriven.field("deliveries"))
	_, err = hooks.Round(t.Context())
	require.NoError(t, err)
	last := heard.got[len(heard.got)-1]
	var event webhook.Posted
	require.NoError(t, json.Unmarshal(last.body, &event))
	assert.Equal(t, id, event.Webhook)
	var e projection.Event
	require.NoError(t, json.Unmarshal(event.Event, &e))
	assert.Equal(t, "receivable.issued", e.Type)
	assert.Equal(t, id+"/"+strconv.FormatInt(e.Sequence, 10), last.header.Get(webhook.DeliveryHeader))
	hook, err := hooks.Get(t.Context(), amy.person.Subject, id)
	require.NoError(t, err)
	signing, err := hooks.Secret(t.Context(), hook)
	require.NoError(t, err)
	signature := last.header.Get(webhook.SignatureHeader)
	seconds, _, _ := strings.Cut(strings.TrimPrefix(signature, "t="), ",")
	at, err := strconv.ParseInt(seconds, 10, 64)
	require.NoError(t, err)
	assert.Equal(t, webhook.Sign(signing, time.Unix(at, 0), last.body), signature)
	assert.NotEqual(t, webhook.Sign(signing, time.Unix(at, 0), append(last.body, ' ')), signature)
	assert.NotEqual(t, webhook.Sign(secret, time.Unix(at, 0), last.body), signature, "another key, another signature")

	assert.Equal(t, http.StatusNoContent, amy.do(http.MethodDelete, "/api/v1/webhooks/"+id, nil).Code)
	assert.Equal(t, http.StatusNotFound, amy.get("/webhooks/"+id).Code)
}
