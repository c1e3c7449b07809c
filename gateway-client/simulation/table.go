package simulation

import (
	"bytes"
	"encoding/csv"
	"strconv"

	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// CSV writes cases as a training table: the bureau's columns, the features of supplychain by name, label (1 = bad), split (by time:
// train or test) and fold (by firm: 0 to 4). With ids, the columns firm and cut_off come first.
func CSV(cases []Case, ids bool) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var record []string
	if ids {
		record = append(record, "firm", "cut_off")
	}
	record = append(record, BureauColumns...)
	for _, f := range supplychain.Features {
		record = append(record, f.Name)
	}
	_ = w.Write(append(record, "label", "split", "fold"))
	for i := range cases {
		c := &cases[i]
		record = record[:0]
		if ids {
			record = append(record, c.Firm, c.On.String())
		}
		record = append(record, c.bureau.cells()...)
		for _, f := range supplychain.Features {
			v := c.Facts.Value(f.Name)
			cell := v.String()
			if v.Missing {
				cell = ""
			}
			record = append(record, cell)
		}
		label, split := "0", "train"
		if c.Bad {
			label = "1"
		}
		if c.Test {
			split = "test"
		}
		_ = w.Write(append(record, label, split, strconv.Itoa(c.Fold)))
	}
	w.Flush() // into memory: it cannot fail
	return b.Bytes()
}
