package cli

import "github.com/spf13/cobra"

// receiptCommand is the noun "receipt": warehouse receipts, and the evidence about the goods under them.
func receiptCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "receipt",
		Aliases: []string{"receipts"},
		Short:   "Warehouse receipts and the evidence about their goods",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(receiptCheckCommand(app), receiptLotKeyCommand(app), receiptIssueCommand(app), receiptAnchorCommand(app),
		receiptShowCommand(app), receiptListCommand(app), receiptProveCommand(app), receiptVerifyCommand(app), receiptChartCommand(app), receiptPriceCommand(app), receiptValueCommand(app))
	cmd.AddCommand(receiptStepCommands(app)...)
	return cmd
}
