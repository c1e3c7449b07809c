// Package fabric carries an organisation's transactions over its peer's gateway. It is the only package that imports
// fabric-gateway.
package fabric

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/network/profile"
)

// Timeouts of the gateway's stages. An endorsement may wait for another organisation's peer, a commit for a change of the
// ordering leader.
const (
	evaluateTimeout     = 15 * time.Second
	endorseTimeout      = 30 * time.Second
	submitTimeout       = 15 * time.Second
	commitStatusTimeout = 60 * time.Second
	maxMessageBytes     = 64 << 20
)

// Gateway is a connection of one user to the peer of its organisation. It implements consortium.Network.
type Gateway struct {
	profile *profile.Profile
	user    consortium.User
	conn    *grpc.ClientConn
	gateway *client.Gateway
	outbox  string

	endSigner func() error
}

// Connect opens a connection for the profile's user of the name. Signed envelopes are kept in the outbox folder until
// their fate is known. Nothing is sent yet.
func Connect(p *profile.Profile, userName, outbox string) (*Gateway, error) {
	entry, err := p.User(userName)
	if err != nil {
		return nil, err
	}
	user, id, key, err := load(p, entry)
	if err != nil {
		return nil, fmt.Errorf("user %s of %s: %w", userName, p.Org, err)
	}
	g, err := connect(p, user, id, key.sign, outbox)
	if err != nil {
		return nil, errors.Join(err, key.close())
	}
	g.endSigner = key.close
	return g, nil
}

func connect(p *profile.Profile, user consortium.User, id identity.Identity, sign identity.Sign, outbox string) (*Gateway, error) {
	if err := os.MkdirAll(outbox, 0o700); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	conn, err := dial(p.Peer)
	if err != nil {
		return nil, err
	}
	return over(conn, p, user, id, sign, outbox)
}

// over makes a gateway of a connection, which it closes in the end.
func over(conn *grpc.ClientConn, p *profile.Profile, user consortium.User, id identity.Identity, sign identity.Sign, outbox string) (*Gateway, error) {
	gw, err := client.Connect(id, client.WithSign(sign), client.WithClientConnection(conn),
		client.WithEvaluateTimeout(evaluateTimeout), client.WithEndorseTimeout(endorseTimeout),
		client.WithSubmitTimeout(submitTimeout), client.WithCommitStatusTimeout(commitStatusTimeout))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("gateway of %s: %w", p.Org, err), conn.Close())
	}
	return &Gateway{profile: p, user: user, conn: conn, gateway: gw, outbox: outbox, endSigner: func() error { return nil }}, nil
}

// Close ends the connection.
func (g *Gateway) Close() error { return errors.Join(g.gateway.Close(), g.conn.Close(), g.endSigner()) }

// User implements consortium.Network.
func (g *Gateway) User() consortium.User { return g.user }

// Now implements consortium.Network: the machine's clock, in UTC.
func (g *Gateway) Now() time.Time { return time.Now().UTC() }

func dial(node profile.Node) (*grpc.ClientConn, error) {
	pem, err := os.ReadFile(node.TLSCAFile)
	if err != nil {
		return nil, fmt.Errorf("TLS authority of %s: %w", node.Name, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("TLS authority of %s: no certificate in %s", node.Name, node.TLSCAFile)
	}
	return grpc.NewClient(node.Endpoint,
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(pool, node.TLSServerName)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 2 * time.Minute, Timeout: 20 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)))
}

// load makes the user and its identity of what the profile says. The signer must be closed.
func load(p *profile.Profile, entry profile.User) (consortium.User, identity.Identity, signer, error) {
	user := consortium.User{Name: entry.Name, Org: p.Org, MSP: p.MSPID, Party: entry.Party, Roles: entry.Roles}
	for _, node := range p.Peers {
		user.Organisations = append(user.Organisations, node.MSPID)
	}
	slices.Sort(user.Organisations)
	certPEM, err := os.ReadFile(entry.CertFile)
	if err != nil {
		return user, nil, signer{}, err
	}
	cert, err := identity.CertificateFromPEM(certPEM)
	if err != nil {
		return user, nil, signer{}, fmt.Errorf("%s: %w", filepath.Base(entry.CertFile), err)
	}
	id, err := identity.NewX509Identity(p.MSPID, cert)
	if err != nil {
		return user, nil, signer{}, err
	}
	key, err := signerFor(entry, cert)
	user.CertificatePEM = certPEM
	user.Sign = func(message []byte) ([]byte, error) {
		digest := sha256.Sum256(message)
		return key.sign(digest[:])
	}
	return user, id, key, err
}
