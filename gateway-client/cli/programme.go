package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

func programmeCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "programme", Short: "Programmes: one buyer or warehouse operator, its suppliers and the banks that fund them"}
	cmd.AddCommand(foundCommand(app, circle.Programme, "prg"), confirmCommand(app), programmeListCommand(app), rekeyCommand(app))
	cmd.AddCommand(programmeTerms(app)...)
	return cmd
}

func deskCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "desk", Short: "A bank's desk: what only the bank, a supplier host and the regulator read"}
	cmd.AddCommand(foundCommand(app, circle.Desk, "dsk"))
	return cmd
}

func foundCommand(app *App, kind circle.Kind, prefix string) *cobra.Command {
	var with []string
	cmd := &cobra.Command{
		Use:   "found --with MSP,MSP…",
		Short: "Found a " + string(kind) + " with its readers and its key",
		Long: `Makes a key, seals it to each reader's registered public key, and writes both on the ledger. Your own organisation
and the regulators are always readers. The ` + string(kind) + ` takes no record until every reader has confirmed that it can
open the key: tally programme confirm.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				c, done, err := s.Found(ctx, consortium.NewID(prefix), kind, with, app.request)
				if err != nil {
					return err
				}
				return app.done(outcome{ID: c.ID, Status: string(c.Status), Transaction: done.Transaction, Block: done.Block})
			})
		},
	}
	cmd.Flags().StringSliceVar(&with, "with", nil, "MSP ids of the other readers")
	return cmd
}

func rekeyCommand(app *App) *cobra.Command {
	var with []string
	cmd := &cobra.Command{
		Use:   "rekey PROGRAMME --with MSP,MSP…",
		Short: "Start a new epoch: a new key, for the same or other readers",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				c, done, err := s.Rekey(ctx, args[0], with, app.request)
				if err != nil {
					return err
				}
				return app.done(outcome{ID: c.ID, Status: string(c.Status), Transaction: done.Transaction, Block: done.Block})
			})
		},
	}
	cmd.Flags().StringSliceVar(&with, "with", nil, "MSP ids of the other readers of the new epoch")
	return cmd
}

func confirmCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "confirm [PROGRAMME|DESK…]",
		Short: "Confirm that your organisation can open the key",
		Long:  "Opens the key that was sealed to your organisation and confirms it with a MAC. Without an id: everything that waits for you.",
		RunE: func(cmd *cobra.Command, ids []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				if len(ids) == 0 {
					waiting, err := s.Waiting(ctx)
					if err != nil {
						return err
					}
					ids = waiting
				}
				for _, id := range ids {
					c, done, err := s.Confirm(ctx, id)
					if err != nil {
						return err
					}
					if err := app.done(outcome{ID: c.ID, Status: string(c.Status), Transaction: done.Transaction, Block: done.Block}); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func programmeListCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List programmes and desks with their readers and their status",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				circles, err := s.Circles(ctx)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(circles)
				}
				return app.table(func(row func(...string)) {
					row("ID", "KIND", "STATUS", "EPOCH", "READERS", "WAITS FOR")
					for _, c := range circles {
						epoch := 0
						if c.Current != nil {
							epoch = c.Current.Number
						}
						row(c.ID, string(c.Kind), string(c.Status), strconv.Itoa(epoch), strings.Join(c.Readers(), " "), strings.Join(c.Missing(), " "))
					}
				})
			})
		},
	}
}
