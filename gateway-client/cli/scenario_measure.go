package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/scenario"
)

// markLending is the mark after which two banks can lend.
const markLending = "lending"

// lender plays a scenario to the point where banks can lend, and then does what a measurement needs, as its users.
type lender struct {
	app     *App
	connect Connector
	vars    map[string]string
	dir     string
	last    uint64 // the newest block that a command has made
}

// newLender plays the file until the mark.
func newLender(ctx context.Context, app *App, runner *scenario.Runner, connect Connector, file string) (*lender, error) {
	l := &lender{app: app, connect: connect, dir: runner.Dir}
	runner.Marked = func(_ context.Context, mark string, vars map[string]string) error {
		if mark == markLending {
			l.vars = vars
			return scenario.ErrStop
		}
		return nil
	}
	if _, err := runner.Run(ctx, file); err != nil {
		return nil, err
	}
	if l.vars == nil {
		return nil, usageError{fmt.Errorf("%s has no step with the mark %q", file, markLending)}
	}
	return l, nil
}

// run runs one command line as a user and decodes its result.
func (l *lender) run(ctx context.Context, org, user string, out any, args ...string) error {
	var result, errs bytes.Buffer
	args = append([]string{"--output", "json", "--after-block", fmt.Sprint(l.last)}, args...)
	if Run(ctx, l.connect, Who{Network: l.app.who.Network, Org: org, User: user}, args, &result, &errs) != 0 {
		return fmt.Errorf("tally %s: %s", strings.Join(args, " "), strings.TrimSpace(errs.String()))
	}
	var made struct {
		Block uint64 `json:"block"`
	}
	if err := json.Unmarshal(result.Bytes(), &made); err != nil {
		return err
	}
	l.last = max(l.last, made.Block)
	if out == nil {
		return nil
	}
	return json.Unmarshal(result.Bytes(), out)
}

func (l *lender) session(ctx context.Context, org, user string) (*consortium.Session, error) {
	s, _, err := l.connect(ctx, Who{Network: l.app.who.Network, Org: org, User: user})
	return s, err
}

// buyerUsers are the maker and the checker of a buyer's party.
type buyerUsers struct{ alias, gln, maker, checker string }

var firstBuyer = buyerUsers{"buyer", "9520000100094", "alice", "bruno"}

// confirmed issues and confirms so many invoices against the buyer, in bulk, and returns their receivables.
func (l *lender) confirmed(ctx context.Context, b buyerUsers, series string, count int) ([]string, error) {
	folder := filepath.Join(l.dir, series)
	list, err := manyInvoices(filepath.Join(l.vars["docs"], "invoices", "acme-INV-1001.xml"), folder, count)
	if err != nil {
		return nil, err
	}
	if err := rewrite(folder, ">B-", ">"+series+"-", firstBuyer.gln, b.gln); err != nil {
		return nil, err
	}
	ids := filepath.Join(folder, "ids.txt")
	for _, step := range [][]string{
		{"supplier", "amy", "receivable", "issue-bulk", "--list", list, "--ids", ids, "--programme", l.vars["programme"]},
		{"buyer", b.maker, "receivable", "propose-bulk", "--list", ids},
		{"buyer", b.checker, "receivable", "confirm-bulk", "--list", ids},
	} {
		if err := l.run(ctx, step[0], step[1], nil, step[2:]...); err != nil {
			return nil, err
		}
	}
	raw, err := os.ReadFile(ids)
	return strings.Fields(string(raw)), err
}

// rewrite replaces texts in every document of a folder.
func rewrite(folder string, pairs ...string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.xml"))
	if err != nil {
		return err
	}
	replacer := strings.NewReplacer(pairs...)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(replacer.Replace(string(raw))), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// applications prepares an application of Acme to bank A on each receivable, with all that has to be looked up before.
func (l *lender) applications(ctx context.Context, receivables []string, advanceMinor int64) ([]consortium.Call, error) {
	s, err := l.session(ctx, "supplier", "amy")
	if err != nil {
		return nil, err
	}
	if err := s.Await(ctx, l.last); err != nil {
		return nil, err
	}
	calls := make([]consortium.Call, len(receivables))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, id := range receivables {
		g.Go(func() error {
			in := financing.Request{ID: consortium.NewID("app"), Bank: "BankAMSP", Consent: l.vars["consent_acme_a"], Currency: "EUR", AdvanceMinor: advanceMinor}
			var err error
			calls[i], err = operation.Apply(ctx, s, l.vars["desk_a"], in, operation.Pledging{Receivables: []string{id}})
			return err
		})
	}
	return calls, g.Wait()
}

// watch notes when events are seen at a peer.
type watch struct {
	mu   sync.Mutex
	seen map[string]time.Time // event type and id
}

// watching follows the blocks of a session's peer from the next one on, until the context ends.
func watching(ctx context.Context, s *consortium.Session, from uint64) *watch {
	w := &watch{seen: map[string]time.Time{}}
	go func() {
		for ctx.Err() == nil {
			err := s.Network.Blocks(ctx, from, func(b consortium.Block) error {
				now := time.Now()
				w.mu.Lock()
				defer w.mu.Unlock()
				from = b.Number + 1
				for _, tx := range b.Transactions {
					if !tx.Valid || tx.Event == nil {
						continue
					}
					for _, e := range tx.Event.Events {
						if _, twice := w.seen[e.Type+" "+e.ID]; !twice {
							w.seen[e.Type+" "+e.ID] = now
						}
					}
				}
				return nil
			})
			if err != nil && ctx.Err() == nil {
				time.Sleep(pollPause)
			}
		}
	}()
	return w
}

// pollPause is between two looks at what has been seen.
const pollPause = 20 * time.Millisecond

// at returns when the first of the events of a record was seen.
func (w *watch) at(id string, types ...string) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, typ := range types {
		if t, ok := w.seen[typ+" "+id]; ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// await waits until every record has had one of the events.
func (w *watch) await(ctx context.Context, ids []string, types ...string) error {
	for _, id := range ids {
		for {
			if _, ok := w.at(id, types...); ok {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s has not been seen for %s: %w", strings.Join(types, ", "), id, ctx.Err())
			case <-time.After(pollPause):
			}
		}
	}
	return nil
}

// quantile is the value below which the part of the durations lies (nearest rank).
func quantile(list []time.Duration, part float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

// emptyTransactions submits one transaction after another that changes nothing, until stop is called, and then returns how long each
// took from the call to the commit.
func emptyTransactions(ctx context.Context, s *consortium.Session, pause time.Duration) (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	var times []time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			start := time.Now()
			if _, err := s.Submit(ctx, consortium.Call{Function: "member:Ping"}, nil); err == nil {
				times = append(times, time.Since(start))
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}()
	return func() []time.Duration {
		cancel()
		<-done
		return times
	}
}
