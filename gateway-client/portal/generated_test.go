package portal_test

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGeneratedPagesAreFresh compares each generated file with what its template gives now: go generate ./gateway-client/portal.
func TestGeneratedPagesAreFresh(t *testing.T) {
	templates, err := filepath.Glob("*/*.templ")
	require.NoError(t, err)
	require.Greater(t, len(templates), 15)
	for _, path := range templates {
		tree, err := parser.Parse(path)
		require.NoError(t, err, path)
		var b bytes.Buffer
		_, err = generator.Generate(tree, &b, generator.WithVersion(templ.Version()), generator.WithFileName(filepath.ToSlash(path)))
		require.NoError(t, err, path)
		want, err := format.Source(b.Bytes())
		require.NoError(t, err, path)
		have, err := os.ReadFile(strings.TrimSuffix(path, ".templ") + "_templ.go")
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, have), "%s: the generated file is stale", path)
	}
}
