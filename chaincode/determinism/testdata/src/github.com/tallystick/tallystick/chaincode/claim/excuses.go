package claim

import "time"

func excused() {
	_ = time.Now() //determinism:ok a test needs it
	//determinism:ok and here, too
	_ = time.Now()
	_ = time.Now() /* want `needs a reason` */       //determinism:ok
	_ = 1          /* want `excuses nothing here` */ //determinism:ok for nothing

	_ = time.Now() // want `must not use time.Now`
}
