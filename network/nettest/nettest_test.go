package nettest

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/tallystick/tallystick/network/consortium"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/profile"
	"github.com/tallystick/tallystick/network/progress"
)

const testChaincode = "./network/testdata/chaincode"

// contract connects a user to the organisation's own peer.
func contract(t *testing.T, p *profile.Profile, user string) *client.Contract {
	t.Helper()
	u, err := p.User(user)
	require.NoError(t, err)
	certPEM, err := os.ReadFile(u.CertFile)
	require.NoError(t, err)
	cert, err := identity.CertificateFromPEM(certPEM)
	require.NoError(t, err)
	id, err := identity.NewX509Identity(p.MSPID, cert)
	require.NoError(t, err)
	keyPEM, err := os.ReadFile(u.KeyFile)
	require.NoError(t, err)
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	require.NoError(t, err)
	sign, err := identity.NewPrivateKeySign(key)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	text, err := os.ReadFile(p.Peer.TLSCAFile)
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(text))
	conn, err := grpc.NewClient(p.Peer.Endpoint, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, p.Peer.TLSServerName)))
	require.NoError(t, err)
	gateway, err := client.Connect(id, client.WithSign(sign), client.WithHash(hash.SHA256), client.WithClientConnection(conn))
	require.NoError(t, err)
	t.Cleanup(func() {
		gateway.Close()
		conn.Close()
	})
	return gateway.GetNetwork(p.Channel).GetContract(p.Chaincode)
}

func submit(t *testing.T, c *client.Contract, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	var err error
	// What a careful client does: until discovery has noticed a dead peer, an endorsement may still be sought there.
	for range 20 {
		if _, err = c.SubmitWithContext(ctx, args[0], client.WithArguments(args[1:]...)); err == nil {
			return
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	require.NoError(t, err)
}

func get(t *testing.T, c *client.Contract, function, key string) string {
	t.Helper()
	value, err := c.EvaluateTransaction(function, key)
	require.NoError(t, err)
	return string(value)
}

func TestNativeNetwork(t *testing.T) {
	n := StartWith(t, Options{ChaincodePackage: testChaincode})
	bank, supplier := n.Orgs["bankA"], n.Orgs["supplier"]
	mona := contract(t, bank, "mona")

	t.Run("certificates carry party and roles, and name nobody", func(t *testing.T) {
		amy, err := supplier.User("amy")
		require.NoError(t, err)
		c := contract(t, supplier, "amy")
		assert.Equal(t, amy.Party, get(t, c, "Attribute", "party"))
		assert.Equal(t, "maker", get(t, c, "Attribute", "roles"))
		adam, _ := supplier.User("adam")
		bea, _ := supplier.User("bea")
		assert.Equal(t, amy.Party, adam.Party)
		assert.NotEqual(t, amy.Party, bea.Party)
		assert.Equal(t, "governor,host,maker", get(t, contract(t, supplier, "hana"), "Attribute", "roles"))
		text, err := os.ReadFile(amy.CertFile)
		require.NoError(t, err)
		block, _ := pem.Decode(text)
		for _, secret := range []string{"amy", "acme"} {
			assert.NotContains(t, strings.ToLower(string(block.Bytes)), secret)
		}
	})

	t.Run("a second up changes nothing", func(t *testing.T) {
		before := pids(t, n)
		_, err := consortium.Up(context.Background(), n.Root, n.Name, plan.Wanted{}, progress.New(nil))
		require.NoError(t, err)
		assert.Equal(t, before, pids(t, n))
	})

	t.Run("one orderer and one peer may fail", func(t *testing.T) {
		submit(t, mona, "Put", "before", "1")
		// The first consenter leads at first: the hardest one to lose.
		n.Stop(t, "orderer-buyer")
		n.Stop(t, "peer-warehouse")
		submit(t, mona, "Put", "during", "2")
		assert.Equal(t, "2", get(t, mona, "Get", "during"))
		n.StartNode(t, "orderer-buyer")
		n.StartNode(t, "peer-warehouse")
		submit(t, mona, "Put", "after", "3")
		warehouse := contract(t, n.Orgs["warehouse"], "wes")
		require.Eventually(t, func() bool {
			value, err := warehouse.EvaluateTransaction("Get", "after")
			return err == nil && string(value) == "3"
		}, time.Minute, 200*time.Millisecond, "the peer does not catch up")
	})

	t.Run("down keeps the ledger and leaves nothing running", func(t *testing.T) {
		running := pids(t, n)
		require.NotEmpty(t, running)
		require.NoError(t, n.net.Down(context.Background()))
		for _, s := range status(t, n) {
			assert.Equal(t, "stopped", s.State, s.Node)
		}
		for _, line := range running {
			var node string
			var pid int
			_, err := fmt.Sscanf(line, "%s pid %d", &node, &pid)
			require.NoError(t, err, line)
			assert.Eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) },
				10*time.Second, 20*time.Millisecond, "%s still runs", line)
		}
		again, err := consortium.Up(context.Background(), n.Root, n.Name, plan.Wanted{}, progress.New(nil))
		require.NoError(t, err)
		n.net = again
		require.Eventually(t, func() bool {
			value, err := mona.EvaluateTransaction("Get", "after")
			return err == nil && string(value) == "3"
		}, time.Minute, 200*time.Millisecond)
	})

	t.Run("the same program again is no new sequence, another one is", func(t *testing.T) {
		n.Deploy(t, testChaincode)
		assert.EqualValues(t, 1, n.net.Deployed.Sequence)
		n.Deploy(t, "./network/testdata/upgrade")
		assert.EqualValues(t, 2, n.net.Deployed.Sequence)
		assert.Equal(t, "3", get(t, mona, "Read", "after"))
		for _, s := range status(t, n) {
			assert.Equal(t, "serving", s.State, "%s %s", s.Node, s.Reason)
			assert.NotContains(t, s.Node, "-v1", "the old version still runs")
		}
	})
}

