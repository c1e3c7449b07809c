package elsewhere

import "time"

var Started, ratio = time.Now(), 1.5
