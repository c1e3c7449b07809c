package supplychain

import (
	"maps"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/community"
	"gonum.org/v1/gonum/graph/iterator"
	"gonum.org/v1/gonum/graph/simple"
)

// Parameters of the figures of the graph.
const (
	damping        = 850 // thousandths: PageRank follows a purchase with this chance (Brin and Page 1998)
	rankSteps      = 60  // 0.85^60 is below 1e-4 of a mean rank
	rankUnit       = 1 << 20
	resolution     = 1.0 // of modularity (Newman and Girvan 2004)
	louvainSeed    = 20260115
	maxEdgeWeight  = 1000
	unknownPartner = -1
)

// tradeGraph is who has sold to whom, an edge weighing the number of confirmed invoices. Parties are numbered in the order of
// their ids, and neighbours come in that order, so nothing depends on how the trades were listed.
type tradeGraph struct {
	names  []string
	number map[string]int
	buyers [][]arc // by seller
	sum    [][]arc // both directions added up
}

type arc struct {
	to     int
	weight int64
}

func newTradeGraph(sells map[string][]flow) *tradeGraph {
	all := map[string]bool{}
	for seller, list := range sells {
		all[seller] = true
		for _, f := range list {
			all[f.to] = true
		}
	}
	g := &tradeGraph{names: slices.Sorted(maps.Keys(all)), number: make(map[string]int, len(all))}
	for i, name := range g.names {
		g.number[name] = i
	}
	g.buyers, g.sum = make([][]arc, len(g.names)), make([][]arc, len(g.names))
	for i, name := range g.names {
		for _, f := range sells[name] {
			a := arc{g.number[f.to], min(f.invoices, maxEdgeWeight)}
			g.buyers[i] = append(g.buyers[i], a)
			g.sum[i] = append(g.sum[i], a)
			g.sum[a.to] = append(g.sum[a.to], arc{i, a.weight})
		}
	}
	for i, list := range g.sum {
		slices.SortFunc(list, func(a, b arc) int { return a.to - b.to })
		joined := list[:0]
		for _, a := range list {
			if n := len(joined); n > 0 && joined[n-1].to == a.to {
				joined[n-1].weight += a.weight
			} else {
				joined = append(joined, a)
			}
		}
		g.sum[i] = joined
	}
	return g
}

// pageRank is how much of the trade leads to a party: a buyer passes its rank on to those it buys from, by their invoices
// (Brin and Page 1998). The mean is 1000. It is the power iteration of gonum's network.PageRank on integers and from even ranks:
// gonum's begins with unseeded random numbers.
func (g *tradeGraph) pageRank() map[string]int64 {
	n := len(g.names)
	bought := make([]int64, n)
	for _, list := range g.buyers {
		for _, a := range list {
			bought[a.to] += a.weight
		}
	}
	rank, next := make([]int64, n), make([]int64, n)
	for i := range rank {
		rank[i] = rankUnit
	}
	for range rankSteps {
		lost := int64(0) // of those who buy from nobody: it goes to everybody
		for i := range rank {
			if bought[i] == 0 {
				lost += rank[i]
			}
		}
		even := (1000-damping)*rankUnit/1000 + damping*(lost/int64(max(1, n)))/1000
		for i := range next {
			next[i] = even
		}
		for seller, list := range g.buyers {
			for _, a := range list {
				next[seller] += damping * (rank[a.to] * a.weight / bought[a.to]) / 1000
			}
		}
		rank, next = next, rank
	}
	ranks := make(map[string]int64, n)
	for i, name := range g.names {
		ranks[name] = (rank[i]*pageRankStart + rankUnit/2) / rankUnit
	}
	return ranks
}

// depths is the number of sales on the shortest way from a party to one that sells to nobody; parties that lead to none are
// left out.
func (g *tradeGraph) depths() map[string]int64 {
	sellers := make([][]int, len(g.names))
	depth := make([]int64, len(g.names))
	var queue []int
	for i, list := range g.buyers {
		depth[i] = unknownPartner
		for _, a := range list {
			sellers[a.to] = append(sellers[a.to], i)
		}
		if len(list) == 0 {
			depth[i] = 0
			queue = append(queue, i)
		}
	}
	known := make(map[string]int64, len(g.names))
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		known[g.names[i]] = depth[i]
		for _, s := range sellers[i] {
			if depth[s] == unknownPartner {
				depth[s] = depth[i] + 1
				queue = append(queue, s)
			}
		}
	}
	return known
}

// communities are those of gonum's Louvain method (Blondel and others 2008), numbered by their first party.
func (g *tradeGraph) communities() map[string]int {
	group := make(map[string]int, len(g.names))
	if len(g.names) == 0 {
		return group
	}
	found := community.Modularize(inOrder{g}, resolution, rand.NewPCG(louvainSeed, 0)).Communities()
	of := make([]int, len(g.names))
	for c, members := range found {
		for _, node := range members {
			of[node.ID()] = c
		}
	}
	renumbered := map[int]int{}
	for i, name := range g.names {
		if _, ok := renumbered[of[i]]; !ok {
			renumbered[of[i]] = len(renumbered)
		}
		group[name] = renumbered[of[i]]
	}
	return group
}

// inOrder shows the trades without direction to gonum, neighbours in order; gonum's own graphs list them in the order of maps.
type inOrder struct{ *tradeGraph }

var _ graph.WeightedUndirected = inOrder{}

func (g inOrder) arc(x, y int64) (arc, bool) {
	i, ok := slices.BinarySearchFunc(g.sum[x], int(y), func(a arc, to int) int { return a.to - to })
	if !ok {
		return arc{}, false
	}
	return g.sum[x][i], true
}

// Node implements graph.Graph.
func (g inOrder) Node(id int64) graph.Node {
	if id < 0 || id >= int64(len(g.names)) {
		return nil
	}
	return simple.Node(id)
}

// Nodes implements graph.Graph.
func (g inOrder) Nodes() graph.Nodes {
	list := make([]graph.Node, len(g.names))
	for i := range list {
		list[i] = simple.Node(i)
	}
	return iterator.NewOrderedNodes(list)
}

// From implements graph.Graph.
func (g inOrder) From(id int64) graph.Nodes {
	list := make([]graph.Node, len(g.sum[id]))
	for i, a := range g.sum[id] {
		list[i] = simple.Node(a.to)
	}
	return iterator.NewOrderedNodes(list)
}

// HasEdgeBetween implements graph.Graph.
func (g inOrder) HasEdgeBetween(x, y int64) bool {
	_, ok := g.arc(x, y)
	return ok
}

// Edge implements graph.Graph.
func (g inOrder) Edge(x, y int64) graph.Edge { return g.WeightedEdge(x, y) }

// EdgeBetween implements graph.Undirected.
func (g inOrder) EdgeBetween(x, y int64) graph.Edge { return g.WeightedEdge(x, y) }

// WeightedEdge implements graph.Weighted.
func (g inOrder) WeightedEdge(x, y int64) graph.WeightedEdge { return g.WeightedEdgeBetween(x, y) }

// WeightedEdgeBetween implements graph.WeightedUndirected.
func (g inOrder) WeightedEdgeBetween(x, y int64) graph.WeightedEdge {
	a, ok := g.arc(x, y)
	if !ok {
		return nil
	}
	return simple.WeightedEdge{F: simple.Node(x), T: simple.Node(y), W: float64(a.weight)}
}

// Weight implements graph.Weighted.
func (g inOrder) Weight(x, y int64) (float64, bool) {
	if x == y {
		return 0, true
	}
	a, ok := g.arc(x, y)
	return float64(a.weight), ok
}
