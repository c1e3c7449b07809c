package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// listing is a command that shows a page of the records of one type that the user may see.
type listing[T any] struct {
	short, example string
	function       func() string // of the ledger
	key            string        // under which its answer, and the command's, holds the records
	kind           circle.Kind   // of the circles that are looked through
	usual          int           // size of a page
	rows           func(row func(...string), list []T)
}

// maxListed is the most records of a page.
const maxListed = 200

func (l listing[T]) command(app *App) *cobra.Command {
	var size int
	var after string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   l.short,
		Example: l.example,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				circles, err := s.Readable(ctx, l.kind)
				if err != nil {
					return err
				}
				list, next, err := operation.List[T](ctx, s, l.function(), l.key, circles, size, after)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(map[string]any{l.key: list, "next": next})
				}
				return app.table(func(row func(...string)) {
					l.rows(row, list)
					if next != "" {
						row(fmt.Sprintf("more: --after %s", next))
					}
				})
			})
		},
	}
	cmd.Flags().IntVar(&size, "size", l.usual, fmt.Sprintf("records on a page, at most %d", maxListed))
	cmd.Flags().StringVar(&after, "after", "", "where the page before has ended")
	return cmd
}

// always is a function of the ledger that no option changes.
func always(function string) func() string { return func() string { return function } }
