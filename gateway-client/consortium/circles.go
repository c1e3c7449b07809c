package consortium

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/keyring"
)

// Members returns every member of the consortium.
func (s *Session) Members(ctx context.Context) ([]member.Member, error) {
	var c member.Consortium
	if err := s.query(ctx, "member:Consortium", &c); err != nil {
		return nil, err
	}
	members := make([]member.Member, len(c.Seats))
	for i, seat := range c.Seats {
		if err := s.query(ctx, "member:Get", &members[i], seat.MSP); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// Found makes a circle with a fresh key, read by the own organisation, the named ones and every regulator.
func (s *Session) Found(ctx context.Context, id string, kind circle.Kind, with []string, request string) (circle.Circle, Committed, error) {
	return s.founding(ctx, "circle:Found", id, kind, 1, with, request)
}

// Rekey starts the next epoch of a circle with a fresh key.
func (s *Session) Rekey(ctx context.Context, id string, with []string, request string) (circle.Circle, Committed, error) {
	c, err := s.Circle(ctx, id)
	if err != nil {
		return c, Committed{}, err
	}
	next := 1
	if c.Current != nil {
		next = c.Current.Number + 1
	}
	return s.founding(ctx, "circle:Rekey", id, c.Kind, next, with, request)
}

func (s *Session) founding(ctx context.Context, function, id string, kind circle.Kind, epoch int, with []string, request string) (c circle.Circle, done Committed, err error) {
	if s.Keyring == nil {
		return c, done, fault.New(fault.KeyMissing, "this user has no keyring of the organisation")
	}
	members, err := s.Members(ctx)
	if err != nil {
		return c, done, err
	}
	wanted := append(slices.Clone(with), s.User().MSP)
	var readers []keyring.Reader
	for _, m := range members {
		if slices.Contains(wanted, m.MSP) || m.Kind == member.Regulator {
			readers = append(readers, keyring.Reader{MSP: m.MSP, SealingKey: m.SealingKey})
			wanted = slices.DeleteFunc(wanted, func(msp string) bool { return msp == m.MSP })
		}
	}
	if len(wanted) > 0 {
		return c, done, fault.New(fault.InputInvalid, "%v are no members of the consortium", wanted)
	}
	f, err := s.Keyring.Found(id, kind, epoch, readers)
	if err != nil {
		return c, done, err
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return c, done, err
	}
	done, err = s.Submit(ctx, Call{Function: function, Args: []string{string(raw)}, Governed: true, Request: request}, &c)
	return c, done, err
}

// Confirm opens the key of a circle's waiting epoch and tells the ledger so, with a MAC under the key.
func (s *Session) Confirm(ctx context.Context, id string) (c circle.Circle, done Committed, err error) {
	if err := s.query(ctx, "circle:Get", &c, id); err != nil {
		return c, done, err
	}
	if c.Next == nil {
		return c, done, fault.New(fault.TransitionDenied, "circle %s waits for nobody", id)
	}
	epoch := *c.Next
	key, err := s.unwrap(ctx, c, epoch)
	if err != nil {
		return c, done, err
	}
	token := key.Token(id, epoch.Number, s.User().MSP)
	done, err = s.Submit(ctx, Call{Function: "circle:Confirm", Args: []string{id, strconv.Itoa(epoch.Number), token}, Governed: true}, &c)
	return c, done, err
}

// Waiting lists the circles that wait for the own organisation's confirmation.
func (s *Session) Waiting(ctx context.Context) ([]string, error) {
	circles, err := s.Circles(ctx)
	var ids []string
	for _, c := range circles {
		if slices.Contains(c.Missing(), s.User().MSP) {
			ids = append(ids, c.ID)
		}
	}
	return ids, err
}

// Circles returns every circle on the ledger. That they exist and who reads them is public.
func (s *Session) Circles(ctx context.Context) ([]circle.Circle, error) {
	var all []circle.Circle
	for after := ""; ; {
		var page struct {
			Circles []circle.Circle `json:"circles"`
			Next    string          `json:"next"`
		}
		if err := s.query(ctx, "circle:List", &page, "100", after); err != nil {
			return nil, err
		}
		all = append(all, page.Circles...)
		if page.Next == "" {
			return all, nil
		}
		after = page.Next
	}
}

// Parties returns the register of a circle.
func (s *Session) Parties(ctx context.Context, id string) ([]member.Party, error) {
	var all []member.Party
	for after := ""; ; {
		var page struct {
			Parties []member.Party `json:"parties"`
			Next    string         `json:"next"`
		}
		if err := s.Evaluate(ctx, Call{Function: "member:Parties", Args: []string{id, "100", after}, Circles: []string{id}}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Parties...)
		if page.Next == "" {
			return all, nil
		}
		after = page.Next
	}
}

// FingerprintKey is the secret that keys a hosted party's invoice fingerprints, in hex.
func (s *Session) FingerprintKey(party string) (string, error) {
	if s.Keyring == nil {
		return "", fault.New(fault.KeyMissing, "this user has no keyring of the organisation")
	}
	return s.Keyring.FingerprintKey(party)
}

// Locate returns the circle in which a record is sealed, by the record's type and id.
func (s *Session) Locate(ctx context.Context, typ string, id ...string) (string, error) {
	parts, err := json.Marshal(id)
	if err != nil {
		return "", err
	}
	var circleID string
	err = s.query(ctx, "circle:Locate", &circleID, typ, string(parts))
	return circleID, err
}

// Readable lists the active circles of a kind that the own organisation reads.
func (s *Session) Readable(ctx context.Context, kind circle.Kind) ([]string, error) {
	circles, err := s.Circles(ctx)
	var ids []string
	for _, c := range circles {
		if c.Kind == kind && c.Status == circle.Active && slices.Contains(c.Readers(), s.User().MSP) {
			ids = append(ids, c.ID)
		}
	}
	return ids, err
}
