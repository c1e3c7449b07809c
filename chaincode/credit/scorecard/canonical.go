package scorecard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Parse reads a scorecard and validates it. It refuses unknown fields, trailing text and files above MaxBytes. Codes:
// INPUT_TOO_LARGE, INPUT_INVALID.
func Parse(data []byte) (*Scorecard, error) {
	if len(data) > MaxBytes {
		return nil, fault.New(fault.InputTooLarge, "a scorecard has at most %d bytes, this one %d", MaxBytes, len(data))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c Scorecard
	if err := dec.Decode(&c); err != nil {
		return nil, fault.New(fault.InputInvalid, "the scorecard is not valid JSON of the schema %s: %v", Schema, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fault.New(fault.InputInvalid, "there is text after the scorecard's JSON object")
	}
	c.fillEmpty()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &c, nil
}

// CanonicalJSON returns the bytes that identify the scorecard (RFC 8785). Two files that differ in white space or key
// order only have the same canonical bytes.
func (c *Scorecard) CanonicalJSON() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	copied := *c
	copied.Features = append([]Feature(nil), c.Features...)
	copied.Pairs = append([]Pair(nil), c.Pairs...)
	copied.fillEmpty()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&copied); err != nil {
		return nil, fault.New(fault.InternalError, "the scorecard cannot be encoded: %v", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Hash returns the SHA-256 of the canonical bytes in lower-case hexadecimal.
func (c *Scorecard) Hash() (string, error) {
	b, err := c.CanonicalJSON()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// fillEmpty replaces absent lists by empty ones, so that "null" and "absent" have the bytes of "[]".
func (c *Scorecard) fillEmpty() {
	if c.Features == nil {
		c.Features = []Feature{}
	}
	if c.Pairs == nil {
		c.Pairs = []Pair{}
	}
	if c.PD.PPM == nil {
		c.PD.PPM = []int64{}
	}
	for i := range c.Features {
		f := &c.Features[i]
		if f.Edges == nil {
			f.Edges = []int64{}
		}
		if f.Levels == nil {
			f.Levels = [][]string{}
		}
		if f.Special == nil {
			f.Special = []Special{}
		}
		if f.Points == nil {
			f.Points = []int64{}
		}
	}
}
