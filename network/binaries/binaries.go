// Package binaries builds Fabric's node programs from the tools module, and the project's own small ones, into a
// cache outside the repository.
package binaries

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/tallystick/tallystick/network/plan"
)

// recipe changes when the way of building does, so that old caches are not taken for new ones.
const recipe = "1"

const (
	fabricModule   = "github.com/hyperledger/fabric"
	fabricCAModule = "github.com/hyperledger/fabric-ca"
)

// Set is a folder of built programs.
type Set struct {
	Dir     string // holds peer, orderer, configtxgen, …
	Version string // of the tools and of how they were built
}

// Path is the path of a program in the set.
func (s *Set) Path(program string) string { return filepath.Join(s.Dir, program) }

// SampleConfig is the folder of the configuration files that Fabric ships.
func (s *Set) SampleConfig() string { return filepath.Join(s.Dir, "sampleconfig") }

// CCAASBuilder is the folder that core.yaml names as the external builder.
func (s *Set) CCAASBuilder() string { return filepath.Join(s.Dir, "ccaas") }

type target struct {
	module   string // folder below network/tools
	packages []string
	cgo      bool
}

func (t target) flags() []string {
	ldflags := "-s -w"
	if t.cgo && runtime.GOOS == "linux" {
		ldflags += " -linkmode external -extldflags '-static'"
	}
	return []string{"-trimpath", "-buildvcs=false", "-ldflags", ldflags}
}

func (t target) env() []string {
	cgo := "0"
	if t.cgo {
		cgo = "1"
	}
	return append(os.Environ(), "CGO_ENABLED="+cgo, "GOFLAGS=", "GOWORK=off")
}

func targets() []target {
	cmd := func(module string, names ...string) (out []string) {
		for _, n := range names {
			out = append(out, module+"/cmd/"+n)
		}
		return out
	}
	return []target{
		{module: ".", packages: cmd(fabricModule, "peer", "orderer", "configtxgen", "configtxlator", "osnadmin")},
		{module: "fabric-ca", packages: cmd(fabricCAModule, "fabric-ca-client")},
		// The CA keeps its register in SQLite, which needs cgo; static, so that it also runs in an empty image.
		{module: "fabric-ca", packages: cmd(fabricCAModule, "fabric-ca-server"), cgo: true},
	}
}

