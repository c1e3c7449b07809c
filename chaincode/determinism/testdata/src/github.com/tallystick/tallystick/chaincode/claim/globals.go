package claim

import "bytes"

var (
	names   = map[string]int{"a": 1}
	counter int
	list    = []int{1, 2, 3}
	buffer  bytes.Buffer
	record  struct{ n int }
	pointer = &rated{}
	limits  = fill()
)

func fill() map[string]int { return map[string]int{"b": names["a"]} }

func init() {
	counter = 1
	names["c"] = 3
}

func globals() int {
	counter++                  // want `must not change the package variable counter`
	counter = 2                // want `must not change the package variable counter`
	names["b"] = 2             // want `must not change the package variable names`
	delete(names, "a")         // want `must not change the package variable names`
	clear(names)               // want `must not change the package variable names`
	list[0] = 9                // want `must not change the package variable list`
	list = append(list)        // want `must not change the package variable list`
	copy(list, []int{3})       // want `must not change the package variable list`
	buffer.WriteByte(1)        // want `must not change the package variable buffer`
	record.n = 3               // want `must not change the package variable record`
	pointer.count = 3          // want `must not change the package variable pointer`
	alias := &counter          // want `must not change the package variable counter`
	for counter = range list { // want `must not change the package variable counter`
	}
	return *alias + names["a"] + limits["b"] + len(list)
}

func locals() int {
	names := map[string]int{}
	names["b"] = 2
	counter := 0
	counter++
	return counter
}
