// Package underwriting is a bank's service that decides: it hears an application on the ledger, gathers the facts that the bank
// may read, scores, and submits the score and the decision that the bank's policy gives. The peers calculate both again. It also
// books what buyers pay on claims that are pledged to the bank.
//
// The ledger is its only memory. What is open there is its queue, so it can stop at any point and go on; ids and request ids
// are made from the application's id, so a step that was taken is not taken again, not even by another replica.
package underwriting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Defaults and limits of the service.
const (
	DefaultWorkers      = 4
	DefaultSweep        = time.Minute
	DefaultScoreDays    = 30
	maxAttempts         = 8 // scores of one application
	maxTries            = 6 // of one step, before the application waits for the next sweep
	firstPause          = 50 * time.Millisecond
	longestPause        = 5 * time.Second
	deadlineTick        = 200 * time.Millisecond
	collectEvery        = time.Hour // between two looks at every loan's payments; in between they are heard
	maxQueue            = 100_000
	applicationsPerPage = "200"
)

// Ledger is what the service needs of the consortium, as a user with the role underwriter. *consortium.Session is one.
type Ledger interface {
	Evaluate(ctx context.Context, call consortium.Call, out any) error
	Submit(ctx context.Context, call consortium.Call, out any) (consortium.Committed, error)
	Locate(ctx context.Context, typ string, id ...string) (string, error)
	Readable(ctx context.Context, kind circle.Kind) ([]string, error)
	Circle(ctx context.Context, id string) (circle.Circle, error)
	User() consortium.User
}

// Blocks calls the function for every block from the number on (consortium.Network.Blocks).
type Blocks func(ctx context.Context, from uint64, each func(consortium.Block) error) error

// Features works out the raw values of a scorecard's features, in the card's order, from what is known of an applicant. What
// it cannot know is scorecard.Missing.
type Features func(card *scorecard.Scorecard, h History) ([]scorecard.Value, error)

// Source gathers what the bank may know of an application's applicant, as of today.
type Source interface {
	History(ctx context.Context, a financing.Application, today calendar.Date) (History, error)
}

// Underwriter is the service. Ledger, Blocks, Source, Features and SaltKey must be set before Run.
type Underwriter struct {
	Ledger   Ledger
	Blocks   Blocks
	Source   Source
	Features Features
	// SaltKey (32 secret bytes of the bank) keys the salts of the commitments to raw inputs, so that a replica that starts
	// again commits alike and the bank can open what it committed to.
	SaltKey []byte
	// From is the first block to listen to. What was open before is found without it.
	From uint64
	// Today is the bank's business date.
	Today func() calendar.Date
	// Now is the instant that a tender's deadlines are held against; time.Now where it is nil.
	Now func() time.Time
	// Keep, where set, stores the raw inputs of a score (canonical JSON) before the score is submitted.
	Keep func(ctx context.Context, score string, inputs []byte) error
	Log  *slog.Logger
	// Workers decide side by side; Sweep is how often the open applications are listed again. Zero means the default.
	Workers int
	Sweep   time.Duration

	mu     sync.Mutex
	items  map[string]*Item
	ready  []string
	wake   chan struct{}
	height uint64
	cards  map[string]*scorecard.Scorecard
	loans  map[string][]string // loans by the fragments that back them
}

// Run works until the context ends, and returns its error; or the first failure that no retry can mend: a configuration that
// is not complete.
func (u *Underwriter) Run(ctx context.Context) error {
	if u.Ledger == nil || u.Blocks == nil || u.Source == nil || u.Features == nil || u.Today == nil || len(u.SaltKey) < 32 {
		return fault.New(fault.InputMissing, "the underwriter needs a ledger, blocks, a source, features, a date and a salt key of 32 bytes")
	}
	u.init()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { u.listen(ctx) })
	group.Go(func() { u.sweep(ctx) })
	group.Go(func() { u.watchDeadlines(ctx) })
	for range u.workers() {
		group.Go(func() { u.work(ctx) })
	}
	group.Wait()
	return ctx.Err()
}

func (u *Underwriter) init() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.items == nil {
		u.items, u.cards, u.loans = map[string]*Item{}, map[string]*scorecard.Scorecard{}, map[string][]string{}
		u.wake = make(chan struct{}, 1)
	}
	if u.Log == nil {
		u.Log = slog.New(slog.DiscardHandler)
	}
}

func (u *Underwriter) workers() int {
	if u.Workers > 0 {
		return u.Workers
	}
	return DefaultWorkers
}

