package scoring

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits on a table. ReadCSV refuses what exceeds them.
const (
	MaxTableBytes   = 1 << 30
	MaxTableRows    = 2_000_000
	MaxTableColumns = 2_000
)

// Table is a CSV file in memory: a header and columns of text, spaces around them removed.
type Table struct {
	Name    string // for messages
	Header  []string
	Columns [][]string
	SHA256  string // of the bytes that were read, hexadecimal
}

// Rows is the number of rows below the header.
func (t *Table) Rows() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return len(t.Columns[0])
}

// Column returns the index of a column, or -1.
func (t *Table) Column(name string) int {
	for i, h := range t.Header {
		if h == name {
			return i
		}
	}
	return -1
}

// MustColumn is Column with an INPUT_INVALID error that lists what there is.
func (t *Table) MustColumn(flag, name string) (int, error) {
	if i := t.Column(name); i >= 0 {
		return i, nil
	}
	return -1, fault.New(fault.InputInvalid, "%s %q: %s has no such column; it has %s", flag, name, t.Name, shorten(t.Header, 30))
}

func shorten(list []string, n int) string {
	if len(list) <= n {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:n], ", ") + ", …"
}

// ReadCSV reads a table with a header line; the separator is a comma, a semicolon or a tab, whichever the header
// holds most of. Codes: INPUT_INVALID (empty, ragged, a repeated or empty column name, a broken quote), INPUT_TOO_LARGE.
func ReadCSV(name string, r io.Reader) (*Table, error) {
	hash := sha256.New()
	limited := &io.LimitedReader{R: r, N: MaxTableBytes + 1}
	buffered := bufio.NewReaderSize(io.TeeReader(limited, hash), 1<<16)
	head, _ := buffered.Peek(1 << 16)
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, fault.New(fault.InputInvalid, "%s is empty; a CSV file with a header line is needed", name)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
		head = head[3:]
	}
	dec := csv.NewReader(buffered)
	dec.Comma = separator(head)
	dec.ReuseRecord = true
	dec.TrimLeadingSpace = true
	record, err := dec.Read()
	if err != nil {
		return nil, csvError(name, err)
	}
	t := &Table{Name: name}
	seen := map[string]bool{}
	var bad fault.Fields
	for _, h := range record {
		h = strings.TrimSpace(h)
		if h == "" {
			bad.Add("header", h, "every column needs a name")
		}
		if seen[h] {
			bad.Add("header", h, "is the name of two columns")
		}
		seen[h] = true
		t.Header = append(t.Header, strings.Clone(h))
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if len(t.Header) > MaxTableColumns {
		return nil, fault.New(fault.InputTooLarge, "%s has %d columns; the limit is %d", name, len(t.Header), MaxTableColumns)
	}
	t.Columns = make([][]string, len(t.Header))
	intern := make([]map[string]string, len(t.Header))
	for i := range intern {
		intern[i] = map[string]string{}
	}
	for {
		record, err := dec.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, csvError(name, err)
		}
		for i, cell := range record {
			cell = strings.TrimSpace(cell)
			kept, ok := intern[i][cell]
			if !ok {
				kept = strings.Clone(cell)
				if len(intern[i]) < 4096 {
					intern[i][kept] = kept
				}
			}
			t.Columns[i] = append(t.Columns[i], kept)
		}
		if t.Rows() > MaxTableRows {
			return nil, fault.New(fault.InputTooLarge, "%s has more than %d rows", name, MaxTableRows)
		}
	}
	if limited.N <= 0 {
		return nil, fault.New(fault.InputTooLarge, "%s has more than %d bytes", name, MaxTableBytes)
	}
	if t.Rows() == 0 {
		return nil, fault.New(fault.InputInvalid, "%s has a header but no rows", name)
	}
	t.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return t, nil
}

func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, s := range []rune{';', '\t'} {
		if n := bytes.Count(line, []byte(string(s))); n > most {
			best, most = s, n
		}
	}
	return best
}

func csvError(name string, err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		if errors.Is(p.Err, csv.ErrFieldCount) {
			return fault.New(fault.InputInvalid, "%s, line %d has another number of columns than the header", name, p.Line)
		}
		return fault.New(fault.InputInvalid, "%s, line %d, column %d: %v", name, p.Line, p.Column, p.Err)
	}
	return fault.New(fault.InputInvalid, "%s cannot be read: %v", name, err)
}

// MissingText reports whether a cell says that there is no value.
func MissingText(s string) bool {
	switch s {
	case "", "NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "NULL", "null", "Null", "None", "none", "?", ".", "-", "#N/A", "<NA>":
		return true
	}
	return false
}
