package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/service"
)

// scoreCommand is `tally score`: scores on the ledger, and the right to contest them.
func scoreCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "score",
		Short: "Scores on the ledger: show, contest, answer",
		Long: "A score is calculated again by every endorser before it is recorded. Its subject can contest it; nothing is decided with it\n" +
			"until a person of the bank has answered: it stands, or the application is scored again.",
	}
	cmd.AddCommand(scoreShowCommand(app), scoreAgainCommand(app),
		groundStep(app, "appeal SCORE --ground TEXT", "Contest a score of your party", "credit:Appeal", "ground", "which facts are wrong"),
		groundStep(app, "uphold SCORE --answer TEXT", "Answer an appeal: the score stands", "credit:Uphold", "answer", "why it stands"))
	return cmd
}

func scoreShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show SCORE",
		Short: "Show a score, its reasons, and what became of an appeal",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				call, err := operation.OnDesk(ctx, s, "credit:Score", "score", args[0], nil)
				if err != nil {
					return err
				}
				var score credit.Score
				if err := s.Evaluate(ctx, call, &score); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(score)
				}
				return app.table(func(row func(...string)) { showScore(row, score) })
			})
		},
	}
}

func scoreAgainCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "again APPLICATION",
		Short: "Score an application again from the facts of today, as the bank's underwriter",
		Long: `The answer to an appeal that was right. The new score takes the place of the last one; what was decided with that stays on
record. An application that is still open is then decided anew; for one that was declined the bank's people can propose
otherwise where the policy lets them, or the SME applies again.`,
		Example: "  tally --org bankA --user svc score again app-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				_, circles, err := operation.Application(ctx, s, args[0])
				if err != nil {
					return err
				}
				scored, err := service.ScoreAgain(ctx, s, args[0], circles[0])
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(map[string]any{"id": scored.ID, "replaces": scored.Replaces, "points": scored.Claim.Points,
						"display_points": scored.Claim.DisplayPoints})
				}
				return app.table(func(row func(...string)) {
					row("score", scored.ID)
					row("in the place of", scored.Replaces)
					row("points", fmt.Sprint(scored.Claim.DisplayPoints), fmt.Sprintf("%d inside", scored.Claim.Points))
				})
			})
		},
	}
}

func showScore(row func(...string), s credit.Score) {
	row("score", s.ID)
	row("status", string(s.Status))
	row("application", s.Application)
	row("model", s.Model)
	row("points", fmt.Sprint(s.Claim.DisplayPoints), fmt.Sprintf("%d inside", s.Claim.Points))
	row("probability of default", fmt.Sprintf("%.2f %%", float64(s.Claim.PDPPM)/10_000))
	for _, r := range s.Claim.Reasons {
		row("points lost on", r.Code, fmt.Sprint(r.Lost))
	}
	row("evidence", s.EvidenceOn.String(), fmt.Sprintf("block %d", s.EvidenceBlock))
	row("last day", s.LastDay.String())
	if s.Shadow {
		row("by a challenger", "nothing may be decided with it")
	}
	if a := s.Appeal; a != nil {
		row("appeal", a.Ground)
		if a.Answer != "" {
			row("answer", a.Answer)
		}
	}
}

// groundStep is a step on a score that goes with a text.
func groundStep(app *App, use, short, function, flag, help string) *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnDesk(cmd.Context(), s, function, "score", args[0], map[string]string{"text": text})
			})
		},
	}
	cmd.Flags().StringVar(&text, flag, "", help)
	return requireFlags(cmd, flag)
}
