package simulation

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed report.html
var reportText string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent": func(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) },
	"interval": func(i Interval) string {
		return fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100*i.Estimate, 100*i.Low, 100*i.High)
	},
	"auc":   func(i Interval) string { return fmt.Sprintf("%.4f (%.4f to %.4f)", i.Estimate, i.Low, i.High) },
	"three": func(x float64) string { return fmt.Sprintf("%.3f", x) },
}).Parse(reportText))

// HTML writes the outcome as one self-contained page.
func (o *Outcome) HTML(w io.Writer) error {
	return reportTemplate.Execute(w, struct {
		*Outcome
		ApproveShare float64
		Picture      template.HTML
	}{o, float64(o.ApproveBps) / 10_000, o.picture()})
}

// picture draws the reductions with their intervals over the zero line; 40 % is what the essay behind the project says.
func (o *Outcome) picture() template.HTML {
	rows := []struct {
		name string
		of   Interval
	}{{"world, by firms", o.World.Reduction}, {"world, by worlds", o.World.OverSeeds}, {"placebo, by firms", o.Placebo.Reduction}, {"placebo, by worlds", o.Placebo.OverSeeds}}
	low, high := -0.1, 0.45
	for _, r := range rows {
		low, high = min(low, r.of.Low), max(high, r.of.High)
	}
	const left, width, line = 140.0, 560.0, 28.0
	x := func(v float64) float64 { return left + (v-low)/(high-low)*width }
	var b strings.Builder
	bottom := line * float64(len(rows))
	fmt.Fprintf(&b, `<svg viewBox="0 0 720 %.0f" role="img" aria-label="intervals of the reduction of bad loans">`, bottom+40)
	for _, mark := range []struct {
		at   float64
		text string
	}{{0, "none"}, {0.4, "40 %, the essay"}} {
		fmt.Fprintf(&b, `<line x1="%[1]f" x2="%[1]f" y1="0" y2="%.0[2]f" stroke="#999" stroke-dasharray="4"/><text x="%[1]f" y="%.0[3]f" font-size="12" text-anchor="middle">%[4]s</text>`,
			x(mark.at), bottom+10, bottom+26, mark.text)
	}
	for k, r := range rows {
		y := line*float64(k) + line/2
		fmt.Fprintf(&b, `<text x="0" y="%.1f" font-size="13">%s</text><line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#1d4ed8" stroke-width="2"/><circle cx="%.1f" cy="%.1f" r="5" fill="#1d4ed8"/>`,
			y+4, r.name, x(r.of.Low), x(r.of.High), y, y, x(r.of.Estimate), y)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
