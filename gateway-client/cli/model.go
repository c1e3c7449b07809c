package cli

import "github.com/spf13/cobra"

func modelCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "model", Aliases: []string{"models"}, Short: "Scorecards: trained, explained, registered, validated"}
	cmd.AddCommand(modelRegisterCommand(app), modelValidateCommand(app))
	return cmd
}
