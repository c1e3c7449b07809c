package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile is a table of which x, y and z say what there is to know about the outcome.
type hostile struct {
	rng    *rand.Rand
	header []string
	rows   [][]string
	risk   []float64
}

func newHostile(n int, bad float64) *hostile {
	h := &hostile{rng: rand.New(rand.NewPCG(9, 9)), header: []string{"x", "y", "z"}}
	for range n {
		x, y, z := h.rng.NormFloat64(), h.rng.NormFloat64(), h.rng.NormFloat64()
		h.rows = append(h.rows, []string{fmt.Sprintf("%.4f", x), fmt.Sprintf("%.2f", 10+y), fmt.Sprintf("%.0f", 1000*z)})
		h.risk = append(h.risk, 1.1*x-0.8*y+0.7*z+math.Log(bad/(1-bad)))
	}
	return h
}

// add appends a column.
func (h *hostile) add(name string, cell func(i int) string) *hostile {
	h.header = append(h.header, name)
	for i := range h.rows {
		h.rows[i] = append(h.rows[i], cell(i))
	}
	return h
}

// change rewrites the cells of a column.
func (h *hostile) change(column int, to func(i int, cell string) string) *hostile {
	for i := range h.rows {
		h.rows[i][column] = to(i, h.rows[i][column])
	}
	return h
}

// outcomes appends the label.
func (h *hostile) outcomes(name, good, bad string) *hostile {
	return h.add(name, func(i int) string {
		if h.rng.Float64() < 1/(1+math.Exp(-h.risk[i])) {
			return bad
		}
		return good
	})
}

