package service

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/network/profile"
)

// Sessions keeps one open session for each user of the organisation who has worked here.
type Sessions struct {
	profile *profile.Profile
	dir     string

	mu   sync.Mutex
	open map[string]*consortium.Session
	ends []func() error
}

// NewSessions returns the sessions of a profile's users; keyring and outbox lie in the folder.
func NewSessions(p *profile.Profile, dir string) *Sessions {
	return &Sessions{profile: p, dir: dir, open: map[string]*consortium.Session{}}
}

// Session returns the user's session, opened at first use. It fails where the profile has no such user.
func (s *Sessions) Session(_ context.Context, user string) (*consortium.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session, ok := s.open[user]; ok {
		return session, nil
	}
	session, end, err := fabric.OpenSession(s.profile, user, filepath.Clean(s.dir))
	if err != nil {
		return nil, fmt.Errorf("connecting as %s of %s: %w", user, s.profile.Org, err)
	}
	s.open[user] = session
	s.ends = append(s.ends, end)
	return session, nil
}

// Close ends every session.
func (s *Sessions) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, 0, len(s.ends))
	for _, end := range s.ends {
		errs = append(errs, end())
	}
	clear(s.open)
	s.ends = nil
	return errors.Join(errs...)
}
