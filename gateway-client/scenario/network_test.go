package scenario_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/network/nettest"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/profile"
)

// The orderer and the peer that fail in the middle of the main job. No record of it needs the warehouse's peer to endorse,
// and three of four orderers agree without the fourth.
const (
	failingOrderer = "orderer-buyer"
	failingPeer    = "peer-warehouse"
)

func TestMainJobOnTheNativeNetwork(t *testing.T) {
	n := nettest.Start(t)
	playMainJob(t, n)
	searchAsOutsider(t, n)
}

func TestMainJobInContainers(t *testing.T) {
	playMainJob(t, nettest.StartWith(t, nettest.Options{Backend: plan.Compose}))
}

// playMainJob plays the scenario with the bank's underwriter beside it, and lets nodes fail on the way.
func playMainJob(t *testing.T, n *nettest.Network) {
	t.Helper()
	sessions := onNetwork(t, n)
	underwrite(t, session(t, sessions, "bankA", "svc"))
	runner := playing(t, n, sessions)
	runner.Marked = func(_ context.Context, mark string, _ map[string]string) error {
		switch mark {
		case "nodes fail":
			n.Stop(t, failingOrderer)
			n.Stop(t, failingPeer)
		case "nodes return":
			n.StartNode(t, failingOrderer)
			n.StartNode(t, failingPeer)
		}
		return nil
	}
	_, err := runner.Run(t.Context(), mainJob)
	require.NoError(t, err)
}

// onNetwork opens sessions of the network's users.
func onNetwork(t testing.TB, n *nettest.Network) *cli.Sessions {
	t.Helper()
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		return fabric.OpenSession(n.Orgs[who.Org], who.User, filepath.Join(n.Dir, "orgs", who.Org))
	}}
	t.Cleanup(func() { require.NoError(t, sessions.Close()) })
	return sessions
}

func session(t *testing.T, sessions *cli.Sessions, org, user string) *consortium.Session {
	t.Helper()
	s, _, err := sessions.Get(t.Context(), cli.Who{Org: org, User: user})
	require.NoError(t, err)
	return s
}

// partiesOf gives every party of the network a variable, as tally scenario run does.
func partiesOf(n *profile.Network) map[string]string {
	vars := map[string]string{"network": n.Name}
	for _, p := range n.Orgs {
		for _, u := range p.Users {
			vars["party_"+u.PartyAlias] = u.Party
		}
	}
	return vars
}

// searchAsOutsider reads, as bank B, every byte of every block and the logs of its own nodes, and finds no secret; and lets
// the regulator open everything.
func searchAsOutsider(t *testing.T, n *nettest.Network) {
	t.Helper()
	outsider, end, err := fabric.OpenSession(n.Orgs["bankB"], "greta", filepath.Join(n.Dir, "orgs", "bankB"))
	require.NoError(t, err)
	defer func() { require.NoError(t, end()) }()
	raw := outsider.Network.(*fabric.Gateway)
	height, err := raw.Height(t.Context())
	require.NoError(t, err)
	err = raw.RawBlocks(t.Context(), 0, func(b *common.Block) error {
		bytesOf, err := proto.Marshal(b)
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			require.False(t, bytes.Contains(bytesOf, []byte(secret)), "block %d holds %q", b.GetHeader().GetNumber(), secret)
		}
		if b.GetHeader().GetNumber() >= height-1 {
			return errEnough
		}
		return nil
	})
	require.ErrorIs(t, err, errEnough)
	for _, node := range []string{"peer-bankB", "orderer-bankB", "chaincode-bankB"} {
		log := n.Log(t, node, 1_000_000)
		for _, secret := range secrets {
			require.NotContains(t, log, secret, "the log of %s", node)
		}
	}
	regulator, endRegulator, err := fabric.OpenSession(n.Orgs["regulator"], "reg", filepath.Join(n.Dir, "orgs", "regulator"))
	require.NoError(t, err)
	defer func() { require.NoError(t, endRegulator()) }()
	require.NoError(t, regulator.Await(t.Context(), height-1))
	opensAll(t, regulator, outsider, height-1)
}
