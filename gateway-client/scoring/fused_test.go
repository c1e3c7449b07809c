package scoring

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A compiler for arm64 may turn x*y + z into one instruction that rounds once, where others round twice; an explicit
// conversion to float64 forbids it. TALLY_CROSS=all compiles the package for arm64 and looks at what came of it.
func TestNothingIsFused(t *testing.T) {
	if os.Getenv("TALLY_CROSS") != "all" {
		t.Skip("TALLY_CROSS=all compiles for another processor, which takes minutes the first time")
	}
	const pkg = "github.com/tallystick/tallystick/gateway-client/scoring"
	build := exec.Command("go", "build", "-gcflags="+pkg+"=-S", pkg)
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	listing, err := build.CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(listing), "FMULD", "this is a listing for arm64")
	assert.Empty(t, regexp.MustCompile(`\(\S+:\d+\)\s+FN?M(ADD|SUB)[DS]\b`).FindAllString(string(listing), -1))
}
