package lifecycle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hyperledger/fabric-admin-sdk/pkg/chaincode"
	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	peerlifecycle "github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/network/ca"
	"github.com/tallystick/tallystick/network/ccaas"
	"github.com/tallystick/tallystick/network/fabricconfig"
	"github.com/tallystick/tallystick/network/plan"
)

// Definition is what every organisation approves: the version is the program's hash, so that organisations agree on
// the same program.
type Definition struct {
	Name    string
	Version string
	Policy  *peer.ApplicationPolicy
}

// NewDefinition is the definition of a chaincode program on the network.
func NewDefinition(p *plan.Plan, version string) (*Definition, error) {
	policy, err := chaincode.NewApplicationPolicy(fabricconfig.EndorsementPolicy(p.Topology), "")
	if err != nil {
		return nil, err
	}
	return &Definition{Name: p.Topology.Chaincode, Version: version, Policy: policy}, nil
}

// Committed is the definition that stands on the channel; nil where there is none.
type Committed = peerlifecycle.QueryChaincodeDefinitionResult

// Sequence finds the lifecycle sequence of a definition: the committed one if nothing differs, else the next.
func Sequence(committed *Committed, want *Definition) (sequence int64, same bool, err error) {
	if committed == nil {
		return 1, false, nil
	}
	policy := &peer.ApplicationPolicy{}
	if err := proto.Unmarshal(committed.GetValidationParameter(), policy); err != nil {
		return 0, false, fmt.Errorf("the committed endorsement policy: %w", err)
	}
	if committed.GetVersion() == want.Version && proto.Equal(policy, want.Policy) {
		return committed.GetSequence(), true, nil
	}
	return committed.GetSequence() + 1, false, nil
}

