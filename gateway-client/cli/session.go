package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/network/profile"
)

// Connector opens a session for an identity. The default one connects to the gateway of the organisation's peer; tests
// put a ledger in memory behind it.
type Connector func(ctx context.Context, who Who) (session *consortium.Session, closeSession func() error, err error)

// withSession runs the command's work with a session of the chosen user.
func (a *App) withSession(cmd *cobra.Command, work func(ctx context.Context, s *consortium.Session) error) (err error) {
	connect := a.Connect
	if connect == nil {
		connect = connectFabric
	}
	session, closeSession, err := connect(cmd.Context(), a.who)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := closeSession(); err == nil {
			err = cerr
		}
	}()
	session.AfterBlock = a.afterBlock
	return work(cmd.Context(), session)
}

func connectFabric(_ context.Context, who Who) (*consortium.Session, func() error, error) {
	path, err := who.profilePath()
	if err != nil {
		return nil, nil, err
	}
	if who.User == "" {
		return nil, nil, usageError{fmt.Errorf("say as which user you work: --user NAME, TALLY_USER or a context (tally context set --help)")}
	}
	p, err := profile.Load(path)
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.User(who.User); err != nil {
		return nil, nil, usageError{err}
	}
	return fabric.OpenSession(p, who.User, filepath.Dir(path))
}

// outcome is what every command prints that changed the ledger.
type outcome struct {
	ID          string `json:"id,omitempty"`
	Status      string `json:"status,omitempty"`
	Transaction string `json:"transaction"`
	Block       uint64 `json:"block"`
}

// submit runs a call and prints its outcome under the id.
func (a *App) submit(cmd *cobra.Command, id string, call func(s *consortium.Session) (consortium.Call, error)) error {
	return a.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
		c, err := call(s)
		if err != nil {
			return err
		}
		c.Request = a.request
		var result struct {
			Status string `json:"status"`
		}
		done, err := s.Submit(ctx, c, nil)
		if err != nil {
			return err
		}
		if len(done.Result) > 0 && done.Result[0] == '{' {
			if err := json.Unmarshal(done.Result, &result); err != nil {
				return err
			}
		}
		return a.done(outcome{ID: id, Status: result.Status, Transaction: done.Transaction, Block: done.Block})
	})
}

func (a *App) done(o outcome) error {
	if a.JSON() {
		return a.PrintJSON(o)
	}
	return a.table(func(row func(cells ...string)) {
		if o.ID != "" {
			row("id", o.ID)
		}
		if o.Status != "" {
			row("status", o.Status)
		}
		row("transaction", o.Transaction)
		row("block", fmt.Sprint(o.Block))
	})
}

// table writes aligned rows to the results stream. Text that others wrote is stripped of control characters.
func (a *App) table(fill func(row func(cells ...string))) error {
	var rows [][]string
	fill(func(cells ...string) {
		for i := range cells {
			cells[i] = plain(cells[i])
		}
		rows = append(rows, cells)
	})
	_, err := io.WriteString(a.Out, align(rows))
	return err
}

// columnGap is what stands between columns.
const columnGap = 2

// align pads cells to their columns by the width at which a terminal shows them: a Chinese character takes two places, which
// text/tabwriter counts as one. A row's last cell widens no column.
func align(rows [][]string) string {
	var widths []int
	for _, cells := range rows {
		for i := range len(cells) - 1 {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cells[i]))
		}
	}
	var out strings.Builder
	for _, cells := range rows {
		for i, cell := range cells {
			out.WriteString(cell)
			if i < len(cells)-1 {
				out.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)+columnGap))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
