// Package seal is the cryptography of sealed records. A circle's key seals the body of a record so that only the
// circle's members and the regulator can read it, and so that every endorser that holds the key writes the same bytes.
//
// It is pure: the chaincode seals and opens with the key that a transaction carries, a service opens blocks with the
// keys that its organisation holds. Keys are made and wrapped by the client (package keyring); nothing here is random.
package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeyBytes is the length of a circle's key.
const KeyBytes = 32

// MaxBodyBytes limits the plain body of one sealed record.
const MaxBodyBytes = 1 << 20

// Key is the secret of one epoch of one circle.
type Key [KeyBytes]byte

// ParseKey reads a key from standard base64.
func ParseKey(text string) (Key, error) {
	var k Key
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != KeyBytes {
		return k, fmt.Errorf("a key is %d bytes in base64", KeyBytes)
	}
	copy(k[:], raw)
	return k, nil
}

// Text is the key in standard base64.
func (k Key) Text() string { return base64.StdEncoding.EncodeToString(k[:]) }

// String hides the key from logs and error texts.
func (k Key) String() string { return "[sealed key]" }

// Commitment is the public fingerprint of the key in its circle and epoch, in hex. It is binding (SHA-256) and hides the
// key, which has 256 bits of entropy.
func (k Key) Commitment(circle string, epoch int) string {
	return hex.EncodeToString(k.mac("tallystick/commitment/v1", circle, fmt.Sprint(epoch)))
}

// Matches reports whether the key is the one that the commitment names.
func (k Key) Matches(commitment, circle string, epoch int) bool {
	return subtle.ConstantTimeCompare([]byte(k.Commitment(circle, epoch)), []byte(commitment)) == 1
}

// Token is a MAC under the key that only a holder of the key can make. A member publishes its own to confirm that it can
// open the circle's key; TokenDigest of it was published by the founder before, so that organisations that do not hold
// the key can check the confirmation and endorse it.
func (k Key) Token(circle string, epoch int, msp string) string {
	return hex.EncodeToString(k.mac("tallystick/confirmation/v1", circle, fmt.Sprint(epoch), msp))
}

// TokenDigest is the public hash of a confirmation token, in hex.
func TokenDigest(token string) string {
	sum := sha256.Sum256([]byte("tallystick/token/v1\x00" + token))
	return hex.EncodeToString(sum[:])
}

// Digest is a keyed hash of the parts, in hex: who does not hold the key can neither compute nor guess it.
func (k Key) Digest(purpose string, parts ...string) string {
	return hex.EncodeToString(k.mac("tallystick/digest/v1/"+purpose, parts...))
}

// mac is HMAC-SHA256 over the purpose and the parts, each behind its length so that no two lists give the same bytes.
func (k Key) mac(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, k[:])
	writePart(h, purpose)
	for _, p := range parts {
		writePart(h, p)
	}
	return h.Sum(nil)
}

type writer interface{ Write([]byte) (int, error) }

func writePart(h writer, part string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(part)))
	h.Write(n[:])
	h.Write([]byte(part))
}

// Binding is what a sealed body is bound to: moved to another place, type, circle or epoch, it does not open.
type Binding struct {
	StateKey string
	Type     string
	Circle   string
	Epoch    int
}

func (b Binding) bytes() []byte {
	h := sha256.New()
	for _, p := range []string{"tallystick/record/v1", b.StateKey, b.Type, b.Circle, fmt.Sprint(b.Epoch)} {
		writePart(h, p)
	}
	return h.Sum(nil)
}

// ErrBroken says that a box does not open: a wrong key, or bytes that were moved or changed.
var ErrBroken = errors.New("sealed record does not open")

// Seal encrypts the body with XChaCha20-Poly1305, padded to a bucket so that its length tells little. The nonce is derived
// by HMAC from the key, the transaction, the binding and the body: every endorser writes the same bytes, and two endorsers
// that disagree about the body never use one nonce twice (the synthetic-IV construction of RFC 5297, section 1.3.2).
func (k Key) Seal(binding Binding, transactionID string, body []byte) ([]byte, error) {
	if len(body) > MaxBodyBytes {
		return nil, fmt.Errorf("a sealed record holds at most %d bytes, not %d", MaxBodyBytes, len(body))
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	ad := binding.bytes()
	nonce := k.mac("tallystick/nonce/v1", transactionID, string(ad), string(body))[:chacha20poly1305.NonceSizeX]
	return aead.Seal(append([]byte(nil), nonce...), nonce, pad(body), ad), nil
}

// Open decrypts a box. It returns ErrBroken when the box is not authentic under this key and binding.
func (k Key) Open(binding Binding, box []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	if len(box) < chacha20poly1305.NonceSizeX {
		return nil, ErrBroken
	}
	padded, err := aead.Open(nil, box[:chacha20poly1305.NonceSizeX], box[chacha20poly1305.NonceSizeX:], binding.bytes())
	if err != nil {
		return nil, ErrBroken
	}
	return unpad(padded)
}

type aead interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}

func (k Key) aead() (aead, error) {
	sub, err := hkdf.Key(sha256.New, k[:], nil, "tallystick/encryption/v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(sub)
}

const (
	lengthBytes         = 4
	smallestBucketBytes = 256
)

// pad puts the body's length before it and fills up with zeros to the next bucket: 256, 384, 512, 768, 1024, … bytes.
func pad(body []byte) []byte {
	need := len(body) + lengthBytes
	bucket := smallestBucketBytes
	for bucket < need {
		if half := bucket + bucket/2; half >= need {
			bucket = half
			break
		}
		bucket *= 2
	}
	out := make([]byte, bucket)
	binary.BigEndian.PutUint32(out, uint32(len(body)))
	copy(out[lengthBytes:], body)
	return out
}

func unpad(padded []byte) ([]byte, error) {
	if len(padded) < lengthBytes {
		return nil, ErrBroken
	}
	n := int(binary.BigEndian.Uint32(padded))
	if n > len(padded)-lengthBytes {
		return nil, ErrBroken
	}
	return padded[lengthBytes : lengthBytes+n], nil
}