// listen follows the blocks, and starts again where the stream breaks.
func (u *Underwriter) listen(ctx context.Context) {
	for try := 0; ctx.Err() == nil; try++ {
		from := max(u.From, u.seen())
		err := u.Blocks(ctx, from, func(b consortium.Block) error {
			try = 0
			u.hear(ctx, b)
			return nil
		})
		if ctx.Err() == nil {
			u.Log.Warn("the stream of blocks broke; it starts again", "from", from, "error", err)
			pause(ctx, try)
		}
	}
}

func (u *Underwriter) hear(ctx context.Context, b consortium.Block) {
	u.mu.Lock()
	u.height = max(u.height, b.Number)
	u.mu.Unlock()
	for _, tx := range b.Transactions {
		if !tx.Valid || tx.Event == nil {
			continue
		}
		for _, e := range tx.Event.Events {
			switch {
			case e.Type == "application.submitted" && u.ours(ctx, e.Circle):
				u.add(ForApplication, e.ID, e.Circle)
			case e.Type == "receivable.paid" && u.reads(ctx, e.Circle):
				u.add(ForPayment, e.ID, e.Circle)
			case e.Type == "receivable.confirmed" && u.reads(ctx, e.Circle):
				u.add(ForEarly, e.Ref, e.Circle)
			}
		}
	}
}

// ours reports whether the circle is a desk of the own bank.
func (u *Underwriter) ours(ctx context.Context, desk string) bool {
	c, err := u.Ledger.Circle(ctx, desk)
	return err == nil && c.Kind == circle.Desk && c.Founder == u.Ledger.User().MSP
}

// reads reports whether the own bank reads the circle.
func (u *Underwriter) reads(ctx context.Context, id string) bool {
	c, err := u.Ledger.Circle(ctx, id)
	return err == nil && slices.Contains(c.Readers(), u.Ledger.User().MSP)
}

func (u *Underwriter) seen() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.height
}

// sweep lists the open applications at once and then at intervals: what was missed, and what was stuck.
func (u *Underwriter) sweep(ctx context.Context) {
	every := u.Sweep
	if every <= 0 {
		every = DefaultSweep
	}
	var collected time.Time
	for ctx.Err() == nil {
		if err := u.list(ctx); err != nil && ctx.Err() == nil {
			u.Log.Warn("the open applications could not be listed", "error", err)
		}
		if time.Since(collected) >= max(every, collectEvery) {
			if err := u.listLoans(ctx); err == nil {
				collected = time.Now()
			} else if ctx.Err() == nil {
				u.Log.Warn("the loans could not be listed", "error", err)
			}
		}
		wait(ctx, every)
	}
}

func (u *Underwriter) list(ctx context.Context) error {
	desks, err := u.Ledger.Readable(ctx, circle.Desk)
	if err != nil {
		return err
	}
	for _, desk := range desks {
		if !u.ours(ctx, desk) {
			continue
		}
		for after := ""; ; {
			var page struct {
				Applications []financing.Application `json:"applications"`
				Next         string                  `json:"next"`
			}
			call := consortium.Call{Function: "financing:OpenApplications", Args: []string{applicationsPerPage, after}, Circles: []string{desk}}
			if err := u.Ledger.Evaluate(ctx, call, &page); err != nil {
				return err
			}
			for _, a := range page.Applications {
				if a.Bank == u.Ledger.User().MSP && (a.Status == financing.Submitted || a.Due(u.Today())) {
					u.add(ForApplication, a.ID, desk)
				}
			}
			if page.Next == "" {
				break
			}
			after = page.Next
		}
	}
	return nil
}

func (u *Underwriter) work(ctx context.Context) {
	for ctx.Err() == nil {
		item, ok := u.take()
		if !ok {
			select {
			case <-ctx.Done():
			case <-u.wake:
			}
			continue
		}
		outcome, err := u.handle(ctx, item)
		u.settle(ctx, item, outcome, err)
	}
	u.signal() // whoever waits learns of the end, too
}

func (u *Underwriter) handle(ctx context.Context, item Item) (string, error) {
	switch item.For {
	case ForPayment:
		return u.collect(ctx, item.ID, item.Circle)
	case ForEarly:
		return u.offerEarly(ctx, item.ID, item.Circle)
	}
	return u.decide(ctx, item.ID, item.Circle)
}

func pause(ctx context.Context, try int) {
	wait(ctx, rand.N(min(firstPause<<min(try, 10), longestPause)))
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// derive makes an id that every replica and every later run makes alike.
func derive(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q", parts)))
	return prefix + "-" + hex.EncodeToString(sum[:10])
}
