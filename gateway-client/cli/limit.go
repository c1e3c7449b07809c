package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func limitCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "limit", Aliases: []string{"limits"}, Short: "A bank's limits: in all, by borrower, buyer, programme and sector"}
	cmd.AddCommand(limitShowCommand(app), limitRebalanceCommand(app), limitGatherCommand(app))
	return cmd
}

// limitFlags names a limit by what it is on.
type limitFlags struct{ desk, kind, subject string }

func (l *limitFlags) add(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&l.desk, "desk", "", "your bank's desk")
	cmd.Flags().StringVar(&l.kind, "kind", string(financing.Facility), "facility, borrower, buyer, programme or sector")
	cmd.Flags().StringVar(&l.subject, "subject", "", "the party, programme or sector (default: your bank, for the facility)")
	return requireFlags(cmd, "desk")
}

func (l limitFlags) id(ctx context.Context, s *consortium.Session) (string, error) {
	return operation.LimitID(ctx, s, l.desk, financing.Draw{Kind: financing.LimitKind(l.kind), Subject: l.subject})
}

func limitShowCommand(app *App) *cobra.Command {
	var on limitFlags
	return on.add(&cobra.Command{
		Use:     "show --desk DESK --kind KIND --subject SUBJECT",
		Short:   "Show how much of a limit is used, lane by lane",
		Example: "  tally --org bankA --user rita limit show --desk dsk-… --kind sector --subject C25",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				id, err := on.id(ctx, s)
				if err != nil {
					return err
				}
				l, err := operation.ReadLimit(ctx, s, on.desk, id)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(l)
				}
				return app.table(func(row func(...string)) {
					row("limit", l.ID, string(l.Kind), l.Subject)
					row("total", amountText(l.TotalMinor, l.Currency))
					row("used", amountText(l.UsedMinor, l.Currency))
					for _, lane := range l.Lanes {
						row(fmt.Sprintf("lane %d", lane.Number), amountText(lane.UsedMinor, l.Currency), "of "+amountText(lane.CapMinor, l.Currency))
					}
				})
			})
		},
	})
}

func limitRebalanceCommand(app *App) *cobra.Command {
	var on limitFlags
	var total, currency string
	cmd := on.add(&cobra.Command{
		Use:   "rebalance --desk DESK --kind KIND --subject SUBJECT [--total AMOUNT]",
		Short: "Divide a limit's free room over its lanes again, and set its total",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var in financing.RebalanceInput
			if total != "" {
				most, err := money.ParseDecimal(total, currency)
				if err != nil {
					return err
				}
				in.TotalMinor = most.Minor
			}
			return app.submit(cmd, "", func(s *consortium.Session) (consortium.Call, error) {
				id, err := on.id(cmd.Context(), s)
				return consortium.Call{Function: "financing:RebalanceLimit", Args: []string{id}, Input: in, Circles: []string{on.desk}}, err
			})
		},
	})
	cmd.Flags().StringVar(&total, "total", "", "the new total (default: as it is)")
	cmd.Flags().StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	return cmd
}

func limitGatherCommand(app *App) *cobra.Command {
	var on limitFlags
	var lane int
	cmd := on.add(&cobra.Command{
		Use:   "gather --desk DESK --kind KIND --subject SUBJECT --lane LANE",
		Short: "Put a limit's free room into one lane, for a loan that no lane carries",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.submit(cmd, "", func(s *consortium.Session) (consortium.Call, error) {
				id, err := on.id(cmd.Context(), s)
				return consortium.Call{Function: "financing:GatherLimit", Args: []string{id, strconv.Itoa(lane)}, Circles: []string{on.desk}}, err
			})
		},
	})
	cmd.Flags().IntVar(&lane, "lane", 0, "number of the lane")
	return cmd
}
