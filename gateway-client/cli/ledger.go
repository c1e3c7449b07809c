package cli

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

func ledgerCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Call a function of the chaincode by its name",
		Long:  "For what no other command does yet. Terms belong into --input, which is sealed; arguments are public and take opaque ids only.",
	}
	cmd.AddCommand(ledgerSubmitCommand(app), ledgerQueryCommand(app))
	return cmd
}

// rawCall reads a call from the command line.
func (a *App) rawCall(args, circles []string, input string, governed bool) (consortium.Call, error) {
	call := consortium.Call{Function: args[0], Args: args[1:], Circles: circles, Governed: governed}
	if input == "" {
		return call, nil
	}
	text, err := a.readFile(input)
	if err != nil {
		return call, err
	}
	if !json.Valid(text) {
		return call, fault.New(fault.InputInvalid, "%s is not JSON", input)
	}
	call.Input = json.RawMessage(text)
	return call, nil
}

func ledgerSubmitCommand(app *App) *cobra.Command {
	var circles []string
	var input string
	var governed bool
	cmd := &cobra.Command{
		Use:     "submit CONTRACT:FUNCTION [ARGUMENT…]",
		Short:   "Run a transaction",
		Example: "  tally --org bankA --user svc ledger submit financing:Decide app-… --circle dsk-… --input decision.json",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := app.rawCall(args, circles, input, governed)
			if err != nil {
				return err
			}
			return app.submit(cmd, "", func(*consortium.Session) (consortium.Call, error) { return call, nil })
		},
	}
	cmd.Flags().StringSliceVar(&circles, "circle", nil, "programmes and desks whose records the call touches")
	cmd.Flags().StringVar(&input, "input", "", "file with the sealed input (JSON)")
	cmd.Flags().BoolVar(&governed, "governed", false, "the call changes governance records")
	return cmd
}

func ledgerQueryCommand(app *App) *cobra.Command {
	var circles []string
	cmd := &cobra.Command{
		Use:   "query CONTRACT:FUNCTION [ARGUMENT…]",
		Short: "Ask without writing; prints the answer as JSON",
		Args:  usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				var raw []byte
				if err := s.Evaluate(ctx, consortium.Call{Function: args[0], Args: args[1:], Circles: circles}, &raw); err != nil {
					return err
				}
				_, err := app.Out.Write(append(raw, '\n'))
				return err
			})
		},
	}
	cmd.Flags().StringSliceVar(&circles, "circle", nil, "programmes and desks whose records the call touches")
	return cmd
}
