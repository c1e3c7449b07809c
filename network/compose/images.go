package compose

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/native"
	"github.com/tallystick/tallystick/network/plan"
)

// label marks our images, so that they can be found and removed.
const label = "org.tallystick.image"

// programs of the images that we build.
var programs = map[plan.Kind]string{plan.CA: "fabric-ca-server", plan.Orderer: "orderer", plan.Peer: "peer"}

// variables name images to use instead of ours.
var variables = map[plan.Kind]string{
	plan.CA: "TALLYNET_CA_IMAGE", plan.Orderer: "TALLYNET_ORDERER_IMAGE", plan.Peer: "TALLYNET_PEER_IMAGE",
}

// tools builds tallynet as a static program and returns its folder and hash.
func (b *Backend) tools(ctx context.Context) (dir, hash string, err error) {
	if b.toolsDir != "" {
		return b.toolsDir, b.toolsHash, nil
	}
	root, err := binaries.Root()
	if err != nil {
		return "", "", err
	}
	cache, err := plan.CacheRoot()
	if err != nil {
		return "", "", err
	}
	work := filepath.Join(cache, "tallynet")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", "", err
	}
	tmp := filepath.Join(work, fmt.Sprintf("building-%d", os.Getpid()))
	defer os.Remove(tmp)
	if err := binaries.GoBuild(ctx, root, "./network/cmd/tallynet", tmp); err != nil {
		return "", "", err
	}
	if hash, err = fileHash(tmp); err != nil {
		return "", "", err
	}
	dir = filepath.Join(work, hash)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	if err := os.Rename(tmp, filepath.Join(dir, "tallynet")); err != nil {
		return "", "", err
	}
	if err := copyBuilder(b.programs.CCAASBuilder(), filepath.Join(dir, "ccaas")); err != nil {
		return "", "", err
	}
	b.toolsDir, b.toolsHash = dir, hash
	return dir, hash, nil
}

// copyBuilder copies the external builder under its three names.
func copyBuilder(from, to string) error {
	for _, name := range []string{"detect", "build", "release"} {
		if err := copyFile(filepath.Join(from, "bin", name), filepath.Join(to, "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) images(ctx context.Context) (images, error) {
	dir, hash, err := b.tools(ctx)
	if err != nil {
		return images{}, err
	}
	img := images{of: map[plan.Kind]string{}, foreign: map[plan.Kind]bool{}, tools: dir, hash: hash}
	for kind, program := range programs {
		img.of[kind] = fmt.Sprintf("tallystick/%s:%s-%s", program, b.programs.Version, hash)
		if name := os.Getenv(variables[kind]); name != "" {
			img.of[kind], img.foreign[kind] = name, true
		}
	}
	return img, nil
}

// Prepare builds the images that are missing. Nothing is pulled.
func (b *Backend) Prepare(ctx context.Context) error {
	if _, err := Check(ctx); err != nil {
		return err
	}
	return b.prepare(ctx, b.plan.Running())
}

// PrepareChaincode builds the image of a version of the chaincode.
func (b *Backend) PrepareChaincode(ctx context.Context, version string) error {
	return b.prepare(ctx, []*plan.Node{{Kind: plan.Chaincode, Version: version}})
}

func (b *Backend) prepare(ctx context.Context, nodes []*plan.Node) error {
	img, err := b.images(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		name := img.image(n)
		if imageExists(ctx, name) {
			continue
		}
		if img.foreign[n.Kind] {
			return fmt.Errorf("%s names image %s, which is not on this machine; docker pull it first", variables[n.Kind], name)
		}
		program := programs[n.Kind]
		path := b.programs.Path(program)
		if n.Kind == plan.Chaincode {
			program, path = "chaincode", native.ChaincodeProgram(b.plan, n.Version)
			if err := checkStatic(path); err != nil {
				return err
			}
		}
		if err := b.buildImage(ctx, name, program, path, img.tools, n.Kind == plan.Peer); err != nil {
			return err
		}
	}
	return nil
}

// checkStatic refuses a program that could not run in an empty image.
func checkStatic(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("%s: %w (containers need a Linux program)", program, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("the chaincode's program is linked dynamically and its image is empty; build it with CGO_ENABLED=0")
		}
	}
	return nil
}

func imageExists(ctx context.Context, name string) bool {
	_, err := docker(ctx, "image", "inspect", "--format", "{{.Id}}", name)
	return err == nil
}

// buildImage makes an image that holds nothing but a program, tallynet as its health check, and for peers the builder.
func (b *Backend) buildImage(ctx context.Context, name, program, path, tools string, builder bool) error {
	dir, err := os.MkdirTemp("", "tallynet-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var text strings.Builder
	fmt.Fprintf(&text, "FROM scratch\nLABEL %s=%s\nENV PATH=%s\n", label, program, binDir)
	if err := copyFile(path, filepath.Join(dir, program)); err != nil {
		return err
	}
	fmt.Fprintf(&text, "COPY %s %s/\n", program, binDir)
	if err := copyFile(filepath.Join(tools, "tallynet"), filepath.Join(dir, "tallynet")); err != nil {
		return err
	}
	fmt.Fprintf(&text, "COPY tallynet %s/\n", binDir)
	if builder {
		if err := copyBuilder(filepath.Join(tools, "ccaas"), filepath.Join(dir, "ccaas")); err != nil {
			return err
		}
		fmt.Fprintf(&text, "COPY ccaas %s\n", builderDir)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text.String()), 0o644); err != nil {
		return err
	}
	if _, err = docker(ctx, "build", "--quiet", "--tag", name, dir); err != nil {
		return err
	}
	// Every change of tallynet makes new images. Ours that no container has used for some hours go; should one be wanted
	// again, it is built again. A failure to tidy up is no failure.
	_, _ = docker(ctx, "image", "prune", "--all", "--force", "--filter", "label="+label, "--filter", "until=6h")
	return nil
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := fmt.Sprintf("%s.%d", to, os.Getpid())
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}
