package scorecard

import (
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"

	"github.com/tallystick/tallystick/chaincode/fault"
)

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Validate reports every failure of the scorecard with its field and value, as one INPUT_INVALID error; nil when the
// card can be evaluated.
func (c *Scorecard) Validate() error {
	var f fault.Fields
	if c.Schema != Schema {
		f.Add("schema", c.Schema, "must be %s", Schema)
	}
	text(&f, "name", c.Name, MaxNameBytes, true)
	text(&f, "version", c.Version, MaxNameBytes, true)
	text(&f, "outcome", c.Outcome, MaxWordingBytes, false)
	text(&f, "provenance.method", c.Provenance.Method, MaxWordingBytes, false)
	if h := c.Provenance.DataSHA256; h != "" && !sha256Hex.MatchString(h) {
		f.Add("provenance.data_sha256", h, "must be 64 lower-case hexadecimal digits, or empty")
	}
	if c.Provenance.Rows < 0 || c.Provenance.Rows > MaxInteger {
		f.Add("provenance.rows", c.Provenance.Rows, "must be between 0 and 2^53-1")
	}
	if c.Provenance.BadRows < 0 || c.Provenance.BadRows > c.Provenance.Rows {
		f.Add("provenance.bad_rows", c.Provenance.BadRows, "must be between 0 and rows")
	}
	if !within(c.Provenance.Seed, MaxInteger) {
		f.Add("provenance.seed", c.Provenance.Seed, "must be within ±(2^53-1)")
	}
	points(&f, "base_points", c.BasePoints)
	if c.PointsToDoubleOdds < 1 || c.PointsToDoubleOdds > 1000 {
		f.Add("points_to_double_odds", c.PointsToDoubleOdds, "must be between 1 and 1000")
	}
	if c.DisplayPointsToDoubleOdds < 1 || c.DisplayPointsToDoubleOdds > 1000 {
		f.Add("display_points_to_double_odds", c.DisplayPointsToDoubleOdds, "must be between 1 and 1000")
	}
	if len(c.Features) < 1 || len(c.Features) > MaxFeatures {
		f.Add("features", len(c.Features), "must be between 1 and %d features", MaxFeatures)
		return f.Err()
	}
	names := make(map[string]bool, len(c.Features))
	for i := range c.Features {
		path := fmt.Sprintf("features[%d]", i)
		name := c.Features[i].Name
		if names[name] {
			f.Add(path+".name", name, "is already the name of another feature")
		}
		names[name] = true
		c.Features[i].validate(&f, path)
	}
	c.validatePairs(&f)
	c.PD.validate(&f)
	return f.Err()
}

func (t *Feature) validate(f *fault.Fields, path string) {
	text(f, path+".name", t.Name, MaxNameBytes, true)
	text(f, path+".unit", t.Unit, MaxNameBytes, false)
	text(f, path+".wording.en", t.Wording.En, MaxWordingBytes, false)
	text(f, path+".wording.zh", t.Wording.Zh, MaxWordingBytes, false)
	switch t.Change {
	case Immutable, AnyWay, Upwards, Downwards:
	default:
		f.Add(path+".change", t.Change, "must be none, any, up or down")
	}
	if t.Scale < MinScale || t.Scale > MaxScale {
		f.Add(path+".scale", t.Scale, "must be between %d and %d decimal places", MinScale, MaxScale)
	}
	switch t.Kind {
	case Numeric:
		if len(t.Levels) > 0 {
			f.Add(path+".levels", len(t.Levels), "must be empty for a numeric feature")
		}
		if t.Monotone < -1 || t.Monotone > 1 {
			f.Add(path+".monotone", t.Monotone, "must be -1, 0 or 1")
		}
		for i, e := range t.Edges {
			if !within(e, MaxInteger) {
				f.Add(fmt.Sprintf("%s.edges[%d]", path, i), e, "must be within ±(2^53-1)")
			}
			if i > 0 && e <= t.Edges[i-1] {
				f.Add(fmt.Sprintf("%s.edges[%d]", path, i), e, "must be above the edge before it")
			}
		}
	case Categorical:
		t.validateLevels(f, path)
	default:
		f.Add(path+".kind", t.Kind, "must be numeric or categorical")
	}
	codes := make(map[int64]bool, len(t.Special))
	for i, s := range t.Special {
		p := fmt.Sprintf("%s.special[%d]", path, i)
		if !within(s.Code, MaxInteger) {
			f.Add(p+".code", s.Code, "must be within ±(2^53-1)")
		}
		if codes[s.Code] {
			f.Add(p+".code", s.Code, "is already a special code of this feature")
		}
		codes[s.Code] = true
		text(f, p+".meaning", s.Meaning, MaxWordingBytes, false)
	}
	if t.Bins() > MaxBins {
		f.Add(path, t.Bins(), "must have at most %d bins", MaxBins)
	}
	if len(t.Points) != t.Bins() {
		f.Add(path+".points", len(t.Points), "must be one number for each of the %d bins", t.Bins())
	}
	for i, p := range t.Points {
		points(f, fmt.Sprintf("%s.points[%d]", path, i), p)
	}
	if t.Reference < -1 || t.Reference >= t.Bins() {
		f.Add(path+".reference", t.Reference, "must be a bin, or -1 for the best one")
	}
}

