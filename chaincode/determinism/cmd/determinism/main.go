// Command determinism reports what could make two peers disagree about a transaction, in the packages that it is given
// ("determinism ./chaincode/..."). It exits with 3 where it found something.
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/tallystick/tallystick/chaincode/determinism"
)

func main() { singlechecker.Main(determinism.Analyzer) }
