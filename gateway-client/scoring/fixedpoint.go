package scoring

import "math"

// Boosting runs on integers: log-odds in units of 2^-16, probabilities in units of 2^-24. Integer sums do not depend
// on their order or on the machine, so the same seed gives the same model everywhere.
const (
	logitUnit = 1 << 16
	logitSpan = 20 // log-odds beyond ±20 count as ±20
	probUnit  = 1 << 24
	lossUnit  = 1 << 20
	cellBits  = 10 // a table cell is 2^10 logit units wide, 1/64 of a log-odd
)

var sigmoidTable, softplusTable = func() (s, l [2*logitSpan<<(16-cellBits) + 2]int32) {
	for i := range s {
		x := float64(float64(i)/float64(logitUnit>>cellBits)) - logitSpan
		s[i] = int32(math.Round(probUnit / (1 + math.Exp(-x))))
		l[i] = int32(math.Round(lossUnit * (math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))))))
	}
	return s, l
}()

// interpolate reads a table at a log-odds value.
func interpolate(t *[2*logitSpan<<(16-cellBits) + 2]int32, logit int32) int32 {
	x := max(-logitSpan*logitUnit, min(logitSpan*logitUnit, logit)) + logitSpan*logitUnit
	i := x >> cellBits
	low := t[i]
	return low + int32(int64(t[i+1]-low)*int64(x&(1<<cellBits-1))>>cellBits)
}

// sigmoidFixed is the probability at a log-odds value.
func sigmoidFixed(logit int32) int32 { return interpolate(&sigmoidTable, logit) }

// lossFixed is the negative log-likelihood of an outcome at a log-odds value.
func lossFixed(logit int32, bad bool) int64 {
	if bad {
		logit = -logit
	}
	return int64(interpolate(&softplusTable, logit))
}

// gradientScale packs the gradient and the second derivative of one row into 64 bits, so that one addition adds both
// to a histogram: the gradient in the upper half, the second derivative, which is positive, in the lower one.
type gradientScale struct {
	shift      uint // of both, from 2^-24 units
	perG, perH float64
}

// newGradientScale chooses the finest units in which the sums over n rows cannot overflow their halves.
func newGradientScale(n int) gradientScale {
	s := gradientScale{}
	for int64(n)<<(24-s.shift) >= 1<<30 {
		s.shift++
	}
	s.perG = 1 / float64(int64(1)<<(24-s.shift))
	s.perH = s.perG / 4
	return s
}

func (s gradientScale) pack(logit int32, bad bool) int64 {
	p := int64(sigmoidFixed(logit))
	g := -p
	if bad {
		g += probUnit
	}
	half := int64(1) << s.shift >> 1
	h := (p*(probUnit-p)>>22 + half) >> s.shift // × 4 of the probability's units
	return (g+half)>>s.shift<<32 + h
}

func (s gradientScale) unpack(sum int64) (g, h float64) {
	low := sum & (1<<32 - 1)
	return float64(float64((sum-low)>>32) * s.perG), float64(float64(low) * s.perH)
}
