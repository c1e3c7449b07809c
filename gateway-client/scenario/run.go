package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/shell"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document"
)

// ErrStop ends a scenario before its last step, where Marked returns it.
var ErrStop = errors.New("the scenario stops here")

// Command runs one tally command line as a user and returns its exit status.
type Command func(ctx context.Context, org, user string, args []string, out, errs *bytes.Buffer) (exit int)

// Runner runs scenarios.
type Runner struct {
	Command Command
	Today   calendar.Date
	// Vars are variables that are there from the start, such as the parties' ids.
	Vars map[string]string
	// Begin and End are called around every step; either may be nil.
	Begin func(i int, s Step)
	End   func(Done)
	// Marked is called after a step that has a mark; it may be nil.
	Marked func(ctx context.Context, mark string, vars map[string]string) error
	// Advance moves the clock of the ledger; it is nil where nobody can.
	Advance func(time.Duration)
	// Dir is where the shifted documents go.
	Dir string

	last uint64 // the newest block that a step has made
}

// Done is what a step did.
type Done struct {
	Title       string  `json:"title"`
	As          string  `json:"as"`
	Command     string  `json:"command"`
	ID          string  `json:"id,omitempty"`
	Status      string  `json:"status,omitempty"`
	Transaction string  `json:"transaction,omitempty"`
	Refused     string  `json:"refused,omitempty"`
	Timed       string  `json:"timed,omitempty"`
	Told        []Told  `json:"told,omitempty"`
	Seconds     float64 `json:"seconds"`
}

// Report is what a scenario did.
type Report struct {
	Name    string            `json:"name"`
	Title   string            `json:"title"`
	Steps   []Done            `json:"steps"`
	Vars    map[string]string `json:"vars"`
	Seconds float64           `json:"seconds"`
	Next    []string          `json:"next,omitempty"`
	// Ended says before which step the scenario ended, because the time that must pass first cannot be waited for.
	Ended string `json:"ended,omitempty"`
}

// Run runs the scenario from the file at path. It stops at the first step that does not do what the file says.
func (r *Runner) Run(ctx context.Context, path string) (*Report, error) {
	s, err := Load(path)
	if err != nil {
		return nil, err
	}
	vars := maps.Clone(r.Vars)
	if vars == nil {
		vars = map[string]string{}
	}
	vars["today"] = r.Today.String()
	if vars["testdata"], err = filepath.Abs(filepath.Join(filepath.Dir(path), s.Documents)); err != nil {
		return nil, err
	}
	if s.Documents != "" {
		if vars["docs"], err = r.shift(filepath.Join(filepath.Dir(path), s.Documents), s.BaseDate); err != nil {
			return nil, err
		}
	}
	base, rebased := calendar.Date{}, s.BaseDate != ""
	if rebased {
		if base, err = calendar.Parse(s.BaseDate); err != nil {
			return nil, fmt.Errorf("base_date: %w", err)
		}
	}
	report := &Report{Name: s.Name, Title: s.Title, Vars: vars, Next: s.Next}
	start := time.Now()
	for i, step := range s.Steps {
		waited, err := r.pass(ctx, step.After)
		if err != nil {
			return report, err
		}
		if !waited {
			report.Ended = step.Title
			break
		}
		if r.Begin != nil {
			r.Begin(i, step)
		}
		if rebased {
			step.Run = string(document.Rebase([]byte(step.Run), base, r.Today))
		}
		done, err := r.step(ctx, step, vars)
		if err != nil {
			return report, fmt.Errorf("step %d (%s, %s): %w", i+1, step.Title, step.As, err)
		}
		report.Steps = append(report.Steps, done)
		report.Seconds = time.Since(start).Seconds()
		if r.End != nil {
			r.End(done)
		}
		if step.Mark != "" && r.Marked != nil {
			err := r.Marked(ctx, step.Mark, vars)
			if errors.Is(err, ErrStop) {
				return report, nil
			}
			if err != nil {
				return report, fmt.Errorf("after step %d (%s): %w", i+1, step.Title, err)
			}
		}
	}
	for i, line := range report.Next {
		if report.Next[i], err = shell.Expand(line, func(name string) string { return vars[name] }); err != nil {
			return report, err
		}
	}
	return report, nil
}

// pass lets time go by: it moves the clock, or waits, and reports false where it would have to wait for too long.
func (r *Runner) pass(ctx context.Context, d time.Duration) (bool, error) {
	switch {
	case d == 0:
		return true, nil
	case r.Advance != nil:
		r.Advance(d)
		return true, nil
	case d > longestWait:
		return false, nil
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(d):
		return true, nil
	}
}

