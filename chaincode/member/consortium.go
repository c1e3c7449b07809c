package member

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of the consortium.
const (
	MaxMembers         = 64
	MaxNameBytes       = 120
	MaxSealingKeyBytes = 4096
)

// Status of a member organisation.
type Status string

// A member is invited until it has registered its own sealing key, which is how it accepts.
const (
	Invited   Status = "invited"
	Active    Status = "active"
	Suspended Status = "suspended"
)

// Member is an organisation of the consortium. SealingKey is its public key for circle keys (HPKE,
// X25519 with ML-KEM-768, base64).
type Member struct {
	MSP        string    `json:"msp"`
	Kind       Kind      `json:"kind"`
	Name       string    `json:"name,omitempty"`
	Status     Status    `json:"status"`
	SealingKey string    `json:"sealing_key,omitempty"`
	Since      time.Time `json:"since"`
}

// Founder is one line of the founding list.
type Founder struct {
	MSP  string `json:"msp"`
	Kind Kind   `json:"kind"`
}

// Consortium is the register of seats: who counts in a majority. There is one.
type Consortium struct {
	Seats []Seat `json:"seats"`
}

// Seat is one organisation's place in the consortium.
type Seat struct {
	MSP    string `json:"msp"`
	Kind   Kind   `json:"kind"`
	Status Status `json:"status"`
}

var mspPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.-]{1,63}$`)

// Found makes the consortium from the founding list: at least one regulator and three members, each invited until it
// registers itself.
func Found(by string, list []Founder, at time.Time) (Consortium, []Member, error) {
	var bad fault.Fields
	if len(list) < 3 || len(list) > MaxMembers {
		bad.Add("members", len(list), "there must be 3 to %d", MaxMembers)
	}
	var c Consortium
	var members []Member
	regulators := 0
	for _, f := range list {
		if !mspPattern.MatchString(f.MSP) {
			bad.Add("members.msp", f.MSP, "must be an MSP id")
		}
		if !slices.Contains(Kinds(), f.Kind) {
			bad.Add("members.kind", f.Kind, "must be one of %v", Kinds())
		}
		if c.index(f.MSP) >= 0 {
			bad.Add("members.msp", f.MSP, "is named twice")
			continue
		}
		if f.Kind == Regulator {
			regulators++
		}
		c.Seats = append(c.Seats, Seat{MSP: f.MSP, Kind: f.Kind, Status: Invited})
		members = append(members, Member{MSP: f.MSP, Kind: f.Kind, Status: Invited, Since: at})
	}
	if regulators == 0 {
		bad.Add("members", regulators, "there must be a regulator")
	}
	if c.index(by) < 0 {
		bad.Add("members", by, "the founding organisation must be a member itself")
	}
	slices.SortFunc(c.Seats, func(a, b Seat) int { return strings.Compare(a.MSP, b.MSP) })
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.MSP, b.MSP) })
	return c, members, bad.Err()
}

// Registration is what an organisation says of itself.
type Registration struct {
	Name       string `json:"name"`
	SealingKey string `json:"sealing_key"`
}

// Validate reports every failure of the input with its field and value.
func (r Registration) Validate() error {
	var bad fault.Fields
	if r.Name == "" || len(r.Name) > MaxNameBytes {
		bad.Add("name", r.Name, "must have 1 to %d bytes", MaxNameBytes)
	}
	if raw, err := base64.StdEncoding.DecodeString(r.SealingKey); err != nil || len(raw) < 32 || len(raw) > MaxSealingKeyBytes {
		bad.Add("sealing_key", len(r.SealingKey), "must be a public key in base64, at most %d bytes", MaxSealingKeyBytes)
	}
	return bad.Err()
}

// Register records an organisation's own name and sealing key and makes it active. A later call replaces the key; circles
// take it up at their next epoch.
func (c Consortium) Register(m Member, r Registration) (Consortium, Member, error) {
	if err := r.Validate(); err != nil {
		return c, m, err
	}
	if m.Status == Suspended {
		return c, m, fault.New(fault.MemberSuspended, "%s is suspended", m.MSP)
	}
	m.Name, m.SealingKey, m.Status = r.Name, r.SealingKey, Active
	return c.with(m), m, nil
}

// Admitted adds a new organisation as invited; Suspend and Reinstate change one that is there. They carry out a change that
// the members have voted for.
func (c Consortium) Admitted(f Founder, at time.Time) (Consortium, Member, error) {
	if c.index(f.MSP) >= 0 {
		return c, Member{}, fault.New(fault.RecordExists, "%s is a member already", f.MSP)
	}
	if len(c.Seats) >= MaxMembers {
		return c, Member{}, fault.New(fault.InputTooLarge, "the consortium has %d members, the most that it can have", MaxMembers)
	}
	m := Member{MSP: f.MSP, Kind: f.Kind, Status: Invited, Since: at}
	c.Seats = append(slices.Clone(c.Seats), Seat{MSP: m.MSP, Kind: m.Kind, Status: m.Status})
	slices.SortFunc(c.Seats, func(a, b Seat) int { return strings.Compare(a.MSP, b.MSP) })
	return c, m, nil
}

// Suspend takes a member's rights until it is reinstated.
func (c Consortium) Suspend(m Member) (Consortium, Member) {
	m.Status = Suspended
	return c.with(m), m
}

// Reinstate gives a suspended member its rights back: active when it has registered a key, else invited.
func (c Consortium) Reinstate(m Member) (Consortium, Member) {
	m.Status = Invited
	if m.SealingKey != "" {
		m.Status = Active
	}
	return c.with(m), m
}

func (c Consortium) with(m Member) Consortium {
	c.Seats = slices.Clone(c.Seats)
	if i := c.index(m.MSP); i >= 0 {
		c.Seats[i].Status = m.Status
	}
	return c
}

// Voters lists the MSP ids that count in a vote and in the peer endorsement of governance records: everybody that is not
// suspended.
func (c Consortium) Voters() []string {
	var list []string
	for _, s := range c.Seats {
		if s.Status != Suspended {
			list = append(list, s.MSP)
		}
	}
	return list
}

// Majority is the number of voters that is more than half.
func (c Consortium) Majority() int { return len(c.Voters())/2 + 1 }

// Regulators lists the MSP ids of the active regulators.
func (c Consortium) Regulators() []string {
	var list []string
	for _, s := range c.Seats {
		if s.Kind == Regulator && s.Status == Active {
			list = append(list, s.MSP)
		}
	}
	return list
}

func (c Consortium) index(msp string) int {
	return slices.IndexFunc(c.Seats, func(s Seat) bool { return s.MSP == msp })
}
