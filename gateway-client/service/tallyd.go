package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/go-chi/chi/v5"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/api"
	"github.com/tallystick/tallystick/gateway-client/collateral"
	"github.com/tallystick/tallystick/gateway-client/collector"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
	"github.com/tallystick/tallystick/network/profile"
)

// evidencePath is where devices and their gateways send evidence.
const evidencePath = "/api/v1/device-evidence"

// organisation is one organisation's service with what its parts share.
type organisation struct {
	config   Config
	profile  *profile.Profile
	log      *slog.Logger
	sessions *Sessions
	db       *database.DB
	store    *projection.Store
	outbox   *outbox.Outbox
	metrics  *api.Metrics
	ends     []func() error

	underwriter atomic.Pointer[underwriting.Underwriter]
}

// Tallyd makes an organisation's service from its configuration. The service's end must be called once it has run. It fails where
// the profile or the database cannot be opened; the network may be down.
func Tallyd(ctx context.Context, c Config, log *slog.Logger) (s *Service, end func() error, err error) {
	o := &organisation{config: c, log: log, metrics: api.NewMetrics()}
	end = o.close
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	if o.profile, err = profile.Load(c.Profile); err != nil {
		return nil, end, err
	}
	if len(o.profile.Users) == 0 {
		return nil, end, fmt.Errorf("profile %s has no users", c.Profile)
	}
	o.sessions = NewSessions(o.profile, filepath.Dir(c.Profile))
	o.ends = append(o.ends, o.sessions.Close)
	if o.db, err = database.Open(ctx, c.dsn()); err != nil {
		return nil, end, fmt.Errorf("database: %w", err)
	}
	o.ends = append(o.ends, o.db.Close)
	if o.store, err = projection.On(ctx, o.db); err != nil {
		return nil, end, fmt.Errorf("read model: %w", err)
	}
	o.outbox, err = outbox.Open(ctx, outbox.Config{DB: o.db, Session: o.sessions.Session, Log: log, Queue: c.Limits.Queue,
		InFlight: c.Limits.InFlight, Ended: o.metrics.Ended})
	if err != nil {
		return nil, end, fmt.Errorf("outbox: %w", err)
	}
	s = New(log, o.loops()...)
	s.Check("read_model", o.readModel)
	s.Report("queue", func(ctx context.Context) (any, error) { return o.outbox.Depth(ctx) })
	if c.Underwriter.User != "" {
		s.Report("underwriter", o.queueCounts)
	}
	if c.Identity.URL == "" {
		log.Warn("no identity.url: neither API nor portal is served")
		return s, end, nil
	}
	return s, end, o.serve(ctx, s)
}

func (o *organisation) close() error {
	var errs []error
	for _, end := range slices.Backward(o.ends) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// loops are what the organisation does by itself.
func (o *organisation) loops() []Loop {
	c := o.config
	reader := c.Reader.User
	if reader == "" {
		reader = o.profile.Users[0].Name
	}
	loops := []Loop{
		o.as("read model", reader, func(ctx context.Context, s *consortium.Session) error {
			return o.store.Follow(ctx, projection.FromSession(s))
		}),
		{Name: "outbox", Run: o.outbox.Run},
	}
	if user := c.Underwriter.User; user != "" {
		loops = append(loops, o.as("underwriter", user, o.underwrite))
	}
	if user := c.Collateral.User; user != "" {
		loops = append(loops, o.as("collateral", user, collateral.Run))
	}
	if user := c.Collector.User; user != "" {
		collecting := o.as("collector", user, func(ctx context.Context, s *consortium.Session) error {
			return collector.Run(ctx, s, o.spool().Dir, c.Collector.Archive, c.Collector.Every)
		})
		// Before the operator has registered its collector, and another organisation has attested it, there is nothing to do.
		collecting.Waits = func(err error) bool {
			code := fault.CodeOf(err)
			return code == fault.DeviceUnknown || code == fault.DeviceNotAttested || code == fault.RecordNotFound
		}
		loops = append(loops, collecting)
	}
	return loops
}

func (o *organisation) spool() collector.Spool {
	return collector.Spool{Dir: o.config.beside(o.config.Collector.Spool, "spool")}
}

// as makes a loop of work that needs a session of a user.
func (o *organisation) as(name, user string, work func(ctx context.Context, s *consortium.Session) error) Loop {
	return Loop{Name: name, Run: func(ctx context.Context) error {
		s, err := o.sessions.Session(ctx, user)
		if err != nil {
			return err
		}
		return work(ctx, s)
	}}
}

// readModel says how far the read model is; too far behind is not ready.
func (o *organisation) readModel(ctx context.Context) (any, error) {
	status, err := o.store.Status(ctx)
	if err == nil && status.Behind > o.config.Limits.BehindBlocks {
		err = fmt.Errorf("%d blocks behind the ledger", status.Behind)
	}
	return status, err
}

// serve adds login, API and portal.
func (o *organisation) serve(ctx context.Context, s *Service) error {
	kept, err := identity.NewStore(ctx, o.db)
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	people, err := identity.New(o.config.Identity, o.profile, &directory{profile: o.profile, store: o.store}, kept, o.log)
	if err != nil {
		return err
	}
	stop, err := api.Tracing(ctx, "tallyd-"+o.profile.Org, o.config.TelemetryEndpoint)
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	o.ends = append(o.ends, func() error { return stop(context.WithoutCancel(ctx)) })
	machine, err := api.New(ctx, api.Config{Store: o.store, Outbox: o.outbox, DB: o.db, Sessions: o.sessions, Log: o.log, Metrics: o.metrics, Queue: o.queue})
	if err != nil {
		return fmt.Errorf("API: %w", err)
	}
	s.Add(Loop{Name: "webhooks", Run: machine.Deliver})
	pages, err := portal.New(portal.Config{Store: o.store, Outbox: o.outbox, Sessions: o.sessions, Login: "/login?to=", Log: o.log, Queue: o.queue})
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	r := chi.NewRouter()
	r.Use(identity.FromProxy, people.Protect)
	r.Handle("/metrics", machine)
	r.Handle("/static/*", pages)
	r.Handle("/favicon.ico", pages) // browsers ask for it on the login's page; a second login would take the place of the first
	r.Group(func(r chi.Router) {
		r.Use(people.Sessions, identity.Limit(o.config.Limits.RequestsPerMinute))
		people.Mount(r)
		if o.config.Collector.User != "" {
			r.With(people.Require, only(member.Collector, member.Operator)).Post(evidencePath, o.spool().Ingest().ServeHTTP)
		}
		r.Handle("/api/openapi.json", machine)
		r.Handle("/api/openapi.yaml", machine)
		r.With(people.Require).Handle("/api/*", machine)
		r.With(people.Require).Handle("/*", pages)
	})
	s.Serve(r)
	return nil
}

// only lets only people with one of the roles through.
func only(roles ...member.Role) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p, _ := identity.From(r.Context()); !slices.ContainsFunc(roles, p.Has) {
				identity.Problem(w, http.StatusForbidden, fault.New(fault.NotPermitted, "this takes one of the roles %v", roles))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
