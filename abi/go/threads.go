package plugin

import (
	"runtime"
	"sync"
)

// Go starts a thread whenever a goroutine waits in the host or the kernel and no other is idle, and ends none. So that
// their number does not depend on the luck of a moment (L3) the first instance starts as many as are ever needed.
const threads = 12

var warm sync.Once

func startThreads() {
	var all, ready sync.WaitGroup
	done := make(chan struct{})
	all.Add(threads)
	ready.Add(threads)
	for i := 0; i < threads; i++ {
		go func() {
			defer all.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-done
		}()
	}
	ready.Wait()
	close(done)
	all.Wait()
}
