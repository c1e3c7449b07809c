package claim

import (
	"maps"
	"reflect"
	"slices"
	"sort"
)

func ranges(m map[string]int, other map[string]int) (string, int) {
	text := ""
	for k := range m { // want `must not range over a map`
		text += k
	}
	for k, v := range m { // want `must not range over a map`
		if v > 0 {
			text = k
		}
	}
	for k, v := range m { // want `must not range over a map`
		if v > 3 {
			return k, v
		}
	}
	largest := 0
	for _, v := range m { // want `must not range over a map`
		if v > largest {
			largest = v
		}
	}
	for k := range m { // want `must not range over a map`
		report(k)
	}
	var late []string
	for k := range m { // want `must not range over a map`
		late = append(late, k)
	}
	text += "between"
	sort.Strings(late)
	var never []string
	for k := range m { // want `must not range over a map`
		never = append(never, k)
	}
	seen := 0
	var first []string
	for k := range m { // want `must not range over a map`
		if seen < 3 {
			first = append(first, k)
		}
		seen++
	}
	sort.Strings(first)
	for _, v := range m { // want `must not range over a map`
		other["last"] = v
	}
	sum := 0
	for _, v := range m { // want `must not range over a map`
		sum += costly(v)
	}
	for range m { // want `must not range over a map`
		break
	}
	return text, sum
}

func provenRanges(m map[string]int, other map[string]int) []string {
	var keys, values []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for k, v := range m {
		if v == 0 {
			continue
		}
		if len(k) > 3 {
			values = append(values, k)
		} else {
			keys = append(keys, string(k[0]))
		}
	}
	slices.Sort(values)
	slices.SortFunc(keys, compare)
	count, sum := 0, 0
	for k, v := range m {
		count++
		sum += v
		other[k] = v * 2
	}
	for k, v := range m {
		if v < 0 {
			delete(m, k)
		}
	}
	for range other {
		sum++
	}
	for _, k := range keys {
		report(k)
	}
	//determinism:ok the report is a set
	for k := range m {
		report(k)
	}
	for k := range m { //determinism:ok the report is a set
		report(k)
	}
	return keys
}

func iterators(m map[string]int) []string {
	for k := range maps.Keys(m) { // want `must not use maps.Keys: the order of a map`
		report(k)
	}
	all := slices.Collect(maps.Values(m)) // want `must not use maps.Values`
	_ = all
	copied := maps.Collect(maps.All(m))
	_ = reflect.ValueOf(m).MapKeys() // want `must not use reflect.Value.MapKeys`
	return slices.Sorted(maps.Keys(copied))
}

func report(string)           {}
func costly(n int) int        { return n }
func compare(a, b string) int { return 0 }
