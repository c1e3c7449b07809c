package cli

import "github.com/spf13/cobra"

// nouns lists the commands below the root, in the order in which --help shows them.
var nouns = []func(*App) *cobra.Command{
	memberCommand,
	programmeCommand,
	deskCommand,
	partyCommand,
	invoiceCommand,
}
