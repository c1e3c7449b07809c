package scorecard

import "github.com/tallystick/tallystick/chaincode/fault"

// Result is a score. Two evaluations of one vector on one card are equal, on any machine.
type Result struct {
	Points        int64 `json:"points"`
	DisplayPoints int64 `json:"display_points"`
	PDPPM         int64 `json:"pd_ppm"` // probability of default, parts per million
}

// PDBasisPoints is the probability of default in basis points, rounded up: a risk above zero never shows as zero.
func (r Result) PDBasisPoints() int64 { return (r.PDPPM + 99) / 100 }

// Check refuses a vector that the card cannot have produced: wrong length, or a bin that a feature does not have.
// INPUT_INVALID with every failure.
func (c *Scorecard) Check(v Vector) error {
	if len(v) != len(c.Features) {
		return fault.New(fault.InputInvalid, "the model %s has %d features, the vector %d bins", c.Name, len(c.Features), len(v))
	}
	for i := range v {
		if int(v[i]) >= len(c.Features[i].Points) {
			return c.outOfRange(v)
		}
	}
	return nil
}

func (c *Scorecard) outOfRange(v Vector) error {
	var f fault.Fields
	for i := range v {
		if int(v[i]) >= len(c.Features[i].Points) {
			f.Add(c.Features[i].Name, v[i], "must be a bin between 0 and %d", len(c.Features[i].Points)-1)
		}
	}
	return f.Err()
}

// Points adds up the card over a binned feature vector.
func (c *Scorecard) Points(v Vector) (Result, error) {
	if err := c.Check(v); err != nil {
		return Result{}, err
	}
	return c.result(c.add(v)), nil
}

// add is the whole model. The vector has been checked.
func (c *Scorecard) add(v Vector) int64 {
	sum := c.BasePoints
	for i := range c.Features {
		sum += c.Features[i].Points[v[i]]
	}
	for i := range c.Pairs {
		p := &c.Pairs[i]
		sum += p.at(v[p.A], v[p.B])
	}
	return sum
}

// at is the cell of a pair's table for a bin of A and a bin of B.
func (p *Pair) at(a, b uint16) int64 { return p.Points[p.RowOf[a]][p.ColumnOf[b]] }

func (c *Scorecard) result(sum int64) Result {
	return Result{Points: sum, DisplayPoints: c.Display(sum), PDPPM: c.PD.At(sum)}
}

// Display turns points into the coarser scale for people, rounded down.
func (c *Scorecard) Display(sum int64) int64 {
	return floorDiv(sum*c.DisplayPointsToDoubleOdds, c.PointsToDoubleOdds)
}

// At returns the probability of default at a number of points, in parts per million.
func (t *PD) At(sum int64) int64 {
	d := sum - t.FromPoints
	last := len(t.PPM) - 1
	if d <= 0 {
		return t.PPM[0]
	}
	if d >= int64(last)*t.StepPoints {
		return t.PPM[last]
	}
	i := d / t.StepPoints
	return t.PPM[i] - ((t.PPM[i]-t.PPM[i+1])*(d%t.StepPoints)+t.StepPoints-1)/t.StepPoints
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
