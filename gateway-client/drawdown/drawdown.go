// Package drawdown pays many loans out side by side. A limit that loans share is split into lanes, and a transaction draws on one lane of
// each limit; two that meet in a lane in one block conflict. So a lane is leased to one drawdown at a time.
package drawdown

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// Limits of the work.
const (
	DefaultParallel = 32
	maxTries        = 6 // of one loan, each with a fresh look at the limits
	firstPause      = 50 * time.Millisecond
)

// Drawer draws loans as a maker of their bank. Its zero Parallel means the default.
type Drawer struct {
	Session  *consortium.Session
	Parallel int
	Note     string

	mu     sync.Mutex
	freed  *sync.Cond
	limits map[string]*limit
}

// limit is what is known of a limit: its lanes, and which of them are leased.
type limit struct {
	lanes  []financing.Lane
	leased []bool
}

// Drawn is what became of one loan.
type Drawn struct {
	Loan        string `json:"loan"`
	Transaction string `json:"transaction,omitempty"`
	Block       uint64 `json:"block,omitempty"`
	Tries       int    `json:"tries"`
	Lanes       []int  `json:"lanes,omitempty"`
	Err         error  `json:"-"`
}

// Draw draws the loans and returns what became of each, in their order. LIMIT_EXCEEDED is for a loan that does not fit into what is free
// of a limit as a whole; where it fits, but into no lane, the room is gathered first.
func (d *Drawer) Draw(ctx context.Context, loans []string) []Drawn {
	d.mu.Lock()
	if d.limits == nil {
		d.limits, d.freed = map[string]*limit{}, sync.NewCond(&d.mu)
	}
	d.mu.Unlock()
	out := make([]Drawn, len(loans))
	var g errgroup.Group
	g.SetLimit(max(d.Parallel, 0))
	if d.Parallel <= 0 {
		g.SetLimit(DefaultParallel)
	}
	for i, id := range loans {
		g.Go(func() error {
			out[i] = d.one(ctx, id)
			return nil
		})
	}
	_ = g.Wait() // each loan carries its own error
	return out
}

func (d *Drawer) one(ctx context.Context, id string) Drawn {
	r := Drawn{Loan: id}
	for r.Tries = 1; ; r.Tries++ {
		d.try(ctx, &r)
		again := fault.CodeOf(r.Err) == fault.LimitExceeded || fault.CodeOf(r.Err) == fault.NetworkUnavailable
		if !again || r.Tries == maxTries || ctx.Err() != nil {
			return r
		}
		timer := time.NewTimer(rand.N(firstPause << r.Tries))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (d *Drawer) try(ctx context.Context, r *Drawn) {
	l, circles, err := operation.Loan(ctx, d.Session, r.Loan)
	if err == nil {
		r.Lanes, err = d.lease(ctx, l.Loan, circles)
	}
	if err != nil {
		r.Err = err
		return
	}
	call := consortium.Call{Function: "financing:Draw", Args: []string{r.Loan}, Input: financing.DrawInput{Lanes: r.Lanes, Note: d.Note}, Circles: circles}
	done, err := d.Session.Submit(ctx, call, nil)
	d.release(l.Loan, r.Lanes, err == nil)
	r.Transaction, r.Block, r.Err = done.Transaction, done.Block, err
}

// lease takes a lane with enough room of each limit that the loan draws on, all together or none; it waits while others hold those that
// have it.
func (d *Drawer) lease(ctx context.Context, l financing.Loan, circles []string) ([]int, error) {
	for _, use := range l.Uses {
		if err := d.look(ctx, use.Limit, circles); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		lanes, waits, short := d.pick(l)
		switch {
		case lanes != nil:
			for i, use := range l.Uses {
				d.limits[use.Limit].leased[lanes[i]] = true
			}
			return lanes, nil
		case waits:
			d.freed.Wait()
		default:
			if err := d.gather(ctx, short, circles); err != nil {
				return nil, err
			}
		}
	}
}

// pick finds a lane in each limit: the decision's where it is free, else the roomiest. Waits says that a leased lane could do; short is a
// use that no lane has room for.
func (d *Drawer) pick(l financing.Loan) (lanes []int, waits bool, short financing.LimitUse) {
	lanes = make([]int, len(l.Uses))
	for i, use := range l.Uses {
		known, best, leased := d.limits[use.Limit], -1, false
		for n, lane := range known.lanes {
			switch {
			case lane.FreeMinor() < use.Minor:
			case known.leased[n]:
				leased = true
			case best < 0 || n == use.Lane || best != use.Lane && lane.FreeMinor() > known.lanes[best].FreeMinor():
				best = n
			}
		}
		if best < 0 {
			return nil, leased || slices.Contains(known.leased, true), use
		}
		lanes[i] = best
	}
	return lanes, false, short
}

// gather puts a limit's free room into the lane of a use, while nobody draws on the limit. It is called with the lock held, so that
// nobody begins to.
func (d *Drawer) gather(ctx context.Context, use financing.LimitUse, circles []string) error {
	known, free := d.limits[use.Limit], int64(0)
	for _, lane := range known.lanes {
		free += lane.FreeMinor()
	}
	if free < use.Minor {
		delete(d.limits, use.Limit)
		return fault.New(fault.LimitExceeded, "limit %s has no room for the loan", use.Limit)
	}
	call := consortium.Call{Function: "financing:GatherLimit", Args: []string{use.Limit, strconv.Itoa(use.Lane)}, Circles: circles[:1]}
	if _, err := d.Session.Submit(ctx, call, nil); err != nil {
		return err
	}
	return d.read(ctx, use.Limit, circles)
}

// look reads a limit that is not known yet.
func (d *Drawer) look(ctx context.Context, id string, circles []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limits[id] != nil {
		return nil
	}
	return d.read(ctx, id, circles)
}

func (d *Drawer) read(ctx context.Context, id string, circles []string) error {
	l, err := operation.ReadLimit(ctx, d.Session, circles[0], id)
	if err != nil {
		return err
	}
	known := &limit{lanes: l.Lanes, leased: make([]bool, len(l.Lanes))}
	if before := d.limits[id]; before != nil && len(before.leased) == len(known.leased) {
		known.leased = before.leased
	}
	d.limits[id] = known
	return nil
}

// release gives the lanes back. What was drawn is counted; after a failure the limits are read again, unless others hold lanes of them.
func (d *Drawer) release(l financing.Loan, lanes []int, drawn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, use := range l.Uses {
		known := d.limits[use.Limit]
		if known == nil {
			continue
		}
		known.leased[lanes[i]] = false
		if drawn {
			known.lanes[lanes[i]].UsedMinor += use.Minor
		} else if !slices.Contains(known.leased, true) {
			delete(d.limits, use.Limit)
		}
	}
	d.freed.Broadcast()
}
