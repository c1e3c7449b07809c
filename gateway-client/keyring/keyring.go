// Package keyring keeps an organisation's sealing key, makes the keys of circles, and opens the ones that were sealed to
// the organisation. Only an organisation's services hold a keyring; the SMEs that it hosts never do.
package keyring

import (
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/seal"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
)

// keyFile is the name of the private sealing key in the keyring's folder.
const keyFile = "sealing.key"

// The suite of RFC 9180 with the hybrid KEM of draft-ietf-hpke-pq: safe as long as either X25519 or ML-KEM-768 is.
func suite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305()
}

// Keyring is one organisation's. It is safe for concurrent use.
type Keyring struct {
	private hpke.PrivateKey
	dir     string

	mu   sync.Mutex
	keys map[ref]seal.Key
}

type ref struct {
	circle string
	epoch  int
}

// New returns a keyring in memory with a fresh sealing key.
func New() (*Keyring, error) {
	kem, _, _ := suite()
	private, err := kem.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("making a sealing key: %w", err)
	}
	return &Keyring{private: private, keys: map[ref]seal.Key{}}, nil
}

// Open reads the keyring in the folder; where there is none it makes one, readable by its owner only and encrypted where an
// identity is named (see keyfile).
func Open(dir string) (*Keyring, error) {
	path := filepath.Join(dir, keyFile)
	raw, err := keyfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(dir, path)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	bytes, err := base64.StdEncoding.DecodeString(string(raw))
	if err != nil {
		return nil, fmt.Errorf("keyring %s is not base64: %w", path, err)
	}
	kem, _, _ := suite()
	private, err := kem.NewPrivateKey(bytes)
	if err != nil {
		return nil, fmt.Errorf("keyring %s: %w", path, err)
	}
	return &Keyring{private: private, dir: dir, keys: map[ref]seal.Key{}}, nil
}

// Dir is the folder that the keyring was opened in; "" for one in memory.
func (k *Keyring) Dir() string { return k.dir }

// create makes a fresh key; of two that start together one wins and both read the winner's.
func create(dir, path string) (*Keyring, error) {
	k, err := New()
	if err != nil {
		return nil, err
	}
	bytes, err := k.private.Bytes()
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	err = keyfile.Create(path, []byte(base64.StdEncoding.EncodeToString(bytes)))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return Open(dir)
}

// Files lists the files with private keys in a keyring's folder, none where there is no keyring.
func Files(dir string) ([]string, error) {
	path := filepath.Join(dir, keyFile)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return []string{path}, err
}

// Public is the organisation's public sealing key in base64, which it registers on the ledger.
func (k *Keyring) Public() string {
	return base64.StdEncoding.EncodeToString(k.private.PublicKey().Bytes())
}

// Reader is an organisation with its registered public sealing key (base64).
type Reader struct {
	MSP        string
	SealingKey string
}

// Found makes a fresh key for an epoch of a circle and seals it to every reader. The result is public, and is what the
// ledger's circle:Found and circle:Rekey take.
func (k *Keyring) Found(id string, kind circle.Kind, epoch int, readers []Reader) (circle.Founding, error) {
	var key seal.Key
	if _, err := rand.Read(key[:]); err != nil {
		return circle.Founding{}, err
	}
	readers = slices.Clone(readers)
	slices.SortFunc(readers, func(a, b Reader) int {
		if a.MSP < b.MSP {
			return -1
		}
		return 1
	})
	f := circle.Founding{ID: id, Kind: kind, Commitment: key.Commitment(id, epoch)}
	for _, r := range readers {
		box, err := wrap(r, id, epoch, key)
		if err != nil {
			return f, err
		}
		f.Readers = append(f.Readers, r.MSP)
		f.Digests = append(f.Digests, seal.TokenDigest(key.Token(id, epoch, r.MSP)))
		f.Envelopes = append(f.Envelopes, box)
	}
	return f, f.Validate()
}

func wrap(r Reader, id string, epoch int, key seal.Key) (string, error) {
	return sealFor(r, info(id, epoch, r.MSP), key[:])
}

// sealFor seals a secret to an organisation's registered key, in base64.
func sealFor(r Reader, info, secret []byte) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(r.SealingKey)
	if err != nil {
		return "", fault.New(fault.KeyWrong, "the registered sealing key of %s is not base64", r.MSP)
	}
	kem, kdf, aead := suite()
	public, err := kem.NewPublicKey(raw)
	if err != nil {
		return "", fault.New(fault.KeyWrong, "the registered sealing key of %s is malformed", r.MSP)
	}
	box, err := hpke.Seal(public, kdf, aead, info, secret)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(box), nil
}

// openBox opens what sealFor has sealed to this organisation; ok is false where it does not open.
func (k *Keyring) openBox(box string, info []byte) (secret []byte, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(box)
	if err != nil {
		return nil, false
	}
	_, kdf, aead := suite()
	secret, err = hpke.Open(k.private, kdf, aead, info, raw)
	return secret, err == nil
}

// SealSecret seals a secret of the consortium to one organisation, for one purpose, so that it can travel in a file. The result
// is base64.
func SealSecret(r Reader, purpose string, secret []byte) (string, error) {
	return sealFor(r, secretInfo(r.MSP, purpose), secret)
}

// OpenSecret opens a secret that was sealed to this organisation, msp, for the purpose. KEY_WRONG where it was not.
func (k *Keyring) OpenSecret(box, msp, purpose string) ([]byte, error) {
	secret, ok := k.openBox(box, secretInfo(msp, purpose))
	if !ok {
		return nil, fault.New(fault.KeyWrong, "this was not sealed to %s for %s", msp, purpose)
	}
	return secret, nil
}

func secretInfo(msp, purpose string) []byte {
	return []byte("tallystick/secret/v1\x00" + purpose + "\x00" + msp)
}

func info(id string, epoch int, msp string) []byte {
	return []byte("tallystick/envelope/v1\x00" + id + "\x00" + strconv.Itoa(epoch) + "\x00" + msp)
}

// Unwrap opens the envelope that was sealed to this organisation, checks the key against the circle's commitment, and keeps
// it.
func (k *Keyring) Unwrap(e circle.Envelope, commitment string) (seal.Key, error) {
	var key seal.Key
	raw, ok := k.openBox(e.Box, info(e.Circle, e.Epoch, e.MSP))
	if !ok || len(raw) != seal.KeyBytes {
		return key, fault.New(fault.KeyWrong, "the envelope of circle %s epoch %d does not open for %s", e.Circle, e.Epoch, e.MSP)
	}
	copy(key[:], raw)
	if !key.Matches(commitment, e.Circle, e.Epoch) {
		return key, fault.New(fault.KeyWrong, "the envelope of circle %s epoch %d holds another key than the circle is committed to", e.Circle, e.Epoch)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[ref{e.Circle, e.Epoch}] = key
	return key, nil
}

// Key returns a key that was unwrapped before.
func (k *Keyring) Key(id string, epoch int) (seal.Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[ref{id, epoch}]
	return key, ok
}

// FingerprintKey is the secret that keys the invoice fingerprints of a party that the organisation hosts (32 bytes in hex).
// It is derived from the private sealing key, so that nothing else has to be kept.
func (k *Keyring) FingerprintKey(party string) (string, error) {
	private, err := k.private.Bytes()
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	key, err := hkdf.Key(sha256.New, private, nil, "tallystick/fingerprint-key/v1\x00"+party, seal.KeyBytes)
	return hex.EncodeToString(key), err
}
