package chart

// Series is what one colour of a column chart stands for.
type Series struct {
	Name string
	// Class is the colour: s1 to s5.
	Class string
}

// Column is one place on the axis; its values stand on each other, one a series.
type Column struct {
	Label  string
	Values []int64
	// Title is what a pointer over the column reads.
	Title string
	Href  string
}

// Columns is a chart of columns. Name is unique in its page.
type Columns struct {
	Name, Title, Description string
	Series                   []Series
	Columns                  []Column
	// Short writes a value for the axis.
	Short func(int64) string
}

type rect struct {
	x, y, width, height float64
	class               string
}

type columnShape struct {
	Column
	parts  []rect
	middle float64
	label  bool
}

type columnsShape struct {
	ticks   []Tick
	columns []columnShape
	base    float64
}

func (c Columns) shape(size Size) columnsShape {
	var most int64
	for _, col := range c.Columns {
		var sum int64
		for _, v := range col.Values {
			sum += v
		}
		most = max(most, sum)
	}
	marks := ticks(0, float64(most))
	highest := marks[len(marks)-1]
	base := size.Height - size.Bottom
	y := func(v float64) float64 { return base - (base-top)*v/highest }
	out := columnsShape{base: base}
	for _, m := range marks {
		out.ticks = append(out.ticks, Tick{At: y(m), Label: c.Short(int64(m))})
	}
	step := (size.Width - size.Left - size.Right) / float64(max(len(c.Columns), 1))
	width := min(step*0.64, 46)
	skip := every(len(c.Columns), size.MaxLabels)
	for i, col := range c.Columns {
		s := columnShape{Column: col, middle: size.Left + step*(float64(i)+0.5), label: i%skip == 0}
		var below float64
		for j, v := range col.Values {
			if v <= 0 {
				continue
			}
			r := rect{x: s.middle - width/2, y: y(below + float64(v)), width: width, class: c.Series[j].Class}
			r.height = y(below) - r.y
			below += float64(v)
			s.parts = append(s.parts, r)
		}
		out.columns = append(out.columns, s)
	}
	return out
}
