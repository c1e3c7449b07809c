package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

// usageArgs makes a wrong number of arguments a mistake of usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}

// eachFile opens the files one after the other ("-" is standard input) and reads them. A file that fails is reported
// on the error stream at once, and the others are still read; the result then is an error that is reported already and
// has exit status 2.
func (a *App) eachFile(files []string, read func(name string, in io.Reader) error) error {
	var failed failure.List
	for _, name := range files {
		err := a.oneFile(name, read)
		if err == nil {
			continue
		}
		list := failure.InFile(err, name)
		failed = append(failed, list...)
		for _, f := range list {
			a.reportFailure(f)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return silentError{failed}
}

func (a *App) oneFile(name string, read func(name string, in io.Reader) error) error {
	if name == "-" {
		return read(name, a.In)
	}
	file, err := os.Open(name)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return &failure.Failure{Code: fault.InputInvalid, Reason: "cannot be opened: " + err.Error()}
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return &failure.Failure{Code: fault.InputInvalid, Reason: "is a directory; name the files in it"}
	}
	return read(name, file)
}

// reportFailure prints one failure: a JSON object in a line, or text.
func (a *App) reportFailure(f *failure.Failure) {
	if a.JSON() {
		_ = printJSON(a.Err, map[string]*failure.Failure{"error": f})
		return
	}
	fmt.Fprintln(a.Err, "tally:", plain(f.Error()))
}

// plain takes control characters out of text that a stranger wrote, so that it cannot steer a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') {
			return '\uFFFD'
		}
		return r
	}, s)
}

func missingFlag(name, command string) error {
	return fmt.Errorf("--%s is missing; see: %s --help", name, command)
}

// row writes one row of a table, every cell made plain.
func row(w io.Writer, cells ...string) {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = plain(c)
	}
	fmt.Fprintln(w, strings.Join(safe, "\t"))
}
