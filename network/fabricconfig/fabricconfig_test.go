package fabricconfig

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/topology"
)

var update = flag.Bool("update", false, "write golden files")

// testPlan has fixed ports: 20000 and up, ten to a node.
func testPlan(backend plan.Backend, ordering plan.Ordering) *plan.Plan {
	st := &plan.State{Dir: "/state/demo", Name: "demo", Backend: backend, Ordering: ordering, BatchTimeoutMillis: 200,
		Seed: "5eed", Ports: map[string]map[plan.Port]int{}}
	t := topology.Default()
	next := 20000
	for _, n := range plan.New(st, t).Nodes {
		st.Ports[n.Name] = map[plan.Port]int{
			plan.Main: next, plan.Operations: next + 1, plan.Admin: next + 2, plan.Callback: next + 3,
		}
		next += 10
	}
	return plan.New(st, t)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "%s is stale: go test ./network/fabricconfig -update", file)
}

// The samples are Fabric's; what we put over them is what these files hold.
func TestRenderedConfiguration(t *testing.T) {
	for _, backend := range []plan.Backend{plan.Native, plan.Compose} {
		p := testPlan(backend, plan.SmartBFT)
		text, err := Core([]byte("{}"), p, p.PeerOf("bankA"), "/cache/ccaas")
		require.NoError(t, err)
		golden(t, "core-"+string(backend)+".yaml", text)
		text, err = Orderer([]byte("{}"), p.Of(plan.Orderer)[2])
		require.NoError(t, err)
		golden(t, "orderer-"+string(backend)+".yaml", text)
		files, err := CAServer(p, p.Of(plan.CA)[0])
		require.NoError(t, err)
		assert.Len(t, files, 6)
		golden(t, "fabric-ca-"+string(backend)+".yaml", files["fabric-ca-server-config.yaml"])
	}
	for _, ordering := range []plan.Ordering{plan.SmartBFT, plan.Raft} {
		text, err := Configtx(testPlan(plan.Native, ordering))
		require.NoError(t, err)
		golden(t, "configtx-"+string(ordering)+".yaml", text)
	}
	text, err := Configtx(testPlan(plan.Compose, plan.SmartBFT))
	require.NoError(t, err)
	golden(t, "configtx-compose.yaml", text)
}

func TestOverlayKeepsTheRest(t *testing.T) {
	text, err := overlay([]byte("a: {b: 1, c: [1, 2], d: 4}\ne: 5\n"), tree{"a": tree{"b": 2, "c": []int{3}, "x": tree{"y": 1}}})
	require.NoError(t, err)
	var got tree
	require.NoError(t, yaml.Unmarshal(text, &got))
	assert.Equal(t, tree{"a": tree{"b": 2, "c": []any{3}, "d": 4, "x": tree{"y": 1}}, "e": 5}, got)
	_, err = overlay([]byte("- a list"), tree{})
	assert.Error(t, err)
}

func TestEndorsementPolicy(t *testing.T) {
	assert.Equal(t, "OutOf(2, 'BuyerMSP.peer', 'SupplierMSP.peer', 'BankAMSP.peer', 'BankBMSP.peer', 'WarehouseMSP.peer', 'RegulatorMSP.peer')",
		EndorsementPolicy(topology.Default()))
}

func TestSecretsDiffer(t *testing.T) {
	p := testPlan(plan.Native, plan.SmartBFT)
	assert.NotEqual(t, Secret(p, "bankA", RegistrarID), Secret(p, "bankB", RegistrarID))
}

func TestCommands(t *testing.T) {
	t.Setenv("TALLYNET_LOGGING_SPEC", "")
	p := testPlan(plan.Native, plan.SmartBFT)
	program := func(name string) string { return "/bin/" + name }
	n := p.PeerOf("buyer")
	Command(n, program)
	assert.Equal(t, "/bin/peer", n.Program)
	assert.Contains(t, n.Env, "FABRIC_CFG_PATH=/state/demo/nodes/peer-buyer")
	assert.Contains(t, n.Env, "FABRIC_LOGGING_SPEC="+DefaultLogging)
	p.Ports["chaincode-buyer"] = map[plan.Port]int{plan.Main: 30000, plan.Spare: 30001}
	cc := p.ChaincodeNodes(&plan.Deployment{Version: "v", Sequence: 2, PackageIDs: map[string]string{"buyer": "tallystick_v:1"}})[0]
	Command(cc, program)
	assert.Equal(t, []string{
		"CHAINCODE_SERVER_ADDRESS=127.0.0.1:30001",
		"CHAINCODE_ID=tallystick_v:1",
		"CHAINCODE_TLS_KEY=/state/demo/nodes/chaincode-buyer-v2/tls/server.key",
		"CHAINCODE_TLS_CERT=/state/demo/nodes/chaincode-buyer-v2/tls/server.crt",
		"CHAINCODE_TLS_CLIENT_CA=/state/demo/nodes/chaincode-buyer-v2/tls/ca.pem",
	}, cc.Env)
}
