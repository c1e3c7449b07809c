package claim

import (
	"math"
	"strconv"
	"time"
)

type rated struct {
	rate  float64 // want `floating point`
	count int
	list  []float32 // want `floating point`
}

type ratio float64 // want `floating point`

const half = 0.5 // want `floating point`

const million = 1e6 // want `floating point`

// An integer constant may be written like a float where it becomes an integer at once.
const whole int = 1e6

func floats(n int, text string) int {
	f := float64(n)                        // want `floating point`
	g, err := strconv.ParseFloat(text, 64) // want `floating point`
	if err != nil {
		return math.MaxInt32
	}
	_ = g // want `floating point`
	_ = f // want `floating point`
	var decoded any
	if _, ok := decoded.(float64); ok { // want `floating point`
		return 0
	}
	return int(math.Sqrt(4)) + int(time.Hour.Seconds()) // want `floating point`
}

func integers(n int64) int64 { return n*int64(whole)/3 + int64(time.Hour/time.Second) }
