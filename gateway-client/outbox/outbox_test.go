package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/database/databasetest"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/topology"
)

// trading starts a consortium in memory whose programme can trade.
func trading(t *testing.T) (c *memory.Consortium, programme string) {
	t.Helper()
	c = memory.New(topology.Default())
	t.Cleanup(c.Close)
	vars := map[string]string{}
	for _, alias := range []string{"acme", "birch", "cedar", "buyer", "supplier", "bankA", "bankB", "warehouse", "regulator"} {
		vars["party_"+alias] = memory.PartyID(alias)
	}
	connect := func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}
	runner := &scenario.Runner{
		Today: calendar.From(c.Ledger.Now()), Vars: vars, Dir: t.TempDir(),
		Command: func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) int {
			return cli.Run(ctx, connect, cli.Who{Org: org, User: user}, args, out, errs)
		},
		Marked: func(_ context.Context, mark string, now map[string]string) error {
			programme = now["programme"]
			return scenario.ErrStop
		},
	}
	_, err := runner.Run(t.Context(), "../../testdata/scenarios/receivables.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, programme)
	return c, programme
}

// network is a user's network whose answers can be spoilt.
type network struct {
	consortium.Network
	sent   atomic.Int64
	before func() error // instead of sending
	after  func() error // instead of the answer
}

func (n *network) Submit(ctx context.Context, p consortium.Proposal) (consortium.Committed, error) {
	if n.before != nil {
		if err := n.before(); err != nil {
			return consortium.Committed{}, err
		}
	}
	n.sent.Add(1)
	done, err := n.Network.Submit(ctx, p)
	if err == nil && n.after != nil {
		if lost := n.after(); lost != nil {
			return consortium.Committed{}, lost
		}
	}
	return done, err
}

type world struct {
	db        *database.DB
	net       *network
	session   *consortium.Session
	programme string
	config    outbox.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, programme := trading(t)
	s, err := c.Session("supplier", "amy")
	require.NoError(t, err)
	net := &network{Network: s.Network}
	db, err := database.Open(t.Context(), databasetest.Fresh(t))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	w := &world{db: db, net: net, session: consortium.NewSession(net, s.Keyring), programme: programme}
	w.config = outbox.Config{DB: db, Session: func(context.Context, string) (*consortium.Session, error) { return w.session, nil }}
	return w
}

func (w *world) open(t *testing.T) *outbox.Outbox {
	t.Helper()
	o, err := outbox.Open(t.Context(), w.config)
	require.NoError(t, err)
	return o
}

// run runs the workers until the returned function is called.
func run(t *testing.T, o *outbox.Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			assert.ErrorIs(t, <-ended, context.Canceled)
		})
	}
	t.Cleanup(stop)
	return stop
}

// issue asks for an invoice with the number.
func (w *world) issue(number string) outbox.Build {
	return func(_ context.Context, ids outbox.IDs) (consortium.Call, string, error) {
		on := calendar.From(w.session.Network.Now())
		due, err := on.AddDays(60)
		if err != nil {
			return consortium.Call{}, "", err
		}
		id := ids.New("rcv")
		return operation.Issue(w.programme, receivable.Issuance{ID: id, Invoice: receivable.Invoice{TypeCode: "380", Number: number,
			Seller: memory.PartyID("acme"), Buyer: memory.PartyID("buyer"), IssueDate: on, DueDate: due, Currency: "EUR", PayableMinor: 100_00, Lines: 1,
			DocumentHash: fmt.Sprintf("%064x", len(number))}}), id, nil
	}
}

func put(person, key, body string) outbox.Submission {
	return outbox.Submission{Person: person, Key: key, Body: []byte(body), User: "amy", Action: "issue-receivable"}
}

func (w *world) count(t *testing.T) int {
	t.Helper()
	list, err := operation.ReceivablesWhere(t.Context(), w.session, []string{w.programme}, func(receivable.Receivable) bool { return true })
	require.NoError(t, err)
	return len(list)
}

