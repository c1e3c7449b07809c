package native

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/network/plan"
)

func sleeper(t *testing.T) *plan.Node {
	t.Helper()
	program, err := exec.LookPath("sleep")
	require.NoError(t, err)
	n := &plan.Node{Name: "sleeper", Kind: plan.Peer, Dir: t.TempDir(), Program: program, Args: []string{"300"}}
	require.NoError(t, launch(n))
	t.Cleanup(func() { stopFile(n.File(pidFile)) })
	return n
}

func TestNodeSurvivesAndEnds(t *testing.T) {
	n := sleeper(t)
	p, err := readProcess(n)
	require.NoError(t, err)
	require.True(t, p.alive())
	group, err := exec.Command("ps", "-o", "pgid=", "-p", strconv.Itoa(p.PID)).Output()
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(p.PID), strings.TrimSpace(string(group)), "the node shares its starter's group and would get its signals")
	require.NoError(t, stopFile(n.File(pidFile)))
	assert.False(t, p.alive())
	assert.NoFileExists(t, n.File(pidFile))
	assert.NoError(t, stopFile(n.File(pidFile)), "stopping what is stopped")
}

// A pid file may outlive its process, and the pid may by then belong to somebody else's.
func TestReusedPidIsNeverKilled(t *testing.T) {
	n := sleeper(t)
	p, err := readProcess(n)
	require.NoError(t, err)
	stale := process{PID: p.PID, Started: "1", Program: p.Program}
	text, err := json.Marshal(stale)
	require.NoError(t, err)
	other := &plan.Node{Dir: t.TempDir()}
	require.NoError(t, os.WriteFile(other.File(pidFile), text, 0o600))
	require.NoError(t, stopFile(other.File(pidFile)))
	assert.True(t, p.alive(), "a process with the same pid and another start time was killed")
	for _, bad := range []process{{}, {PID: p.PID}, {PID: 1, Started: startMark(1)}, {PID: -1, Started: "1"}} {
		assert.False(t, bad.alive(), "%+v", bad)
	}
}

func TestStubbornProcessIsKilled(t *testing.T) {
	sh, err := exec.LookPath("sh")
	require.NoError(t, err)
	n := &plan.Node{Name: "stubborn", Dir: t.TempDir(), Program: sh, Args: []string{"-c", "trap '' TERM; echo ready; while :; do sleep 1; done"}}
	require.NoError(t, launch(n))
	p, err := readProcess(n)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(n.LogFile())
		return strings.Contains(string(text), "ready")
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, p.end(100*time.Millisecond))
	assert.False(t, p.alive())
}

func TestMarkFromStat(t *testing.T) {
	fields := "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"
	assert.Equal(t, "4711", markFromStat([]byte("12 (a) b) c) "+fields)))
	assert.Empty(t, markFromStat([]byte("12 (a) "+strings.Replace(fields, "S", "Z", 1))), "a zombie counts as alive")
	assert.Empty(t, markFromStat([]byte("12 (a")))
	assert.Empty(t, markFromStat(nil))
}

func TestTakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	n := &plan.Node{Name: "peer-x", Kind: plan.Peer, Dir: t.TempDir(), Ports: map[plan.Port]int{plan.Main: port}}
	err = New(nil, nil).Start(context.Background(), []*plan.Node{n})
	assert.ErrorContains(t, err, fmt.Sprintf("peer-x: port %d", port))
}

func TestLogsTail(t *testing.T) {
	n := &plan.Node{Dir: t.TempDir()}
	b := New(nil, nil)
	tail := func(lines int) string {
		var out bytes.Buffer
		require.NoError(t, b.Logs(context.Background(), n, lines, false, &out))
		return out.String()
	}
	assert.Empty(t, tail(3), "no log yet")
	require.NoError(t, os.WriteFile(n.LogFile(), []byte("a\nb\nc\n"), 0o600))
	assert.Equal(t, "b\nc\n", tail(2))
	assert.Equal(t, "a\nb\nc\n", tail(9))
	assert.Empty(t, tail(0))
}

func TestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	require.NoError(t, rotate(path))
	require.NoError(t, os.WriteFile(path, []byte("small"), 0o600))
	require.NoError(t, rotate(path))
	assert.FileExists(t, path)
	require.NoError(t, os.Truncate(path, maxLogBytes))
	require.NoError(t, rotate(path))
	assert.NoFileExists(t, path)
	assert.FileExists(t, path+".1")
}
