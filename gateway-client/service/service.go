package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/network/profile"
)

// Limits of the health endpoint and of restarts.
const (
	headerTimeout  = 5 * time.Second
	shutdownTime   = 5 * time.Second
	firstPause     = 200 * time.Millisecond
	longestPause   = 10 * time.Second
	maxHeaderBytes = 16 << 10
)

// Loop is work that goes on until the context ends. It may fail; it is started again after a pause, and must then go on
// where it was.
type Loop struct {
	Name string
	Run  func(ctx context.Context) error
}

// Service runs loops and says how they are.
type Service struct {
	log   *slog.Logger
	loops []Loop

	mu     sync.Mutex
	states map[string]State
}

// State is how a loop is.
type State struct {
	Running  bool      `json:"running"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	Error    string    `json:"error,omitempty"`
}

// New returns a service of the loops.
func New(log *slog.Logger, loops ...Loop) *Service {
	return &Service{log: log, loops: loops, states: map[string]State{}}
}

// Run runs every loop, and serves /healthz and /readyz at the listener, until the context ends.
func (s *Service) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeaderBytes}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		return server.Shutdown(ending)
	})
	for _, loop := range s.loops {
		g.Go(func() error { s.keep(ctx, loop); return nil })
	}
	return g.Wait()
}

// keep runs a loop again and again, with growing pauses while it keeps failing.
func (s *Service) keep(ctx context.Context, loop Loop) {
	pause := firstPause
	for restarts := 0; ctx.Err() == nil; restarts++ {
		started := time.Now()
		s.set(loop.Name, State{Running: true, Since: started, Restarts: restarts})
		s.log.Info("loop starts", "loop", loop.Name, "restarts", restarts)
		err := loop.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > longestPause {
			pause = firstPause
		}
		state := State{Since: time.Now(), Restarts: restarts + 1}
		if err != nil {
			state.Error = err.Error()
		}
		s.set(loop.Name, state)
		s.log.Error("loop ended; it starts again", "loop", loop.Name, "error", err, "pause", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func (s *Service) set(name string, state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[name] = state
}

// Handler serves /healthz (the process answers) and /readyz (every loop runs).
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, s.ready()) })
	return mux
}

func (s *Service) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, loop := range s.loops {
		if !s.states[loop.Name].Running {
			return false
		}
	}
	return true
}

func (s *Service) answer(w http.ResponseWriter, ok bool) {
	s.mu.Lock()
	body, err := json.Marshal(map[string]any{"ok": ok, "loops": s.states})
	s.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(body) // the reader has gone: nobody to tell
}

// WithSession makes a loop of work that needs a session of the profile's user. Each start opens a fresh one.
func WithSession(name, profilePath, user string, work func(ctx context.Context, s *consortium.Session) error) Loop {
	return Loop{Name: name, Run: func(ctx context.Context) (err error) {
		p, err := profile.Load(profilePath)
		if err != nil {
			return err
		}
		session, end, err := fabric.OpenSession(p, user, filepath.Dir(profilePath))
		if err != nil {
			return fmt.Errorf("connecting as %s of %s: %w", user, p.Org, err)
		}
		defer func() { err = errors.Join(err, end()) }()
		return work(ctx, session)
	}}
}
