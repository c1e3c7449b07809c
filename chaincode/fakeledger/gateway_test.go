package fakeledger

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// dial connects the real client to an organisation's gateway.
func (f *fixture) dial(g *Gateway, user *Identity) *client.Network {
	f.t.Helper()
	connection, end, err := g.Dial()
	require.NoError(f.t, err)
	f.t.Cleanup(end)
	id, err := identity.NewX509Identity(user.MSPID, user.Certificate)
	require.NoError(f.t, err)
	sign, err := identity.NewPrivateKeySign(user.Key)
	require.NoError(f.t, err)
	gw, err := client.Connect(id, client.WithSign(sign), client.WithHash(hash.SHA256), client.WithClientConnection(connection))
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = gw.Close() })
	return gw.GetNetwork(f.Channel())
}

// The real client works with it: what fabric-gateway makes is accepted here, and what this makes is accepted there.
func TestFabricGatewayWorksOverIt(t *testing.T) {
	f := start(t, func(c *Config) { c.Now = time.Now })
	network := f.dial(f.Gateway("A"), f.user)
	contract := network.GetContract(f.ChaincodeName())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events, err := network.ChaincodeEvents(ctx, f.ChaincodeName())
	require.NoError(t, err)
	blocks, err := network.BlockEvents(ctx, client.WithStartBlock(0))
	require.NoError(t, err)

	result, err := contract.SubmitWithContext(ctx, "run", client.WithArguments("put k 1", "get k", "event paid e-1", "who"))
	require.NoError(t, err)
	assert.Equal(t, []string{"nil", "A", "p-1", "true"}, list(t, result))
	result, err = contract.EvaluateWithContext(ctx, "run", client.WithArguments("get k"))
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, list(t, result))

	event := <-events
	assert.Equal(t, "paid", event.EventName)
	assert.Equal(t, uint64(1), event.BlockNumber)
	assert.Equal(t, uint64(0), (<-blocks).GetHeader().GetNumber())
	assert.Equal(t, uint64(1), (<-blocks).GetHeader().GetNumber())

	for range 3 {
		_, err = contract.SubmitTransaction("run", "event more e-2")
		require.NoError(t, err)
	}
	checkpoint := new(client.InMemoryCheckpointer)
	checkpoint.CheckpointChaincodeEvent(event)
	again, err := network.ChaincodeEvents(ctx, f.ChaincodeName(), client.WithCheckpoint(checkpoint))
	require.NoError(t, err)
	assert.Equal(t, "more", (<-again).EventName, "after means without it")
	assert.Equal(t, "more", (<-events).EventName)
}

func TestErrorsReachFabricGatewayAsFromARealPeer(t *testing.T) {
	f := start(t, func(c *Config) { c.Now = time.Now })
	g := f.Gateway("A")
	contract := f.dial(g, f.user).GetContract(f.ChaincodeName())

	_, err := contract.SubmitTransaction("run", "nonsense")
	var endorse *client.EndorseError
	require.ErrorAs(t, err, &endorse)
	assert.Equal(t, codes.Aborted, status.Code(err))
	assert.Equal(t, "chaincode response 500, nonsense: no such step", details(t, err)[0].GetMessage())
	assert.Equal(t, "A", details(t, err)[0].GetMspId())

	_, err = contract.EvaluateTransaction("run", "nonsense")
	assert.Equal(t, codes.Unknown, status.Code(err))
	assert.ErrorContains(t, err, "evaluate call to endorser returned error: chaincode response 500, nonsense: no such step")

	_, err = contract.SubmitTransaction("run", "instance")
	require.ErrorAs(t, err, &endorse)
	assert.Contains(t, details(t, err)[0].GetMessage(), "ProposalResponsePayloads do not match")

	proposal, err := contract.NewProposal("run", client.WithArguments("get k"))
	require.NoError(t, err)
	first, err := proposal.Endorse()
	require.NoError(t, err)
	_, err = contract.SubmitTransaction("run", "put k 1")
	require.NoError(t, err)
	commit, err := first.Submit()
	require.NoError(t, err)
	outcome, err := commit.Status()
	require.NoError(t, err)
	assert.False(t, outcome.Successful)
	assert.Equal(t, mvcc, outcome.Code)

	f.Stop("A")
	_, err = contract.EvaluateTransaction("run", "get k")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	f.Start("A")
	f.Stop("B")
	f.Stop("C")
	_, err = contract.SubmitTransaction("run", "get k")
	assert.ErrorContains(t, errors.Join(err, errors.New(details(t, err)[0].GetMessage())), "no combination of peers can be derived")
	_, err = contract.Submit("run", client.WithArguments("get k"), client.WithEndorsingOrganizations("A", "B"))
	assert.Equal(t, codes.Unavailable, status.Code(err))
}

