package underwriting

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// State of an item in the queue.
type State string

// The states of an item.
const (
	Waiting State = "waiting"
	Working State = "working"
	Stuck   State = "stuck" // it was refused for a reason that the service cannot mend; it is tried again at the next sweep
)

// Purpose says what is to be done about an item.
type Purpose string

// The purposes.
const (
	ForApplication Purpose = "application" // decide it
	ForPayment     Purpose = "payment"     // book what the buyer has paid on a receivable
	ForEarly       Purpose = "early"       // offer early payment of a claim that was confirmed
)

// Item is a record in the queue.
type Item struct {
	For    Purpose    `json:"for"`
	ID     string     `json:"id"`     // of the application, the receivable or the fragment
	Circle string     `json:"circle"` // the desk, or the programme
	State  State      `json:"state"`
	Since  time.Time  `json:"since"`
	Tries  int        `json:"tries"`
	Code   fault.Code `json:"code,omitempty"`   // of the last refusal
	Detail string     `json:"detail,omitempty"` // of the last refusal, without terms

	again bool      // it was heard of while it was worked on
	until time.Time // when it waits for a deadline
}

func (i Item) key() string { return string(i.For) + "/" + i.ID }

// Queue lists what waits or is worked on, oldest first.
func (u *Underwriter) Queue() []Item {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := make([]Item, 0, len(u.items))
	for _, item := range u.items {
		list = append(list, *item)
	}
	slices.SortFunc(list, func(a, b Item) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.key(), b.key())
	})
	return list
}

// add puts a record into the queue, unless it is there.
func (u *Underwriter) add(purpose Purpose, id, circle string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fresh := Item{For: purpose, ID: id, Circle: circle, State: Stuck, Since: time.Now().UTC()}
	item, known := u.items[fresh.key()]
	if !known && len(u.items) >= maxQueue {
		return // the sweep finds it when there is room
	}
	if !known {
		item = &fresh
		u.items[fresh.key()] = item
	}
	switch item.State {
	case Stuck:
		item.State, item.Tries = Waiting, 0
		u.ready = append(u.ready, fresh.key())
		u.signal()
	case Working:
		item.again = true
	}
}

// watchDeadlines wakes what waits for a deadline of a tender.
func (u *Underwriter) watchDeadlines(ctx context.Context) {
	for ctx.Err() == nil {
		wait(ctx, deadlineTick)
		now := u.now()
		var due []Item
		u.mu.Lock()
		for _, item := range u.items {
			if item.State == Stuck && !item.until.IsZero() && !now.Before(item.until) {
				item.until = time.Time{}
				due = append(due, *item)
			}
		}
		u.mu.Unlock()
		for _, item := range due {
			u.add(item.For, item.ID, item.Circle)
		}
	}
}

func (u *Underwriter) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func (u *Underwriter) take() (Item, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.ready) == 0 {
		return Item{}, false
	}
	item := u.items[u.ready[0]]
	u.ready = u.ready[1:]
	if len(u.ready) > 0 {
		u.signal()
	}
	item.State, item.again = Working, false
	item.Tries++
	return *item, true
}

// settle takes what is done out of the queue, puts back what may succeed, and sets aside what cannot.
func (u *Underwriter) settle(ctx context.Context, done Item, outcome string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	item := u.items[done.key()]
	if err == nil {
		u.Log.Info("done", "for", item.For, "id", item.ID, "status", outcome, "tries", item.Tries)
		if !item.again || item.For == ForApplication { // a decision is final; of payments there may be more
			delete(u.items, done.key())
			return
		}
		item.State, item.Tries, item.again = Waiting, 0, false
		u.ready = append(u.ready, done.key())
		u.signal()
		return
	}
	var later notYet
	if errors.As(err, &later) {
		item.State, item.Code, item.Detail, item.until = Stuck, fault.OfferDeadline, later.Error(), later.until
		return
	}
	item.Code, item.Detail = fault.CodeOf(err), ""
	var f *fault.Error
	if errors.As(err, &f) {
		item.Detail = f.Detail
	}
	if !transient(err) || item.Tries >= maxTries {
		item.State = Stuck
		u.Log.Warn("set aside until the next sweep", "for", item.For, "id", item.ID, "code", item.Code, "error", err)
		return
	}
	item.State = Waiting
	again := rand.N(min(firstPause<<item.Tries, longestPause))
	time.AfterFunc(again, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if ctx.Err() == nil {
			u.ready = append(u.ready, done.key())
			u.signal()
		}
	})
}

// transient reports whether the same application may be decided a moment later: a race, a network, facts that have moved.
func transient(err error) bool {
	if errors.Is(err, consortium.ErrConflict) || errors.Is(err, consortium.ErrUnreachable) {
		return true
	}
	switch fault.CodeOf(err) {
	case fault.NetworkUnavailable, fault.DecisionOutsidePolicy, fault.EndorsementFailed, fault.ClockBackwards, fault.EvidenceStale,
		fault.LimitMismatch, fault.RecordExists, fault.TransitionDenied, fault.RecordNotFound, "":
		return true
	}
	return false
}
