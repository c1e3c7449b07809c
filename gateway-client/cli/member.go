package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func memberCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "member", Short: "The organisations of the consortium"}
	cmd.AddCommand(memberFoundCommand(app), memberRegisterCommand(app), memberListCommand(app), memberProposeCommand(app), memberVoteCommand(app))
	return cmd
}

func memberFoundCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "found MSP=KIND…",
		Short: "Found the consortium with its first members",
		Long: `Founds the consortium. Each member is named by its MSP id and its kind: buyer, supplier, bank, warehouse or
regulator. Each becomes active when it registers itself.`,
		Example: "  tally --org buyer --user gwen member found BuyerMSP=buyer SupplierMSP=supplier BankAMSP=bank RegulatorMSP=regulator",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var founders []member.Founder
			for _, arg := range args {
				msp, kind, ok := strings.Cut(arg, "=")
				if !ok {
					return usageError{fmt.Errorf("%q is not of the form MSP=KIND", arg)}
				}
				founders = append(founders, member.Founder{MSP: msp, Kind: member.Kind(kind)})
			}
			return app.submit(cmd, "", func(*consortium.Session) (consortium.Call, error) { return operation.FoundConsortium(founders) })
		},
	}
}

func memberRegisterCommand(app *App) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Register your organisation's name and public sealing key, and become active",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.submit(cmd, "", func(s *consortium.Session) (consortium.Call, error) { return operation.RegisterMember(s, name) })
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the organisation's name, as others see it (default: its short name)")
	return cmd
}

func memberListCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the members",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				members, err := s.Members(ctx)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(members)
				}
				return app.table(func(row func(...string)) {
					row("MSP", "KIND", "STATUS", "NAME", "SINCE")
					for _, m := range members {
						row(m.MSP, string(m.Kind), string(m.Status), m.Name, m.Since.Format("2006-01-02"))
					}
				})
			})
		},
	}
}

func memberProposeCommand(app *App) *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "propose admit|suspend|reinstate MSP",
		Short: "Open a vote on a change of the members",
		Args:  usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := member.Change{Action: member.Action(args[0]), MSP: args[1], Kind: member.Kind(kind)}
			if err := change.Validate(); err != nil {
				return err
			}
			id := consortium.NewID("vote")
			return app.submit(cmd, id, func(*consortium.Session) (consortium.Call, error) { return operation.ProposeMember(id, change) })
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "kind of an admitted organisation")
	return cmd
}

func memberVoteCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "vote PROPOSAL yes|no",
		Short: "Cast your organisation's vote",
		Args:  usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "yes" && args[1] != "no" {
				return usageError{fmt.Errorf("%q is not yes or no", args[1])}
			}
			return app.submit(cmd, args[0], func(*consortium.Session) (consortium.Call, error) {
				return operation.Vote(args[0], args[1] == "yes"), nil
			})
		},
	}
}
