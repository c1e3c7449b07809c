// Package memory carries an organisation's transactions over a consortium in memory, for tests: the same chaincode, the
// same sessions and the same scenario files as on a real network, without one.
package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallystick/tallystick/chaincode/contract"
	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/block"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/keyring"
	"github.com/tallystick/tallystick/network/topology"
)

// Consortium is a whole one: its ledger, and each organisation's keyring.
type Consortium struct {
	Ledger   *fakeledger.Network
	topology *topology.Topology

	mu       sync.Mutex
	keyrings map[string]*keyring.Keyring
}

// contracts are made once a process: they keep nothing between calls, and making them compiles every schema of theirs, about
// a second.
var contracts = sync.OnceValues(contract.New)

// New starts the organisations and users of the topology over the contracts of this version. The clock stands still until
// the ledger's Advance or SetNow.
func New(t *topology.Topology) *Consortium {
	c := &Consortium{topology: t, keyrings: map[string]*keyring.Keyring{}}
	c.Ledger = fakeledger.New(fakeledger.Config{
		Orgs: c.organisations(), Channel: t.Channel, ChaincodeName: t.Chaincode,
		Chaincode: func() shim.Chaincode {
			cc, err := contracts()
			if err != nil {
				panic(err) // the contracts do not fit the contract API: no test can run
			}
			return cc
		},
	})
	return c
}

// Close stops the organisations.
func (c *Consortium) Close() { c.Ledger.Close() }

func (c *Consortium) organisations() []string {
	var list []string
	for _, org := range c.topology.Organizations {
		list = append(list, org.MSPID)
	}
	slices.Sort(list)
	return list
}

// PartyID is the opaque id of a party of the topology.
func PartyID(alias string) string {
	sum := sha256.Sum256([]byte("memory/" + alias))
	return "p-" + hex.EncodeToString(sum[:8])
}

// Session returns a session of a user of the topology.
func (c *Consortium) Session(org, user string) (*consortium.Session, error) {
	for _, o := range c.topology.Organizations {
		if o.Name != org {
			continue
		}
		for _, m := range o.Members() {
			if m.Name == user {
				return c.session(o, m)
			}
		}
		return nil, fmt.Errorf("organisation %s has no user %q", org, user)
	}
	return nil, fmt.Errorf("the topology has no organisation %q", org)
}

func (c *Consortium) session(o topology.Organization, m topology.Member) (*consortium.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ring, ok := c.keyrings[o.Name]
	if !ok {
		var err error
		if ring, err = keyring.New(); err != nil {
			return nil, err
		}
		c.keyrings[o.Name] = ring
	}
	party := PartyID(m.PartyAlias)
	id := c.Ledger.Identity(o.MSPID, m.Name, map[string]string{"party": party, "roles": strings.Join(m.Roles, ",")})
	user := consortium.User{Name: m.Name, Org: o.Name, MSP: o.MSPID, Party: party, Roles: m.Roles,
		Organisations: c.organisations(), CertificatePEM: id.CertPEM, Sign: id.Sign}
	return consortium.NewSession(&client{ledger: c.Ledger, id: id, user: user, chaincode: c.topology.Chaincode}, ring), nil
}

// maxAgain is how often a query is asked again that a block has come between.
const maxAgain = 5

// client is one user's way to the ledger; it implements consortium.Network.
type client struct {
	ledger    *fakeledger.Network
	id        *fakeledger.Identity
	user      consortium.User
	chaincode string
}

// User implements consortium.Network.
func (c *client) User() consortium.User { return c.user }

// Now implements consortium.Network.
func (c *client) Now() time.Time { return c.ledger.Now() }

// Height is the number of blocks that the ledger has.
func (c *client) Height(context.Context) (uint64, error) { return c.ledger.Height(), nil }

// Evaluate implements consortium.Network.
func (c *client) Evaluate(_ context.Context, p consortium.Proposal) ([]byte, error) {
	for try := 0; ; try++ {
		raw, err := c.ledger.Evaluate(c.id, proposal(p), c.user.MSP)
		// The ledger runs a query twice and compares; a block that comes between the two is no disagreement.
		var differ *fakeledger.MismatchError
		if errors.As(err, &differ) && !differ.SameHeight && try < maxAgain {
			continue
		}
		return raw, translate(err)
	}
}

// Submit implements consortium.Network.
func (c *client) Submit(_ context.Context, p consortium.Proposal) (consortium.Committed, error) {
	done, err := c.ledger.Submit(c.id, proposal(p), p.Endorsers...)
	if err != nil {
		return consortium.Committed{}, translate(err)
	}
	return consortium.Committed{Transaction: done.TxID, Block: done.Block, Result: done.Payload}, nil
}

// Blocks implements consortium.Network.
func (c *client) Blocks(ctx context.Context, from uint64, each func(consortium.Block) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for b := range c.ledger.Blocks(ctx, from) {
		decoded, err := block.Decode(b, c.chaincode)
		if err != nil {
			return err
		}
		if err := each(decoded); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func proposal(p consortium.Proposal) fakeledger.Proposal {
	call := fakeledger.Call(p.Function, p.Args...)
	call.Transient = p.Transient
	return call
}

// translate gives the ledger's errors the meanings that consortium.Network promises.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var committed *fakeledger.CommitError
	if errors.As(err, &committed) {
		switch committed.Code {
		case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT:
			return fmt.Errorf("%w: %s", consortium.ErrConflict, committed.Code)
		case peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE:
			return fault.New(fault.EndorsementFailed, "%s", committed.Reason)
		}
		return err
	}
	// A block that came between two endorsements: as on a real network, nothing was ordered and it may be tried again.
	var differ *fakeledger.MismatchError
	if errors.As(err, &differ) && !differ.SameHeight {
		return fmt.Errorf("%w: %s and %s have different heights", consortium.ErrConflict, differ.First, differ.Second)
	}
	if f := fault.Parse(err.Error()); f != nil {
		return f
	}
	if errors.Is(err, fakeledger.ErrUnavailable) {
		return fmt.Errorf("%w: %s", consortium.ErrUnreachable, err)
	}
	return err
}
