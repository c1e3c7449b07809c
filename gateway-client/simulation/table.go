package simulation

import (
	"bytes"
	"encoding/csv"

	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// CSV writes cases as a training table: the features of supplychain by name, then label (1 = bad).
func CSV(cases []Case) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var record []string
	for _, f := range supplychain.Features {
		record = append(record, f.Name)
	}
	_ = w.Write(append(record, "label"))
	for i := range cases {
		record = record[:0]
		for _, f := range supplychain.Features {
			v := cases[i].Facts.Value(f.Name)
			cell := v.String()
			if v.Missing {
				cell = ""
			}
			record = append(record, cell)
		}
		label := "0"
		if cases[i].Bad {
			label = "1"
		}
		_ = w.Write(append(record, label))
	}
	w.Flush() // into memory: it cannot fail
	return b.Bytes()
}
