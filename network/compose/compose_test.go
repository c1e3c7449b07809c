package compose

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/topology"
)

var update = flag.Bool("update", false, "write golden files")

func testNodes() []*plan.Node {
	ports := map[plan.Port]int{plan.Main: 20000, plan.Operations: 20001, plan.Admin: 20002, plan.Callback: 20003, plan.Spare: 20004}
	st := &plan.State{Dir: "/state/demo", Name: "demo", Backend: plan.Compose, Ports: map[string]map[plan.Port]int{}}
	for _, name := range []string{"ca", "orderer-bankA", "peer-bankA", "chaincode-bankA"} {
		st.Ports[name] = ports
	}
	t := &topology.Topology{Organizations: []topology.Organization{{Name: "bankA", MSPID: "BankAMSP", Orderer: true}}}
	st.Deployed = &plan.Deployment{Version: "abc", Sequence: 1, PackageIDs: map[string]string{"bankA": "tallystick_abc:1"}}
	return plan.New(st, t).Running()
}

func testImages() images {
	return images{hash: "h", tools: "/cache/tools", foreign: map[plan.Kind]bool{}, of: map[plan.Kind]string{
		plan.CA: "tallystick/fabric-ca-server:v", plan.Orderer: "tallystick/orderer:v", plan.Peer: "tallystick/peer:v"}}
}

func TestComposeFile(t *testing.T) {
	t.Setenv("TALLYNET_LOGGING_SPEC", "info")
	got, err := render(testNodes(), testImages(), "1000:1000")
	require.NoError(t, err)
	file := filepath.Join("testdata", "compose.yaml")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "%s is stale: go test ./network/compose -update", file)
}

// A node sees its own folder only, and is reached from this machine only.
func TestContainersAreClosed(t *testing.T) {
	text, err := render(testNodes(), testImages(), "1000:1000")
	require.NoError(t, err)
	var doc document
	require.NoError(t, yaml.Unmarshal(text, &doc))
	require.Len(t, doc.Services, 4)
	for name, s := range doc.Services {
		assert.Equal(t, []string{"/state/demo/nodes/" + name + ":/state/demo/nodes/" + name}, s.Volumes)
		for _, p := range s.Ports {
			assert.Regexp(t, `^127\.0\.0\.1:\d+:\d+$`, p)
		}
		assert.True(t, s.ReadOnly)
	}
}

func TestForeignImagesGetTheTools(t *testing.T) {
	img := testImages()
	img.of[plan.Peer], img.foreign[plan.Peer] = "hyperledger/fabric-peer:3.1.1", true
	text, err := render(testNodes(), img, "0:0")
	require.NoError(t, err)
	var doc document
	require.NoError(t, yaml.Unmarshal(text, &doc))
	s := doc.Services["peer-bankA"]
	assert.Equal(t, []string{"peer", "node", "start"}, s.Entrypoint)
	assert.Contains(t, s.Volumes, "/cache/tools/tallynet:/usr/local/bin/tallynet:ro")
	assert.Contains(t, s.Volumes, "/cache/tools/ccaas:/opt/tallystick/ccaas:ro")
}

func TestDynamicProgramsAreRefused(t *testing.T) {
	sh, err := exec.LookPath("sh")
	require.NoError(t, err)
	assert.ErrorContains(t, checkStatic(sh), "CGO_ENABLED=0")
	file := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(file, []byte("#!"), 0o700))
	assert.ErrorContains(t, checkStatic(file), "Linux program")
}
