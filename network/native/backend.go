package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/fabricconfig"
	"github.com/tallystick/tallystick/network/plan"
)

const stopPatience = 10 * time.Second

// Backend runs the nodes of one network.
type Backend struct {
	plan     *plan.Plan
	programs *binaries.Set
}

// New returns a backend. programs may be nil where nothing is to be started.
func New(p *plan.Plan, programs *binaries.Set) *Backend { return &Backend{plan: p, programs: programs} }

// CCAASBuilder is the folder of the external builder as peers see it.
func (b *Backend) CCAASBuilder() string { return b.programs.CCAASBuilder() }

// ChaincodeProgram is where a version of the chaincode is kept.
func ChaincodeProgram(p *plan.Plan, version string) string {
	return filepath.Join(p.Dir, "chaincode", version, "chaincode")
}

// Start starts those of the nodes that do not run.
func (b *Backend) Start(_ context.Context, nodes []*plan.Node) error {
	for _, n := range nodes {
		p, err := readProcess(n)
		if err != nil {
			return err
		}
		if p.alive() {
			continue
		}
		if port := n.TakenPort(); port != 0 {
			return fmt.Errorf("%s: port %d on 127.0.0.1 is taken by another program; stop that program and try again", n.Name, port)
		}
		fabricconfig.Command(n, func(name string) string {
			switch n.Kind {
			case plan.Chaincode:
				return ChaincodeProgram(b.plan, n.Version)
			case plan.Service:
				return b.plan.ServiceProgram()
			}
			return b.programs.Path(name)
		})
		if err := launch(n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// Stop ends the nodes and returns when they are gone.
func (b *Backend) Stop(_ context.Context, nodes []*plan.Node) error {
	var g errgroup.Group
	for _, n := range nodes {
		g.Go(func() error { return stopFile(n.File(pidFile)) })
	}
	return g.Wait()
}

// StopAll ends every process of the network, also of versions that the plan no longer knows.
func (b *Backend) StopAll(context.Context) error {
	files, err := filepath.Glob(filepath.Join(b.plan.Dir, "nodes", "*", pidFile))
	if err != nil {
		return err
	}
	var g errgroup.Group
	for _, f := range files {
		g.Go(func() error { return stopFile(f) })
	}
	return g.Wait()
}

func stopFile(path string) error {
	p, err := readProcessFile(path)
	if err != nil {
		return err
	}
	if err := p.end(stopPatience); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(filepath.Dir(path)), err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Running says whether the node runs, and as what.
func (b *Backend) Running(_ context.Context, n *plan.Node) (running bool, as string, err error) {
	p, err := readProcess(n)
	if err != nil || !p.alive() {
		return false, "", err
	}
	return true, fmt.Sprint("pid ", p.PID), nil
}

// Logs writes the node's last lines to out and, if asked, what follows until the context ends.
func (b *Backend) Logs(ctx context.Context, n *plan.Node, lines int, follow bool, out io.Writer) error {
	f, err := os.Open(n.LogFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	offset, err := tailOffset(f, lines)
	if err != nil {
		return err
	}
	for {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return err
		}
		n, err := io.Copy(out, f)
		offset += n
		if err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// tailOffset is where the last lines of a file begin; it looks at most at its last megabyte.
func tailOffset(f *os.File, lines int) (int64, error) {
	const window = 1 << 20
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	start := max(0, info.Size()-window)
	buf := make([]byte, info.Size()-start)
	if _, err := io.ReadFull(io.NewSectionReader(f, start, int64(len(buf))), buf); err != nil {
		return 0, err
	}
	end := len(bytes.TrimRight(buf, "\n"))
	for ; lines > 0; lines-- {
		end = bytes.LastIndexByte(buf[:end], '\n')
		if end < 0 {
			return start, nil
		}
	}
	return start + int64(end) + 1, nil
}
