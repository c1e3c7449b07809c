package evidence

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// archiveSuffix is how the files of an archive end: gzipped JSON, one object a line, first the batch and then its readings.
const archiveSuffix = ".evidence.jsonl.gz"

// maxLineBytes bounds a line of an archive's file; a batch is the longest.
const maxLineBytes = 4 << 20

// Archive keeps what the ledger does not: the readings of anchored batches, so that each can be proved. It is a folder.
type Archive struct{ Dir string }

// Path is where the archive keeps a batch.
func (a Archive) Path(batch string) string {
	return filepath.Join(a.Dir, filepath.Base(batch)+archiveSuffix)
}

// Save writes a batch with its readings, whole or not at all. Do it before the batch is anchored: what is anchored and not
// kept can never be proved.
func (a Archive) Save(b Batch) (err error) {
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(a.Dir, "."+filepath.Base(b.ID)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(write(file, b), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), a.Path(b.ID))
}

// Remove takes a batch out of the archive that was never anchored.
func (a Archive) Remove(batch string) error {
	if err := os.Remove(a.Path(batch)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func write(out io.Writer, b Batch) error {
	zipped := gzip.NewWriter(out)
	buffered := bufio.NewWriter(zipped)
	enc := json.NewEncoder(buffered)
	if err := enc.Encode(b.Kept()); err != nil {
		return err
	}
	for _, s := range b.Segments {
		for _, r := range s.Readings {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
	}
	return errors.Join(buffered.Flush(), zipped.Close())
}

// Load reads a batch with its readings and builds its trees again. It returns EVIDENCE_ROOT_MISMATCH where the readings are
// not those of the batch, and RECORD_NOT_FOUND where the archive does not have it.
func (a Archive) Load(batch string) (Batch, error) {
	file, err := os.Open(a.Path(batch))
	if errors.Is(err, os.ErrNotExist) {
		return Batch{}, fault.New(fault.RecordNotFound, "%s is not there", a.Path(batch))
	}
	if err != nil {
		return Batch{}, err
	}
	defer file.Close() //nolint:errcheck // only read
	zipped, err := gzip.NewReader(file)
	if err != nil {
		return Batch{}, fmt.Errorf("%s: %w", file.Name(), err)
	}
	lines := bufio.NewScanner(zipped)
	lines.Buffer(make([]byte, 0, 64<<10), maxLineBytes)
	b, err := read(lines)
	if err != nil {
		return Batch{}, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return b, nil
}

func read(lines *bufio.Scanner) (Batch, error) {
	var b Batch
	next := func(into any) error {
		if !lines.Scan() {
			return errors.Join(io.ErrUnexpectedEOF, lines.Err())
		}
		return json.Unmarshal(lines.Bytes(), into)
	}
	if err := next(&b.Batch); err != nil {
		return b, err
	}
	if err := b.Validate(); err != nil {
		return b, err
	}
	for _, s := range b.Batch.Segments {
		one := Segment{Segment: s}
		one.tree = &receipt.Tree{}
		for range s.Count {
			var r receipt.Reading
			if err := next(&r); err != nil {
				return b, err
			}
			one.Readings = append(one.Readings, r)
			if err := one.tree.Append(r.LeafHash()); err != nil {
				return b, err
			}
		}
		root, err := one.tree.Root()
		if err != nil {
			return b, err
		}
		if root != s.Root {
			return b, fault.New(fault.EvidenceRootMismatch, "the readings of device %s are not those that were anchored", s.Device)
		}
		b.Segments = append(b.Segments, one)
	}
	return b, nil
}
