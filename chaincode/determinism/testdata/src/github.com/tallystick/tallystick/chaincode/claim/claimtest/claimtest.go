package claimtest

import (
	"os"
	"time"
)

var Started = time.Now()
var Name = os.Args
