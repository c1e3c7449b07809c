package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Pauses and limits of the workers.
const (
	longestPause = 30 * time.Second
	idle         = 5 * time.Second
	purgeEvery   = time.Hour
	// abandonedAfter is after how many times an attempt's time an operation that runs was left by a replica that is no more.
	abandonedAfter = 3
	recordTime     = 10 * time.Second
	// maxUnknown is how often an error that is no fault is tried: it may be the network's, or a defect.
	maxUnknown = 3
	smoothing  = 0.1
)

// Run sends what was accepted until the context ends; it may be called again. What was on its way when the process ended before
// is sent again first.
func (o *Outbox) Run(ctx context.Context) error {
	if err := o.recover(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	free := make(chan struct{}, o.c.InFlight)
	for range o.c.InFlight {
		free <- struct{}{}
	}
	group.Go(func() error { return o.keepClean(ctx) })
	group.Go(func() error {
		for ctx.Err() == nil {
			started, err := o.round(ctx, group, free)
			if err != nil {
				return err
			}
			if started == 0 {
				if err := o.pause(ctx); err != nil {
					return err
				}
			}
		}
		return ctx.Err()
	})
	return group.Wait()
}

// round starts what is ready and has a place, and returns how many it has started.
func (o *Outbox) round(ctx context.Context, group *errgroup.Group, free chan struct{}) (int, error) {
	list, err := o.ready(ctx, o.c.InFlight)
	if err != nil {
		return 0, err
	}
	for _, op := range list {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-free:
		}
		claimed, err := o.claim(ctx, &op)
		if err != nil || !claimed {
			free <- struct{}{}
			if err != nil {
				return 0, err
			}
			continue
		}
		group.Go(func() error {
			defer func() {
				free <- struct{}{}
				o.alarm()
			}()
			return o.send(ctx, op)
		})
	}
	return len(list), nil
}

// pause waits until there may be something to do.
func (o *Outbox) pause(ctx context.Context) error {
	wait := idle
	at, found, err := o.next(ctx)
	if err != nil {
		return err
	}
	if found {
		wait = min(max(at.Sub(o.c.Now()), time.Millisecond), idle)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-o.wake:
	case <-timer.C:
	}
	return nil
}

func (o *Outbox) keepClean(ctx context.Context) error {
	old, abandoned := time.NewTicker(purgeEvery), time.NewTicker(o.c.AttemptTime)
	defer old.Stop()
	defer abandoned.Stop()
	if err := o.purge(ctx); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-old.C:
			err = o.purge(ctx)
		case <-abandoned.C:
			if err = o.takeOver(ctx); err == nil {
				o.alarm()
			}
		}
		if err != nil {
			return err
		}
	}
}

// send submits an operation once (the session repeats what lost a race) and records how it ended, or when it is sent again.
func (o *Outbox) send(ctx context.Context, op Operation) error {
	done, err := o.submit(ctx, op)
	if ctx.Err() != nil && err != nil {
		return ctx.Err() // it stays running, and is sent again by the next Run
	}
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	now := o.c.Now().UTC()
	op.Changed = now
	switch kind, unknown := kindOf(err); {
	case err == nil:
		op.State, op.Transaction, op.Block = Done, done.Transaction, done.Block
		if op.Result = resultOf(done.Result); op.Result == nil && len(done.Result) > 0 {
			o.c.Log.Warn("the ledger's answer is no JSON", "operation", op.ID)
		}
	case kind == fault.Unavailable && now.Sub(op.Created) < o.c.GiveUpAfter, unknown && op.Attempts < maxUnknown:
		op.inDoubt = op.inDoubt || unknown || fault.CodeOf(err) == fault.OutcomeUnknown || errors.Is(err, context.DeadlineExceeded)
		o.c.Log.Info("an operation is sent again", "operation", op.ID, "attempts", op.Attempts, "error", err)
		return o.postpone(recording, op, now.Add(o.backoff(op.Attempts)))
	case kind == fault.Unavailable || unknown || kind == fault.Internal:
		op.State, op.Problem = Failed, problemOf(err, op.inDoubt || unknown)
	default:
		op.State, op.Problem = Refused, problemOf(err, false)
	}
	if err := o.end(recording, op); err != nil {
		return err
	}
	o.mu.Lock()
	o.secondsEach += smoothing * (now.Sub(op.Created).Seconds() - o.secondsEach)
	o.mu.Unlock()
	if o.c.Ended != nil {
		o.c.Ended(op, now.Sub(op.Created))
	}
	o.tell(op.ID)
	return nil
}

var propagator = propagation.TraceContext{}

func (o *Outbox) submit(ctx context.Context, op Operation) (done consortium.Committed, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.c.AttemptTime)
	defer cancel()
	if op.traceparent != "" {
		ctx = propagator.Extract(ctx, propagation.MapCarrier{"traceparent": op.traceparent})
	}
	ctx, span := otel.Tracer("tallystick/outbox").Start(ctx, "submit "+op.Action, trace.WithSpanKind(trace.SpanKindConsumer))
	span.SetAttributes(attribute.String("operation", op.ID), attribute.Int("attempt", op.Attempts))
	defer func() {
		if err != nil {
			span.SetStatus(codes.Error, string(fault.CodeOf(err)))
		}
		span.SetAttributes(attribute.String("transaction", done.Transaction), attribute.Int64("block", int64(done.Block)))
		span.End()
	}()
	call, err := op.ledgerCall()
	if err != nil {
		return done, err
	}
	s, err := o.c.Session(ctx, op.user)
	if err != nil {
		return done, err
	}
	return s.Submit(ctx, call, nil)
}

// kindOf is the kind of a failure; unknown is set for an error that is no fault.
func kindOf(err error) (kind fault.Kind, unknown bool) {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, consortium.ErrUnreachable) || errors.Is(err, consortium.ErrConflict) {
		return fault.Unavailable, false
	}
	row, ok := fault.Describe(fault.CodeOf(err))
	return row.Kind, err != nil && !ok
}

// problemOf is the failure as it is kept. Of what is in doubt nobody must say that nothing was decided.
func problemOf(err error, doubt bool) *fault.Error {
	var f *fault.Error
	switch {
	case doubt:
		return fault.New(fault.OutcomeUnknown, "it was sent, and the network did not say how it ended")
	case errors.As(err, &f):
		return &fault.Error{Code: f.Code, Detail: f.Detail, Fields: f.Fields}
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.OutcomeUnknown, "the network did not answer in time")
	}
	return fault.New(fault.NetworkUnavailable, "the network did not answer")
}

// resultOf is the ledger's answer where it is JSON; a plain text becomes a JSON string.
func resultOf(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if json.Valid(raw) {
		return json.RawMessage(raw)
	}
	text, err := json.Marshal(string(raw))
	if err != nil {
		return nil
	}
	return text
}

// backoff is a pause with full jitter that grows with the attempts.
func (o *Outbox) backoff(attempts int) time.Duration {
	most := longestPause
	if attempts < 16 {
		most = min(o.c.Pause<<attempts, longestPause)
	}
	return time.Duration(rand.Int64N(int64(most)))
}
