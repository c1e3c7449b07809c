// Package scenario runs a scenario file: what the users of several organisations do one after the other, as tally command
// lines, with what each must answer. One file runs on a ledger in memory, on the native network and in containers.
package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"gopkg.in/yaml.v3"
)

// Limits of a scenario file.
const (
	maxFileBytes = 1 << 20
	maxSteps     = 1000
	defaultWait  = 30 * time.Second
	longestWait  = 2 * time.Minute
)

// Scenario is a file's content.
type Scenario struct {
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// Documents is the folder with the sample documents, relative to the scenario's file. Their dates, and those in the
	// steps' command lines, are shifted so that BaseDate becomes the day on which the scenario runs; ${docs} is where the shifted ones stand, ${testdata} the folder itself.
	Documents string `yaml:"documents"`
	BaseDate  string `yaml:"base_date"`
	Steps     []Step `yaml:"steps"`
	// Next lists command lines that people can try afterwards.
	Next []string `yaml:"next"`
}

// Step is one command line of one user.
type Step struct {
	Title string `yaml:"title"`
	// As is the organisation and the user: "supplier/amy".
	As string `yaml:"as"`
	// Run is a tally command line without the identity; ${name} stands for a variable.
	Run string `yaml:"run"`
	// Save keeps fields of the result as variables: name → path ("id", "offers.0.id").
	Save map[string]string `yaml:"save"`
	// Expect says what fields of the result must be: path → text.
	Expect map[string]string `yaml:"expect"`
	// Tell lists fields of the result that the summary shows people, each under a label.
	Tell []Told `yaml:"tell"`
	// Refused is the stable code with which the step must fail.
	Refused string `yaml:"refused"`
	// Wait repeats the step until its expectations hold, at most so many seconds.
	WaitSeconds int `yaml:"wait_seconds"`
	// Timed names a duration that the summary shows: from the end of the step before to the end of this one.
	Timed string `yaml:"timed"`
	// After is how much time passes before the step ("20s", "1464h"). Where the clock cannot be moved, a scenario waits up to two
	// minutes and ends before a step that is further away.
	After time.Duration `yaml:"after"`
	// Mark tells the harness that something of its own is due after the step: stop a node, move the clock.
	Mark string `yaml:"mark"`
}

// Told is a field of a result with what people call it.
type Told struct {
	Label string `yaml:"label" json:"label"`
	Path  string `yaml:"path" json:"-"`
	Value string `yaml:"-" json:"value"`
}

var asPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*/[a-z][a-z0-9]*$`)

// Load reads a scenario file and reports everything that is wrong with it.
func Load(path string) (*Scenario, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFileBytes {
		return nil, fmt.Errorf("%s: a scenario is at most %d bytes", path, maxFileBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	s := &Scenario{}
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Validate reports every failure of the scenario.
func (s *Scenario) Validate() error {
	var errs []error
	if len(s.Steps) == 0 || len(s.Steps) > maxSteps {
		errs = append(errs, fmt.Errorf("steps: there must be 1 to %d, not %d", maxSteps, len(s.Steps)))
	}
	for i, step := range s.Steps {
		if !asPattern.MatchString(step.As) {
			errs = append(errs, fmt.Errorf("steps[%d].as: %q is not of the form organisation/user", i, step.As))
		}
		if step.Run == "" {
			errs = append(errs, fmt.Errorf("steps[%d].run: there is no command", i))
		}
		if step.After < 0 {
			errs = append(errs, fmt.Errorf("steps[%d].after: %s is in the past", i, step.After))
		}
		if step.Refused != "" && (len(step.Save) > 0 || len(step.Expect) > 0) {
			errs = append(errs, fmt.Errorf("steps[%d]: a refused step has no result to save or expect", i))
		}
	}
	return errors.Join(errs...)
}

func (s Step) wait() time.Duration {
	if s.WaitSeconds > 0 {
		return time.Duration(s.WaitSeconds) * time.Second
	}
	return 0
}
