package scoring

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

func TestReadCSV(t *testing.T) {
	table, err := ReadCSV("t", strings.NewReader("\ufeffa; b ;c\n1; x ;\"p;q\"\n2;;\n"))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, table.Header)
	assert.Equal(t, [][]string{{"1", "2"}, {"x", ""}, {"p;q", ""}}, table.Columns)

	for _, tc := range []struct {
		text    string
		header  []string
		columns [][]string
	}{
		{",a\n0,x\n1,y\n", []string{"a"}, [][]string{{"x", "y"}}},
		{"a,\n1,\n2,\n,\n,\n", []string{"a"}, [][]string{{"1", "2"}}},
		{"a,,c\n1,5,3\n1,4,3\n", []string{"a", "column 2", "c"}, [][]string{{"1", "1"}, {"5", "4"}, {"3", "3"}}},
		{"a|b\n1|2,5\n", []string{"a", "b"}, [][]string{{"1"}, {"2.5"}}},
		{"a;b\n1.000,5;1,000\n2;x\n", []string{"a", "b"}, [][]string{{"1,000.5", "2"}, {"1,000", "x"}}},
		{"a;b\n1,5;1,250\n2;\n", []string{"a", "b"}, [][]string{{"1.5", "2"}, {"1.250", ""}}},
		{"a;b\n1,000;2\n", []string{"a", "b"}, [][]string{{"1,000"}, {"2"}}},
		{"\xff\xfea\x00\n\x00\xfc\x00\n\x00", []string{"a"}, [][]string{{"ü"}}},
		{"stra\xdfe\nK\xf6ln\n", []string{"straße"}, [][]string{{"Köln"}}},
	} {
		table, err := ReadCSV("t", strings.NewReader(tc.text))
		require.NoError(t, err, "%q", tc.text)
		assert.Equal(t, tc.header, table.Header, "%q", tc.text)
		assert.Equal(t, tc.columns, table.Columns, "%q", tc.text)
	}

	for text, says := range map[string]string{
		"":                   "is empty",
		" \n\n":              "is empty",
		"a,b\n":              "no rows",
		"a,b\n1,2\n1\n":      "line 3 has another number of columns",
		"a,a\n1,2\n":         "two columns",
		"a,b\n1,x\"y\n":      "must be written twice",
		"PK\x03\x04\x00\n1":  "save the table as CSV",
		"a,b\n,\n":           "no rows",
		"a,b\n1,\"unclosed":  "line",
		"a,b\n1,2\n1,2,3,4n": "another number of columns",
	} {
		_, err := ReadCSV("t", strings.NewReader(text))
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), "%q", text)
		assert.ErrorContains(t, err, says, "%q", text)
	}
}

func TestReadTarget(t *testing.T) {
	read := func(values string, bad string) ([]bool, error) {
		table, err := ReadCSV("t", strings.NewReader("y,x\n"+strings.Join(strings.Fields(values), ",1\n")+",1\n"))
		require.NoError(t, err)
		target, err := ReadTarget(table, "y", bad)
		return target.Bad, err
	}
	for _, tc := range []struct {
		values, bad string
		want        []bool
	}{
		{"0 1 0", "", []bool{false, true, false}}, {"-1 1 1.0", "", []bool{false, true, true}}, {"2 1 2", "", []bool{true, false, true}},
		{"+ - +", "-", []bool{false, true, false}}, {"+ - +", "+", []bool{true, false, true}}, {"Paid Odd Paid", "", []bool{false, true, false}},
		{"No Yes No", "", []bool{false, true, false}}, {"good bad good", "", []bool{false, true, false}}, {"P C D", "C", []bool{false, true, false}},
	} {
		got, err := read(tc.values, tc.bad)
		require.NoError(t, err, tc.values)
		assert.Equal(t, tc.want, got, tc.values)
	}
	for _, tc := range [][2]string{{"1 1 1", ""}, {"0 1 2", ""}, {"A B A", ""}, {"A B A", "C"}, {"A A A", "A"}, {"yes true no", ""}, {"NA 1 0", ""}, {"+ - +", ""}, {"Yes Default Yes", ""}} {
		_, err := read(tc[0], tc[1])
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), "%v", tc)
	}
}

func TestFoldsAndSplits(t *testing.T) {
	table, err := ReadCSV("t", strings.NewReader("f,s,one,hole,odd\n10,train,1,1,train\n2,test,1,,test\n10,TEST,1,1,dev\n"))
	require.NoError(t, err)
	folds, err := ReadFolds(table, "f")
	require.NoError(t, err)
	assert.Equal(t, []Fold{{"2", []int{0, 2}, []int{1}}, {"10", []int{1}, []int{0, 2}}}, folds, "ordered as numbers")
	folds, err = ReadSplit(table, "s")
	require.NoError(t, err)
	assert.Equal(t, []Fold{{"test", []int{0}, []int{1, 2}}}, folds)
	for _, column := range []string{"one", "hole", "absent"} {
		_, err := ReadFolds(table, column)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), column)
	}
	for _, column := range []string{"odd", "one", "absent"} {
		_, err := ReadSplit(table, column)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), column)
	}
}

func TestColumnKinds(t *testing.T) {
	rows := []int{0, 1, 2}
	for _, tc := range []struct {
		cells []string
		kind  scorecard.Kind
		first scorecard.Value
	}{
		{[]string{"1.25", "", "3"}, scorecard.Numeric, scorecard.Number(125)},
		{[]string{"", "NA", "?"}, scorecard.Numeric, scorecard.Missing()},
		{[]string{"1", "2", "unknown"}, scorecard.Categorical, scorecard.Text("1")},
		{[]string{"x1", "2", "3"}, scorecard.Categorical, scorecard.Text("x1")},
		{[]string{"1970-01-11", "2024-02-29", ""}, scorecard.Numeric, scorecard.Number(10)},
		{[]string{"28-Feb-97", "1-Mar-99", "3-Apr-01"}, scorecard.Numeric, scorecard.Number(9920)},
	} {
		c := fitColumn("c", tc.cells, rows)
		assert.Equal(t, tc.kind, c.Kind, "%v", tc.cells)
		assert.Equal(t, tc.first, c.Value(tc.cells[0]), "%v", tc.cells)
	}
}

func TestEdgesSeparateDistinctValues(t *testing.T) {
	for _, tc := range [][2]int64{{0, 1}, {-1, 0}, {-5, 7}, {99, 101}, {1234, 5678}, {-9007199254740991, 9007199254740991}, {3, 4}} {
		e := edgeBetween(tc[0], tc[1])
		assert.Greater(t, e, tc[0])
		assert.LessOrEqual(t, e, tc[1])
	}
	assert.Equal(t, int64(5000), edgeBetween(4321, 5678), "round where there is room")
}
