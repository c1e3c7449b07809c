package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/identity"
)

func TestFailedLoopStartsAgainAndReadinessSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan struct{})
	runs := 0
	loop := Loop{Name: "underwriter", Run: func(ctx context.Context) error {
		if runs++; runs == 1 {
			return errors.New("the peer has gone")
		}
		close(second)
		<-ctx.Done()
		return ctx.Err()
	}}
	s := New(slog.New(slog.NewTextHandler(io.Discard, nil)), loop)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listener) }()
	<-second

	response, err := http.Get("http://" + listener.Addr().String() + "/readyz")
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
	var body struct {
		Loops map[string]State `json:"loops"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
	assert.Equal(t, 1, body.Loops["underwriter"].Restarts)
	cancel()
	require.NoError(t, <-done)

	s.set("underwriter", State{Error: "gone"})
	assert.False(t, s.ready())
}

func TestWhoWaitsForOthersIsReadyAndSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan struct{}, 1)
	loop := Loop{Name: "collector", Waits: func(err error) bool { return fault.CodeOf(err) == fault.DeviceUnknown }, Run: func(context.Context) error {
		select {
		case failed <- struct{}{}:
		default:
		}
		return fault.New(fault.DeviceUnknown, "nobody has registered it")
	}}
	s := New(slog.New(slog.DiscardHandler), loop)
	go s.keep(ctx, loop)
	<-failed
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.states["collector"].Waiting }, 5*time.Second, time.Millisecond)
	assert.True(t, s.ready())
}

func TestReadinessAsksItsParts(t *testing.T) {
	behind := errors.New("120 blocks behind the ledger")
	s := New(slog.New(slog.DiscardHandler))
	s.Check("read_model", func(context.Context) (any, error) { return map[string]int{"block": 7}, behind })
	s.Report("queue", func(context.Context) (any, error) { return 3, nil })
	s.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	status, body := get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.JSONEq(t, `{"ok":false,"loops":{},"read_model":{"block":7},"read_model_error":"120 blocks behind the ledger","queue":3}`, body)
	behind = nil
	status, _ = get("/readyz")
	assert.Equal(t, http.StatusOK, status)
	status, _ = get("/healthz")
	assert.Equal(t, http.StatusOK, status)
	status, _ = get("/loans")
	assert.Equal(t, http.StatusTeapot, status)
}

func TestConfigFromFileAndEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tallyd.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("profile: /etc/tallystick/profile.json\nunderwriter:\n  user: svc\nidentity:\n  url: https://tally.bank.example\n  issuer: https://login.bank.example\n  client_id: tallyd\n  users: {a.smith: mona}\n")
	t.Setenv("TALLYD_LISTEN", "127.0.0.1:9000")
	t.Setenv("TALLYD_LIMITS_IN__FLIGHT", "12")
	c, err := LoadConfig(path)
	require.NoError(t, err)
	require.NoError(t, c.Validate())
	assert.Equal(t, "127.0.0.1:9000", c.Listen)
	assert.Equal(t, "svc", c.Underwriter.User)
	assert.Equal(t, map[string]string{"a.smith": "mona"}, c.Identity.Users)
	assert.Equal(t, 12, c.Limits.InFlight)
	assert.Equal(t, "sqlite:/etc/tallystick/service.db", c.dsn())

	write("profile: x\nunderwritter:\n  user: svc\n")
	_, err = LoadConfig(path)
	assert.ErrorContains(t, err, "underwritter.user", "a misspelt setting must not pass for a default")
	_, err = LoadConfig(filepath.Join(t.TempDir(), "absent.yaml"))
	assert.Error(t, err)

	bad := Config{Listen: "0.0.0.0:80", TelemetryEndpoint: "collector", Identity: identity.Config{URL: "tally"}}.Validate()
	for _, field := range []string{"profile", "loopback", "limits.queue", "limits.in_flight", "limits.requests_per_minute", "telemetry_endpoint", "identity.url", "identity.issuer"} {
		assert.ErrorContains(t, bad, field)
	}
}

func TestEverySettingIsKnown(t *testing.T) {
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := prefix + f.Tag.Get("koanf")
			switch {
			case f.Type.Kind() == reflect.Struct:
				walk(key+".", f.Type)
			case f.Type.Kind() == reflect.Map:
				assert.Contains(t, settings, key+".")
			default:
				assert.Contains(t, settings, key)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	guide, err := os.ReadFile("../../docs/service.md")
	require.NoError(t, err)
	for _, key := range settings {
		assert.Contains(t, string(guide), "`"+strings.TrimSuffix(key, ".")+"`", "docs/service.md tells every setting")
	}
}
