package cli

import (
	"context"
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func receiptLotKeyCommand(app *App) *cobra.Command {
	var programme string
	cmd := &cobra.Command{
		Use:   "lot-key --programme PROGRAMME",
		Short: "Seal the key of lot fingerprints into a programme, once, as the warehouse",
		Long: `Lots are unique on the ledger by a keyed fingerprint, so that no lot is under two live receipts and an outsider learns
nothing of it. The first warehouse makes the key, from its keyring, the same for all of its programmes. There is one for the
consortium: another warehouse, or a buyer whose suppliers' goods lie in a warehouse, imports what the first one exports.`,
		Example: "  tally --org warehouse --user gus receipt lot-key --programme prg-…",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.submit(cmd, programme, func(s *consortium.Session) (consortium.Call, error) { return operation.RegisterLotKey(s, programme) })
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme of the warehouse")
	cmd.AddCommand(lotKeyExportCommand(app), lotKeyImportCommand(app))
	return requireFlags(cmd, "programme")
}

func lotKeyExportCommand(app *App) *cobra.Command {
	var programme, to, out string
	cmd := &cobra.Command{
		Use:     "export --programme PROGRAMME --to MEMBER -o FILE",
		Short:   "Write the lot key to a file that only one other member can open",
		Example: "  tally --org warehouse --user gus receipt lot-key export --programme prg-… --to BuyerMSP -o lot-key.json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				sealed, err := operation.ExportLotKey(ctx, s, programme, to)
				if err != nil {
					return err
				}
				raw, err := json.MarshalIndent(sealed, "", "  ")
				if err != nil {
					return err
				}
				if err := os.WriteFile(out, append(raw, '\n'), 0o600); err != nil {
					return usageError{err}
				}
				if app.JSON() {
					return app.PrintJSON(map[string]string{"file": out, "for": sealed.For})
				}
				return app.table(func(row func(...string)) { row("file", out, "for "+sealed.For) })
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme that has the key")
	cmd.Flags().StringVar(&to, "to", "", "member that it is for, an MSP id; sealed to the key that it has registered")
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write")
	return requireFlags(cmd, "programme", "to", "out")
}

// maxLotKeyBytes bounds an exported lot key.
const maxLotKeyBytes = 64 << 10

func lotKeyImportCommand(app *App) *cobra.Command {
	var programme string
	cmd := &cobra.Command{
		Use:     "import FILE --programme PROGRAMME",
		Short:   "Seal the lot key that another member has exported for you into your programme",
		Example: "  tally --org buyer --user gwen receipt lot-key import lot-key.json --programme prg-…",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := app.readFile(args[0])
			if err != nil {
				return err
			}
			var sealed operation.SealedLotKey
			if len(raw) > maxLotKeyBytes || json.Unmarshal(raw, &sealed) != nil {
				return fault.New(fault.InputInvalid, "%s is no exported lot key", args[0])
			}
			return app.submit(cmd, programme, func(s *consortium.Session) (consortium.Call, error) {
				return operation.ImportLotKey(s, sealed, programme)
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "your programme")
	return requireFlags(cmd, "programme")
}
