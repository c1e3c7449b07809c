// Package circle holds the rules of who may read: a circle is a set of organisations that share the key of an epoch.
// A programme has one (its buyer or warehouse operator, the supplier host, its banks, always the regulator), and a bank's
// desk has one (the bank, the supplier host, the regulator) for what the rest of the programme must not see.
package circle

import (
	"encoding/base64"
	"regexp"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/seal"
)

// Limits of a circle.
const (
	MaxReaders       = 32
	MaxEnvelopeBytes = 4096
)

// Kind says what a circle is for.
type Kind string

// The kinds of circle.
const (
	Programme Kind = "programme"
	Desk      Kind = "desk"
)

// Status of a circle.
type Status string

// A circle is forming until every reader has confirmed its first key; from then on it is active.
const (
	Forming Status = "forming"
	Active  Status = "active"
)

// Seat is one reader of an epoch. TokenDigest is published by the founder; Token is the reader's confirmation, empty until
// it is given.
type Seat struct {
	MSP         string `json:"msp"`
	TokenDigest string `json:"token_digest"`
	Token       string `json:"token,omitempty"`
}

// Epoch is one key of a circle, and the readers that it was sealed to. Number starts at 1.
type Epoch struct {
	Number     int    `json:"number"`
	Commitment string `json:"commitment"`
	Seats      []Seat `json:"seats"`
}

// Circle is public: it names organisations, never parties or terms. Current is nil until the first epoch is confirmed by
// every reader; Next is nil unless an epoch waits for confirmations. Past keeps the commitments of ended epochs.
type Circle struct {
	ID      string  `json:"id"`
	Kind    Kind    `json:"kind"`
	Founder string  `json:"founder"`
	Status  Status  `json:"status"`
	Current *Epoch  `json:"current,omitempty"`
	Next    *Epoch  `json:"next,omitempty"`
	Past    []Epoch `json:"past,omitempty"`
}

// Envelope is an epoch's key, sealed to one reader's registered public key (HPKE, base64).
type Envelope struct {
	Circle string `json:"circle"`
	Epoch  int    `json:"epoch"`
	MSP    string `json:"msp"`
	Box    string `json:"box"`
}

// Founding is the input for a new circle or a new epoch. Readers are MSP ids; Digests and Envelopes stand in the same order.
type Founding struct {
	ID         string   `json:"id"`
	Kind       Kind     `json:"kind"`
	Readers    []string `json:"readers"`
	Commitment string   `json:"commitment"`
	Digests    []string `json:"digests"`
	Envelopes  []string `json:"envelopes"`
}