func (h *hostile) text(separator, end string) string {
	var b strings.Builder
	for _, row := range append([][]string{h.header}, h.rows...) {
		for i, cell := range row {
			if i > 0 {
				b.WriteString(separator)
			}
			if strings.ContainsAny(cell, separator+"\"\n") {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			b.WriteString(cell)
		}
		b.WriteString(end)
	}
	return b.String()
}

func (h *hostile) csv() string { return h.text(",", "\n") }

func utf16Text(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// Tables as they come: each trains well with the defaults.
func TestModelCrossvalOnHostileTables(t *testing.T) {
	const n = 900
	plain := func() *hostile { return newHostile(n, 0.3) }
	day := func(i int) int { return (i * 37) % 700 }
	for _, tc := range []struct {
		name  string
		data  func() string
		args  string
		least float64
	}{
		{"plain", func() string { return plain().outcomes("label", "0", "1").csv() }, "", 0.77},
		{"missing cells in many spellings", func() string {
			h := plain()
			words := []string{"", "NA", "N/A", "NaN", "null", "None", "?", ".", "-", "--", "n.a.", "#N/A", "#DIV/0!", "nil", "missing", "(null)", `\N`, "NaT", "#VALUE!", "Unknown"}
			for c := range 3 {
				h.change(c, func(_ int, cell string) string {
					if h.rng.IntN(5) == 0 {
						return words[h.rng.IntN(len(words))]
					}
					return cell
				})
			}
			return h.outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.71},
		{"a word where the number is not known", func() string {
			h := plain()
			h.change(0, func(_ int, cell string) string {
				if h.rng.IntN(10) == 0 {
					return "not stated"
				}
				return cell
			})
			return h.outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.75},
		{"500 levels that say nothing", func() string {
			h := plain()
			return h.add("city", func(int) string { return fmt.Sprint("city ", h.rng.IntN(500)) }).outcomes("label", "0", "1").csv()
		}, "", 0.76},
		{"500 levels that say something", func() string {
			h := newHostile(4000, 0.3)
			return h.add("city", func(i int) string {
				k := h.rng.IntN(500)
				h.risk[i] += float64(k%10)/3 - 1.5
				return fmt.Sprint("city ", k)
			}).outcomes("label", "0", "1").csv()
		}, "--split split", 0.79},
		{"constant and empty columns", func() string {
			h := plain()
			return h.add("same", func(int) string { return "7" }).add("empty", func(int) string { return "" }).add("absent", func(int) string { return "NA" }).
				outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"yes and no", func() string { return plain().outcomes("Default", "no", "yes").csv() }, "--label Default --kind woe", 0.77},
		{"good and bad", func() string { return plain().outcomes("RiskPerformance", "Good", "Bad").csv() }, "--label RiskPerformance --kind woe", 0.77},
		{"paid and not", func() string { return plain().outcomes("loan_status", "Fully Paid", "Charged Off").csv() }, "--label loan_status --kind woe", 0.77},
		{"true and false", func() string { return plain().outcomes("label", "False", "True").csv() }, "--kind woe", 0.77},
		{"1.0 and 0.0", func() string { return plain().outcomes("label", "0.0", "1.0").csv() }, "--kind woe", 0.77},
		{"1 and 2", func() string { return plain().outcomes("label", "1", "2").csv() }, "--kind woe", 0.77},
		{"everything in quotes", func() string {
			text := strings.ReplaceAll(plain().outcomes("label", "0", "1").csv(), ",", `","`)
			return `"` + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\"\n\"") + "\"\n"
		}, "--kind woe", 0.77},
		{"plus and minus", func() string { return plain().outcomes("class", "+", "-").csv() }, "--label class --bad - --kind woe", 0.77},
		{"one enormous number in a column of small ones", func() string {
			h := plain()
			h.change(0, func(i int, cell string) string {
				switch i % 300 {
				case 0:
					return "123456789012345678901"
				case 1:
					return "-9.9e300"
				}
				return cell
			})
			return h.outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.76},
		{"infinite ratios", func() string {
			h := plain()
			h.change(0, func(i int, cell string) string {
				if i%12 == 0 {
					return []string{"inf", "-inf", "Infinity", "-Infinity"}[i/12%4]
				}
				return cell
			})
			return h.outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.74},
		{"numbers of twenty digits", func() string {
			h := plain()
			return h.change(0, func(i int, _ string) string { return fmt.Sprintf("%.0f", 1e20*(3+h.risk[i])) }).outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"numbers of a millionth of a millionth", func() string {
			h := plain()
			return h.change(0, func(i int, _ string) string { return fmt.Sprintf("%.4e", 1e-13*h.risk[i]) }).outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"accounting", func() string {
			h := plain()
			return h.change(2, func(_ int, cell string) string {
				if number, negative := strings.CutPrefix(cell, "-"); negative {
					return "($" + number + ".00)"
				}
				return "$" + cell + ".00"
			}).outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"thousands with spaces", func() string {
			h := plain()
			return h.change(2, func(i int, _ string) string {
				v := int(1e6 * (h.risk[i] + 9))
				return fmt.Sprintf("%d %03d %03d", v/1e6, v/1000%1000, v%1000)
			}).outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"decimal commas", func() string {
			h := plain()
			for c := range 3 {
				h.change(c, func(_ int, cell string) string { return strings.ReplaceAll(cell, ".", ",") })
			}
			return h.outcomes("label", "0", "1").text(";", "\r\n")
		}, "--kind woe", 0.77},
		{"decimal commas with thousands points", func() string {
			h := plain()
			h.change(0, func(i int, _ string) string {
				v := int(1e6 * (h.risk[i] + 9))
				return fmt.Sprintf("%d.%03d,%03d", v/1e6, v/1000%1000, v%1000)
			})
			return h.outcomes("label", "0", "1").text(";", "\n")
		}, "--kind woe", 0.77},
		{"dates as text", func() string {
			h := plain()
			for _, layout := range []string{"%[1]d-%02[2]d-%02[3]d", "%02[3]d/%02[2]d/%[1]d", "%02[3]d.%02[2]d.%[1]d", "%[1]d-%02[2]d-%02[3]dT00:00:00Z", "%[1]d-%02[2]d-%02[3]d 00:00"} {
				h.add("on "+layout, func(i int) string {
					h.risk[i] += (float64(day(i)) - 350) / 1000
					return fmt.Sprintf(layout, 2023+day(i)/336, 1+day(i)/28%12, 1+day(i)%28)
				})
			}
			return h.outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"columns that say the same", func() string {
			h := plain()
			for k := range 8 {
				h.add(fmt.Sprint("x again ", k), func(i int) string { return h.rows[i][0] })
			}
			return h.outcomes("label", "0", "1").csv()
		}, "--split split", 0.77},
		{"300 columns", func() string {
			h := plain()
			for k := range 300 {
				h.add(fmt.Sprint("noise ", k), func(int) string { return fmt.Sprintf("%.3f", h.rng.NormFloat64()) })
			}
			return h.outcomes("label", "0", "1").csv()
		}, "--split split", 0.72},
		{"200 rows", func() string { return newHostile(200, 0.3).outcomes("label", "0", "1").csv() }, "", 0.68},
		{"three of a hundred bad", func() string { return newHostile(3000, 0.02).outcomes("label", "0", "1").csv() }, "--split split", 0.77},
		{"quoted separators and line breaks", func() string {
			h := plain()
			return h.add("note", func(i int) string { return fmt.Sprintf("one, \"two\";\nthree %d", i%3) }).outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"byte order mark, semicolons, CRLF", func() string { return "\ufeff" + plain().outcomes("label", "0", "1").text(";", "\r\n") }, "--kind woe", 0.77},
		{"tabs", func() string { return plain().outcomes("label", "0", "1").text("\t", "\n") }, "--kind woe", 0.77},
		{"bars", func() string { return plain().outcomes("label", "0", "1").text("|", "\n") }, "--kind woe", 0.77},
		{"UTF-16 as spreadsheets write it", func() string { return utf16Text(plain().outcomes("label", "0", "1").text("\t", "\r\n")) }, "--kind woe", 0.77},
		{"Latin-1", func() string {
			h := plain()
			return h.add("stra\xdfe", func(i int) string {
				k := h.rng.IntN(3)
				h.risk[i] += float64(k) - 1
				return []string{"K\xf6ln", "M\xfcnchen", "N\xeemes"}[k]
			}).outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.80},
		{"an index without a name", func() string {
			h := plain()
			h.outcomes("label", "0", "1")
			h.header = append([]string{""}, h.header...)
			for i := range h.rows {
				h.rows[i] = append([]string{fmt.Sprint(i)}, h.rows[i]...)
			}
			return h.csv()
		}, "--kind woe", 0.77},
		{"a separator at the end of every line, empty lines at the end", func() string {
			return plain().outcomes("label", "0", "1").text(",", ",\n") + ",,,,\n\n,,,,\n"
		}, "--kind woe", 0.77},
		{"long names that begin alike", func() string {
			h := plain()
			long := strings.Repeat("a very long name ", 6)
			h.header = []string{long + "1", long + "2", long + "3"}
			return h.outcomes("label", "0", "1").csv()
		}, "--kind woe", 0.77},
		{"names in Chinese with signs", func() string {
			h := plain()
			h.header = []string{"负债率 %", "x'; DROP TABLE", " Net worth/assets? ($)"}
			return h.outcomes("违约", "0", "1").csv()
		}, "--label 违约 --kind woe", 0.77},
		{"sorted by outcome", func() string {
			h := plain()
			h.outcomes("label", "0", "1")
			var good, bad [][]string
			for _, row := range h.rows {
				if row[len(row)-1] == "1" {
					bad = append(bad, row)
				} else {
					good = append(good, row)
				}
			}
			h.rows = append(good, bad...)
			return h.csv()
		}, "--kind woe", 0.77},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := tc.data()
			if strings.Contains(tc.args, "--split") {
				lines := strings.Split(strings.TrimSuffix(data, "\n"), "\n")
				for i := range lines {
					lines[i] += [...]string{",TRAIN", ",Train", ",train", ",test"}[i%4]
				}
				lines[0] = strings.TrimSuffix(lines[0], ",TRAIN") + ",split"
				data = strings.Join(lines, "\n")
			}
			stdout, stderr, status := modelRun(data, append([]string{"crossval", "--data", "-", "--output", "json"}, strings.Fields(tc.args)...)...)
			require.Equal(t, ExitOK, status, stderr)
			var cv struct {
				AUC struct{ Mean float64 }
				ECE struct{ Mean float64 }
			}
			require.NoError(t, json.Unmarshal([]byte(stdout), &cv))
			t.Logf("AUC %.4f", cv.AUC.Mean)
			assert.GreaterOrEqual(t, cv.AUC.Mean, tc.least)
			assert.Less(t, cv.AUC.Mean, 0.95, "nothing says so much but the label itself")
		})
	}
}

// What cannot be trained on is refused with what to do about it, never half read.
func TestModelRefusesTables(t *testing.T) {
	plain := newHostile(60, 0.4).outcomes("label", "0", "1")
	text := plain.csv()
	rows := strings.SplitN(text, "\n", 2)[1]
	with := func(column string, cell func(i int) string) string {
		h := newHostile(60, 0.4).outcomes("label", "0", "1")
		return h.add(column, cell).csv()
	}
	labels := func(cell func(i int) string) string { return newHostile(60, 0.4).add("label", cell).csv() }
	for _, tc := range []struct{ name, data, args, says string }{
		{"nothing", "", "", "is empty"},
		{"a header only", "x,y,label\n", "", "no rows"},
		{"another label column", text, "--label outcome", "it has x, y, z, label"},
		{"one class", labels(func(int) string { return "0" }), "", "nothing can be learned"},
		{"three classes", labels(func(i int) string { return fmt.Sprint(i % 3) }), "", "more than two values"},
		{"words that do not say which is bad", labels(func(i int) string { return []string{"left", "right"}[i%2] }), "", "--bad"},
		{"an outcome that is not known", labels(func(i int) string { return []string{"1", "0", "", "0"}[i%4] }), "", "leave rows out"},
		{"a bad value that nobody has", text, "--bad 7", "no row has the bad value"},
		{"four bad ones", labels(func(i int) string { return []string{"1", "0"}[min(1, i/4)] }), "", "held-out rows have one outcome only"},
		{"five bad ones", labels(func(i int) string { return []string{"1", "0"}[min(1, i/5)] }), "", "at least 5 training rows"},
		{"another fold column", text, "--fold part", "no such column"},
		{"an empty fold", with("fold", func(i int) string { return []string{"0", "1", ""}[i%3] }), "--fold fold", "fold \"fold\" is empty"},
		{"one fold", with("fold", func(int) string { return "0" }), "--fold fold", "one value only"},
		{"a fold of one outcome", with("fold", func(i int) string { return fmt.Sprint(min(i, 1)) }), "--fold fold", "one outcome only"},
		{"amounts as folds", newHostile(300, 0.4).outcomes("label", "0", "1").csv(), "--fold x", "more than 100 values"},
		{"a split of three", with("split", func(i int) string { return []string{"train", "test", "dev"}[i%3] }), "--split split", "must be train or test"},
		{"a split without test", with("split", func(int) string { return "train" }), "--split split", "both are needed"},
		{"nothing but the label", labels(func(i int) string { return fmt.Sprint(i % 2) }), "--exclude x,y,z", "no input column"},
		{"nothing that differs", newHostile(60, 0.4).change(0, func(int, string) string { return "1" }).outcomes("label", "0", "1").csv(), "--exclude y,z", "nothing can be learned"},
		{"an unknown exclusion", text, "--exclude w", "no such column"},
		{"two columns of one name", "x,x,label\n" + rows, "", "rename one"},
		{"a short line", text + "1,2\n", "", "another number of columns"},
		{"an open quote", text + "\"1,2,3,0\n", "", "quote"},
		{"a quote within", text + "1\"2,2,3,0\n", "", "written twice"},
		{"a spreadsheet", "PK\x03\x04\x14\x00\x06\x00\b\x00\x00\x00", "", "save the table as CSV"},
		{"another kind", text, "--kind forest", "must be additive, woe, logistic or gbt"},
	} {
		for _, output := range []string{"json", "table"} {
			stdout, stderr, status := modelRun(tc.data, append([]string{"crossval", "--data", "-", "--output", output}, strings.Fields(tc.args)...)...)
			assert.Equal(t, ExitInvalid, status, "%s: %s", tc.name, stderr)
			assert.Empty(t, stdout, tc.name)
			assert.Contains(t, strings.ReplaceAll(stderr, `\"`, `"`), tc.says, tc.name)
		}
	}
}
