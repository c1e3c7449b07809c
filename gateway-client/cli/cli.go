// Package cli is the tally command line: nouns, then verbs. Every noun has a file of its own; what they share is here.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Exit statuses of every tally command.
const (
	ExitOK      = 0
	ExitFailed  = 1 // refused by a rule, or it failed on the way
	ExitInvalid = 2 // bad input or bad usage: nothing was sent
)

// App is what the commands of one invocation share: the streams, and the options that every noun has.
type App struct {
	In  io.Reader
	Out io.Writer // results only
	Err io.Writer // progress and errors

	// Connect opens sessions; nil means over the gateway of the organisation's peer.
	Connect Connector

	output     string // table or json
	who        Who
	context    string            // name of the context, "" for none
	from       map[string]string // where each option of who comes from, once it is resolved
	isolated   bool              // contexts do not count
	request    string
	afterBlock uint64
}

// usageError marks a mistake in how a command was called.
type usageError struct{ error }

// New returns the root command over the app's streams.
func New(app *App) *cobra.Command {
	root := &cobra.Command{
		Use:           "tally",
		Short:         "Supply-chain finance on a consortium ledger",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if app.output != "table" && app.output != "json" {
				return usageError{fmt.Errorf("--output is %q; it must be table or json", app.output)}
			}
			if noun := nounOf(cmd); noun == "context" || noun == "completion" {
				return nil
			}
			return app.resolve()
		},
	}
	root.SetIn(app.In)
	root.SetOut(app.Out)
	root.SetErr(app.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&app.output, "output", "table", "how results are printed: table or json")
	app.addWho(root)
	for _, add := range nouns() {
		root.AddCommand(add(app))
	}
	root.InitDefaultCompletionCmd()
	needsVerb(root)
	app.complete(root)
	return root
}

// nounOf is the name of the command below the root.
func nounOf(cmd *cobra.Command) string {
	for cmd.HasParent() && cmd.Parent().HasParent() {
		cmd = cmd.Parent()
	}
	return cmd.Name()
}

// needsVerb makes a word that is no command below the root or a noun a mistake of usage, and shows help where there is none.
func needsVerb(cmd *cobra.Command) {
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return usageError{fmt.Errorf("%s has no command %q%s; see: %s --help", cmd.CommandPath(), args[0], hint, cmd.CommandPath())}
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, sub := range cmd.Commands() {
		needsVerb(sub)
	}
}

// JSON reports whether results are to be printed as JSON.
func (a *App) JSON() bool { return a.output == "json" }

// PrintJSON writes v as one line of JSON to the results stream.
func (a *App) PrintJSON(v any) error { return printJSON(a.Out, v) }

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Main runs the command line with the process's arguments and streams and returns the exit status.
func Main(ctx context.Context, args []string) int {
	app := &App{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	root := New(app)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	app.report(err)
	return ExitStatus(err)
}

// report prints a failure on the error stream: as JSON where results are JSON, else as text, code first.
func (a *App) report(err error) {
	if err == nil {
		return
	}
	var silent silentError
	if errors.As(err, &silent) {
		return
	}
	var f *fault.Error
	if a.JSON() && errors.As(err, &f) {
		line, merr := json.Marshal(map[string]*fault.Error{"error": f})
		if merr == nil {
			fmt.Fprintln(a.Err, string(line))
			return
		}
	}
	if errors.As(err, &f) {
		fmt.Fprintln(a.Err, "tally:", f.Text())
		return
	}
	fmt.Fprintln(a.Err, "tally:", err)
}

// silentError is a failure that the command has reported itself, file by file; what it wraps decides the exit status.
type silentError struct{ error }

func (e silentError) Unwrap() error { return e.error }

// ExitStatus is the one mapping from failures to exit statuses: 2 for bad input or usage, 1 for refused or failed.
func ExitStatus(err error) int {
	if err == nil {
		return ExitOK
	}
	var u usageError
	if errors.As(err, &u) {
		return ExitInvalid
	}
	var f *fault.Error
	if errors.As(err, &f) {
		if row, ok := fault.Describe(f.Code); ok && row.Kind == fault.Invalid {
			return ExitInvalid
		}
	}
	return ExitFailed
}