var (
	idPattern  = regexp.MustCompile(`^[a-z]{2,4}-[0-9a-f]{8,40}$`)
	hexPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Validate reports every failure of the input with its field and value.
func (f Founding) Validate() error {
	var bad fault.Fields
	if !idPattern.MatchString(f.ID) {
		bad.Add("id", f.ID, "must look like prg-0123456789abcdef0123")
	}
	if f.Kind != Programme && f.Kind != Desk {
		bad.Add("kind", f.Kind, "must be programme or desk")
	}
	if len(f.Readers) < 3 || len(f.Readers) > MaxReaders {
		bad.Add("readers", len(f.Readers), "there must be 3 to %d", MaxReaders)
	}
	if !slices.IsSorted(f.Readers) || len(slices.Compact(slices.Clone(f.Readers))) != len(f.Readers) {
		bad.Add("readers", f.Readers, "must be in alphabetical order, each once")
	}
	if !hexPattern.MatchString(f.Commitment) {
		bad.Add("commitment", f.Commitment, "must be 64 hex digits")
	}
	if len(f.Digests) != len(f.Readers) {
		bad.Add("digests", len(f.Digests), "there must be one for each reader")
	}
	for _, d := range f.Digests {
		if !hexPattern.MatchString(d) {
			bad.Add("digests", d, "must be 64 hex digits")
		}
	}
	if len(f.Envelopes) != len(f.Readers) {
		bad.Add("envelopes", len(f.Envelopes), "there must be one for each reader")
	}
	for i, e := range f.Envelopes {
		if raw, err := base64.StdEncoding.DecodeString(e); err != nil || len(raw) == 0 || len(raw) > MaxEnvelopeBytes {
			bad.Add("envelopes", i, "must be base64 of at most %d bytes", MaxEnvelopeBytes)
		}
	}
	return bad.Err()
}

// Found makes a circle whose first epoch waits for its readers. Every regulator must be among the readers, and so must the
// founder.
func Found(founder string, f Founding, regulators []string) (Circle, error) {
	if err := f.Validate(); err != nil {
		return Circle{}, err
	}
	if err := mustRead(f.Readers, founder, regulators); err != nil {
		return Circle{}, err
	}
	next := f.epoch(1)
	return Circle{ID: f.ID, Kind: f.Kind, Founder: founder, Status: Forming, Next: &next}, nil
}

// Rekey starts a new epoch, for a change of readers or of the key. The current epoch serves until every reader of the new
// one has confirmed. An epoch that waits already is replaced.
func (c Circle) Rekey(by string, f Founding, regulators []string) (Circle, error) {
	if by != c.Founder {
		return c, fault.New(fault.NotPermitted, "only the founder of circle %s starts an epoch", c.ID)
	}
	if f.ID != c.ID || f.Kind != c.Kind {
		return c, fault.New(fault.InputInvalid, "the epoch is for another circle than %s", c.ID)
	}
	if err := f.Validate(); err != nil {
		return c, err
	}
	if err := mustRead(f.Readers, c.Founder, regulators); err != nil {
		return c, err
	}
	number := 1
	if c.Current != nil {
		number = c.Current.Number + 1
	}
	next := f.epoch(number)
	c.Next = &next
	return c, nil
}

// Confirm records that a reader can open the waiting epoch's key. The last confirmation makes the epoch current and the
// circle active. A repeat changes nothing.
func (c Circle) Confirm(msp string, epoch int, token string) (Circle, error) {
	if c.Next == nil || c.Next.Number != epoch {
		if c.Current != nil && c.Current.Number == epoch {
			return c, nil
		}
		return c, fault.New(fault.RecordNotFound, "circle %s has no epoch %d that waits for confirmations", c.ID, epoch)
	}
	next := *c.Next
	next.Seats = slices.Clone(c.Next.Seats)
	at := slices.IndexFunc(next.Seats, func(s Seat) bool { return s.MSP == msp })
	if at < 0 {
		return c, fault.New(fault.NotPermitted, "%s is no reader of circle %s", msp, c.ID)
	}
	if seal.TokenDigest(token) != next.Seats[at].TokenDigest {
		return c, fault.New(fault.CircleTokenWrong, "the confirmation of %s is not a MAC under the key of circle %s", msp, c.ID)
	}
	next.Seats[at].Token = token
	c.Next = &next
	if slices.ContainsFunc(next.Seats, func(s Seat) bool { return s.Token == "" }) {
		return c, nil
	}
	if c.Current != nil {
		c.Past = append(slices.Clone(c.Past), *c.Current)
	}
	c.Current, c.Next, c.Status = &next, nil, Active
	return c, nil
}

// Readers lists the MSP ids of the current epoch, or of the first one while the circle is forming.
func (c Circle) Readers() []string {
	e := c.Current
	if e == nil {
		e = c.Next
	}
	var list []string
	for _, s := range e.Seats {
		list = append(list, s.MSP)
	}
	return list
}

// Missing lists the readers that have not confirmed the waiting epoch.
func (c Circle) Missing() []string {
	var list []string
	if c.Next != nil {
		for _, s := range c.Next.Seats {
			if s.Token == "" {
				list = append(list, s.MSP)
			}
		}
	}
	return list
}

// Commitment returns the commitment of an epoch that the circle has or had.
func (c Circle) Commitment(epoch int) (string, bool) {
	for _, e := range append(slices.Clone(c.Past), c.epochs()...) {
		if e.Number == epoch {
			return e.Commitment, true
		}
	}
	return "", false
}

func (c Circle) epochs() []Epoch {
	if c.Current == nil {
		return nil
	}
	return []Epoch{*c.Current}
}

// Writable returns the epoch under which new records are sealed.
func (c Circle) Writable() (Epoch, error) {
	if c.Status != Active || c.Current == nil {
		return Epoch{}, fault.New(fault.ProgrammeNotActive, "circle %s waits for the confirmations of %v", c.ID, c.Missing())
	}
	return *c.Current, nil
}

func (f Founding) epoch(number int) Epoch {
	e := Epoch{Number: number, Commitment: f.Commitment}
	for i, msp := range f.Readers {
		e.Seats = append(e.Seats, Seat{MSP: msp, TokenDigest: f.Digests[i]})
	}
	return e
}

func mustRead(readers []string, founder string, regulators []string) error {
	if !slices.Contains(readers, founder) {
		return fault.New(fault.InputInvalid, "the founder %s must be a reader", founder)
	}
	if len(regulators) == 0 {
		return fault.New(fault.RegulatorMissing, "the consortium has no active regulator yet")
	}
	for _, r := range regulators {
		if !slices.Contains(readers, r) {
			return fault.New(fault.RegulatorMissing, "the regulator %s must be a reader", r)
		}
	}
	return nil
}
