package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func partyCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "party", Short: "The register of who the opaque party ids are"}
	cmd.AddCommand(partyRegisterCommand(app), partyListCommand(app))
	return cmd
}

func partyRegisterCommand(app *App) *cobra.Command {
	var p member.Party
	var programme string
	var ids []string
	cmd := &cobra.Command{
		Use:   "register PARTY",
		Short: "Register a party that your organisation hosts, sealed in a programme",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.ID = args[0]
			for _, id := range ids {
				scheme, value, ok := strings.Cut(id, ":")
				if !ok {
					scheme, value = "", id
				}
				p.Identifiers = append(p.Identifiers, member.Identifier{Scheme: scheme, Value: value})
			}
			return app.submit(cmd, p.ID, func(s *consortium.Session) (consortium.Call, error) {
				return operation.RegisterParty(s, programme, p)
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme in which the party trades")
	cmd.Flags().StringVar(&p.Name, "name", "", "legal name")
	cmd.Flags().StringVar(&p.Country, "country", "", "ISO 3166-1 alpha-2 code")
	cmd.Flags().StringVar(&p.Sector, "sector", "", "section and division of ISIC Rev. 4, for example C25")
	cmd.Flags().StringSliceVar(&ids, "id", nil, "identifiers as SCHEME:VALUE, for example 0088:4012345000009; director:NAME and address:TEXT tie parties together")
	return requireFlags(cmd, "programme", "name")
}

func partyListCommand(app *App) *cobra.Command {
	var programme string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the parties of a programme",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				parties, err := s.Parties(ctx, programme)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(parties)
				}
				return app.table(func(row func(...string)) {
					row("PARTY", "NAME", "COUNTRY", "HOST")
					for _, p := range parties {
						row(p.ID, p.Name, p.Country, p.Host)
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme whose register is shown")
	return requireFlags(cmd, "programme")
}

// requireFlags makes a missing flag a mistake of usage.
func requireFlags(cmd *cobra.Command, names ...string) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range names {
			if !cmd.Flags().Changed(name) {
				return usageError{missingFlag(name, cmd.CommandPath())}
			}
		}
		return run(cmd, args)
	}
	return cmd
}
