package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

func TestConfigFromFileAndEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tallyd.yaml")
	require.NoError(t, os.WriteFile(path, []byte("profile: /etc/tallystick/profile.json\nunderwriter:\n  user: svc\n"), 0o600))
	t.Setenv("TALLYD_LISTEN", "127.0.0.1:9000")
	c, err := LoadConfig(path)
	require.NoError(t, err)
	assert.Equal(t, Config{Profile: "/etc/tallystick/profile.json", Listen: "127.0.0.1:9000", Underwriter: Underwriter{User: "svc"}}, c)
	require.NoError(t, c.Validate())

	bad := Config{Listen: "0.0.0.0:80"}.Validate()
	assert.ErrorContains(t, bad, "profile")
	assert.ErrorContains(t, bad, "loopback")
	_, err = LoadConfig(filepath.Join(t.TempDir(), "absent.yaml"))
	assert.Error(t, err)
}
