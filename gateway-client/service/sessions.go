package service

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/network/profile"
)

// Sessions keeps one open session for each user of the organisation who has worked here.
type Sessions struct {
	profile *profile.Profile
	dir     string
	peer    places

	mu   sync.Mutex
	open map[string]*consortium.Session
	ends []func() error
}

// NewSessions returns the sessions of a profile's users; keyring and outbox lie in the folder.
func NewSessions(p *profile.Profile, dir string) *Sessions {
	return &Sessions{profile: p, dir: dir, peer: make(places, maxPeerCalls), open: map[string]*consortium.Session{}}
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
	if gateway, ok := session.Network.(*fabric.Gateway); ok {
		session.Network = &bounded{gateway, s.peer}
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

// A peer's gateway takes 500 calls at a time, counting those that wait for a commit, and refuses the next with a plain UNKNOWN.
// The service keeps below that, whoever calls: pages, the API, the outbox and the loops.
const (
	maxPeerCalls = 450
	placeTime    = 2 * time.Second
)

// places are what is free of the peer's.
type places chan struct{}

// take waits for a place. SERVICE_BUSY where none gets free in time.
func (p places) take(ctx context.Context) error {
	select {
	case p <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(placeTime)
	defer timer.Stop()
	select {
	case p <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fault.New(fault.ServiceBusy, "the peer answers as many questions as it takes at a time")
	}
}

func (p places) free() { <-p }

// bounded is a gateway that takes a place at the peer for every call. Streams of blocks are counted apart by the peer.
type bounded struct {
	*fabric.Gateway
	peer places
}

// Evaluate implements consortium.Network.
func (b *bounded) Evaluate(ctx context.Context, p consortium.Proposal) ([]byte, error) {
	if err := b.peer.take(ctx); err != nil {
		return nil, err
	}
	defer b.peer.free()
	return b.Gateway.Evaluate(ctx, p)
}

// Submit implements consortium.Network.
func (b *bounded) Submit(ctx context.Context, p consortium.Proposal) (consortium.Committed, error) {
	if err := b.peer.take(ctx); err != nil {
		return consortium.Committed{}, err
	}
	defer b.peer.free()
	return b.Gateway.Submit(ctx, p)
}
