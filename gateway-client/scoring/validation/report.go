package validation

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
)

//go:embed report.html
var reportFiles embed.FS

var reportTemplate = template.Must(template.New("report.html").Funcs(template.FuncMap{
	"percent": func(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) },
	"optional": func(format string, x *float64) string {
		if x == nil {
			return "–"
		}
		return fmt.Sprintf(format, *x)
	},
}).ParseFS(reportFiles, "report.html"))

// ReportOptions say what a report is about beside the card and the rows.
type ReportOptions struct {
	Options
	Prepared string // date on the report, ISO 8601; "" for none
}

type reportData struct {
	*Monitoring
	Card        *scorecard.Scorecard
	Prepared    string
	SameData    bool
	ROC         template.HTML
	Reliability template.HTML
	Histogram   template.HTML
	Drift       template.HTML // AUC over time; "" where fewer than two periods have one
	Features    []reportFeature
	Pairs       []reportPair
	Violations  []string
	Signed      int
}

type reportFeature struct {
	*scorecard.Feature
	Range   int64
	Lost    float64 // points against the best bin, mean over the measured rows
	Missing float64 // share of the measured rows
	Picture template.HTML
}

type reportPair struct {
	A, B   string
	Range  int64
	Header []string
	Rows   []reportPairRow
}

type reportPairRow struct {
	Label string
	Cells []reportCell
}

type reportCell struct {
	Points int64
	Colour template.CSS
}

// Report writes a model report as one HTML page without references to anything outside it.
func Report(card *scorecard.Scorecard, t *scoring.Table, o ReportOptions) ([]byte, error) {
	m, err := Monitor(card, t, o.Options)
	if err != nil {
		return nil, err
	}
	d := reportData{Monitoring: m, Card: card, Prepared: o.Prepared, Violations: card.Violations(),
		SameData: t.SHA256 == card.Provenance.DataSHA256 && (o.Split == "" || card.Provenance.Rows == int64(t.Rows()))}
	if err := d.pictures(); err != nil {
		return nil, err
	}
	if err := d.tables(card); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, d); err != nil {
		return nil, fault.New(fault.InternalError, "the report: %v", err)
	}
	return b.Bytes(), nil
}