func TestSameKeyAndBodyIsTheSameOperation(t *testing.T) {
	w := newWorld(t)
	o := w.open(t)
	first, replayed, err := o.Put(t.Context(), put("amy", "k-1", "body"), w.issue("A-1"))
	require.NoError(t, err)
	assert.False(t, replayed)
	assert.Equal(t, outbox.Accepted, first.State)
	run(t, o)
	op, err := o.Wait(t.Context(), "amy", first.ID)
	require.NoError(t, err)
	require.Equal(t, outbox.Done, op.State, "%+v", op.Problem)
	assert.NotEmpty(t, op.Transaction)
	assert.NotZero(t, op.Block)
	assert.JSONEq(t, `{"id":"`+op.About+`","status":"issued"}`, string(op.Result))

	again, replayed, err := o.Put(t.Context(), put("amy", "k-1", "body"), func(context.Context, outbox.IDs) (consortium.Call, string, error) {
		return consortium.Call{}, "", errors.New("a replay builds nothing")
	})
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, op, again)

	_, _, err = o.Put(t.Context(), put("amy", "k-1", "another body"), w.issue("A-2"))
	assert.Equal(t, fault.RequestReused, fault.CodeOf(err))
	other, replayed, err := o.Put(t.Context(), put("bea", "k-1", "another body"), w.issue("A-2"))
	require.NoError(t, err, "keys are each person's own")
	assert.False(t, replayed)
	_, err = o.Get(t.Context(), "amy", other.ID)
	assert.Equal(t, fault.RecordNotFound, fault.CodeOf(err), "and so are operations")
	for _, key := range []string{"", "a\nb", string(make([]byte, 200))} {
		_, _, err = o.Put(t.Context(), put("amy", key, ""), w.issue("A-3"))
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	}
}

func TestARefusalEndsIt(t *testing.T) {
	w := newWorld(t)
	o := w.open(t)
	run(t, o)
	for i, want := range []outbox.State{outbox.Done, outbox.Refused} {
		op, _, err := o.Put(t.Context(), put("amy", fmt.Sprint("k-", i), "body"), w.issue("A-1"))
		require.NoError(t, err)
		op, err = o.Wait(t.Context(), "amy", op.ID)
		require.NoError(t, err)
		assert.Equal(t, want, op.State)
		if want == outbox.Refused {
			assert.Equal(t, fault.ReceivableDuplicate, op.Problem.Code)
		}
	}
	list, err := o.List(t.Context(), "amy", "", "", 10)
	require.NoError(t, err)
	assert.Len(t, list, 2)
	rest, err := o.List(t.Context(), "amy", "", list[0].ID, 10)
	require.NoError(t, err)
	assert.Equal(t, list[1:], rest)
	refused, err := o.List(t.Context(), "amy", outbox.Refused, "", 10)
	require.NoError(t, err)
	assert.Equal(t, list[:1], refused)
}

// The process dies after the ledger has committed and before the outbox has recorded it. The next process sends the same
// request, and the ledger answers with the first result.
func TestKilledBetweenSubmitAndRecord(t *testing.T) {
	w := newWorld(t)
	o := w.open(t)
	op, _, err := o.Put(t.Context(), put("amy", "k-1", "body"), w.issue("A-1"))
	require.NoError(t, err)

	dying, die := context.WithCancel(t.Context())
	w.net.after = func() error { die(); return context.Canceled }
	require.ErrorIs(t, o.Run(dying), context.Canceled)
	require.Equal(t, 1, w.count(t), "it is on the ledger")
	stuck, err := o.Get(t.Context(), "amy", op.ID)
	require.NoError(t, err)
	require.Equal(t, outbox.Running, stuck.State, "and nobody has written that down")

	w.net.after = nil
	next := w.open(t)
	run(t, next)
	ended, err := next.Wait(t.Context(), "amy", op.ID)
	require.NoError(t, err)
	require.Equal(t, outbox.Done, ended.State, "%+v", ended.Problem)
	assert.JSONEq(t, `{"id":"`+op.About+`","status":"issued"}`, string(ended.Result), "the first result")
	assert.EqualValues(t, 2, w.net.sent.Load())
	assert.Equal(t, 1, w.count(t), "and it was entered once")
}

