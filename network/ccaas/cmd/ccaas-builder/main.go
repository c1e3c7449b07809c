// Command ccaas-builder is the peer's external builder for chaincode as a service. The peer calls it by the names
// detect, build and release, which are links to it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tallystick/tallystick/network/ccaas"
)

func main() {
	if err := ccaas.Run(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ccaas-builder:", err)
		os.Exit(1)
	}
}
