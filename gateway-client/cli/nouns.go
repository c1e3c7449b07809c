package cli

import "github.com/spf13/cobra"

// nouns lists the commands below the root, in the order in which --help shows them.
func nouns() []func(*App) *cobra.Command {
	return []func(*App) *cobra.Command{
		memberCommand,
		programmeCommand,
		deskCommand,
		partyCommand,
		scenarioCommand,
		invoiceCommand,
		receivableCommand,
		fragmentCommand,
		receiptCommand,
		deviceCommand,
		consentCommand,
		applicationCommand,
		tenderCommand,
		offerCommand,
		loanCommand,
		marginCommand,
		policyCommand,
		limitCommand,
		modelCommand,
		scoreCommand,
		simulateCommand,
		ledgerCommand,
		serviceCommand,
		keyCommand,
		contextCommand,
	}
}
