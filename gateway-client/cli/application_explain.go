package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	words "github.com/tallystick/tallystick/gateway-client/portal/language"
)

// explained is the bank's answer in words, with amounts and facts as people write them.
type explained struct {
	explain.Explained
	Terms  *explainedTerms `json:"terms,omitempty"`
	Lost   []lostPoints    `json:"lost"`
	Change []neededChange  `json:"change"`

	language words.Tag
}

// lostPoints is a fact that has cost points.
type lostPoints struct {
	Fact   string `json:"fact"`
	Seen   string `json:"seen"`
	Points int64  `json:"points"`
}

// neededChange is one of the facts that would have to change together.
type neededChange struct {
	Fact   string `json:"fact"`
	Now    string `json:"now"`
	Needed string `json:"needed"`
}

// say words the facts of an answer.
func (e *explained) say(tag words.Tag) {
	p := words.For(tag)
	e.language = tag
	word := func(w scorecard.Wording) string {
		if tag == words.Chinese {
			return w.Zh
		}
		return w.En
	}
	e.Lost, e.Change = []lostPoints{}, []neededChange{}
	for _, r := range e.Score.Reasons {
		e.Lost = append(e.Lost, lostPoints{Fact: word(r.Wording), Seen: p.Range(r.Range, r.Seen, r.Unit, e.Currency), Points: r.Lost})
	}
	for _, c := range e.Score.Changes {
		e.Change = append(e.Change, neededChange{Fact: word(c.Wording), Now: p.Range(c.Range, c.From, c.Unit, e.Currency),
			Needed: p.Range(c.Enough, c.To, c.Unit, e.Currency)})
	}
}

// explainedTerms adds the costs as people write amounts.
type explainedTerms struct {
	financing.LoanTerms
	Advance   string `json:"advance"`
	Interest  string `json:"interest"`
	Fee       string `json:"fee"`
	TotalCost string `json:"total_cost"`
}

// languages are those in which the ledger words its answers.
var languages = []string{"en", "zh"}

func applicationExplainCommand(app *App) *cobra.Command {
	var language string
	cmd := &cobra.Command{
		Use:     "explain APPLICATION",
		Short:   "Say in words what a decision costs in all, why it was made, and what would change it",
		Long:    "The words are calculated from the same integers as the score and the decision, so they are exact.",
		Example: "  tally --org supplier --user bea application explain app-… --language zh",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if language != languages[0] && language != languages[1] {
				return usageError{fmt.Errorf("--language is %q; it must be one of %v", language, languages)}
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				a, err := operation.Explain(ctx, s, args[0])
				if err != nil {
					return err
				}
				e := explained{Explained: a}
				if t := a.Terms; t != nil {
					e.Terms = &explainedTerms{*t, amountText(t.AdvanceMinor, t.Currency), amountText(t.InterestMinor, t.Currency),
						amountText(t.FeeMinor, t.Currency), amountText(t.TotalCostMinor, t.Currency)}
				}
				e.say(words.Tag(language))
				if app.JSON() {
					return app.PrintJSON(e)
				}
				return app.table(func(row func(...string)) { showExplained(row, e, language == languages[1]) })
			})
		},
	}
	cmd.Flags().StringVar(&language, "language", languages[0], "language of the wording: en or zh")
	return cmd
}

// explainedLabels are the labels of the table, in English and Chinese.
var explainedLabels = map[string]string{
	"decision": "决定", "advance": "融资金额", "interest": "利息", "fee": "费用", "all costs together": "总成本",
	"all-in annual cost": "年化综合成本", "maturity": "到期日", "because": "原因", "do this": "建议", "points lost": "失分",
	"would change it":  "改变以下事项可改善结果",
	"circle of trades": "闭环交易", "related party": "关联方", "looks like": "相似发票",
}

func showExplained(row func(...string), e explained, zh bool) {
	label := func(en string) string {
		if zh {
			return explainedLabels[en]
		}
		return en
	}
	row(label("decision"), words.For(e.language).Text("outcome."+string(e.Outcome)))
	if t := e.Terms; t != nil {
		row(label("advance"), t.Advance)
		row(label("interest"), t.Interest)
		row(label("fee"), t.Fee)
		row(label("all costs together"), t.TotalCost)
		row(label("all-in annual cost"), fmt.Sprintf("%d.%02d %%", t.AnnualCostBP/100, t.AnnualCostBP%100))
		row(label("maturity"), t.MaturityOn.String())
	}
	for _, r := range e.Reasons {
		text, change := r.En, r.Change
		if zh {
			text, change = r.Zh, r.ChangeZh
		}
		row(label("because"), text, r.Ref)
		row(label("do this"), change)
	}
	if f := e.Findings; f != nil {
		for _, trip := range f.Trips {
			row(label("circle of trades"), strings.Join(trip.Parties, " → "))
		}
		for _, r := range f.Relations {
			row(label("related party"), r.Party, strings.Join(r.Shared, ", "))
		}
		for _, l := range f.Lookalikes {
			row(label("looks like"), l.Collateral, strings.Join(l.Receivables, ", "))
		}
	}
	for _, l := range e.Lost {
		row(label("points lost"), fmt.Sprint(l.Points), l.Fact, l.Seen)
	}
	for _, c := range e.Change {
		row(label("would change it"), c.Fact, c.Now+" → "+c.Needed)
	}
}