// Of several replicas on one database one may die for good: another takes over what it has left.
func TestWhatAReplicaLeftIsTakenOver(t *testing.T) {
	w := newWorld(t)
	w.config.AttemptTime = 300 * time.Millisecond
	lives := w.open(t)
	run(t, lives) // it has looked for what it had left itself before there is anything
	time.Sleep(50 * time.Millisecond)
	dead := w.open(t)
	op, _, err := dead.Put(t.Context(), put("amy", "k-1", ""), w.issue("A-1"))
	require.NoError(t, err)
	dying, die := context.WithCancel(t.Context())
	var once sync.Once
	w.net.after = func() (err error) {
		once.Do(func() { die(); err = context.Canceled })
		return err
	}
	require.ErrorIs(t, dead.Run(dying), context.Canceled)
	stuck, err := lives.Get(t.Context(), "amy", op.ID)
	require.NoError(t, err)
	require.Equal(t, outbox.Running, stuck.State)
	waiting, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	ended, err := lives.Wait(waiting, "amy", op.ID)
	require.NoError(t, err)
	assert.Equal(t, outbox.Done, ended.State, "nobody has taken it over")
	assert.Equal(t, 1, w.count(t), "and it was carried out once")
}

// Random losses of requests and answers, and restarts in between: every accepted operation is carried out exactly once.
func TestExactlyOnceWhateverIsLost(t *testing.T) {
	w := newWorld(t)
	number := 0
	w.config.Pause = time.Microsecond
	for seed := range uint64(25) {
		random := rand.New(rand.NewPCG(seed, 1))
		before := w.count(t)
		faults := make([]int, random.IntN(8))
		for i := range faults {
			faults[i] = random.IntN(5)
		}
		n := 1 + random.IntN(4)
		var mu sync.Mutex
		var kill context.CancelFunc = func() {}
		next := func(stage int) error {
			mu.Lock()
			defer mu.Unlock()
			if len(faults) == 0 || faults[0]%2 != stage && faults[0] < 4 {
				return nil
			}
			f := faults[0]
			faults = faults[1:]
			switch f {
			case 0, 1:
				return fault.New(fault.OutcomeUnknown, "lost")
			case 2, 3:
				return fmt.Errorf("%w: lost", consortium.ErrUnreachable)
			}
			kill()
			return context.Canceled
		}
		w.net.before = func() error { return next(0) }
		w.net.after = func() error { return next(1) }
		o := w.open(t)
		var ids []string
		for range n {
			number++
			op, _, err := o.Put(t.Context(), put("amy", fmt.Sprint("r-", number), ""), w.issue(fmt.Sprint("R-", number)))
			require.NoError(t, err)
			ids = append(ids, op.ID)
		}
		for done := false; !done; {
			ctx, cancel := context.WithCancel(t.Context())
			mu.Lock()
			kill = cancel
			mu.Unlock()
			ended := make(chan error, 1)
			go func() { ended <- w.open(t).Run(ctx) }()
			watcher := w.open(t)
			done = true
			for _, id := range ids {
				// The waiter is another outbox than the workers': it looks again when its time is over.
				for {
					look, end := context.WithTimeout(ctx, 20*time.Millisecond)
					op, err := watcher.Wait(look, "amy", id)
					end()
					require.NoError(t, err)
					if op.State.Final() {
						require.Equal(t, outbox.Done, op.State, "%+v", op.Problem)
						break
					}
					if ctx.Err() != nil {
						done = false
						break
					}
				}
			}
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		}
		require.Equal(t, before+n, w.count(t), "seed %d", seed)
	}
}