// shift copies the documents, with their dates moved so that the base date becomes today.
func (r *Runner) shift(from, baseDate string) (string, error) {
	base, err := calendar.Parse(baseDate)
	if err != nil {
		return "", fmt.Errorf("base_date: %w", err)
	}
	to := filepath.Join(r.Dir, "documents")
	files, err := filepath.Glob(filepath.Join(from, "*", "*"))
	if err != nil {
		return "", err
	}
	bad, err := filepath.Glob(filepath.Join(from, "*", "bad", "*"))
	if err != nil {
		return "", err
	}
	for _, name := range append(files, bad...) {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return "", err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(target, document.Rebase(raw, base, r.Today), 0o644); err != nil {
			return "", err
		}
	}
	return to, nil
}

func (r *Runner) step(ctx context.Context, s Step, vars map[string]string) (Done, error) {
	org, user, _ := strings.Cut(s.As, "/")
	var unknown []string
	args, err := shell.Fields(s.Run, func(name string) string {
		v, ok := vars[name]
		if !ok && name == strings.ToLower(name) { // the shell library asks for IFS, PWD and HOME too
			unknown = append(unknown, name)
		}
		return v
	})
	if err != nil {
		return Done{}, err
	}
	if len(unknown) > 0 {
		return Done{}, fmt.Errorf("nothing has set %v; there is %v", unknown, slices.Sorted(maps.Keys(vars)))
	}
	done := Done{Title: s.Title, As: s.As, Command: "tally " + strings.Join(args, " "), Timed: s.Timed}
	start, deadline := time.Now(), time.Now().Add(s.wait())
	for {
		err := r.once(ctx, s, org, user, args, vars, &done)
		done.Seconds = time.Since(start).Seconds()
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return done, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *Runner) once(ctx context.Context, s Step, org, user string, args []string, vars map[string]string, done *Done) error {
	var out, errs bytes.Buffer
	exit := r.Command(ctx, org, user, append([]string{"--output", "json", "--after-block", strconv.FormatUint(r.last, 10)}, args...), &out, &errs)
	if s.Refused != "" {
		return refused(s, exit, errs.Bytes(), done)
	}
	if exit != 0 {
		return fmt.Errorf("tally %s: exit status %d: %s", strings.Join(args, " "), exit, strings.TrimSpace(errs.String()))
	}
	result := lastObject(out.Bytes())
	done.ID, _ = at(result, "id")
	done.Status, _ = at(result, "status")
	done.Transaction, _ = at(result, "transaction")
	if text, ok := at(result, "block"); ok {
		if block, err := strconv.ParseUint(text, 10, 64); err == nil {
			r.last = max(r.last, block)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(s.Expect)) {
		want := s.Expect[path]
		if got, _ := at(result, path); got != want {
			return fmt.Errorf("tally %s: %s is %q, it should be %q: %s", strings.Join(args, " "), path, got, want, out.String())
		}
	}
	done.Told = nil
	for _, t := range s.Tell {
		if value, ok := at(result, t.Path); ok {
			done.Told = append(done.Told, Told{Label: t.Label, Value: value})
		}
	}
	for name, path := range s.Save {
		got, ok := at(result, path)
		if !ok {
			return fmt.Errorf("tally %s: the result has no %s: %s", strings.Join(args, " "), path, out.String())
		}
		vars[name] = got
	}
	return nil
}

// refused holds a failure against the code that it must have, and against the exit status that goes with it.
func refused(s Step, exit int, errs []byte, done *Done) error {
	if exit == 0 {
		return fmt.Errorf("it was accepted; it must be refused with %s", s.Refused)
	}
	code, _ := at(lastObject(errs), "error.code")
	if code != s.Refused {
		return fmt.Errorf("it was refused with %q; it must be %s: %s", code, s.Refused, bytes.TrimSpace(errs))
	}
	if want := exitOf(fault.Code(code)); exit != want {
		return fmt.Errorf("%s ended with exit status %d; it must be %d", code, exit, want)
	}
	done.Refused = code
	return nil
}

// exitOf is the exit status that a refusal must have: 2 where the input can never be accepted, else 1.
func exitOf(code fault.Code) int {
	if row, ok := fault.Describe(code); ok && row.Kind == fault.Invalid {
		return 2
	}
	return 1
}

// lastObject decodes the last line that is a JSON document.
func lastObject(text []byte) any {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, line := range slices.Backward(lines) {
		var v any
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		if dec.Decode(&v) == nil {
			return v
		}
	}
	return nil
}

// at finds a value by its path and returns it as text.
func at(v any, path string) (string, bool) {
	for _, part := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(node) {
				return "", false
			}
			v = node[i]
		default:
			return "", false
		}
	}
	switch value := v.(type) {
	case nil:
		return "", false
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	}
	raw, err := json.Marshal(v)
	return string(raw), err == nil
}
