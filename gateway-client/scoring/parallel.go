package scoring

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls work(0) … work(n-1) on all cores and returns when all are done. The calls must not depend on each
// other; their results go to places of their own, so the order in which they run cannot show.
func parallel(n int, work func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			work(i)
		}
		return
	}
	var next atomic.Int64
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(i)
			}
		})
	}
	done.Wait()
}
