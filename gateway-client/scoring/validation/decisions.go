package validation

import (
	"math"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
)

// MaxGroups that are compared.
const MaxGroups = 50

// FourFifths is the customary alarm of the ratio between approval rates (29 CFR 1607.4 D).
const FourFifths = 0.8

// Overrides are decisions that differ from what the points say.
type Overrides struct {
	Decided       int  `json:"decided"` // rows with a decision
	ApprovedBelow Swap `json:"approved_below"`
	DeclinedAbove int  `json:"declined_above"`
	// Rate is the share of both among the rows with a decision.
	Rate float64 `json:"rate"`
}

// Group is what the model does to one group.
type Group struct {
	Value    string   `json:"value"`
	Rows     int      `json:"rows"`
	Approved float64  `json:"approved"` // share: by the decision where it is recorded, else by the points
	Ratio    float64  `json:"ratio"`    // to the group with the highest share
	Points   float64  `json:"mean_points"`
	PD       float64  `json:"mean_pd"`
	Known    int      `json:"known"` // rows with an outcome
	BadRate  *float64 `json:"bad_rate,omitempty"`
	AUC      *float64 `json:"auc,omitempty"`
	Alarm    bool     `json:"alarm"` // ratio below four fifths
}

// readDecisions reads a column of decisions: approved or declined, in the customary words; decided is false for empty
// cells.
func readDecisions(t *scoring.Table, rows []int, column string) (approved, decided []bool, err error) {
	c, err := t.MustColumn("--decision", column)
	if err != nil {
		return nil, nil, err
	}
	approved, decided = make([]bool, len(rows)), make([]bool, len(rows))
	for i, r := range rows {
		cell := t.Columns[c][r]
		if scoring.MissingText(cell) {
			continue
		}
		decided[i] = true
		switch strings.ToLower(cell) {
		case "approve", "approved", "accept", "accepted", "granted", "yes", "true", "1", "1.0":
			approved[i] = true
		case "decline", "declined", "reject", "rejected", "refused", "no", "false", "0", "0.0":
		default:
			return nil, nil, fault.New(fault.InputInvalid, "%s, row %d: the decision %q is %q; it must be approved or declined (or empty)",
				t.Name, r+1, column, cell)
		}
	}
	return approved, decided, nil
}

func overrides(s *sample, known outcomes, approved, decided []bool, cut float64) *Overrides {
	var o Overrides
	differing := 0
	for i := range decided {
		if !decided[i] {
			continue
		}
		o.Decided++
		if above := s.points[i] >= cut; above != approved[i] {
			differing++
			if above {
				o.DeclinedAbove++
			}
		}
	}
	bad := 0
	for i, r := range known.rows {
		if decided[r] && approved[r] && s.points[r] < cut && known.bad[i] {
			bad++
		}
	}
	o.ApprovedBelow.Rows = differing - o.DeclinedAbove
	outcomes := 0
	for _, r := range known.rows {
		if decided[r] && approved[r] && s.points[r] < cut {
			outcomes++
		}
	}
	if outcomes > 0 {
		o.ApprovedBelow.BadRate = float64(bad) / float64(outcomes)
	}
	if o.Decided > 0 {
		o.Rate = float64(differing) / float64(o.Decided)
	}
	return &o
}

func groups(t *scoring.Table, rows []int, column string, s *sample, known outcomes, approved, decided []bool, cut float64) ([]Group, error) {
	c, err := t.MustColumn("--group", column)
	if err != nil {
		return nil, err
	}
	members := map[string][]int{}
	for i, r := range rows {
		members[t.Columns[c][r]] = append(members[t.Columns[c][r]], i)
	}
	if len(members) > MaxGroups {
		return nil, fault.New(fault.InputInvalid, "--group %q has %d values; at most %d groups can be compared", column, len(members), MaxGroups)
	}
	var list []Group
	best := 0.0
	for _, value := range sortedKeys(members) {
		g := Group{Value: value, Rows: len(members[value])}
		asked := 0
		for _, i := range members[value] {
			g.Points += s.points[i] / float64(g.Rows)
			g.PD += s.pd[i] / float64(g.Rows)
			switch {
			case decided == nil:
				asked++
				g.Approved += one(s.points[i] >= cut)
			case decided[i]:
				asked++
				g.Approved += one(approved[i])
			}
		}
		g.Approved /= math.Max(1, float64(asked))
		part := known.within(members[value])
		if g.Known = len(part.rows); g.Known > 0 {
			rate := float64(part.bads()) / float64(g.Known)
			g.BadRate = &rate
		}
		if part.both() {
			auc := scoring.AUC(negated(part.of(s.points)), part.bad)
			g.AUC = &auc
		}
		best = math.Max(best, g.Approved)
		list = append(list, g)
	}
	for i := range list {
		list[i].Ratio = 1
		if best > 0 {
			list[i].Ratio = list[i].Approved / best
		}
		list[i].Alarm = list[i].Ratio < FourFifths
	}
	return list, nil
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
