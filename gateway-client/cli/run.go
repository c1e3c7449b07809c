package cli

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Run runs one command line over the connector, without touching the process's streams, and returns its exit status.
func Run(ctx context.Context, connect Connector, who Who, args []string, out, errs *bytes.Buffer) int {
	app := &App{In: &bytes.Buffer{}, Out: out, Err: errs, isolated: true, Connect: func(ctx context.Context, _ Who) (*consortium.Session, func() error, error) {
		return connect(ctx, who)
	}}
	root := New(app)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	app.report(err)
	return ExitStatus(err)
}

// Sessions keeps one open session a user, for work that runs many commands.
type Sessions struct {
	Connect Connector

	mu   sync.Mutex
	open map[Who]*consortium.Session
	end  []func() error
}

// Get is a Connector whose sessions stay open until Close.
func (s *Sessions) Get(ctx context.Context, who Who) (*consortium.Session, func() error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stays := func() error { return nil }
	if session, ok := s.open[who]; ok {
		return session, stays, nil
	}
	session, end, err := s.Connect(ctx, who)
	if err != nil {
		return nil, nil, err
	}
	if s.open == nil {
		s.open = map[Who]*consortium.Session{}
	}
	s.open[who] = session
	s.end = append(s.end, end)
	return session, stays, nil
}

// Close ends every session.
func (s *Sessions) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, end := range s.end {
		errs = append(errs, end())
	}
	s.open, s.end = nil, nil
	return errors.Join(errs...)
}