// Root finds the repository: TALLYSTICK_ROOT, or the nearest folder above the working directory or above the
// running program that holds network/tools/go.mod.
func Root() (string, error) {
	var starts []string
	if dir := os.Getenv("TALLYSTICK_ROOT"); dir != "" {
		starts = []string{dir}
	} else {
		if wd, err := os.Getwd(); err == nil {
			starts = append(starts, wd)
		}
		if exe, err := os.Executable(); err == nil {
			starts = append(starts, filepath.Dir(exe))
		}
	}
	for _, dir := range starts {
		for {
			if _, err := os.Stat(filepath.Join(dir, "network", "tools", "go.mod")); err == nil {
				return filepath.Abs(dir)
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", errors.New("the Tallystick repository was not found above the working directory or the program; run tallynet inside it or set TALLYSTICK_ROOT")
}

// version hashes everything that decides what the programs are.
func version(root string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, recipe, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	files, err := filepath.Glob(filepath.Join(root, "network", "ccaas", "*.go"))
	if err != nil {
		return "", err
	}
	cmds, err := filepath.Glob(filepath.Join(root, "network", "ccaas", "cmd", "*", "*.go"))
	if err != nil {
		return "", err
	}
	files = append(files, cmds...)
	for _, module := range []string{".", "fabric-ca"} {
		for _, name := range []string{"go.mod", "go.sum"} {
			files = append(files, filepath.Join(root, "network", "tools", module, name))
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(name), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// Find returns the built programs without building: ok is false where they are missing.
func Find() (set *Set, ok bool, err error) {
	root, err := Root()
	if err != nil {
		return nil, false, err
	}
	v, err := version(root)
	if err != nil {
		return nil, false, err
	}
	cache, err := plan.CacheRoot()
	if err != nil {
		return nil, false, err
	}
	set = &Set{Dir: filepath.Join(cache, "bin", v), Version: v}
	_, err = os.Stat(set.Path("complete"))
	return set, err == nil, nil
}

// Ensure returns the built programs and builds them first where they are missing, with progress on out.
// Concurrent callers build once.
func Ensure(ctx context.Context, out io.Writer) (*Set, error) {
	set, ok, err := Find()
	if err != nil || ok {
		return set, err
	}
	unlock, err := lock(ctx, set.Dir+".lock", out)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if set, ok, err = Find(); err != nil || ok {
		return set, err
	}
	root, err := Root()
	if err != nil {
		return nil, err
	}
	if err := CheckToolchain(); err != nil {
		return nil, err
	}
	work := set.Dir + ".building"
	if err := os.RemoveAll(work); err != nil {
		return nil, err
	}
	if err := build(ctx, root, work, out); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(set.Dir); err != nil {
		return nil, err
	}
	return set, os.Rename(work, set.Dir)
}

// CheckToolchain says what is missing on this machine for building the node programs.
func CheckToolchain() error {
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("go was not found on the PATH; install Go from https://go.dev/dl")
	}
	for _, cc := range []string{os.Getenv("CC"), "gcc", "cc", "clang"} {
		if cc == "" {
			continue
		}
		if _, err := exec.LookPath(strings.Fields(cc)[0]); err == nil {
			return nil
		}
	}
	return errors.New("no C compiler was found, and the Fabric CA server needs one; install gcc")
}

func build(ctx context.Context, root, dir string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tools := filepath.Join(root, "network", "tools")
	fmt.Fprintln(out, "Building Fabric's node programs; this happens once and takes some minutes.")
	total, err := countStale(ctx, tools)
	if err != nil {
		return err
	}
	bar := progressbar.NewOptions(max(total, 1),
		progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(30), progressbar.OptionShowCount(),
		progressbar.OptionSetDescription("  packages"), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetPredictTime(false))
	defer bar.Finish()
	for _, t := range targets() {
		cmd := exec.CommandContext(ctx, "go", append(append([]string{"install", "-v"}, t.flags()...), t.packages...)...)
		cmd.Dir = filepath.Join(tools, t.module)
		cmd.Env = append(t.env(), "GOBIN="+dir)
		if err := runCounting(cmd, bar); err != nil {
			return fmt.Errorf("building %s: %w", strings.Join(t.packages, " "), err)
		}
	}
	if err := copySampleConfig(ctx, tools, filepath.Join(dir, "sampleconfig")); err != nil {
		return err
	}
	if err := buildCCAAS(ctx, root, filepath.Join(dir, "ccaas", "bin")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "complete"), nil, 0o644)
}

// countStale counts the packages that a build has to compile or link.
func countStale(ctx context.Context, tools string) (int, error) {
	total := 0
	for _, t := range targets() {
		args := append([]string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}, t.flags()...)
		cmd := exec.CommandContext(ctx, "go", append(args, t.packages...)...)
		cmd.Dir = filepath.Join(tools, t.module)
		cmd.Env = t.env()
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err != nil {
			return 0, fmt.Errorf("reading the tools module (the first time needs the Go module proxy): %w\n%s", err, lastLines(stderr.String(), 5))
		}
		total += bytes.Count(text, []byte("\n"))
	}
	return total, nil
}

// runCounting runs go install -v, which prints one line a compiled package, and moves the bar by one each.
func runCounting(cmd *exec.Cmd, bar *progressbar.ProgressBar) error {
	w := &lineCounter{bar: bar, lines: bar.State().CurrentNum}
	cmd.Stderr = w
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(w.text.String(), 15))
	}
	return nil
}

type lineCounter struct {
	bar   *progressbar.ProgressBar
	text  bytes.Buffer
	lines int64 // of the bar
}

func (w *lineCounter) Write(p []byte) (int, error) {
	w.text.Write(p)
	if n := bytes.Count(p, []byte("\n")); n > 0 {
		// A warning of the linker is a line too; the bar must not go beyond its end.
		if w.lines += int64(n); w.lines < w.bar.GetMax64() {
			_ = w.bar.Add(n)
		}
	}
	return len(p), nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

func copySampleConfig(ctx context.Context, tools, to string) error {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-json", fabricModule)
	cmd.Dir = tools
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("finding the sources of %s: %w", fabricModule, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(text, &module); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"core.yaml", "orderer.yaml"} {
		text, err := os.ReadFile(filepath.Join(module.Dir, "sampleconfig", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// buildCCAAS builds the one program that the peer calls under three names.
func buildCCAAS(ctx context.Context, root, bin string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	program := filepath.Join(bin, "ccaas-builder")
	if err := GoBuild(ctx, root, "./network/ccaas/cmd/ccaas-builder", program); err != nil {
		return err
	}
	for _, name := range []string{"detect", "build", "release"} {
		if err := os.Symlink("ccaas-builder", filepath.Join(bin, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// GoBuild builds a package of this repository as a static program.
func GoBuild(ctx context.Context, root, pkg, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", to, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, lastLines(string(text), 15))
	}
	return nil
}

// lock waits until no other process builds the same programs.
func lock(ctx context.Context, path string, out io.Writer) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	told := false
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, err
		}
		if !told {
			fmt.Fprintln(out, "Waiting for another process that builds the node programs.")
			told = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
