// Package lifecycle takes running nodes through what Fabric needs before a transaction can commit: channel, membership,
// and the chaincode's install, approval and commit.
package lifecycle

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/hyperledger/fabric-admin-sdk/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/tallystick/tallystick/network/ca"
	"github.com/tallystick/tallystick/network/plan"
)

// AdminMSP is the MSP folder of an organisation's administrator.
func AdminMSP(p *plan.Plan, org string) string { return p.OrgDir(org, "users", "admin", "msp") }

// Files of an organisation's TLS authority, and of the certificate with which its administrator and its peer call others.
func tlsFiles(p *plan.Plan, org string) (caFile, certFile, keyFile string) {
	return p.OrgDir(org, "tls", "ca.pem"), p.OrgDir(org, "tls", "client.crt"), p.OrgDir(org, "tls", "client.key")
}

// TLSFiles names an organisation's TLS root certificate, client certificate and client key.
func TLSFiles(p *plan.Plan, org string) (caFile, certFile, keyFile string) { return tlsFiles(p, org) }

// ClientTLS is how an organisation's administrator calls one of the organisation's nodes.
func ClientTLS(p *plan.Plan, n *plan.Node) (*tls.Config, error) {
	caFile, certFile, keyFile := tlsFiles(p, n.Org)
	if n.Kind == plan.CA {
		caFile = n.File("tls/ca.pem") // its clients show secrets, not certificates
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate", caFile)
	}
	config := &tls.Config{RootCAs: roots, ServerName: n.Name, MinVersion: tls.VersionTLS12}
	if n.Kind == plan.CA {
		return config, nil
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{cert}
	return config, nil
}

// dial connects to a peer.
func dial(p *plan.Plan, n *plan.Node) (*grpc.ClientConn, error) {
	config, err := ClientTLS(p, n)
	if err != nil {
		return nil, err
	}
	config.Certificates = nil
	return grpc.NewClient(n.External(plan.Main), grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100<<20), grpc.MaxCallSendMsgSize(100<<20)))
}

func admin(p *plan.Plan, org string) (identity.SigningIdentity, error) {
	o, ok := p.Topology.Organization(org)
	if !ok {
		return nil, fmt.Errorf("no organisation %q", org)
	}
	msp := AdminMSP(p, org)
	cert, err := identity.ReadCertificate(ca.CertFile(msp))
	if err != nil {
		return nil, err
	}
	key, err := identity.ReadPrivateKey(ca.KeyFile(msp))
	if err != nil {
		return nil, err
	}
	return identity.NewPrivateKeySigningIdentity(o.MSPID, cert, key)
}

// member is an organisation's administrator, connected to its peer.
type member struct {
	org  string
	peer *plan.Node
	id   identity.SigningIdentity
	conn *grpc.ClientConn
}

// members connects to every organisation's peer. close ends the connections.
func members(p *plan.Plan) (out []*member, close func(), err error) {
	close = func() {
		for _, m := range out {
			m.conn.Close()
		}
	}
	for _, n := range p.Of(plan.Peer) {
		id, err := admin(p, n.Org)
		if err != nil {
			close()
			return nil, nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		conn, err := dial(p, n)
		if err != nil {
			close()
			return nil, nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		out = append(out, &member{org: n.Org, peer: n, id: id, conn: conn})
	}
	return out, close, nil
}

// NodeError says on which node a step failed.
type NodeError struct {
	Node *plan.Node
	Err  error
}

func (e *NodeError) Error() string { return e.Node.Name + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *NodeError) Unwrap() error { return e.Err }

func at(n *plan.Node, err error) error {
	if err == nil {
		return nil
	}
	return &NodeError{Node: n, Err: err}
}
