// Command tally is the command line of Tallystick, for people and scripts.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tallystick/tallystick/gateway-client/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:]))
}
