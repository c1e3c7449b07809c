package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/network/plan"
)

func call(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	out, _, err = run(args)
	return out, err
}

func run(args []string) (out string, usage bool, err error) {
	var stdout, stderr bytes.Buffer
	a := &app{out: &stdout, err: &stderr}
	root := newRoot(a)
	root.SetArgs(args)
	err = root.ExecuteContext(context.Background())
	return stdout.String(), err != nil && a.isUsage(err), err
}

func TestBadUsageIsTold(t *testing.T) {
	t.Setenv("TALLYNET_STATE", t.TempDir())
	for _, args := range [][]string{
		{"up", "--backend", "podman"},
		{"up", "--ordering", "solo"},
		{"up", "--batch-timeout-millis", "1"},
		{"up", "extra"},
		{"status", "--output", "xml"},
		{"status", "--name", "../x"},
		{"stop"},
		{"topology", "--mermaid", "--yaml"},
		{"probe", "http://x"},
		{"nonsense"},
		{"--nonsense"},
	} {
		_, usage, err := run(args)
		assert.Error(t, err, "%v", args)
		assert.True(t, usage, "%v: %v", args, err)
	}
	_, usage, err := run([]string{"status"})
	assert.Error(t, err)
	assert.False(t, usage, "a network that is absent is no mistake in the command line")
}

func TestAbsentNetwork(t *testing.T) {
	root := t.TempDir()
	t.Setenv("TALLYNET_STATE", root)
	for _, args := range [][]string{{"status"}, {"deploy"}, {"env", "buyer"}, {"logs", "ca"}, {"stop", "ca"}} {
		_, err := call(t, args...)
		assert.ErrorIs(t, err, plan.ErrAbsent, "%v", args)
		assert.ErrorContains(t, err, "tallynet up")
	}
	for _, args := range [][]string{{"down"}, {"reset"}} {
		_, err := call(t, args...)
		assert.NoError(t, err, "%v", args)
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Empty(t, entries, "commands on an absent network leave folders")
}

func TestCommandsOnAStoppedNetwork(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	root := t.TempDir()
	p, err := plan.OpenOrCreate(root, "demo", plan.Wanted{})
	require.NoError(t, err)

	out, err := call(t, "status", "--state", root, "--output", "json")
	require.NoError(t, err)
	var status struct {
		Nodes []struct{ Node, State string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &status))
	assert.Len(t, status.Nodes, 1+4+6)
	for _, n := range status.Nodes {
		assert.Equal(t, "stopped", n.State, n.Node)
	}

	out, err = call(t, "env", "bankA", "--state", root)
	require.NoError(t, err)
	assert.Contains(t, out, "export CORE_PEER_LOCALMSPID='BankAMSP'\n")
	assert.Contains(t, out, "export CORE_PEER_ADDRESS='"+p.PeerOf("bankA").External(plan.Main)+"'\n")
	_, err = call(t, "env", "nobody", "--state", root)
	var usage usageError
	assert.True(t, errors.As(err, &usage))

	_, err = call(t, "stop", "peer-nobody", "--state", root)
	assert.True(t, errors.As(err, &usage))

	_, err = call(t, "reset", "--state", root)
	require.NoError(t, err)
	assert.NoDirExists(t, filepath.Join(root, "demo"))
}

func TestTopologyPictures(t *testing.T) {
	t.Setenv("TALLYNET_STATE", t.TempDir())
	out, err := call(t, "topology", "--mermaid")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(out, "flowchart TB\n"))
	out, err = call(t, "topology")
	require.NoError(t, err)
	assert.Regexp(t, `supplier\s+SupplierMSP\s+true\s+acme\s+amy\s+maker`, out)
}