// ProgramVersion is the version of a chaincode program: the first 12 hex digits of its SHA-256.
func ProgramVersion(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// QueryCommitted returns the definition on the channel, nil where there is none. It asks one peer after another, so
// that one that is down does not matter.
func QueryCommitted(ctx context.Context, p *plan.Plan) (*Committed, error) {
	all, closeAll, err := members(p)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	var errs []error
	for _, m := range all {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		result, err := chaincode.NewGateway(m.conn, m.id).QueryCommittedWithName(ctx, p.Topology.Channel, p.Topology.Chaincode)
		if err == nil {
			return result, nil
		}
		if notDefined(err) {
			return nil, nil
		}
		errs = append(errs, at(m.peer, err))
	}
	return nil, errors.Join(errs...)
}

// notDefined recognises the peer's answer for a name that has no definition; it has no code of its own.
func notDefined(err error) bool {
	text := err.Error()
	if s, ok := status.FromError(err); ok {
		text += fmt.Sprint(s.Details())
	}
	return strings.Contains(text, "is not defined")
}

// MakePackages prepares a sequence of the chaincode for every organisation: certificates of its server, and the package
// that tells the organisation's peer where the server is. It fills in the deployment's package ids.
func MakePackages(p *plan.Plan, d *plan.Deployment) (map[string][]byte, error) {
	packages := map[string][]byte{}
	d.PackageIDs = map[string]string{}
	label := p.Topology.Chaincode + "_" + d.Version
	for _, n := range p.ChaincodeNodes(d) {
		authority, err := ca.OpenTLSAuthority(p.OrgDir(n.Org, "tls"), "tls."+n.Org)
		if err != nil {
			return nil, err
		}
		if err := IssueNodeTLS(authority, n); err != nil {
			return nil, err
		}
		caFile, certFile, keyFile := tlsFiles(p, n.Org)
		var pems [3]string
		for i, name := range []string{caFile, certFile, keyFile} {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			pems[i] = string(text)
		}
		pkg, err := ccaas.Package(label, ccaas.Connection{
			Address: n.Internal(plan.Main), DialTimeout: "10s",
			TLSRequired: true, ClientAuthRequired: true, RootCert: pems[0], ClientCert: pems[1], ClientKey: pems[2],
		})
		if err != nil {
			return nil, err
		}
		packages[n.Org] = pkg
		d.PackageIDs[n.Org] = chaincode.GetPackageID(label, pkg)
	}
	return packages, nil
}

// IssueNodeTLS gives a node its TLS certificate and its organisation's TLS root.
func IssueNodeTLS(authority *ca.TLSAuthority, n *plan.Node) error {
	err := authority.Issue(n.File(fabricconfig.TLSCert), n.File(fabricconfig.TLSKey), n.Name, n.Name, "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(authority.CertFile)
	if err != nil || filepath.Clean(authority.CertFile) == n.File(fabricconfig.TLSCA) {
		return err
	}
	return plan.WriteFile(n.File(fabricconfig.TLSCA), text, 0o644)
}

// Install installs each organisation's package on its peer, unless it is there.
func Install(ctx context.Context, p *plan.Plan, d *plan.Deployment, packages map[string][]byte) error {
	return eachMember(p, func(m *member) error {
		target := chaincode.NewPeer(m.conn, m.id)
		installed, err := target.QueryInstalled(ctx)
		if err != nil {
			return err
		}
		for _, have := range installed.GetInstalledChaincodes() {
			if have.GetPackageId() == d.PackageIDs[m.org] {
				return nil
			}
		}
		got, err := target.Install(ctx, bytes.NewReader(packages[m.org]))
		if err != nil {
			return err
		}
		if got.GetPackageId() != d.PackageIDs[m.org] {
			return fmt.Errorf("the peer calls the package %s, not %s", got.GetPackageId(), d.PackageIDs[m.org])
		}
		return nil
	})
}

// Approve lets each organisation approve the definition, unless it has. A definition that is committed already is
// approved again, which tells the peer its package.
func Approve(ctx context.Context, p *plan.Plan, def *Definition, d *plan.Deployment, committed bool) error {
	return eachMember(p, func(m *member) error {
		gateway := chaincode.NewGateway(m.conn, m.id)
		want := definition(p, def, d, m.org)
		if approvedPackage(ctx, gateway, want) {
			if committed {
				return nil
			}
			ready, err := gateway.CheckCommitReadiness(ctx, want)
			if err != nil {
				return err
			}
			if ready.GetApprovals()[m.id.MspID()] {
				return nil
			}
		}
		return gateway.Approve(ctx, want)
	})
}

func approvedPackage(ctx context.Context, gateway *chaincode.Gateway, want *chaincode.Definition) bool {
	have, err := gateway.QueryApproved(ctx, want.ChannelName, want.Name, want.Sequence)
	return err == nil && have.GetSource().GetLocalPackage().GetPackageId() == want.PackageID
}

// WaitReady returns when the peers of all organisations know the approvals of all.
func WaitReady(ctx context.Context, p *plan.Plan, def *Definition, d *plan.Deployment) error {
	return eachMember(p, func(m *member) error {
		return wait(ctx, func() error {
			ready, err := chaincode.NewGateway(m.conn, m.id).CheckCommitReadiness(ctx, definition(p, def, d, m.org))
			if err != nil {
				return err
			}
			var missing []string
			for _, o := range p.Topology.Organizations {
				if !ready.GetApprovals()[o.MSPID] {
					missing = append(missing, o.Name)
				}
			}
			if len(missing) > 0 {
				return fmt.Errorf("not approved by %s", strings.Join(missing, ", "))
			}
			return nil
		})
	})
}

// Commit commits the definition through the first organisation's peer.
func Commit(ctx context.Context, p *plan.Plan, def *Definition, d *plan.Deployment) error {
	all, closeAll, err := members(p)
	if err != nil {
		return err
	}
	defer closeAll()
	m := all[0]
	return at(m.peer, chaincode.NewGateway(m.conn, m.id).Commit(ctx, definition(p, def, d, "")))
}

func definition(p *plan.Plan, def *Definition, d *plan.Deployment, org string) *chaincode.Definition {
	return &chaincode.Definition{
		ChannelName: p.Topology.Channel, Name: def.Name, Version: def.Version, Sequence: d.Sequence,
		ApplicationPolicy: def.Policy, PackageID: d.PackageIDs[org],
	}
}

// ping is a function that the network's chaincode must have: it takes nothing, writes nothing and answers every caller the
// same. The contract API's own GetMetadata will not do: two processes list a large contract in different orders.
const ping = "ping"

// endorsePatience is how long a new chaincode may take until all peers know that all have it.
const endorsePatience = 60 * time.Second

// WaitEndorsed returns when every pair of organisations endorses a transaction through the gateway of one of them, and one
// such transaction has committed.
func WaitEndorsed(ctx context.Context, p *plan.Plan) error {
	ctx, cancel := context.WithTimeout(ctx, endorsePatience)
	defer cancel()
	all, closeAll, err := members(p)
	if err != nil {
		return err
	}
	defer closeAll()
	var g errgroup.Group
	for i, m := range all {
		gateway, err := client.Connect(m.id, client.WithSign(m.id.Sign), client.WithHash(hash.NONE), client.WithClientConnection(m.conn))
		if err != nil {
			return at(m.peer, err)
		}
		defer gateway.Close()
		contract := gateway.GetNetwork(p.Topology.Channel).GetContract(p.Topology.Chaincode)
		for j := i + 1; j < len(all); j++ {
			other := all[j]
			g.Go(func() error {
				return at(m.peer, wait(ctx, func() error {
					return endorsed(ctx, contract, i == 0 && j == 1, m.id.MspID(), other.id.MspID())
				}))
			})
		}
	}
	return g.Wait()
}

func endorsed(ctx context.Context, contract *client.Contract, commit bool, mspIDs ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	proposal, err := contract.NewProposal(ping, client.WithEndorsingOrganizations(mspIDs...))
	if err != nil {
		return err
	}
	tx, err := proposal.EndorseWithContext(ctx)
	if err != nil || !commit {
		return err
	}
	sent, err := tx.SubmitWithContext(ctx)
	if err != nil {
		return err
	}
	result, err := sent.StatusWithContext(ctx)
	if err == nil && !result.Successful {
		err = fmt.Errorf("transaction %s: %s", result.TransactionID, result.Code)
	}
	return err
}

func eachMember(p *plan.Plan, do func(*member) error) error {
	all, closeAll, err := members(p)
	if err != nil {
		return err
	}
	defer closeAll()
	var g errgroup.Group
	for _, m := range all {
		g.Go(func() error { return at(m.peer, do(m)) })
	}
	return g.Wait()
}
