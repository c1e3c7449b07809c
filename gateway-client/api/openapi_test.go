package api_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

const golden = "../../docs/openapi.yaml"

func TestOpenAPIDocumentIsAsCommitted(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	text, err := w.at("buyer").api.OpenAPI().YAML()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(golden, text, 0o644))
	}
	committed, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(committed), string(text), "docs/openapi.yaml is stale: go test ./gateway-client/api -run OpenAPI -update")
}
