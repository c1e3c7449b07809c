package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// checked is the table that a command prints which reads files without a network: one row a view, then what goes below.
type checked[V any] struct {
	header string
	row    func(w io.Writer, v V)
	// below writes a further table, where there is one; warnings are a view's.
	below    func(w io.Writer, all []V)
	warnings func(v V) []string
}

// checkFiles reads every file and prints its views: as JSON one a line, each as soon as it is read; as a table at the end. A file
// that cannot be read is reported, and the others are read still.
func checkFiles[V any](app *App, names []string, table checked[V], read func(name string, in io.Reader) ([]V, error)) error {
	var all []V
	err := app.eachFile(names, func(name string, in io.Reader) error {
		views, err := read(name, in)
		if err != nil {
			return err
		}
		for _, v := range views {
			if !app.JSON() {
				all = append(all, v)
			} else if err := app.PrintJSON(v); err != nil {
				return err
			}
		}
		return nil
	})
	if ferr := table.print(app.Out, all); err == nil {
		err = ferr
	}
	return err
}

func (t checked[V]) print(out io.Writer, all []V) error {
	if len(all) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, t.header)
	var notes []string
	for _, v := range all {
		t.row(w, v)
		notes = append(notes, t.warnings(v)...)
	}
	if t.below != nil {
		t.below(w, all)
	}
	for i, note := range notes {
		if i == 0 {
			fmt.Fprintln(w, "\nWarnings:")
		}
		fmt.Fprintln(w, plain(note))
	}
	return w.Flush()
}

// checkCommand is a command that reads files without a network.
func checkCommand[V any](app *App, short, long, example string, table checked[V], read func(name string, in io.Reader) ([]V, error)) *cobra.Command {
	return &cobra.Command{Use: "check FILE…", Short: short, Long: long, Example: example, Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, files []string) error { return checkFiles(app, files, table, read) }}
}
