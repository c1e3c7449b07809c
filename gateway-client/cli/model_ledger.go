package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func modelRegisterCommand(app *App) *cobra.Command {
	var documentation string
	var challenger bool
	cmd := &cobra.Command{
		Use:     "register SCORECARD --documentation FILE",
		Short:   "Propose a scorecard as your bank's model",
		Long:    "Registers the integer scorecard (JSON) itself on the ledger, with the hash of its documentation. Somebody of another organisation validates it.",
		Example: "  tally --org bankA --user olga model register scorecard.json --documentation MODEL.md",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			card, err := app.readFile(args[0])
			if err != nil {
				return err
			}
			docs, err := app.readFile(documentation)
			if err != nil {
				return err
			}
			id, intended := consortium.NewID("mdl"), credit.ModelChampion
			if challenger {
				intended = credit.ModelChallenger
			}
			call, err := operation.ProposeModel(id, card, docs, intended)
			if err != nil {
				return err
			}
			return app.submit(cmd, id, func(*consortium.Session) (consortium.Call, error) { return call, nil })
		},
	}
	cmd.Flags().StringVar(&documentation, "documentation", "", "the model's documentation: its report, or a text")
	cmd.Flags().BoolVar(&challenger, "challenger", false, "to be scored beside the champion, not to decide")
	return requireFlags(cmd, "documentation")
}

func modelValidateCommand(app *App) *cobra.Command {
	var report string
	var reject bool
	cmd := &cobra.Command{
		Use:   "validate MODEL --report FILE",
		Short: "Accept or reject another organisation's model, on a validation report",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := app.readFile(report)
			if err != nil {
				return err
			}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return operation.ValidateModel(cmd.Context(), s, args[0], !reject, text)
			})
		},
	}
	cmd.Flags().StringVar(&report, "report", "", "the validation report")
	cmd.Flags().BoolVar(&reject, "reject", false, "reject the model")
	return requireFlags(cmd, "report")
}

func modelPromoteCommand(app *App) *cobra.Command {
	var report string
	cmd := &cobra.Command{
		Use:   "promote MODEL --report FILE",
		Short: "Make another organisation's challenger its champion, on a validation report; the champion before it is retired",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := app.readFile(report)
			if err != nil {
				return err
			}
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) { return operation.PromoteModel(args[0], text), nil })
		},
	}
	cmd.Flags().StringVar(&report, "report", "", "the validation report")
	return requireFlags(cmd, "report")
}

func modelRetireCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "retire MODEL",
		Short: "Take your bank's model out of use",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) { return operation.RetireModel(args[0]), nil })
		},
	}
}

func modelShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show MODEL",
		Short: "Show a registered model: whose it is, its hashes, who validated it and what has become of it",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				var m credit.Model
				if err := s.Evaluate(ctx, consortium.Call{Function: "credit:Model", Args: args}, &m); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(m)
				}
				return app.table(func(row func(...string)) {
					row("model", m.ID, m.Name, m.Version)
					row("bank", m.Bank)
					row("status", string(m.Status))
					row("scorecard", m.CardHash)
					row("documentation", m.DocumentationHash)
					row("proposed by", m.ProposedBy.MSP, m.ProposedBy.User, m.ProposedAt.Format(time.RFC3339))
					if v := m.ValidatedBy; v != nil {
						row("validated by", v.MSP, v.User, m.ValidatedAt.Format(time.RFC3339))
						row("report", m.ReportHash)
					}
					if !m.RetiredAt.IsZero() {
						row("retired", m.RetiredAt.Format(time.RFC3339))
					}
				})
			})
		},
	}
}

// readFile reads a file whole, up to a limit. "-" is standard input.
func (a *App) readFile(name string) ([]byte, error) {
	var text bytes.Buffer
	err := a.eachFile([]string{name}, func(_ string, in io.Reader) error {
		if n, err := io.Copy(&text, io.LimitReader(in, maxInputFileBytes+1)); err != nil {
			return err
		} else if n > maxInputFileBytes {
			return fault.New(fault.InputTooLarge, "it is larger than %d bytes", maxInputFileBytes)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text.Bytes(), nil
}
