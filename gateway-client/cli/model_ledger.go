package cli

import (
	"bytes"
	"fmt"
	"io"

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
