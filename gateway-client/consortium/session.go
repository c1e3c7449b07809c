package consortium

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
	"github.com/tallystick/tallystick/gateway-client/keyring"
)

// What a Network answers where nothing was decided.
var (
	ErrConflict    = errors.New("the transaction lost a race with another one")
	ErrUnreachable = errors.New("an endorsing organisation could not be reached")
)

// Limits of a repeated submit.
const (
	maxTries        = 8
	firstPause      = 100 * time.Millisecond
	longestPause    = 3 * time.Second
	endorsersWanted = 2
)

// Session is one user's work on the ledger. The keyring is the organisation's; it is nil for a user without one, who then
// reads and writes public records only. It is safe for concurrent use.
type Session struct {
	Network Network
	Keyring *keyring.Keyring
	// AfterBlock is a block that the own organisation's peer must have before the next call: a caller sets it to read what
	// another organisation has just written, because peers receive a block at different instants.
	AfterBlock uint64

	mu         sync.Mutex
	circles    map[string]circle.Circle
	regulators []string
}

// NewSession returns a session of the network's user.
func NewSession(n Network, k *keyring.Keyring) *Session {
	return &Session{Network: n, Keyring: k, circles: map[string]circle.Circle{}}
}

// Call is a function with what it needs.
type Call struct {
	Function string
	Args     []string
	// Input is the sealed input; it is marshalled as JSON and validated first where it can validate itself.
	Input any
	// Circles lists the circles whose records the call touches: their keys go along, and their readers endorse.
	Circles []string
	// Governed marks a change of governance records, which a majority of the consortium endorses.
	Governed bool
	// Request is the request id; a random one where it is empty.
	Request string
}

// User is who signs.
func (s *Session) User() User { return s.Network.User() }

// caughtUp waits until the own organisation's peer has the block that AfterBlock names.
func (s *Session) caughtUp(ctx context.Context) error {
	s.mu.Lock()
	block := s.AfterBlock
	s.AfterBlock = 0
	s.mu.Unlock()
	if block == 0 {
		return nil
	}
	return s.Await(ctx, block)
}

// Await waits until the own organisation's peer has the block. A peer that has just come back may break the stream at first.
func (s *Session) Await(ctx context.Context, block uint64) error {
	for try := 0; ; try++ {
		err := s.Network.Blocks(ctx, block, func(Block) error { return errThere })
		if errors.Is(err, errThere) {
			return nil
		}
		if !errors.Is(err, ErrUnreachable) || try == maxTries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

var errThere = errors.New("the block is there")

// Evaluate runs a query and decodes its result into out, which may be nil.
func (s *Session) Evaluate(ctx context.Context, call Call, out any) error {
	if err := s.caughtUp(ctx); err != nil {
		return err
	}
	p, _, err := s.proposal(ctx, call)
	if err != nil {
		return err
	}
	delete(p.Transient, record.TransientRequest)
	return s.ask(ctx, p, out)
}

// ask evaluates a proposal. A peer that does not answer is a fault of its own kind.
func (s *Session) ask(ctx context.Context, p Proposal, out any) error {
	raw, err := s.Network.Evaluate(ctx, p)
	if errors.Is(err, ErrUnreachable) {
		return fault.New(fault.NetworkUnavailable, "the peer of %s does not answer (is the network up?): %v", s.User().Org, err)
	}
	if err != nil {
		return err
	}
	return decode(raw, out)
}

// Submit runs a transaction to its end and decodes its result into out, which may be nil. Conflicts and unreachable
// endorsers are tried again with full jitter, with the same request id, so that the ledger carries it out once.
func (s *Session) Submit(ctx context.Context, call Call, out any) (Committed, error) {
	if v, ok := call.Input.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return Committed{}, err
		}
	}
	if err := s.caughtUp(ctx); err != nil {
		return Committed{}, err
	}
	p, choices, err := s.proposal(ctx, call)
	if err != nil {
		return Committed{}, err
	}
	var last error
	for try := range maxTries {
		p.Endorsers = choices[try%len(choices)]
		done, err := s.Network.Submit(ctx, p)
		switch {
		case err == nil:
			return done, decode(done.Result, out)
		case fault.CodeOf(err) == fault.EndorsementFailed && try == 0:
			// Two transactions of one block that create the same record end like this, too: it then has its policy already.
		case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnreachable):
			if s.staleKeys(err) && try == 0 {
				if p, choices, err = s.proposal(ctx, call); err == nil {
					continue
				}
			}
			return done, err
		}
		last = err
		if err := pause(ctx, try); err != nil {
			return Committed{}, err
		}
	}
	return Committed{}, fault.New(fault.NetworkUnavailable, "%s was tried %d times: %v", call.Function, maxTries, last)
}

