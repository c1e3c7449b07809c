package claim

import (
	"crypto/ecdsa"
	entropy "crypto/rand" // want `must not import crypto/rand: peers would draw different numbers`
	"fmt"
	"math/rand/v2" // want `must not import math/rand/v2`
	"net/http"     // want `must not import net/http`
	"os"           // want `must not import os: peers have different systems`
	"sync"         // want `must not import sync`
	"sync/atomic"  // want `must not import sync/atomic`
	"time"
	"unsafe" // want `must not import unsafe`
)

var (
	_ = rand.Int
	_ = entropy.Reader
	_ = os.Args
	_ sync.Mutex
	_ atomic.Int64
	_ unsafe.Pointer
	_ http.Handler
)

func times(t time.Time) time.Time {
	_ = time.Now()        // want `must not use time.Now: peers have different clocks`
	now := time.Now       // want `must not use time.Now`
	_ = time.Since(now()) // want `must not use time.Since`
	_ = t.In(time.Local)  // want `must not use time.Local`
	_ = t.Local()         // want `must not use time.Time.Local`
	_ = time.Unix(1, 0)   // want `time.Unix gives a time in the peer's zone`
	_ = time.Unix(1, 0).UTC()
	_ = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Hour)
	return t.UTC()
}

func prints(m map[string]int, key *ecdsa.PrivateKey) string {
	fmt.Println(m)                       // want `must not use fmt.Println`
	_, _ = ecdsa.SignASN1(nil, key, nil) // want `must not use crypto/ecdsa.SignASN1: it draws random numbers`
	_ = ecdsa.VerifyASN1(&key.PublicKey, nil, nil)
	_ = fmt.Sprintf("%p", key)  // want `must not print %p`
	return fmt.Sprintf("%v", m) // fmt sorts maps
}

func concurrent(in chan int) { // want `must not have channels`
	go times(time.Time{}) // want `must not start goroutines`
	select {              // want `must not select`
	case in <- 1: // want `must not send`
	case <-in: // want `must not receive`
	}
	for range in { // want `must not receive`
	}
}