func (t *Feature) validateLevels(f *fault.Fields, path string) {
	if len(t.Edges) > 0 {
		f.Add(path+".edges", len(t.Edges), "must be empty for a categorical feature")
	}
	if t.Monotone != 0 {
		f.Add(path+".monotone", t.Monotone, "must be 0 for a categorical feature")
	}
	if t.Change == Upwards || t.Change == Downwards {
		f.Add(path+".change", t.Change, "must be none or any for a categorical feature")
	}
	seen := map[string]bool{}
	for g, group := range t.Levels {
		if len(group) == 0 {
			f.Add(fmt.Sprintf("%s.levels[%d]", path, g), "", "must hold at least one level")
		}
		for i, level := range group {
			p := fmt.Sprintf("%s.levels[%d][%d]", path, g, i)
			text(f, p, level, MaxLevelBytes, true)
			if seen[level] {
				f.Add(p, level, "is already in a group of this feature")
			}
			seen[level] = true
		}
	}
	if len(seen) > MaxLevels {
		f.Add(path+".levels", len(seen), "must be at most %d levels", MaxLevels)
	}
}

func (c *Scorecard) validatePairs(f *fault.Fields) {
	if len(c.Pairs) > MaxPairs {
		f.Add("pairs", len(c.Pairs), "must be at most %d pairs", MaxPairs)
	}
	type ab struct{ a, b int }
	seen := make(map[ab]bool, len(c.Pairs))
	for i := range c.Pairs {
		p := &c.Pairs[i]
		path := fmt.Sprintf("pairs[%d]", i)
		if p.A < 0 || p.B <= p.A || p.B >= len(c.Features) {
			f.Add(path, fmt.Sprintf("%d, %d", p.A, p.B), "a and b must be indexes of features, a below b")
			continue
		}
		if seen[ab{p.A, p.B}] {
			f.Add(path, fmt.Sprintf("%d, %d", p.A, p.B), "is already a pair")
		}
		seen[ab{p.A, p.B}] = true
		if len(p.Points) < 1 || len(p.Points) > MaxPairSide || len(p.Points[0]) < 1 || len(p.Points[0]) > MaxPairSide {
			f.Add(path+".points", len(p.Points), "must have between 1 and %d rows and columns", MaxPairSide)
			continue
		}
		for r, row := range p.Points {
			if len(row) != len(p.Points[0]) {
				f.Add(fmt.Sprintf("%s.points[%d]", path, r), len(row), "must have %d columns like the first row", len(p.Points[0]))
			}
			for k, v := range row {
				points(f, fmt.Sprintf("%s.points[%d][%d]", path, r, k), v)
			}
		}
		side(f, path+".row_of", p.RowOf, c.Features[p.A].Bins(), len(p.Points))
		side(f, path+".column_of", p.ColumnOf, c.Features[p.B].Bins(), len(p.Points[0]))
	}
}

func (t *PD) validate(f *fault.Fields) {
	if len(t.PPM) < 1 || len(t.PPM) > MaxPDSteps {
		f.Add("pd.ppm", len(t.PPM), "must be between 1 and %d steps", MaxPDSteps)
	}
	if t.StepPoints < 1 || t.StepPoints > 1000 {
		f.Add("pd.step_points", t.StepPoints, "must be between 1 and 1000 points")
	}
	if !within(t.FromPoints, MaxInteger/4) {
		f.Add("pd.from_points", t.FromPoints, "must be within ±2^51")
	}
	for i, p := range t.PPM {
		if p < 0 || p > MillionPPM {
			f.Add(fmt.Sprintf("pd.ppm[%d]", i), p, "must be between 0 and 1000000 parts per million")
		}
		if i > 0 && p > t.PPM[i-1] {
			f.Add(fmt.Sprintf("pd.ppm[%d]", i), p, "must not be above the one before it: more points, less risk")
		}
	}
}

func side(f *fault.Fields, path string, of []int, bins, cells int) {
	if len(of) != bins {
		f.Add(path, len(of), "must be one number for each of the %d bins", bins)
	}
	for i, to := range of {
		if to < 0 || to >= cells {
			f.Add(fmt.Sprintf("%s[%d]", path, i), to, "must be between 0 and %d", cells-1)
		}
	}
}

func points(f *fault.Fields, path string, p int64) {
	if !within(p, MaxPoints) {
		f.Add(path, p, "must be within ±%d points", MaxPoints)
	}
}

func within(v, limit int64) bool { return v >= -limit && v <= limit }

func text(f *fault.Fields, path, s string, limit int, required bool) {
	if required && s == "" {
		f.Add(path, s, "must not be empty")
	}
	if len(s) > limit {
		f.Add(path, s, "must be at most %d bytes", limit)
	}
	if !PlainText(s) {
		f.Add(path, s, "must be UTF-8 without control characters and line separators")
	}
}

// PlainText reports whether a string may stand in a scorecard: valid UTF-8 with neither control characters nor the
// line and paragraph separators, which JSON encoders escape in different ways.
func PlainText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return false
		}
	}
	return true
}