func TestGatewayChoosesEndorsersThatSuffice(t *testing.T) {
	f := start(t, func(c *Config) { c.Now = time.Now })
	contract := f.dial(f.Gateway("A"), f.user).GetContract(f.ChaincodeName())
	_, err := contract.SubmitTransaction("run", "put k 1", "policy k B C")
	require.NoError(t, err)
	_, err = contract.SubmitTransaction("run", "put k 2")
	require.NoError(t, err, "the key needs B and C")
	_, err = contract.Submit("run", client.WithArguments("put k 3"), client.WithEndorsingOrganizations("A", "B"))
	var commit *client.CommitError
	require.ErrorAs(t, err, &commit)
	assert.Equal(t, policy, commit.Code)

	f = start(t, func(c *Config) { c.Now, c.Orgs = time.Now, []string{"A", "B", "C", "D"} })
	contract = f.dial(f.Gateway("A"), f.user).GetContract(f.ChaincodeName())
	_, err = contract.SubmitTransaction("run", "put k 1", "policy k D")
	require.NoError(t, err)
	_, err = contract.SubmitTransaction("run", "put k 2 asked-of-few")
	require.NoError(t, err)
	for org, asked := range map[string]bool{"A": true, "B": false, "C": false, "D": true} {
		proposals := slices.ContainsFunc(f.org(org).seen, func(b []byte) bool { return bytes.Contains(b, []byte("asked-of-few")) })
		assert.Equal(t, asked, proposals, org)
	}
}

// A client that is told of an error may have been heard all the same: submit once must survive both.
func TestSubmissionsThatFailBeforeAndAfter(t *testing.T) {
	f := start(t, func(c *Config) { c.Now = time.Now })
	g := f.Gateway("A")
	contract := f.dial(g, f.user).GetContract(f.ChaincodeName())
	lost := status.Error(codes.Unavailable, "no orderers could successfully process transaction")
	g.BeforeSubmit = func(*common.Envelope) error { return lost }
	_, err := contract.SubmitTransaction("run", "put k 1")
	var submit *client.SubmitError
	require.ErrorAs(t, err, &submit)
	_, known := f.Status(submit.TransactionID)
	assert.False(t, known)

	g.BeforeSubmit, g.AfterSubmit = nil, func(*common.Envelope) error { return lost }
	_, err = contract.SubmitTransaction("run", "put k 1")
	require.ErrorAs(t, err, &submit)
	result, known := f.Status(submit.TransactionID)
	assert.True(t, known)
	assert.Equal(t, valid, result.Code)
}

func TestCommitStatusWaitsForTheBlock(t *testing.T) {
	f := start(t, func(c *Config) { c.Now = time.Now })
	g := f.Gateway("A")
	g.ManualCut = true
	contract := f.dial(g, f.user).GetContract(f.ChaincodeName())
	proposal, err := contract.NewProposal("run", client.WithArguments("put k 1"))
	require.NoError(t, err)
	tx, err := proposal.Endorse()
	require.NoError(t, err)
	commit, err := tx.Submit()
	require.NoError(t, err)
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = commit.StatusWithContext(short)
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))

	f.Pause("A")
	f.Cut()
	short, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = commit.StatusWithContext(short)
	require.Equal(t, codes.DeadlineExceeded, status.Code(err), "the peer does not have the block yet")
	f.Resume("A")
	outcome, err := commit.Status()
	require.NoError(t, err)
	assert.True(t, outcome.Successful)
}

func details(t *testing.T, err error) []*gateway.ErrorDetail {
	t.Helper()
	var list []*gateway.ErrorDetail
	for _, d := range status.Convert(err).Details() {
		if e, ok := d.(*gateway.ErrorDetail); ok {
			list = append(list, e)
		}
	}
	require.NotEmpty(t, list, "%v", err)
	return list
}