func TestAFullQueueShedsLoad(t *testing.T) {
	w := newWorld(t)
	w.config.Queue, w.config.QueuePerPerson = 3, 2
	o := w.open(t)
	for i := range 2 {
		_, _, err := o.Put(t.Context(), put("amy", fmt.Sprint("k-", i), ""), w.issue(fmt.Sprint("A-", i)))
		require.NoError(t, err)
	}
	_, _, err := o.Put(t.Context(), put("amy", "k-3", ""), w.issue("A-3"))
	var busy *outbox.BusyError
	require.ErrorAs(t, err, &busy)
	assert.GreaterOrEqual(t, busy.RetryAfter, time.Second)
	assert.Equal(t, fault.ServiceBusy, fault.CodeOf(err))
	_, _, err = o.Put(t.Context(), put("bea", "k-1", ""), w.issue("A-4"))
	require.NoError(t, err, "one person does not take the whole queue")
	_, _, err = o.Put(t.Context(), put("bea", "k-2", ""), w.issue("A-5"))
	assert.Equal(t, fault.ServiceBusy, fault.CodeOf(err))
	_, replayed, err := o.Put(t.Context(), put("amy", "k-0", ""), w.issue("A-0"))
	require.NoError(t, err, "what was accepted is answered")
	assert.True(t, replayed)
	depth, err := o.Depth(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3, depth)
}

func TestGivenUpAndForgotten(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	var mu sync.Mutex
	w.config.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	w.config.GiveUpAfter = time.Nanosecond
	w.net.before = func() error { return fault.New(fault.OutcomeUnknown, "lost") }
	var took []time.Duration
	w.config.Ended = func(_ outbox.Operation, d time.Duration) { took = append(took, d) }
	o := w.open(t)
	op, _, err := o.Put(t.Context(), put("amy", "k-1", ""), w.issue("A-1"))
	require.NoError(t, err)
	mu.Lock()
	now = now.Add(time.Second)
	mu.Unlock()
	stop := run(t, o)
	ended, err := o.Wait(t.Context(), "amy", op.ID)
	require.NoError(t, err)
	assert.Equal(t, outbox.Failed, ended.State)
	assert.Equal(t, fault.OutcomeUnknown, ended.Problem.Code)
	stop()
	assert.Len(t, took, 1)

	mu.Lock()
	now = now.Add(outbox.DefaultRetention + time.Minute)
	mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.Run(ctx)
	run(t, o)
	require.Eventually(t, func() bool {
		_, err := o.Get(t.Context(), "amy", op.ID)
		return fault.CodeOf(err) == fault.RecordNotFound
	}, 10*time.Second, time.Millisecond)
}

func TestCommercialInputIsForgotten(t *testing.T) {
	w := newWorld(t)
	o := w.open(t)
	op, _, err := o.Put(t.Context(), put("amy", "k-1", ""), w.issue("SECRET-1"))
	require.NoError(t, err)
	run(t, o)
	_, err = o.Wait(t.Context(), "amy", op.ID)
	require.NoError(t, err)
	var held int
	require.NoError(t, w.db.Read.QueryRow(`SELECT COUNT(*) FROM outbox_operation WHERE call LIKE '%SECRET%' OR result LIKE '%SECRET%'`).Scan(&held))
	assert.Zero(t, held)
}

func TestIDsComeFromTheSubmission(t *testing.T) {
	seen := map[string]bool{}
	w := newWorld(t)
	o := w.open(t)
	for _, s := range []outbox.Submission{put("amy", "k-1", ""), put("amy", "k-2", ""), put("bea", "k-1", "")} {
		op, _, err := o.Put(t.Context(), s, w.issue(s.Key+s.Person))
		require.NoError(t, err)
		assert.False(t, seen[op.About])
		seen[op.About] = true
		assert.Regexp(t, `^rcv-[0-9a-f]{20}$`, op.About)
	}
}
