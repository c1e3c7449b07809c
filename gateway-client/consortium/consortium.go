// Package consortium is what one user of one organisation does on the ledger, whichever network carries it: it finds the
// keys and the endorsers that a call needs, gives it a request id, and repeats it until it is decided.
package consortium

import (
	"context"
	"time"

	"github.com/tallystick/tallystick/chaincode/record"
)

// Network carries transactions. The fabric package implements it over a peer's gateway, package fake over a peer in memory.
type Network interface {
	// Evaluate asks the peer of the user's own organisation. It changes nothing.
	Evaluate(ctx context.Context, p Proposal) ([]byte, error)
	// Submit has the proposal endorsed by the named organisations and ordered, once, and waits for the commit. It returns
	// a *fault.Error where the chaincode refused, ErrConflict where the transaction lost a race and changed nothing, and
	// ErrUnreachable where an endorser could not be reached and nothing was ordered.
	Submit(ctx context.Context, p Proposal) (Committed, error)
	// Blocks calls the function for every block from the number on, in order, until it fails or the context ends.
	Blocks(ctx context.Context, from uint64, each func(Block) error) error
	// User is who signs.
	User() User
	// Now is the clock by which transactions are dated.
	Now() time.Time
}

// Proposal is one call of a chaincode function. Transient data reaches the endorsers only.
type Proposal struct {
	Function  string
	Args      []string
	Transient map[string][]byte
	Endorsers []string // MSP ids; for Submit
}

// Committed is a valid transaction.
type Committed struct {
	Transaction string `json:"transaction"`
	Block       uint64 `json:"block"`
	Result      []byte `json:"-"`
}

// User is an identity of an organisation.
type User struct {
	Name  string
	Org   string
	MSP   string
	Party string
	Roles []string
	// Organisations lists every MSP id of the network.
	Organisations []string
	// CertificatePEM is the user's certificate; Sign makes an ASN.1 ECDSA signature over the SHA-256 of the message.
	CertificatePEM []byte
	Sign           func(message []byte) ([]byte, error)
}

// Block is what a block holds for a reader.
type Block struct {
	Number       uint64
	Transactions []Transaction
}

// Transaction is one transaction of a block, valid or not.
type Transaction struct {
	ID       string
	Valid    bool
	Code     string // Fabric's validation code
	At       time.Time
	Creator  string // MSP id
	Function string
	Args     []string
	Writes   []Write
	Event    *record.Envelope
}

// Write is one key of the world state that a valid transaction set or deleted.
type Write struct {
	Key     string
	Value   []byte
	Deleted bool
}
