package compose

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tallystick/tallystick/network/fabricconfig"
	"github.com/tallystick/tallystick/network/plan"
)

// Paths in the images.
const (
	binDir     = "/usr/local/bin"
	builderDir = "/opt/tallystick/ccaas"
)

// document is a Compose file, as far as we use the format.
type document struct {
	Services map[string]service `yaml:"services"`
}

type service struct {
	Image       string            `yaml:"image"`
	Hostname    string            `yaml:"hostname"`
	User        string            `yaml:"user"`
	WorkingDir  string            `yaml:"working_dir"`
	Entrypoint  []string          `yaml:"entrypoint,flow"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs,flow"`
	Ports       []string          `yaml:"ports,omitempty"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop,flow"`
	StopGrace   string            `yaml:"stop_grace_period"`
	Healthcheck healthcheck       `yaml:"healthcheck"`
	Logging     logging           `yaml:"logging"`
}

type healthcheck struct {
	Test     []string `yaml:"test,flow"`
	Interval string   `yaml:"interval"`
	Timeout  string   `yaml:"timeout"`
	Retries  int      `yaml:"retries"`
}

type logging struct {
	Driver  string            `yaml:"driver"`
	Options map[string]string `yaml:"options"`
}

// images names the images of nodes, and says which of them are not ours and lack tallynet and the builder.
type images struct {
	of      map[plan.Kind]string
	foreign map[plan.Kind]bool
	tools   string // folder with tallynet and ccaas on this machine, mounted into foreign images
	hash    string // of tallynet, which is in every image
}

// image is the name of a node's image; every version of the chaincode has one of its own.
func (i images) image(n *plan.Node) string {
	if n.Kind == plan.Chaincode {
		return i.chaincode(n.Version)
	}
	return i.of[n.Kind]
}

func (i images) chaincode(version string) string {
	return fmt.Sprintf("tallystick/chaincode:%s-%s", version, i.hash)
}

// render is the Compose file of the nodes. Each sees its own folder, at the same path as on this machine, and nothing
// else of the network's state.
func render(nodes []*plan.Node, img images, user string) ([]byte, error) {
	doc := document{Services: map[string]service{}}
	for _, n := range nodes {
		fabricconfig.Command(n, func(name string) string { return binDir + "/" + name })
		s := service{
			Image:       img.image(n),
			Hostname:    strings.ToLower(n.Name),
			User:        user,
			WorkingDir:  n.Dir,
			Entrypoint:  append([]string{n.Program}, n.Args...),
			Environment: map[string]string{"HOME": n.Dir, "TZ": "UTC"},
			Volumes:     []string{n.Dir + ":" + n.Dir},
			Tmpfs:       []string{"/tmp"},
			ReadOnly:    true,
			CapDrop:     []string{"ALL"},
			StopGrace:   "10s",
			Healthcheck: healthcheck{Test: append([]string{"CMD"}, probeCommand(n)...), Interval: "15s", Timeout: "5s", Retries: 4},
			Logging:     logging{Driver: "json-file", Options: map[string]string{"max-size": "16m", "max-file": "2"}},
		}
		if img.foreign[n.Kind] {
			s.Entrypoint[0] = filepath.Base(n.Program) // wherever that image keeps it
			s.Volumes = append(s.Volumes, filepath.Join(img.tools, "tallynet")+":"+binDir+"/tallynet:ro")
			if n.Kind == plan.Peer {
				s.Volumes = append(s.Volumes, filepath.Join(img.tools, "ccaas")+":"+builderDir+":ro")
			}
		}
		for _, v := range n.Env {
			name, value, _ := strings.Cut(v, "=")
			s.Environment[name] = strings.ReplaceAll(value, "$", "$$")
		}
		for _, p := range publishedPorts(n) {
			s.Ports = append(s.Ports, fmt.Sprintf("127.0.0.1:%d:%d", n.Ports[p], n.InternalPort(p)))
		}
		doc.Services[n.Name] = s
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// publishedPorts are those that programs on this machine use.
func publishedPorts(n *plan.Node) []plan.Port {
	switch n.Kind {
	case plan.Orderer:
		return []plan.Port{plan.Main, plan.Operations, plan.Admin}
	case plan.Chaincode:
		return []plan.Port{plan.Main}
	default:
		return []plan.Port{plan.Main, plan.Operations}
	}
}

func probeCommand(n *plan.Node) []string {
	args := []string{binDir + "/tallynet", "probe", "--cacert", n.File(fabricconfig.TLSCA), "--server-name", n.Name}
	if n.Kind == plan.Chaincode {
		return append(args, "--cert", n.File(fabricconfig.TLSCert), "--key", n.File(fabricconfig.TLSKey),
			fmt.Sprintf("tls://127.0.0.1:%d", n.InternalPort(plan.Main)))
	}
	return append(args, fmt.Sprintf("https://127.0.0.1:%d/healthz", n.InternalPort(plan.Operations)))
}

// hostUser is who owns the mounted folders.
func hostUser() string { return fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()) }