func TestRaftNetwork(t *testing.T) {
	n := StartWith(t, Options{ChaincodePackage: testChaincode, Ordering: plan.Raft})
	c := contract(t, n.Orgs["bankB"], "nils")
	submit(t, c, "Put", "k", "v")
	assert.Equal(t, "v", get(t, c, "Get", "k"))
}

func TestComposeNetwork(t *testing.T) {
	n := StartWith(t, Options{ChaincodePackage: testChaincode, Backend: plan.Compose})
	c := contract(t, n.Orgs["regulator"], "reg")
	submit(t, c, "Put", "k", "v")
	n.Stop(t, "orderer-bankB")
	submit(t, c, "Put", "k", "w")
	assert.Equal(t, "w", get(t, c, "Get", "k"))
	n.StartNode(t, "orderer-bankB")
	n.Deploy(t, "./network/testdata/upgrade")
	assert.Equal(t, "w", get(t, c, "Read", "k"))
}

// A killed test leaves its network behind; the next one wipes it.
func TestSweep(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	root, err := stateRoot()
	require.NoError(t, err)
	for name, owner := range map[string]string{"tdead": `{"pid":1,"started":"0"}`, "talive": ""} {
		p, err := plan.OpenOrCreate(root, name, plan.Wanted{})
		require.NoError(t, err)
		require.NoError(t, writeOwner(p.Dir))
		if owner != "" {
			require.NoError(t, os.WriteFile(p.Dir+"/"+ownerFile, []byte(owner), 0o600))
		}
	}
	require.NoError(t, sweep(context.Background(), root))
	assert.NoDirExists(t, root+"/tdead")
	assert.DirExists(t, root+"/talive")
}

func status(t *testing.T, n *Network) []consortium.Status {
	t.Helper()
	rows, err := n.net.Status(context.Background())
	require.NoError(t, err)
	return rows
}

func pids(t *testing.T, n *Network) []string {
	t.Helper()
	var out []string
	for _, s := range status(t, n) {
		out = append(out, fmt.Sprint(s.Node, " ", s.As))
	}
	return out
}
