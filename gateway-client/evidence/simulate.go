package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Profile is how a simulated device behaves. Values are in 10^-Scale of the measure's unit.
type Profile struct {
	Device  receipt.Device
	Start   time.Time     // of the first reading; UTC, whole milliseconds
	Every   time.Duration // between two rounds; a round reads every measure once
	Base    []int64       // for each of the device's measures, in their order
	Swing   []int64       // half of the daily cycle
	Noise   []int64       // standard deviation
	Drift   []int64       // a day: what an ageing instrument adds
	Dropout int           // of a million readings, how many the radio loses; their sequences are missing
	// Excursion adds Offset to every measure for the given time, from the given time after Start on.
	Excursions []Excursion
	SignEach   bool // sign every reading instead of segments
}

// Excursion is a time in which something is wrong with the goods: an open door, a failed cooler.
type Excursion struct {
	After  time.Duration
	For    time.Duration
	Offset int64
}

// Validate reports every failure of the profile with its field and value.
func (p Profile) Validate() error {
	var bad fault.Fields
	n := len(p.Device.Measures)
	if n == 0 {
		bad.Add("device.measures", n, "must not be empty")
	}
	for _, list := range [...]struct {
		path   string
		values []int64
	}{{"base", p.Base}, {"swing", p.Swing}, {"noise", p.Noise}, {"drift", p.Drift}} {
		if len(list.values) != n && (list.path == "base" || len(list.values) != 0) {
			bad.Add(list.path, len(list.values), "must have a value for each of the %d measures", n)
		}
	}
	if p.Every < time.Millisecond || p.Every%time.Millisecond != 0 {
		bad.Add("every", p.Every, "must be whole milliseconds")
	}
	if p.Start.Location() != time.UTC || p.Start.Nanosecond()%int(time.Millisecond) != 0 {
		bad.Add("start", p.Start, "must be in UTC and whole milliseconds")
	}
	if p.Dropout < 0 || p.Dropout > 999_999 {
		bad.Add("dropout", p.Dropout, "must be 0 to 999999 of a million")
	}
	return bad.Err()
}

// Simulator is a device that exists nowhere. With the same profile and seed it reads the same values.
type Simulator struct {
	profile  Profile
	random   *rand.Rand
	sign     Signer
	sequence int64
	round    int64
	queue    []receipt.Reading
}

// NewSimulator returns a device; sign is its key, or nil where it has none.
func NewSimulator(p Profile, seed uint64, sign Signer) (*Simulator, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.SignEach && sign == nil {
		return nil, fault.New(fault.InputMissing, "a device that signs each reading needs a key")
	}
	return &Simulator{profile: p, random: rand.New(rand.NewPCG(seed, 0x7a11)), sign: sign, sequence: max(1, p.Device.FirstSequence)}, nil
}

// Next returns the device's next reading that the radio does not lose.
func (s *Simulator) Next() (receipt.Reading, error) {
	for len(s.queue) == 0 {
		if err := s.measure(); err != nil {
			return receipt.Reading{}, err
		}
	}
	r := s.queue[0]
	s.queue = s.queue[1:]
	return r, nil
}

// measure reads every property once.
func (s *Simulator) measure() error {
	p := s.profile
	elapsed := time.Duration(s.round) * p.Every
	s.round++
	at := p.Start.Add(elapsed)
	for i, m := range p.Device.Measures {
		r := receipt.Reading{Device: p.Device.ID, Sequence: s.sequence, At: at, Property: m.Property, Unit: m.Unit, Scale: m.Scale,
			Value: min(max(s.value(i, elapsed), m.RangeMin), m.RangeMax)}
		s.sequence++
		if p.Dropout > 0 && s.random.IntN(1_000_000) < p.Dropout {
			continue
		}
		if p.SignEach {
			var err error
			if r.Signature, err = s.sign(r.Message()); err != nil {
				return fmt.Errorf("device %s cannot sign: %w", r.Device, err)
			}
		}
		s.queue = append(s.queue, r)
	}
	return nil
}

func (s *Simulator) value(i int, elapsed time.Duration) int64 {
	p := s.profile
	days := elapsed.Hours() / 24
	v := float64(p.Base[i])
	if len(p.Swing) > 0 {
		v += float64(p.Swing[i]) * math.Sin(2*math.Pi*days)
	}
	if len(p.Noise) > 0 {
		v += float64(p.Noise[i]) * s.random.NormFloat64()
	}
	if len(p.Drift) > 0 {
		v += float64(p.Drift[i]) * days
	}
	for _, e := range p.Excursions {
		if elapsed >= e.After && elapsed < e.After+e.For {
			v += float64(e.Offset)
		}
	}
	return int64(math.Round(v))
}

// Segment reads n times and closes the readings into a segment, signed where the device has a key and does not sign each
// reading.
func (s *Simulator) Segment(n int) (Segment, error) {
	rec := NewRecorder(s.profile.Device)
	for range n {
		r, err := s.Next()
		if err != nil {
			return Segment{}, err
		}
		if err := rec.Add(r); err != nil {
			return Segment{}, err
		}
	}
	sign := s.sign
	if s.profile.Device.Key == "" || s.profile.SignEach {
		sign = nil
	}
	return rec.Close(sign)
}
