// Command tallynet runs a real Fabric consortium network on this machine.
package main

import (
	"os"

	"github.com/tallystick/tallystick/network/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
