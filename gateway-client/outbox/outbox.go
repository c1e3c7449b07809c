// Package outbox keeps what people have asked of the ledger until it is decided. An operation is stored before it is sent, with a
// request id that comes from the person's idempotency key; a restart sends the same request again, and the ledger answers with
// the first result. So each is carried out once, whatever breaks on the way.
package outbox

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/database"
)

// Limits, where the configuration names none. The gateway of a peer takes 500 requests at a time and refuses the next with a
// plain UNKNOWN, so the outbox keeps well below and says SERVICE_BUSY first.
const (
	DefaultQueue          = 2000
	DefaultQueuePerPerson = 500
	DefaultInFlight       = 64
	MaxInFlight           = 400
	DefaultAttemptTime    = time.Minute
	DefaultGiveUpAfter    = 15 * time.Minute
	DefaultRetention      = 30 * 24 * time.Hour
	DefaultPause          = 250 * time.Millisecond
)

// State is how far an operation is.
type State string

// The states. An operation that was refused has changed nothing, and never will; of one that failed nobody knows more than its
// problem says.
const (
	Accepted State = "accepted" // stored, and waits for its turn
	Running  State = "running"  // on its way to the ledger
	Done     State = "done"     // committed
	Refused  State = "refused"  // a rule said no
	Failed   State = "failed"   // given up
)

// Final reports whether the operation has ended.
func (s State) Final() bool { return s == Done || s == Refused || s == Failed }

// Operation is one thing that somebody has asked of the ledger.
type Operation struct {
	ID     string `json:"id"`
	Action string `json:"action"` // what was asked, such as "confirm-receivable"
	// About is the id of the record that it makes or changes.
	About   string    `json:"about,omitempty"`
	State   State     `json:"state"`
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
	// Attempts counts how often it was sent.
	Attempts int `json:"attempts"`
	// Result is the ledger's answer, Transaction and Block where it stands; they are set once it is done.
	Result      json.RawMessage `json:"result,omitempty"`
	Transaction string          `json:"transaction,omitempty"`
	Block       uint64          `json:"block,omitempty"`
	// Problem says why it was refused, or has failed.
	Problem *fault.Error `json:"problem,omitempty"`
	// Trace is the trace id (W3C) of the request that it came with.
	Trace string `json:"trace,omitempty"`

	number      int64
	person      string
	user        string
	bodyHash    string
	traceparent string
	call        string
	inDoubt     bool
}

// Submission is what somebody asks. Person and Key together name it: the same again is answered with the same operation.
type Submission struct {
	Person string // the login
	Key    string // the idempotency key, 1 to MaxKeyBytes printable characters
	Body   []byte // what the request said, of which the hash is kept
	User   string // the user of the organisation's profile who signs
	Action string
	// Traceparent is the W3C trace context of the request, or "".
	Traceparent string
}

// MaxKeyBytes bounds an idempotency key.
const MaxKeyBytes = 128

// IDs makes the ids of new records. They come from the submission, so that asking the same twice names the same records.
type IDs struct{ seed string }

// New returns the opaque id of the n-th record with the prefix: the prefix, a dash and 20 hex digits.
func (i IDs) New(prefix string, n ...int) string {
	sum := sha256.Sum256(fmt.Append(nil, i.seed, "/", prefix, n))
	return prefix + "-" + hex.EncodeToString(sum[:10])
}

// Build makes the call of a submission, and names the record that it is about. It runs once, before anything is stored; what it
// fails with is the submission's answer, and nothing is kept.
type Build func(ctx context.Context, ids IDs) (call consortium.Call, about string, err error)

// Config is what an outbox needs. The zero value of a limit is its default.
type Config struct {
	DB *database.DB
	// Session returns the session of a user of the organisation.
	Session func(ctx context.Context, user string) (*consortium.Session, error)
	Now     func() time.Time
	Log     *slog.Logger

	Queue, QueuePerPerson, InFlight     int
	AttemptTime, GiveUpAfter, Retention time.Duration
	// Pause is the first pause before something is sent again; each next one is twice as long, with full jitter.
	Pause time.Duration

	// Ended, where it is set, is told of every operation that ends, and how long it took since it was accepted.
	Ended func(op Operation, took time.Duration)
}

