package service

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Limits of requests and of restarts.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = time.Minute
	idleTimeout    = 2 * time.Minute
	checkTimeout   = 2 * time.Second
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
	// Waits, where it is set, says of a failure that there is nothing to do yet, which does not make the service unready.
	Waits func(err error) bool
}

// Check says how a part of the service is, as JSON, and fails where the part is not ready.
type Check func(ctx context.Context) (any, error)

// Service runs loops, serves what it is given, and says how it is.
type Service struct {
	log     *slog.Logger
	loops   []Loop
	checks  map[string]Check
	reports map[string]Check
	handler http.Handler

	mu     sync.Mutex
	states map[string]State
}

// State is how a loop is.
type State struct {
	Running  bool      `json:"running"`
	Waiting  bool      `json:"waiting,omitempty"` // for something that somebody has to set up first
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	Error    string    `json:"error,omitempty"`
}

// New returns a service of the loops.
func New(log *slog.Logger, loops ...Loop) *Service {
	return &Service{log: log, loops: loops, checks: map[string]Check{}, reports: map[string]Check{}, states: map[string]State{}}
}

// Add adds a loop, before Run.
func (s *Service) Add(l Loop) { s.loops = append(s.loops, l) }

// Check adds a part that must be ready for the service to be, before Run.
func (s *Service) Check(name string, c Check) { s.checks[name] = c }

// Report adds what /readyz tells besides, before Run.
func (s *Service) Report(name string, c Check) { s.reports[name] = c }

// Serve adds what is served besides /healthz and /readyz, before Run.
func (s *Service) Serve(h http.Handler) { s.handler = h }

// Run runs every loop, and serves at the listener, until the context ends.
func (s *Service) Run(ctx context.Context, listener net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	// Requests end with the service, so that an open stream of events does not hold it up.
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, BaseContext: func(net.Listener) context.Context { return ctx }}
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
			state.Error, state.Waiting = err.Error(), loop.Waits != nil && loop.Waits(err)
		}
		s.set(loop.Name, state)
		level := slog.LevelError
		if state.Waiting {
			level = slog.LevelInfo
		}
		s.log.Log(ctx, level, "loop ended; it starts again", "loop", loop.Name, "error", err, "pause", pause)
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

// Handler serves /healthz (the process answers), /readyz (every loop runs, every part is ready), and what was added.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, true, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		parts, ok := s.parts(r.Context())
		s.answer(w, ok && s.ready(), parts)
	})
	if s.handler != nil {
		mux.Handle("/", s.handler)
	}
	return mux
}

// parts asks every check and report.
func (s *Service) parts(ctx context.Context) (parts map[string]any, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	parts, ok = map[string]any{}, true
	for name, check := range s.checks {
		state, err := check(ctx)
		parts[name] = state
		if err != nil {
			ok = false
			parts[name+"_error"] = err.Error()
		}
	}
	for name, report := range s.reports {
		if state, err := report(ctx); err == nil {
			parts[name] = state
		}
	}
	return parts, ok
}

func (s *Service) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, loop := range s.loops {
		if state := s.states[loop.Name]; !state.Running && !state.Waiting {
			return false
		}
	}
	return true
}

func (s *Service) answer(w http.ResponseWriter, ok bool, parts map[string]any) {
	all := map[string]any{"ok": ok}
	maps.Copy(all, parts)
	s.mu.Lock()
	all["loops"] = s.states
	body, err := json.Marshal(all)
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
