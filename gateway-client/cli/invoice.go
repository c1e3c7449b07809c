package cli

import "github.com/spf13/cobra"

// invoiceCommand is the noun "invoice": what is on the file, and what is on the ledger.
func invoiceCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "invoice",
		Aliases: []string{"invoices"},
		Short:   "Invoices, credit notes and what buyers answer",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(invoiceCheckCommand(app), invoiceIssueCommand(app), invoiceCreditCommand(app))
	return cmd
}
