package projection_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// recorded is a ledger in a file, with what one organisation can open of it, so that another process can project it.
type recorded struct {
	Organisation string
	List         []consortium.Block
	// Bodies are those of the sealed writes that open, by the digest of the value.
	Bodies map[string][]byte
	// Opened is called before every write is opened.
	Opened func() `json:"-"`
}

func digest(w consortium.Write) string {
	sum := sha256.Sum256(append([]byte(w.Key), w.Value...))
	return hex.EncodeToString(sum[:])
}

// MSP implements projection.Source.
func (r *recorded) MSP() string { return r.Organisation }

// Height implements projection.Source.
func (r *recorded) Height(context.Context) (uint64, error) { return uint64(len(r.List)), nil }

// Blocks implements projection.Source.
func (r *recorded) Blocks(ctx context.Context, from uint64, each func(consortium.Block) error) error {
	for _, b := range r.List[from:] {
		if err := each(b); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Open implements projection.Source.
func (r *recorded) Open(_ context.Context, w consortium.Write) (record.Value, []byte, error) {
	if r.Opened != nil {
		r.Opened()
	}
	v, err := record.Parse(w.Value)
	if err != nil || !v.Sealed() {
		return v, v.Body, err
	}
	body, ok := r.Bodies[digest(w)]
	if !ok {
		return v, nil, fault.New(fault.KeyMissing, "it does not open")
	}
	return v, body, nil
}

// record reads a whole ledger as the source's organisation.
func recordOf(t *testing.T, source projection.Source) *recorded {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	height, err := source.Height(ctx)
	require.NoError(t, err)
	r := &recorded{Organisation: source.MSP(), Bodies: map[string][]byte{}}
	_ = source.Blocks(ctx, 0, func(b consortium.Block) error {
		r.List = append(r.List, b)
		if b.Number+1 >= height {
			cancel()
		}
		return ctx.Err()
	})
	require.Len(t, r.List, int(height))
	for _, b := range r.List {
		for _, tx := range b.Transactions {
			for _, w := range tx.Writes {
				if v, body, err := source.Open(t.Context(), w); err == nil && v.Sealed() {
					r.Bodies[digest(w)] = body
				}
			}
		}
	}
	return r
}

func (r *recorded) save(t *testing.T, path string) {
	t.Helper()
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
}

func load(path string) (*recorded, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &recorded{}
	return r, json.Unmarshal(raw, r)
}
