// Package progress tells a waiting person what is being done: one line a step, on stderr.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Reporter prints steps and remembers how long each took. Its methods may be called from several goroutines.
type Reporter struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
	steps []Step
}

// Step is a finished step.
type Step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// New returns a reporter that writes to out; nil discards.
func New(out io.Writer) *Reporter {
	if out == nil {
		out = io.Discard
	}
	return &Reporter{out: out, start: time.Now()}
}

// Do runs a step and prints its line when it ended well. A failed step prints nothing: its error says it all.
func (r *Reporter) Do(name string, step func() error) error {
	begin := time.Now()
	if err := step(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	took := time.Since(begin)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, Step{Name: name, Seconds: took.Seconds()})
	fmt.Fprintf(r.out, "  %-46s %6.1f s\n", name, took.Seconds())
	return nil
}

// Say prints a line.
func (r *Reporter) Say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format+"\n", args...)
}

// Total prints and returns the time since the reporter was made.
func (r *Reporter) Total(name string) time.Duration {
	took := time.Since(r.start)
	r.Say("  %-46s %6.1f s", name, took.Seconds())
	return took
}

// Steps returns the finished steps in the order in which they ended.
func (r *Reporter) Steps() []Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Step(nil), r.steps...)
}

// Writer is where the reporter writes.
func (r *Reporter) Writer() io.Writer { return r.out }
