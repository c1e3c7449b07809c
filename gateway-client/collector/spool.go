package collector

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Limits of a spool.
const (
	// MaxSpooled is how many files may wait; more are refused until some are anchored.
	MaxSpooled = 10_000
	// MaxFileBytes bounds one file.
	MaxFileBytes = 32 << 20
	// keepDone is how long the content of a file is remembered. An older file that comes again is back-dated.
	keepDone = 90 * 24 * time.Hour
)

// Suffixes of the files, by what is in them.
const (
	suffixEPCIS    = ".jsonld"        // an EPCIS 2.0 document; .json is taken for one, too
	suffixReadings = ".jsonl"         // receipt.Reading, one a line, each signed by its device
	suffixSegment  = ".segment.json"  // Closed: a segment that a device has closed and signed, with its readings
	planFile       = "plan.json"      // what is on its way
	incoming       = "incoming"       // files that wait
	rejected       = "rejected"       // files and readings that cannot be anchored, each with its reason
	done           = "done"           // the hashes of what was anchored
	temporary      = "incoming/.part" // files that are being written
)

// Spool is the folder in which what devices send waits until it is anchored. Whoever puts a file into its folder incoming must
// write it elsewhere first and move it there.
type Spool struct{ Dir string }

// Closed is a segment that a device has closed and signed, with its readings.
type Closed struct {
	Segment  receipt.Segment   `json:"segment"`
	Readings []receipt.Reading `json:"readings"`
}

// plan is what is on its way: the files that leave the spool when all batches are settled.
type plan struct {
	Files   []spooled `json:"files"`
	Batches []planned `json:"batches"`
}

// spooled is a file by its name and content.
type spooled struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// planned is a sealed batch. Settled ones are anchored, or refused and taken care of.
type planned struct {
	Batch   receipt.Batch `json:"batch"`
	Tries   int           `json:"tries,omitempty"`
	Settled bool          `json:"settled,omitempty"`
}

func (s Spool) path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

func (s Spool) make() error {
	for _, dir := range []string{incoming, temporary, rejected, done} {
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// lock makes this process the only one that takes files out of the spool.
func (s Spool) lock() (unlock func(), err error) {
	if err := s.make(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(s.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fault.New(fault.ServiceBusy, "another process collects from %s", s.Dir), file.Close())
	}
	return func() { _ = file.Close() }, nil // which ends the lock
}

// put writes a file whole or not at all, and on the disk.
func (s Spool) put(path string, content []byte) error {
	if err := s.make(); err != nil {
		return err
	}
	file, err := os.CreateTemp(s.path(temporary), "*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Put takes content into the spool; it is on the disk when Put returns. Known says that the same content was taken before.
// SERVICE_BUSY where too much waits.
func (s Spool) Put(content []byte, suffix string, at time.Time) (id string, known bool, err error) {
	hash := hashOf(content)
	waiting, err := s.waiting()
	if err != nil {
		return "", false, err
	}
	if s.done(hash) || slices.ContainsFunc(waiting, func(name string) bool { return strings.Contains(name, hash) }) {
		return hash, true, nil
	}
	if len(waiting) >= MaxSpooled {
		return "", false, fault.New(fault.ServiceBusy, "%d files wait to be anchored", len(waiting))
	}
	name := fmt.Sprintf("%s-%s%s", at.UTC().Format("20060102T150405.000000000"), hash, suffix)
	return hash, false, s.put(s.path(incoming, name), content)
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// waiting lists the files that wait, by name.
func (s Spool) waiting() ([]string, error) {
	entries, err := os.ReadDir(s.path(incoming))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (s Spool) done(hash string) bool {
	_, err := os.Stat(s.path(done, hash))
	return err == nil
}

// plan returns what is on its way.
func (s Spool) plan() (p plan, found bool, err error) {
	raw, err := os.ReadFile(s.path(planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	return p, err == nil, err
}

func (s Spool) savePlan(p plan) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.put(s.path(planFile), raw)
}

// finish lets the files of a settled plan go: first their content is remembered, then they are removed, then the plan is. A stop at
// any point does the rest again.
func (s Spool) finish(p plan) error {
	for _, f := range p.Files {
		if err := s.put(s.path(done, f.Hash), []byte(f.Name+"\n")); err != nil {
			return err
		}
		if err := os.Remove(s.path(incoming, f.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(s.path(planFile)); err != nil {
		return err
	}
	return s.forget(time.Now().Add(-keepDone))
}

// forget removes the memory of what was anchored before the instant.
func (s Spool) forget(before time.Time) error {
	entries, err := os.ReadDir(s.path(done))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			if err := os.Remove(s.path(done, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// reason stands beside everything that was set aside.
type reason struct {
	Code   fault.Code `json:"code,omitempty"`
	Reason string     `json:"reason"`
	At     time.Time  `json:"at"`
}

func (s Spool) because(name string, why error) error {
	raw, err := json.MarshalIndent(reason{fault.CodeOf(why), why.Error(), time.Now().UTC().Truncate(time.Second)}, "", "  ")
	if err != nil {
		return err
	}
	return s.put(s.path(rejected, name+".reason.json"), append(raw, '\n'))
}

// rejectFile sets a whole file aside.
func (s Spool) rejectFile(name string, why error) error {
	if err := s.because(name, why); err != nil {
		return err
	}
	return os.Rename(s.path(incoming, name), s.path(rejected, name))
}

// reject sets readings aside, as a file that may be put into the spool again where their device signs them.
func (s Spool) reject(name string, readings []receipt.Reading, why error) error {
	if len(readings) == 0 {
		return nil
	}
	var lines []byte
	for _, r := range readings {
		raw, err := json.Marshal(r)
		if err != nil {
			return err
		}
		lines = append(append(lines, raw...), '\n')
	}
	if err := s.because(name+suffixReadings, why); err != nil {
		return err
	}
	return s.put(s.path(rejected, name+suffixReadings), lines)
}
