package consortium

import (
	"context"
	"slices"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/record"
)

// Open returns the body of a record as it stands in a block, opened with the keys that the organisation holds. It returns
// KEY_MISSING for a record of a circle or of an epoch that the organisation does not read.
func (s *Session) Open(ctx context.Context, w Write) (v record.Value, body []byte, err error) {
	if v, err = record.Parse(w.Value); err != nil {
		return v, nil, err
	}
	if !v.Sealed() {
		return v, v.Body, nil
	}
	c, err := s.Circle(ctx, v.Circle)
	if err != nil {
		return v, nil, err
	}
	epochs, at := epochsOf(c, v.Epoch)
	if at < 0 { // the circle has a new epoch since the session has last looked
		s.forget(v.Circle)
		if c, err = s.Circle(ctx, v.Circle); err != nil {
			return v, nil, err
		}
		epochs, at = epochsOf(c, v.Epoch)
	}
	if at < 0 || !slices.ContainsFunc(epochs[at].Seats, func(seat circle.Seat) bool { return seat.MSP == s.User().MSP }) {
		return v, nil, fault.New(fault.KeyMissing, "%s is no reader of circle %s epoch %d", s.User().MSP, v.Circle, v.Epoch)
	}
	key, err := s.unwrap(ctx, c, epochs[at])
	if err != nil {
		return v, nil, err
	}
	body, err = v.Open(w.Key, key)
	return v, body, err
}

// epochsOf returns the epochs of the circle under which records may stand, and the place of one among them, −1 for none.
func epochsOf(c circle.Circle, number int) ([]circle.Epoch, int) {
	epochs := slices.Clone(c.Past)
	if c.Current != nil {
		epochs = append(epochs, *c.Current)
	}
	return epochs, slices.IndexFunc(epochs, func(e circle.Epoch) bool { return e.Number == number })
}

func (s *Session) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.circles, id)
}