// BusyError is SERVICE_BUSY with the time after which it is worth asking again.
type BusyError struct {
	RetryAfter time.Duration
	fault      *fault.Error
}

// Error implements error.
func (e *BusyError) Error() string { return e.fault.Error() }

// Unwrap returns the fault.
func (e *BusyError) Unwrap() error { return e.fault }

// Outbox is the queue. It is safe for concurrent use.
type Outbox struct {
	c Config

	putting sync.Mutex // one Put at a time looks at the limits

	mu      sync.Mutex
	wake    chan struct{}
	waiters map[string][]chan struct{}
	// secondsEach is how long an operation takes, smoothed; it says when a full queue has room again.
	secondsEach float64
}

//go:embed migrations/*.sql
var migrations embed.FS

// Open returns the outbox in the database, with its tables brought up to date.
func Open(ctx context.Context, c Config) (*Outbox, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := c.DB.Migrate(ctx, "outbox", files); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		at    *int
		usual int
	}{{&c.Queue, DefaultQueue}, {&c.QueuePerPerson, DefaultQueuePerPerson}, {&c.InFlight, DefaultInFlight}} {
		if *d.at <= 0 {
			*d.at = d.usual
		}
	}
	c.InFlight = min(c.InFlight, MaxInFlight)
	for _, d := range []struct {
		at    *time.Duration
		usual time.Duration
	}{{&c.AttemptTime, DefaultAttemptTime}, {&c.GiveUpAfter, DefaultGiveUpAfter}, {&c.Retention, DefaultRetention}, {&c.Pause, DefaultPause}} {
		if *d.at <= 0 {
			*d.at = d.usual
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Outbox{c: c, wake: make(chan struct{}, 1), waiters: map[string][]chan struct{}{}, secondsEach: 0.5}, nil
}

// Put accepts a submission: it is stored when Put returns. replayed is set where the person has asked the same before under the
// key, and the operation is that one. It returns INPUT_INVALID for a key that cannot be one, REQUEST_REUSED where the key was
// used for something else, a *BusyError where the queue is full, and what build returns.
func (o *Outbox) Put(ctx context.Context, s Submission, build Build) (op Operation, replayed bool, err error) {
	if err := checkKey(s.Key); err != nil {
		return op, false, err
	}
	hash := sha256.Sum256(append([]byte(s.User+"\n"+s.Action+"\n"), s.Body...))
	bodyHash := hex.EncodeToString(hash[:])
	if op, found, err := o.replay(ctx, s, bodyHash); found || err != nil {
		return op, found, err
	}
	if err := o.admit(ctx, s.Person); err != nil {
		return op, false, err
	}
	seed := sha256.Sum256([]byte(s.Person + "\n" + s.Key))
	ids := IDs{seed: hex.EncodeToString(seed[:])}
	call, about, err := build(ctx, ids)
	if err != nil {
		return op, false, err
	}
	if v, ok := call.Input.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return op, false, err
		}
	}
	call.Request = ids.New("req")
	text, err := json.Marshal(stored{Function: call.Function, Args: call.Args, Input: call.Input, Circles: call.Circles, Governed: call.Governed, Request: call.Request})
	if err != nil {
		return op, false, err
	}
	now := o.c.Now().UTC().Truncate(time.Millisecond)
	op = Operation{ID: ids.New("op"), Action: s.Action, About: about, State: Accepted, Created: now, Changed: now, Trace: traceOf(s.Traceparent),
		person: s.Person, user: s.User, bodyHash: bodyHash, traceparent: s.Traceparent, call: string(text)}
	o.putting.Lock()
	defer o.putting.Unlock()
	if op, found, err := o.replay(ctx, s, bodyHash); found || err != nil {
		return op, found, err
	}
	if err := o.admit(ctx, s.Person); err != nil {
		return op, false, err
	}
	for try := 0; ; try++ {
		err := o.insert(ctx, op, s.Key)
		if err == nil {
			break
		}
		// Another replica may have taken the key, or the number, at the same time.
		if op, found, rerr := o.replay(ctx, s, bodyHash); found || rerr != nil {
			return op, found, rerr
		}
		if try == maxInserts {
			return op, false, err
		}
	}
	o.alarm()
	return op, false, nil
}

