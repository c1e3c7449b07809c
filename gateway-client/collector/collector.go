// Package collector is a warehouse's service that anchors what its devices send: EPCIS documents, signed readings and segments
// that devices have closed themselves come into a spool folder, by hand or over HTTP, and leave it as batches on the ledger and
// in the archive (docs/receipt.md).
//
// What was taken into the spool is anchored once, whatever stops the process: batches are written down with the files that they
// come from before the first is sent, a batch is sent under a request id of its own until its fate is known, and only then the
// files go. A file that was sent twice is known by its content.
package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// Defaults and limits of the service.
const (
	DefaultEvery = 15 * time.Minute
	// MaxFiles and MaxReadings bound one plan: what is read into memory at a time.
	MaxFiles    = 500
	MaxReadings = 500_000
	// maxTries is how often a refused batch is made anew from its readings before they are set aside.
	maxTries     = 3
	firstPause   = 500 * time.Millisecond
	longestPause = time.Minute
	devicesPage  = "200"
)

// Ledger is what the service needs of the consortium, as a user with the role collector. *consortium.Session is one.
type Ledger interface {
	Evaluate(ctx context.Context, call consortium.Call, out any) error
	Submit(ctx context.Context, call consortium.Call, out any) (consortium.Committed, error)
	Readable(ctx context.Context, kind circle.Kind) ([]string, error)
	User() consortium.User
}

// Collector is the service. Ledger, Now, Device, Spool and Archive must be set before Run.
type Collector struct {
	Ledger Ledger
	// Now dates the batches.
	Now func() time.Time
	// Device is the id of the registered collector whose key the ledger's user signs with.
	Device  string
	Spool   Spool
	Archive evidence.Archive
	// Every is how long readings are gathered; zero means the default. A start takes up at once what is there.
	Every time.Duration
	// Settled, where it is set, hears of every batch: its readings, and why it was not anchored.
	Settled func(batch string, readings int64, err error)
	Log     *slog.Logger
}

// Run collects on the session's behalf until the context ends: from the spool folder into the archive folder ("": the
// organisation's), every so long (0: the default). The session's user has the role collector, and its certificate's key is a
// registered collector's.
func Run(ctx context.Context, s *consortium.Session, spool, archive string, every time.Duration) error {
	device, err := operation.Collector(ctx, s)
	if err != nil {
		return err
	}
	c := &Collector{Ledger: s, Now: s.Network.Now, Device: device, Spool: Spool{Dir: spool}, Archive: operation.Archive(s, archive), Every: every, Log: slog.Default()}
	return c.Run(ctx)
}

// Run works until the context ends, and returns its error; or at once what is missing to begin.
func (c *Collector) Run(ctx context.Context) error {
	if c.Ledger == nil || c.Now == nil || c.Device == "" || c.Spool.Dir == "" || c.Archive.Dir == "" {
		return fault.New(fault.InputMissing, "the collector needs a ledger, a clock, its device, a spool and an archive")
	}
	every := c.Every
	if every <= 0 {
		every = DefaultEvery
	}
	unlock, err := c.Spool.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for try := 0; ctx.Err() == nil; {
		more, err := c.Round(ctx)
		wait := every
		switch {
		case err != nil && ctx.Err() == nil:
			wait = rand.N(min(firstPause<<min(try, 8), longestPause))
			try++
			c.log().Warn("the spool waits", "error", err, "tries", try)
		case more:
			wait, try = 0, 0
		default:
			try = 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
	return ctx.Err()
}

// Round finishes what was planned before, or plans what is in the spool and carries it out. More says that there is more to do at
// once. After an error it is called again.
func (c *Collector) Round(ctx context.Context) (more bool, err error) {
	p, found, err := c.Spool.plan()
	if err != nil {
		return false, err
	}
	if !found {
		if p, more, err = c.draw(ctx); err != nil {
			return false, err
		}
		if len(p.Files) == 0 {
			return false, nil
		}
		if err := c.Spool.savePlan(p); err != nil {
			return false, err
		}
	}
	for i := 0; i < len(p.Batches); i++ {
		if p.Batches[i].Settled {
			continue
		}
		anchored, err := c.send(ctx, &p, i)
		if err == nil {
			err = c.Spool.savePlan(p)
		}
		if err == nil && !anchored { // only now nothing needs its readings any more
			err = c.Archive.Remove(p.Batches[i].Batch.ID)
		}
		if err != nil {
			return false, err
		}
	}
	return more || found, c.Spool.finish(p)
}

func (c *Collector) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// send anchors one batch of the plan. An error means that its fate is open; a refusal is settled in the plan.
func (c *Collector) send(ctx context.Context, p *plan, i int) (anchored bool, err error) {
	b := p.Batches[i]
	_, err = evidence.Submit(ctx, c.Ledger, evidence.Batch{Batch: b.Batch})
	if err != nil && !final(err) {
		return false, err
	}
	if err != nil {
		c.log().Warn("a batch was refused", "batch", b.Batch.ID, "tries", b.Tries+1, "error", err)
		again, rerr := c.again(ctx, b, err)
		if rerr != nil {
			return false, rerr
		}
		p.Batches = append(p.Batches, again...)
	}
	p.Batches[i].Settled = true
	if c.Settled != nil {
		c.Settled(b.Batch.ID, b.Batch.Count(), err)
	}
	return err == nil, nil
}

// again makes batches of a refused one's readings, by the receipts and heads of now, each device alone; after too many tries the
// readings are set aside.
func (c *Collector) again(ctx context.Context, b planned, why error) ([]planned, error) {
	kept, err := c.Archive.Load(b.Batch.ID)
	if err != nil {
		return nil, err
	}
	if b.Tries+1 >= maxTries {
		for _, s := range kept.Segments {
			if err := c.Spool.reject(b.Batch.ID+"-"+s.Device, s.Readings, why); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	house, err := c.survey(ctx)
	if err != nil {
		return nil, err
	}
	m := materials{}
	for _, s := range kept.Segments {
		d, err := house.device(ctx, c.Ledger, s.Device)
		if err != nil {
			return nil, err
		}
		if len(s.Signature) > 0 {
			m.close(d, s)
		} else {
			m.add(d, s.Readings)
		}
	}
	only := []string{b.Batch.Programme}
	return c.batches(ctx, house, m, only, fmt.Sprintf("%s/%d", b.Batch.ID, b.Tries+1), b.Tries+1)
}

// final reports whether a refusal is about the readings. Everything else may pass: a network, a key, a collector that is not
// attested yet.
func final(err error) bool {
	var f *fault.Error
	if !errors.As(err, &f) || errors.Is(err, consortium.ErrConflict) || errors.Is(err, consortium.ErrUnreachable) {
		return false
	}
	return strings.HasPrefix(string(f.Code), "EVIDENCE_") || strings.HasPrefix(string(f.Code), "DEVICE_") ||
		f.Code == fault.InputInvalid || f.Code == fault.TransitionDenied
}
