package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Node is a record in a graph. Rank is its column, from the left: what depends on what stands to the right.
type Node struct {
	ID string
	// Kind, Title and Sub are its three lines.
	Kind, Title, Sub string
	Href             string
	Rank             int
	// Here marks the record that the page is about.
	Here bool
}

// Edge leads from one node to another; Label is what the step is, for the list.
type Edge struct{ From, To, Label string }

// Graph is records and what leads from one to the next.
type Graph struct {
	Name, Title, Description string
	Nodes                    []Node
	Edges                    []Edge
}

const (
	nodeWidth  = 172
	nodeHeight = 66
	gapX       = 20
	gapY       = 16
	margin     = 2
	inset      = 10
)

type nodeShape struct {
	Node
	x, y float64
}

type graphShape struct {
	nodes         []nodeShape
	edges         []string
	width, height float64
}

// shape places nodes in columns by rank; inside of a column each stands as near as it can to the nodes that lead to it.
func (g Graph) shape() graphShape {
	columns := map[int][]Node{}
	ranks := []int{}
	for _, n := range g.Nodes {
		if len(columns[n.Rank]) == 0 {
			ranks = append(ranks, n.Rank)
		}
		columns[n.Rank] = append(columns[n.Rank], n)
	}
	slices.Sort(ranks)
	at := map[string][2]float64{}
	order := map[string]float64{}
	tallest := 0
	for _, r := range ranks {
		tallest = max(tallest, len(columns[r]))
	}
	out := graphShape{width: margin*2 + float64(len(ranks))*(nodeWidth+gapX) - gapX, height: margin*2 + float64(tallest)*(nodeHeight+gapY) - gapY}
	if len(ranks) == 0 {
		return graphShape{width: 1, height: 1}
	}
	for column, r := range ranks {
		list := columns[r]
		slices.SortStableFunc(list, func(a, b Node) int {
			switch x, y := g.before(a.ID, order), g.before(b.ID, order); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		full := float64(len(list))*(nodeHeight+gapY) - gapY
		for i, n := range list {
			x := margin + float64(column)*(nodeWidth+gapX)
			y := (out.height-full)/2 + float64(i)*(nodeHeight+gapY)
			at[n.ID], order[n.ID] = [2]float64{x, y}, y
			out.nodes = append(out.nodes, nodeShape{Node: n, x: x, y: y})
		}
	}
	for _, e := range g.drawn(ranks) {
		a, b := at[e.From], at[e.To]
		x1, y1, x2, y2 := a[0]+nodeWidth, a[1]+nodeHeight/2, b[0], b[1]+nodeHeight/2
		if x2 <= x1 { // in one column, or backwards: from below
			x1, x2 = a[0]+nodeWidth/2, b[0]+nodeWidth/2
		}
		bend := math.Max((x2-x1)/2, 12)
		out.edges = append(out.edges, "M"+px(x1)+" "+px(y1)+"C"+px(x1+bend)+" "+px(y1)+" "+px(x2-bend)+" "+px(y2)+" "+px(x2)+" "+px(y2))
	}
	return out
}

// drawn are the edges of the picture: those between neighbouring columns, and of the others those without which a node would
// stand alone. Longer ones say what a way over other nodes says already, and would run behind them; the list has them all.
func (g Graph) drawn(ranks []int) []Edge {
	column := map[string]int{}
	for _, n := range g.Nodes {
		column[n.ID] = slices.Index(ranks, n.Rank)
	}
	var near, far []Edge
	reached := map[string]bool{}
	for _, e := range g.Edges {
		from, fromOK := column[e.From]
		to, toOK := column[e.To]
		switch {
		case !fromOK || !toOK:
		case to-from == 1:
			near = append(near, e)
			reached[e.From], reached[e.To] = true, true
		default:
			far = append(far, e)
		}
	}
	for _, e := range far {
		if column[e.From] == column[e.To] || !reached[e.To] {
			near = append(near, e)
			reached[e.To] = true
		}
	}
	return near
}

// before is the mean height of the nodes that lead to one.
func (g Graph) before(id string, order map[string]float64) float64 {
	sum, n := 0.0, 0
	for _, e := range g.Edges {
		if y, ok := order[e.From]; e.To == id && ok {
			sum, n = sum+y, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Node finds a node by its id.
func (g Graph) Node(id string) (Node, bool) {
	for _, n := range g.Nodes {
		if n.ID == id {
			return n, true
		}
	}
	return Node{}, false
}

// After lists the edges that leave a node.
func (g Graph) After(id string) []Edge {
	var list []Edge
	for _, e := range g.Edges {
		if e.From == id {
			list = append(list, e)
		}
	}
	return list
}

// clip shortens a line of a node to what fits into it, at 12 pixels in bold letters of a wide face.
func clip(s string) string {
	const room = nodeWidth - 2*inset
	width := 0.0
	fits := 0 // bytes that leave room for the mark
	for i, r := range s {
		if width += advance(r); width > room {
			return strings.TrimRight(s[:fits], " ·") + "…"
		}
		if width <= room-advance('…') {
			fits = i + utf8.RuneLen(r)
		}
	}
	return s
}

// advance is about how wide a character is, in pixels.
func advance(r rune) float64 {
	switch {
	case r > 0x2e7f || strings.ContainsRune("mwMW%…", r):
		return 12
	case strings.ContainsRune(" iljtfI.,:;'|·-", r):
		return 4.6
	case r >= 'A' && r <= 'Z':
		return 9.2
	case r >= '0' && r <= '9':
		return 8.3
	}
	return 7.9
}

func trimmed(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
