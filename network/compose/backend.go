// Package compose runs nodes as containers.
package compose

import (
	"context"
	"errors"
	"io"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/plan"
)

// Backend runs the nodes of one network.
type Backend struct {
	plan     *plan.Plan
	programs *binaries.Set
	progress io.Writer
}

// New returns a backend.
func New(p *plan.Plan, programs *binaries.Set, progress io.Writer) *Backend {
	return &Backend{plan: p, programs: programs, progress: progress}
}

var errTodo = errors.New("the compose backend is not there yet")

func (b *Backend) Start(ctx context.Context, nodes []*plan.Node) error { return errTodo }
func (b *Backend) Stop(ctx context.Context, nodes []*plan.Node) error  { return errTodo }
func (b *Backend) StopAll(ctx context.Context) error                   { return errTodo }
func (b *Backend) Running(ctx context.Context, n *plan.Node) (bool, string, error) {
	return false, "", errTodo
}
func (b *Backend) Logs(ctx context.Context, n *plan.Node, lines int, follow bool, out io.Writer) error {
	return errTodo
}
func (b *Backend) CCAASBuilder() string { return "/opt/tallystick/ccaas" }

// Check says which container engine answers.
func Check(ctx context.Context) (string, error) { return "", errTodo }
