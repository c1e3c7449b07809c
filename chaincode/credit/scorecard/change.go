package scorecard

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// MaxChanges is the largest set of changes that WhatWouldChange looks for.
const MaxChanges = 5

// maxChangeSteps bounds the search, so that no card can make it run long.
const maxChangeSteps = 2_000_000

// BinChange is one feature that would have to move to another bin.
type BinChange struct {
	Feature int    `json:"feature"`
	From    uint16 `json:"from"`
	To      uint16 `json:"to"`
}

// Plan is a smallest set of changes that reaches a target. Exhaustive is false where the search was cut short: then a
// smaller set may exist.
type Plan struct {
	Reached    bool        `json:"reached"`
	Exhaustive bool        `json:"exhaustive"`
	Changes    []BinChange `json:"changes"`
	Points     int64       `json:"points"` // after the changes
}

// WhatWouldChange finds the smallest set of bin changes, of at most maxChanges features that the applicant can act on
// (Feature.Change), that brings the points to the target: the fewest features, then the fewest bins moved, then the
// order of features. It proposes intervals and known levels only, never "missing". A target that is met already gives
// an empty plan that is reached.
func (c *Scorecard) WhatWouldChange(v Vector, target int64, maxChanges int) (Plan, error) {
	if err := c.Check(v); err != nil {
		return Plan{}, err
	}
	if maxChanges < 1 || maxChanges > MaxChanges {
		return Plan{}, fault.New(fault.InputInvalid, "at most %d changes can be looked for, and at least 1; %d were asked",
			MaxChanges, maxChanges)
	}
	s := search{card: c, target: target, at: slices.Clone(v), steps: maxChangeSteps}
	start := c.add(v)
	if start >= target {
		return Plan{Reached: true, Exhaustive: true, Points: start, Changes: []BinChange{}}, nil
	}
	s.prepare()
	for size := 1; size <= maxChanges && size <= len(s.moves) && s.best == nil; size++ {
		s.extend(0, size, start, 0)
	}
	plan := Plan{Reached: s.best != nil, Exhaustive: s.steps > 0, Points: start, Changes: []BinChange{}}
	if s.best != nil {
		plan.Points = s.bestPoints
		plan.Changes = s.best
		slices.SortFunc(plan.Changes, func(a, b BinChange) int { return a.Feature - b.Feature })
	}
	return plan, nil
}

type search struct {
	card   *Scorecard
	target int64
	at     Vector // the vector with the changes of the current branch
	steps  int

	moves   []move
	pairsOf [][]int // feature → pairs that hold it

	taken      []BinChange
	best       []BinChange
	bestMoved  int
	bestPoints int64
}

// move is a feature that can change, the bins that it can take, and an upper bound on what that can gain.
type move struct {
	feature int
	bins    []uint16
	bound   int64
}

func (s *search) prepare() {
	s.pairsOf = make([][]int, len(s.card.Features))
	for i, p := range s.card.Pairs {
		s.pairsOf[p.A] = append(s.pairsOf[p.A], i)
		s.pairsOf[p.B] = append(s.pairsOf[p.B], i)
	}
	options := make([][]uint16, len(s.card.Features))
	for i := range s.card.Features {
		options[i] = s.card.Features[i].reachable(s.at[i])
	}
	for i, bins := range options {
		if len(bins) == 0 {
			continue
		}
		m := move{feature: i, bins: bins}
		for _, to := range bins {
			gain := s.card.Features[i].Points[to] - s.card.Features[i].Points[s.at[i]]
			for _, k := range s.pairsOf[i] {
				gain += s.pairBound(k, i, to, options)
			}
			m.bound = max(m.bound, gain)
		}
		if m.bound > 0 {
			s.moves = append(s.moves, m)
		}
	}
	slices.SortStableFunc(s.moves, func(a, b move) int {
		switch {
		case a.bound > b.bound:
			return -1
		case a.bound < b.bound:
			return 1
		default:
			return a.feature - b.feature
		}
	})
}

// pairBound is the most that moving a feature of pair k can gain in it, wherever the other feature may move.
func (s *search) pairBound(k, feature int, to uint16, options [][]uint16) int64 {
	p := &s.card.Pairs[k]
	other := p.A + p.B - feature
	gain := func(o uint16) int64 {
		if feature == p.A {
			return p.at(to, o) - p.at(s.at[feature], o)
		}
		return p.at(o, to) - p.at(o, s.at[feature])
	}
	best := gain(s.at[other])
	for _, o := range options[other] {
		best = max(best, gain(o))
	}
	return best
}

// extend tries every way to change `left` more features among moves[from:].
func (s *search) extend(from, left int, sum int64, moved int) {
	if left == 0 {
		if sum >= s.target && (s.best == nil || moved < s.bestMoved) {
			s.best, s.bestMoved, s.bestPoints = slices.Clone(s.taken), moved, sum
		}
		return
	}
	for i := from; i+left <= len(s.moves) && s.steps > 0; i++ {
		reach := sum
		for j := i; j < i+left; j++ {
			reach += s.moves[j].bound
		}
		if reach < s.target {
			return // moves are sorted by bound: nothing further on reaches it either
		}
		m := &s.moves[i]
		was := s.at[m.feature]
		for _, to := range m.bins {
			s.steps--
			gain := s.gain(m.feature, was, to)
			s.at[m.feature] = to
			s.taken = append(s.taken, BinChange{Feature: m.feature, From: was, To: to})
			s.extend(i+1, left-1, sum+gain, moved+distance(&s.card.Features[m.feature], was, to))
			s.taken = s.taken[:len(s.taken)-1]
		}
		s.at[m.feature] = was
	}
}

func (s *search) gain(feature int, from, to uint16) int64 {
	g := s.card.Features[feature].Points[to] - s.card.Features[feature].Points[from]
	for _, k := range s.pairsOf[feature] {
		p := &s.card.Pairs[k]
		if feature == p.A {
			g += p.at(to, s.at[p.B]) - p.at(from, s.at[p.B])
		} else {
			g += p.at(s.at[p.A], to) - p.at(s.at[p.A], from)
		}
	}
	return g
}

// distance counts the intervals between two bins; any two levels, and leaving "missing", count as one.
func distance(f *Feature, from, to uint16) int {
	if f.Kind == Categorical || int(from) < f.firstRegular() {
		return 1
	}
	if to > from {
		return int(to - from)
	}
	return int(from - to)
}

// reachable lists the bins that the applicant could move to.
func (f *Feature) reachable(at uint16) []uint16 {
	if f.Change == Immutable {
		return nil
	}
	var bins []uint16
	for b := f.FirstInterval(); b < f.Bins(); b++ {
		to := uint16(b)
		known := int(at) >= f.firstRegular()
		if to == at || known && f.Change == Upwards && to < at || known && f.Change == Downwards && to > at {
			continue
		}
		bins = append(bins, to)
	}
	return bins
}
