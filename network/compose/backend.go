// Package compose runs nodes as containers, with docker compose or the older docker-compose.
package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/plan"
)

const (
	composeFile     = "compose.yaml"
	listingLifetime = 500 * time.Millisecond
)

// Backend runs the nodes of one network.
type Backend struct {
	plan     *plan.Plan
	programs *binaries.Set

	toolsDir, toolsHash string

	mu       sync.Mutex
	listing  map[string]container // by service
	listedAt time.Time
}

type container struct {
	id      string
	running bool
}

// New returns a backend. programs may be nil where nothing is to be started.
func New(p *plan.Plan, programs *binaries.Set) *Backend { return &Backend{plan: p, programs: programs} }

// CCAASBuilder is the folder of the external builder as peers see it.
func (b *Backend) CCAASBuilder() string { return builderDir }

// project keeps networks of the same name in different state folders apart.
func (b *Backend) project() string {
	return fmt.Sprintf("tallynet-%s-%s", b.plan.Name, b.plan.Opaque("", "project")[:6])
}

// Start creates and starts the containers of those of the nodes that do not run.
func (b *Backend) Start(ctx context.Context, nodes []*plan.Node) error {
	list, err := b.list(ctx, true)
	if err != nil {
		return err
	}
	var names []string
	for _, n := range nodes {
		if list[n.Name].running {
			continue
		}
		if port := n.TakenPort(); port != 0 {
			return fmt.Errorf("%s: port %d on 127.0.0.1 is taken by another program; stop that program and try again", n.Name, port)
		}
		names = append(names, n.Name)
	}
	if len(names) == 0 {
		return nil
	}
	// Images carry tallynet: a newer one than the containers' makes newer images.
	if err := b.prepare(ctx, nodes); err != nil {
		return err
	}
	if err := b.write(ctx, nodes); err != nil {
		return err
	}
	_, err = b.compose(ctx, append([]string{"up", "--detach", "--no-deps"}, names...)...)
	b.forget()
	return err
}

// write renders the Compose file: everything that belongs up, and the nodes.
func (b *Backend) write(ctx context.Context, nodes []*plan.Node) error {
	img, err := b.images(ctx)
	if err != nil {
		return err
	}
	text, err := render(append(b.plan.Running(), nodes...), img, hostUser())
	if err != nil {
		return err
	}
	return plan.WriteFile(b.file(), text, 0o600)
}

func (b *Backend) file() string { return filepath.Join(b.plan.Dir, composeFile) }

// Stop stops the nodes' containers and keeps them.
func (b *Backend) Stop(ctx context.Context, nodes []*plan.Node) error {
	list, err := b.list(ctx, true)
	if err != nil {
		return err
	}
	var ids []string
	for _, n := range nodes {
		if c := list[n.Name]; c.running {
			ids = append(ids, c.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = docker(ctx, append([]string{"stop", "--time", "10"}, ids...)...)
	b.forget()
	return err
}

// StopAll removes all containers and the bridge of the network.
func (b *Backend) StopAll(ctx context.Context) error {
	if _, err := os.Stat(b.file()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := b.compose(ctx, "down", "--remove-orphans", "--timeout", "10")
	b.forget()
	return err
}

// Running says whether the node's container runs, and as what.
func (b *Backend) Running(ctx context.Context, n *plan.Node) (running bool, as string, err error) {
	list, err := b.list(ctx, false)
	if err != nil {
		return false, "", err
	}
	c := list[n.Name]
	if !c.running {
		return false, "", nil
	}
	return true, "container " + c.id[:12], nil
}

// Logs writes the last lines of the node's container to out and, if asked, what follows until the context ends.
func (b *Backend) Logs(ctx context.Context, n *plan.Node, lines int, follow bool, out io.Writer) error {
	list, err := b.list(ctx, true)
	if err != nil {
		return err
	}
	c, ok := list[n.Name]
	if !ok {
		return nil
	}
	args := []string{"logs", "--tail", fmt.Sprint(lines)}
	if follow {
		args = append(args, "--follow")
	}
	cmd := exec.CommandContext(ctx, "docker", append(args, c.id)...)
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// list asks the engine for the network's containers. An answer serves for a moment, as many nodes are asked about at once.
func (b *Backend) list(ctx context.Context, fresh bool) (map[string]container, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !fresh && b.listing != nil && time.Since(b.listedAt) < listingLifetime {
		return b.listing, nil
	}
	text, err := docker(ctx, "ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project="+b.project(),
		"--format", `{{.ID}} {{.State}} {{.Label "com.docker.compose.service"}}`)
	if err != nil {
		return nil, err
	}
	list := map[string]container{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 {
			list[fields[2]] = container{id: fields[0], running: fields[1] == "running"}
		}
	}
	b.listing, b.listedAt = list, time.Now()
	return list, nil
}

func (b *Backend) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listing = nil
}

func (b *Backend) compose(ctx context.Context, args ...string) (string, error) {
	program, err := composeProgram(ctx)
	if err != nil {
		return "", err
	}
	args = append(append(program, "--project-name", b.project(), "--file", b.file()), args...)
	return run(ctx, args...)
}

// composeProgram is docker compose, or the older docker-compose.
func composeProgram(ctx context.Context) ([]string, error) {
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() == nil {
		return []string{"docker", "compose"}, nil
	}
	if path, err := exec.LookPath("docker-compose"); err == nil {
		return []string{path}, nil
	}
	return nil, errors.New("neither docker compose nor docker-compose is installed; install one, or use --backend native")
}

// Check says which engine and which compose answer.
func Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	version, err := docker(ctx, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return "", fmt.Errorf("no container engine answers: %w", err)
	}
	program, err := composeProgram(ctx)
	if err != nil {
		return "", err
	}
	return "engine " + strings.TrimSpace(version) + ", " + strings.Join(program, " "), nil
}

func docker(ctx context.Context, args ...string) (string, error) {
	return run(ctx, append([]string{"docker"}, args...)...)
}

func run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "COMPOSE_HTTP_TIMEOUT=120", "DOCKER_CLI_HINTS=false")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(stderr.String())
		if lines := strings.Split(text, "\n"); len(lines) > 10 {
			text = strings.Join(lines[len(lines)-10:], "\n")
		}
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args[:min(len(args), 3)], " "), err, text)
	}
	return stdout.String(), nil
}
