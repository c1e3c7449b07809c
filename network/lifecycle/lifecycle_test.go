package lifecycle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/topology"
)

func TestSequence(t *testing.T) {
	p := &plan.Plan{State: &plan.State{}, Topology: topology.Default()}
	want, err := NewDefinition(p, "aaa")
	require.NoError(t, err)
	stricter := topology.Default()
	stricter.Endorsers = 3
	other, err := NewDefinition(&plan.Plan{State: &plan.State{}, Topology: stricter}, "aaa")
	require.NoError(t, err)
	committed := func(version string, sequence int64, d *Definition) *Committed {
		policy, err := proto.Marshal(d.Policy)
		require.NoError(t, err)
		return &Committed{Version: version, Sequence: sequence, ValidationParameter: policy}
	}
	tests := []struct {
		name      string
		committed *Committed
		sequence  int64
		same      bool
	}{
		{"nothing yet", nil, 1, false},
		{"the same", committed("aaa", 4, want), 4, true},
		{"another program", committed("bbb", 4, want), 5, false},
		{"another policy", committed("aaa", 4, other), 5, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sequence, same, err := Sequence(tt.committed, want)
			require.NoError(t, err)
			assert.Equal(t, tt.sequence, sequence)
			assert.Equal(t, tt.same, same)
		})
	}
	_, _, err = Sequence(&Committed{ValidationParameter: []byte{0xff}}, want)
	assert.Error(t, err)
}

func TestProgramVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cc")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	v, err := ProgramVersion(path)
	require.NoError(t, err)
	assert.Equal(t, "ba7816bf8f01", v) // SHA-256 of "abc", FIPS 180-2 appendix B.1
}

func TestWaitReturnsTheLastFailure(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	calls := 0
	err := wait(context.Background(), func() error {
		if calls++; calls < 2 {
			return errors.New("not yet")
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 2, calls)
	<-ctx.Done()
	assert.Error(t, wait(ctx, func() error { return errors.New("never") }))
}
