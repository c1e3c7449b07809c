package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/service"
)

func TestServiceStatusIsWhatTheServiceSays(t *testing.T) {
	_, state := away(t)
	bank(t, state)
	status, _, errs := tally(t, nil, "--org", "bankA", "service", "status")
	assert.Equal(t, ExitInvalid, status)
	assert.Contains(t, errs, "tallynet serve")

	var behind error
	s := service.New(slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.Check("read_model", func(context.Context) (any, error) {
		return projection.Status{Block: 118, Head: 120, Behind: 2}, behind
	})
	s.Report("queue", func(context.Context) (any, error) { return 7, nil })
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	file := filepath.Join(state, "demo", "orgs", "bankA", serviceFile)
	require.NoError(t, os.WriteFile(file, []byte(`{"url":"`+server.URL+`"}`), 0o600))
	out := done(t, "--org", "bankA", "service", "status")
	assert.Regexp(t, `ready +yes\n`, out)
	assert.Contains(t, out, "block 118 of 120, 2 behind")
	assert.Regexp(t, `operations waiting +7\n`, out)

	behind = errors.New("200 blocks behind the ledger")
	status, out, errs = tally(t, nil, "service", "status", "--url", server.URL, "--output", "json")
	assert.Equal(t, ExitFailed, status)
	assert.Empty(t, errs)
	var said serviceStatus
	require.NoError(t, json.Unmarshal([]byte(out), &said))
	assert.False(t, said.OK)
	assert.Equal(t, behind.Error(), said.ReadModelError)
	assert.Equal(t, uint64(2), said.ReadModel.Behind)

	server.Close()
	status, _, errs = tally(t, nil, "--org", "bankA", "service", "status")
	assert.Equal(t, ExitFailed, status)
	assert.Contains(t, errs, "NETWORK_UNAVAILABLE")
}

func TestServiceStatusShowsLoops(t *testing.T) {
	away(t)
	answer := `{"ok":false,"loops":{"outbox":{"running":true,"since":"2026-11-22T08:00:00Z","restarts":0},
		"underwriter":{"running":false,"since":"2026-11-22T08:00:00Z","restarts":3,"error":"no policy"},
		"collector":{"running":false,"waiting":true,"since":"2026-11-22T08:00:00Z","restarts":1}}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	status, out, _ := tally(t, nil, "service", "status", "--url", server.URL)
	assert.Equal(t, ExitFailed, status)
	assert.Regexp(t, `collector +waiting .*\noutbox +running .*\nunderwriter +failing .* 3 +no policy\n`, out)
	for _, wrong := range []string{"127.0.0.1:80", "ftp://host", "http://"} {
		status, _, _ = tally(t, nil, "service", "status", "--url", wrong)
		assert.Equal(t, ExitInvalid, status, wrong)
	}
	status, _, _ = tally(t, nil, "service", "status", "--url", server.URL+"/elsewhere")
	assert.Equal(t, ExitFailed, status, "another program")
}
