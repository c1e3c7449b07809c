// Package fabricconfig renders the configuration of Fabric's programs: what Fabric ships as a sample, with this
// network's values over it.
package fabricconfig

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"
)

// tree is a YAML document.
type tree = map[string]any

// overlay puts the values over a YAML text: maps are merged, everything else is replaced.
func overlay(base []byte, values tree) ([]byte, error) {
	doc := tree{}
	if err := yaml.Unmarshal(base, &doc); err != nil {
		return nil, fmt.Errorf("sample configuration: %w", err)
	}
	merge(doc, values)
	return marshal(doc)
}

func merge(into, values tree) {
	for key, value := range values {
		if sub, ok := value.(tree); ok {
			if old, ok := into[key].(tree); ok {
				merge(old, sub)
				continue
			}
		}
		into[key] = value
	}
}

func marshal(doc any) ([]byte, error) {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return buf.Bytes(), enc.Close()
}
