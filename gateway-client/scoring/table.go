package scoring

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits on a table. ReadCSV refuses what exceeds them.
const (
	MaxTableBytes   = 1 << 30
	MaxTableRows    = 2_000_000
	MaxTableColumns = 2_000
)

// Table is a CSV file in memory: a header and columns of text, spaces around them removed. Numbers have decimal points.
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

// ReadCSV reads a table with a header line; the separator is a comma, a semicolon, a tab or a bar, whichever the header
// holds most of. Text is UTF-8, UTF-16 with a byte order mark, or what else Windows-1252 makes of it. A column without a name gets one
// by its place, or is left out where it is empty or counts the rows; so are empty rows at the end. Where columns can only be
// read with decimal commas, all are.
// Codes: INPUT_INVALID (empty, ragged, a repeated column name, a broken quote), INPUT_TOO_LARGE.
func ReadCSV(name string, r io.Reader) (*Table, error) {
	hash := sha256.New()
	limited := &io.LimitedReader{R: r, N: MaxTableBytes + 1}
	buffered := bufio.NewReaderSize(io.TeeReader(limited, hash), 1<<16)
	head, _ := buffered.Peek(1 << 16)
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, fault.New(fault.InputInvalid, "%s is empty; a CSV file with a header line is needed", name)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3)
		head = head[3:]
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		buffered = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(buffered), 1<<16)
		head, _ = buffered.Peek(1 << 16)
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, fault.New(fault.InputInvalid, "%s holds zero bytes, so it is no CSV file; save the table as CSV, in UTF-8", name)
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
	var unnamed []int
	for i, h := range record {
		h = strings.TrimSpace(readable(h))
		if h == "" {
			h = fmt.Sprint("column ", i+1)
			unnamed = append(unnamed, i)
		}
		if seen[h] {
			bad.Add("header", h, "is the name of two columns; rename one of them")
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
			cell = strings.TrimSpace(readable(cell))
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
	t.dropEmptyEnd()
	if t.Rows() == 0 {
		return nil, fault.New(fault.InputInvalid, "%s has a header but no rows", name)
	}
	for _, i := range slices.Backward(unnamed) {
		if counts(t.Columns[i]) || !slices.ContainsFunc(t.Columns[i], func(c string) bool { return c != "" }) {
			t.Header, t.Columns = slices.Delete(t.Header, i, i+1), slices.Delete(t.Columns, i, i+1)
		}
	}
	t.decimalPoints()
	t.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return t, nil
}

// readable takes what is not UTF-8 for Windows-1252.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	text, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	return text
}

// dropEmptyEnd removes rows at the end that hold nothing, as spreadsheets leave them.
func (t *Table) dropEmptyEnd() {
	n := t.Rows()
	for n > 0 && !slices.ContainsFunc(t.Columns, func(c []string) bool { return c[n-1] != "" }) {
		n--
	}
	for i := range t.Columns {
		t.Columns[i] = t.Columns[i][:n]
	}
}

// counts reports whether the cells are numbers that rise from row to row and so say nothing but where the row is.
func counts(cells []string) bool {
	last := math.MinInt
	for _, c := range cells {
		n, err := strconv.Atoi(c)
		if err != nil || n <= last {
			return false
		}
		last = n
	}
	return true
}

// numbersRows reports whether the cells count the rows one by one.
func numbersRows(cells []string) bool {
	if len(cells) < 20 || !counts(cells) {
		return false
	}
	first, _ := strconv.Atoi(cells[0])
	last, _ := strconv.Atoi(cells[len(cells)-1])
	return last-first == len(cells)-1
}

// decimalPoints rewrites numbers with decimal commas where at least one column can be read in no other way.
func (t *Table) decimalPoints() {
	var commas []int
	certain := false
	for i, cells := range t.Columns {
		if !slices.ContainsFunc(cells, func(c string) bool { return strings.Contains(c, ",") }) {
			continue
		}
		present, usual, turned := 0, 0, 0
		for _, c := range cells {
			if MissingText(c) {
				continue
			}
			present++
			if _, ok := parseDecimal(c); ok {
				usual++
			}
			if _, ok := parseDecimal(turn(c)); ok {
				turned++
			}
		}
		if float64(turned) >= numericShare*float64(present) {
			commas = append(commas, i)
			certain = certain || turned > usual
		}
	}
	if !certain {
		return
	}
	for _, i := range commas {
		for r, c := range t.Columns[i] {
			if d := turn(c); !MissingText(c) {
				if _, ok := parseDecimal(d); ok {
					t.Columns[i][r] = d
				}
			}
		}
	}
}

// turn exchanges decimal and thousands separators.
func turn(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ',':
			return '.'
		case '.':
			return ','
		}
		return r
	}, s)
}

func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, s := range []rune{';', '\t', '|'} {
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
		if errors.Is(p.Err, csv.ErrBareQuote) || errors.Is(p.Err, csv.ErrQuote) {
			return fault.New(fault.InputInvalid, "%s, line %d, column %d: a quote inside a field must be written twice, and the field in quotes", name, p.Line, p.Column)
		}
		return fault.New(fault.InputInvalid, "%s, line %d, column %d: %v", name, p.Line, p.Column, p.Err)
	}
	return fault.New(fault.InputInvalid, "%s cannot be read: %v", name, err)
}

// MissingText reports whether a cell says that there is no value.
func MissingText(s string) bool {
	switch s {
	case "", "?", ".", "-", "--", "---":
		return true
	}
	if len(s) > len("#DIV/0!") {
		return false
	}
	switch strings.ToLower(strings.Trim(s, "<>()[]")) {
	case "na", "n/a", "n.a.", "n.a", "n/d", "nan", "-nan", "+nan", "null", "none", "nil", "nat", "missing", `\n`,
		"#n/a", "#na", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!":
		return true
	}
	return false
}