// maxInserts is how often an operation is stored where replicas take the same number.
const maxInserts = 5

func checkKey(key string) error {
	var bad fault.Fields
	if key == "" || len(key) > MaxKeyBytes {
		bad.Add("Idempotency-Key", key, "must have 1 to %d bytes", MaxKeyBytes)
		return bad.Err()
	}
	for _, r := range key {
		if r < 0x20 || r > 0x7e {
			bad.Add("Idempotency-Key", "", "must be printable ASCII characters")
			return bad.Err()
		}
	}
	return nil
}

// replay finds what the person has asked under the key before.
func (o *Outbox) replay(ctx context.Context, s Submission, bodyHash string) (Operation, bool, error) {
	op, found, err := o.byKey(ctx, s.Person, s.Key)
	if err != nil || !found {
		return op, false, err
	}
	if op.bodyHash != bodyHash {
		return Operation{}, false, fault.New(fault.RequestReused, "the idempotency key was used for another request")
	}
	return op, true, nil
}

// admit returns a *BusyError where the queue, or the person's part of it, is full.
func (o *Outbox) admit(ctx context.Context, person string) error {
	waiting, own, err := o.open(ctx, person)
	if err != nil {
		return err
	}
	if waiting < o.c.Queue && own < o.c.QueuePerPerson {
		return nil
	}
	o.mu.Lock()
	seconds := math.Ceil(o.secondsEach * float64(waiting) / float64(o.c.InFlight) / 2)
	o.mu.Unlock()
	after := time.Duration(min(max(seconds, 1), 60)) * time.Second
	return &BusyError{RetryAfter: after, fault: fault.New(fault.ServiceBusy, "%d operations wait; try again in %s", waiting, after)}
}

// Get returns an operation of the person's, or RECORD_NOT_FOUND.
func (o *Outbox) Get(ctx context.Context, person, id string) (Operation, error) {
	op, err := o.byID(ctx, id)
	if err == nil && op.person != person {
		return Operation{}, notFound(id)
	}
	return op, err
}

// lookAgain is how often a waiter looks for what another replica has ended.
const lookAgain = time.Second

// Wait returns the operation once it has ended, or as it is when the context ends; that is no error.
func (o *Outbox) Wait(ctx context.Context, person, id string) (Operation, error) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		ended := o.hear(id)
		op, err := o.Get(context.WithoutCancel(ctx), person, id)
		if err != nil || op.State.Final() || ctx.Err() != nil {
			o.deaf(id, ended)
			return op, err
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-ended:
		}
		o.deaf(id, ended)
	}
}

func (o *Outbox) hear(id string) chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	ended := make(chan struct{})
	o.waiters[id] = append(o.waiters[id], ended)
	return ended
}

func (o *Outbox) deaf(id string, ended chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.waiters[id][:0]
	for _, w := range o.waiters[id] {
		if w != ended {
			kept = append(kept, w)
		}
	}
	if o.waiters[id] = kept; len(kept) == 0 {
		delete(o.waiters, id)
	}
}

func (o *Outbox) tell(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ended := range o.waiters[id] {
		close(ended)
	}
	delete(o.waiters, id)
}

// alarm wakes the workers.
func (o *Outbox) alarm() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func notFound(id string) error {
	return fault.New(fault.RecordNotFound, "there is no operation %s", id)
}
