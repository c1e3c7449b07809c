package scoring

import (
	"math"
	"math/rand/v2"
)

// gbt is a small ensemble of gradient-boosted trees: the black box that the glass box is compared with, and nothing
// else. It has no scorecard.
type gbt struct {
	base  int32
	trees []gbtTree
}

// gbtTree is a binary tree in a slice, the root first; a node without a left child is a leaf.
type gbtTree []gbtNode

type gbtNode struct {
	feature     int
	at          uint8 // bins below it go left
	left, right int
	value       int32 // log-odds units
}

const (
	gbtDepth    = 4
	gbtRate     = 0.05
	gbtMaxTrees = 600
	gbtPatience = 50
	gbtMinRows  = 20
	gbtLambda   = 2.0
	gbtColumns  = 0.5 // share of the features that a tree may use
)

func fitGBT(fr *Frame, train []int, seed uint64) *gbt {
	bad := make([]bool, len(train))
	bads := 0
	for i, r := range train {
		bad[i] = fr.Bad[r]
		if bad[i] {
			bads++
		}
	}
	m := &gbt{base: int32(math.Round(math.Log(float64(bads)/float64(len(bad)-bads)) * logitUnit))}
	// The number of trees comes from one part that is held out; then all rows train as many.
	part := stratified(bad, 5, rand.New(rand.NewPCG(seed, 0)))
	var in, out []int
	for i, r := range train {
		if part[i] == 0 {
			out = append(out, r)
		} else {
			in = append(in, r)
		}
	}
	trees := len(m.grow(fr, in, out, gbtMaxTrees, seed))
	m.trees = m.grow(fr, train, nil, trees, seed)
	return m
}

// grow boosts trees on the rows, and stops early where the held-out rows, if any, are no longer predicted better.
func (m *gbt) grow(fr *Frame, rows, heldOut []int, trees int, seed uint64) []gbtTree {
	rng := rand.New(rand.NewPCG(seed, 1))
	scale := newGradientScale(len(rows))
	logit := make([]int32, fr.Rows)
	for i := range logit {
		logit[i] = m.base
	}
	var list []gbtTree
	best, bestLoss := 0, int64(math.MaxInt64)
	for len(list) < trees {
		pack := make([]int64, fr.Rows)
		for _, r := range rows {
			pack[r] = scale.pack(logit[r], fr.Bad[r])
		}
		var columns []int
		for _, f := range rng.Perm(len(fr.Features)) {
			if len(columns) == 0 || float64(len(columns)) < gbtColumns*float64(len(fr.Features)) {
				columns = append(columns, f)
			}
		}
		var tree gbtTree
		growNode(fr, append([]int(nil), rows...), pack, scale, columns, gbtDepth, &tree)
		list = append(list, tree)
		for _, set := range [][]int{rows, heldOut} {
			for _, r := range set {
				logit[r] += tree.step(fr, r)
			}
		}
		if heldOut == nil {
			continue
		}
		loss := int64(0)
		for _, r := range heldOut {
			loss += lossFixed(logit[r], fr.Bad[r])
		}
		if loss < bestLoss {
			best, bestLoss = len(list), loss
		}
		if len(list)-best >= gbtPatience {
			break
		}
	}
	if heldOut != nil {
		list = list[:max(1, best)]
	}
	return list
}

// growNode appends the subtree of the rows to the tree and returns its index.
func growNode(fr *Frame, rows []int, pack []int64, scale gradientScale, columns []int, depth int, tree *gbtTree) int {
	total := int64(0)
	for _, r := range rows {
		total += pack[r]
	}
	g, h := scale.unpack(total)
	at := len(*tree)
	*tree = append(*tree, gbtNode{value: int32(g / (h + gbtLambda) * gbtRate * logitUnit)})
	if depth == 0 || len(rows) < 2*gbtMinRows {
		return at
	}
	type cut struct {
		gain float64
		at   int
	}
	cuts := make([]cut, len(columns))
	parallel(len(columns), func(i int) {
		var sums [256]int64
		var counts [256]int
		for _, r := range rows {
			b := fr.Bins[columns[i]][r]
			sums[b] += pack[r]
			counts[b]++
		}
		left, n := int64(0), 0
		for b := 1; b < 256; b++ {
			left += sums[b-1]
			n += counts[b-1]
			if n < gbtMinRows || len(rows)-n < gbtMinRows || counts[b-1] == 0 {
				continue
			}
			lg, lh := scale.unpack(left)
			gain := score(lg, lh, gbtLambda) + score(g-lg, h-lh, gbtLambda) - score(g, h, gbtLambda)
			if gain > cuts[i].gain {
				cuts[i] = cut{gain, b}
			}
		}
	})
	best := 0
	for i := range cuts {
		if cuts[i].gain > cuts[best].gain {
			best = i
		}
	}
	if cuts[best].gain <= 0 {
		return at
	}
	node := gbtNode{feature: columns[best], at: uint8(cuts[best].at)}
	var low, high []int
	for _, r := range rows {
		if fr.Bins[node.feature][r] < node.at {
			low = append(low, r)
		} else {
			high = append(high, r)
		}
	}
	node.left = growNode(fr, low, pack, scale, columns, depth-1, tree)
	node.right = growNode(fr, high, pack, scale, columns, depth-1, tree)
	(*tree)[at] = node
	return at
}

func (t gbtTree) step(fr *Frame, row int) int32 {
	i := 0
	for t[i].left != 0 {
		if fr.Bins[t[i].feature][row] < t[i].at {
			i = t[i].left
		} else {
			i = t[i].right
		}
	}
	return t[i].value
}

func (m *gbt) logit(fr *Frame, row int) float64 {
	x := m.base
	for _, t := range m.trees {
		x += t.step(fr, row)
	}
	return float64(x) / logitUnit
}
