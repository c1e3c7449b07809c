package lifecycle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-admin-sdk/pkg/channel"
	"github.com/hyperledger/fabric-admin-sdk/pkg/discovery"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/network/fabricconfig"
	"github.com/tallystick/tallystick/network/plan"
)

const poll = 100 * time.Millisecond

// GenesisFile is where a network keeps its channel's first block.
func GenesisFile(p *plan.Plan) string { return filepath.Join(p.Dir, "genesis.block") }

// MakeGenesis writes the channel's first block, unless it is there.
func MakeGenesis(ctx context.Context, p *plan.Plan, configtxgen string) error {
	if _, err := os.Stat(GenesisFile(p)); err == nil {
		return nil
	}
	text, err := fabricconfig.Configtx(p)
	if err != nil {
		return err
	}
	if err := plan.WriteFile(filepath.Join(p.Dir, "configtx.yaml"), text, 0o600); err != nil {
		return err
	}
	tmp := GenesisFile(p) + ".tmp"
	cmd := exec.CommandContext(ctx, configtxgen, "-configPath", p.Dir, "-profile", fabricconfig.Profile,
		"-channelID", p.Topology.Channel, "-outputBlock", tmp)
	cmd.Env = []string{"FABRIC_CFG_PATH=" + p.Dir, "HOME=" + p.Dir, "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("configtxgen: %w\n%s", err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	return os.Rename(tmp, GenesisFile(p))
}

// JoinOrderers gives every orderer the channel's first block through the participation API, and returns when all take
// part. Orderers that have joined already are left alone.
func JoinOrderers(ctx context.Context, p *plan.Plan) error {
	block, err := os.ReadFile(GenesisFile(p))
	if err != nil {
		return err
	}
	var g errgroup.Group
	for _, n := range p.Of(plan.Orderer) {
		g.Go(func() error { return at(n, joinOrderer(ctx, p, n, block)) })
	}
	return g.Wait()
}

func joinOrderer(ctx context.Context, p *plan.Plan, n *plan.Node, block []byte) error {
	config, err := ClientTLS(p, n)
	if err != nil {
		return err
	}
	api := &participation{
		url:    "https://" + n.External(plan.Admin) + "/participation/v1/channels",
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: config}},
	}
	defer api.client.CloseIdleConnections()
	status, err := api.status(ctx, p.Topology.Channel)
	if err != nil {
		return err
	}
	if status == "" {
		if err := api.join(ctx, block); err != nil {
			return err
		}
	}
	return wait(ctx, func() error {
		status, err := api.status(ctx, p.Topology.Channel)
		if err == nil && status != "active" {
			err = fmt.Errorf("channel %s is %q, not active", p.Topology.Channel, status)
		}
		return err
	})
}

// participation is the orderer's channel participation API.
type participation struct {
	url    string
	client *http.Client
}

// status is "active", "onboarding", "failed", …, or "" where the orderer does not know the channel.
func (a *participation) status(ctx context.Context, channel string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/"+channel, nil)
	if err != nil {
		return "", err
	}
	code, body, err := a.do(req)
	if err != nil || code == http.StatusNotFound {
		return "", err
	}
	var info struct {
		Status string `json:"status"`
	}
	if code != http.StatusOK {
		return "", fmt.Errorf("participation API: %d %s", code, bytes.TrimSpace(body))
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("participation API: %w", err)
	}
	return info.Status, nil
}

func (a *participation) join(ctx context.Context, block []byte) error {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("config-block", "config.block")
	if err != nil {
		return err
	}
	if _, err := part.Write(block); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, &form)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	code, body, err := a.do(req)
	if err == nil && code != http.StatusCreated {
		err = fmt.Errorf("joining the channel: %d %s", code, bytes.TrimSpace(body))
	}
	return err
}

func (a *participation) do(req *http.Request) (int, []byte, error) {
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, body, err
}

// JoinPeers joins every peer that has not joined the channel.
func JoinPeers(ctx context.Context, p *plan.Plan) error {
	text, err := os.ReadFile(GenesisFile(p))
	if err != nil {
		return err
	}
	block := &common.Block{}
	if err := proto.Unmarshal(text, block); err != nil {
		return fmt.Errorf("%s: %w", GenesisFile(p), err)
	}
	all, closeAll, err := members(p)
	if err != nil {
		return err
	}
	defer closeAll()
	var g errgroup.Group
	for _, m := range all {
		g.Go(func() error {
			joined, err := channel.ListChannelOnPeer(ctx, m.conn, m.id)
			if err != nil {
				return at(m.peer, err)
			}
			for _, c := range joined {
				if c.GetChannelId() == p.Topology.Channel {
					return nil
				}
			}
			return at(m.peer, channel.JoinChannel(ctx, m.conn, m.id, block))
		})
	}
	return g.Wait()
}

// WaitMembership returns when discovery at every peer lists the peers of all organisations.
func WaitMembership(ctx context.Context, p *plan.Plan) error {
	all, closeAll, err := members(p)
	if err != nil {
		return err
	}
	defer closeAll()
	var g errgroup.Group
	for _, m := range all {
		g.Go(func() error {
			return at(m.peer, wait(ctx, func() error { return seesAll(ctx, p, m) }))
		})
	}
	return g.Wait()
}

func seesAll(ctx context.Context, p *plan.Plan, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	members, err := discovery.NewPeer(m.conn, m.id).PeerMembershipQuery(ctx, p.Topology.Channel, nil)
	if err != nil {
		return fmt.Errorf("discovery: %w", err)
	}
	var missing []string
	for _, o := range p.Topology.Organizations {
		if len(members.GetPeersByOrg()[o.MSPID].GetPeers()) == 0 {
			missing = append(missing, o.Name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("discovery does not list the peers of %s yet", strings.Join(missing, ", "))
	}
	return nil
}

// wait repeats a check until it passes. When the context ends it returns the last failure.
func wait(ctx context.Context, check func() error) error {
	var last error
	for {
		err := check()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if last == nil {
				last = ctx.Err()
			}
			return fmt.Errorf("gave up waiting: %w", last)
		case <-time.After(poll):
		}
	}
}