// staleKeys reports whether a refusal may come from a circle that has moved to another epoch, and forgets the circles.
func (s *Session) staleKeys(err error) bool {
	code := fault.CodeOf(err)
	if code != fault.KeyMissing && code != fault.ProgrammeNotActive {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.circles)
	return true
}

func pause(ctx context.Context, try int) error {
	most := min(firstPause<<try, longestPause)
	timer := time.NewTimer(time.Duration(mathrand.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// proposal resolves a call's keys and the choices of endorsers, best first.
func (s *Session) proposal(ctx context.Context, call Call) (Proposal, [][]string, error) {
	p := Proposal{Function: call.Function, Args: call.Args, Transient: map[string][]byte{}}
	request := call.Request
	if request == "" {
		request = NewID("req")
	}
	p.Transient[record.TransientRequest] = []byte(request)
	if call.Input != nil {
		raw, err := json.Marshal(call.Input)
		if err != nil {
			return p, nil, err
		}
		p.Transient[record.TransientInput] = raw
	}
	circles := make([]circle.Circle, 0, len(call.Circles))
	for _, id := range slices.Compact(slices.Sorted(slices.Values(call.Circles))) {
		c, err := s.Circle(ctx, id)
		if err != nil {
			return p, nil, err
		}
		circles = append(circles, c)
	}
	keys, err := s.keys(ctx, circles)
	if err != nil {
		return p, nil, err
	}
	if len(keys) > 0 {
		raw, err := json.Marshal(keys)
		if err != nil {
			return p, nil, err
		}
		p.Transient[record.TransientKeys] = raw
	}
	choices, err := s.endorsers(ctx, call, circles)
	return p, choices, err
}

// Circle returns a circle, from memory once it is active.
func (s *Session) Circle(ctx context.Context, id string) (circle.Circle, error) {
	s.mu.Lock()
	c, ok := s.circles[id]
	s.mu.Unlock()
	if ok {
		return c, nil
	}
	if err := s.query(ctx, "circle:Get", &c, id); err != nil {
		return c, err
	}
	if c.Status == circle.Active && c.Next == nil {
		s.mu.Lock()
		s.circles[id] = c
		s.mu.Unlock()
	}
	return c, nil
}

func (s *Session) query(ctx context.Context, function string, out any, args ...string) error {
	if err := s.caughtUp(ctx); err != nil {
		return err
	}
	return s.ask(ctx, Proposal{Function: function, Args: args}, out)
}

// keys returns the keys of every epoch of the circles that the organisation can open. An epoch from before it joined is
// left out: the ledger says KEY_MISSING where it would be needed.
func (s *Session) keys(ctx context.Context, circles []circle.Circle) ([]record.CircleKey, error) {
	var keys []record.CircleKey
	for _, c := range circles {
		if c.Current == nil {
			return nil, fault.New(fault.ProgrammeNotActive, "circle %s waits for the confirmations of %v", c.ID, c.Missing())
		}
		for _, e := range append(slices.Clone(c.Past), *c.Current) {
			if !slices.ContainsFunc(e.Seats, func(seat circle.Seat) bool { return seat.MSP == s.User().MSP }) {
				continue
			}
			key, err := s.Key(ctx, c, e)
			if err != nil {
				return nil, err
			}
			keys = append(keys, record.CircleKey{Circle: c.ID, Epoch: e.Number, Key: key})
		}
	}
	return keys, nil
}

// Key returns an epoch's key in base64.
func (s *Session) Key(ctx context.Context, c circle.Circle, e circle.Epoch) (string, error) {
	key, err := s.unwrap(ctx, c, e)
	return key.Text(), err
}

// unwrap returns an epoch's key, from the keyring or from the envelope on the ledger.
func (s *Session) unwrap(ctx context.Context, c circle.Circle, e circle.Epoch) (seal.Key, error) {
	if s.Keyring == nil {
		return seal.Key{}, fault.New(fault.KeyMissing, "this user has no keyring of the organisation")
	}
	if key, ok := s.Keyring.Key(c.ID, e.Number); ok && key.Matches(e.Commitment, c.ID, e.Number) {
		return key, nil
	}
	var envelope circle.Envelope
	if err := s.query(ctx, "circle:Envelope", &envelope, c.ID, strconv.Itoa(e.Number)); err != nil {
		return seal.Key{}, err
	}
	return s.Keyring.Unwrap(envelope, e.Commitment)
}

// endorsers lists the sets of organisations that may endorse the call, best first: the own one first, the regulator last.
func (s *Session) endorsers(ctx context.Context, call Call, circles []circle.Circle) ([][]string, error) {
	own := s.User().MSP
	if call.Governed {
		var c member.Consortium
		err := s.query(ctx, "member:Consortium", &c)
		if fault.CodeOf(err) == fault.RecordNotFound {
			all := s.User().Organisations
			return combinations(ordered(own, all, nil), len(all)/2+1), nil
		}
		if err != nil {
			return nil, err
		}
		return combinations(ordered(own, c.Voters(), c.Regulators()), c.Majority()), nil
	}
	candidates := s.User().Organisations
	for i, c := range circles {
		readers := c.Readers()
		if i == 0 {
			candidates = readers
		}
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(msp string) bool { return !slices.Contains(readers, msp) })
	}
	if len(candidates) < endorsersWanted {
		return nil, fault.New(fault.NotPermitted, "no two organisations can read all of %v", call.Circles)
	}
	return combinations(ordered(own, candidates, s.lastResort(ctx)), endorsersWanted), nil
}

// lastResort lists the regulators, which endorse only where others cannot. Not knowing them is no reason to fail.
func (s *Session) lastResort(ctx context.Context) []string {
	s.mu.Lock()
	known := s.regulators
	s.mu.Unlock()
	if known != nil {
		return known
	}
	var c member.Consortium
	if err := s.query(ctx, "member:Consortium", &c); err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regulators = c.Regulators()
	return s.regulators
}

// ordered puts the own organisation first and those of the last resort at the end.
func ordered(own string, list, last []string) []string {
	list = slices.Clone(list)
	rank := func(msp string) int {
		switch {
		case msp == own:
			return 0
		case slices.Contains(last, msp):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b string) int { return rank(a) - rank(b) })
	return list
}

// maxCombinations limits how many sets of endorsers are tried in turn.
const maxCombinations = 24

// combinations lists the subsets of n elements in the order of the list.
func combinations(list []string, n int) [][]string {
	var all [][]string
	var choose func(from int, chosen []string)
	choose = func(from int, chosen []string) {
		if len(all) == maxCombinations {
			return
		}
		if len(chosen) == n {
			all = append(all, slices.Clone(chosen))
			return
		}
		for i := from; i < len(list); i++ {
			choose(i+1, append(chosen, list[i]))
		}
	}
	choose(0, nil)
	return all
}

func decode(raw []byte, out any) error {
	if out == nil || len(raw) == 0 {
		return nil
	}
	if text, ok := out.(*string); ok {
		*text = string(raw)
		return nil
	}
	if kept, ok := out.(*[]byte); ok {
		*kept = raw
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fault.New(fault.InternalError, "the ledger's answer is not of the expected form: %v", err)
	}
	return nil
}

// NewID returns a fresh opaque id: the prefix, a dash and 20 hex digits (80 bits).
func NewID(prefix string) string {
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails on the systems that Go supports
	}
	return prefix + "-" + hex.EncodeToString(b[:])
}
