package consortium

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tallystick/tallystick/network/lifecycle"
	"github.com/tallystick/tallystick/network/native"
	"github.com/tallystick/tallystick/network/plan"
)

// chaincodePreparer is a backend that makes something of a new chaincode program before it can start.
type chaincodePreparer interface {
	PrepareChaincode(ctx context.Context, version string) error
}

// Deploy brings a chaincode program into service on the network, or does nothing if it is in service. An empty path
// means bin/chaincode of the repository, built if it is missing.
func (n *Network) Deploy(ctx context.Context, program string) error {
	program, err := repositoryProgram(ctx, program, "chaincode", "./chaincode")
	if err != nil {
		return err
	}
	return n.explain(ctx, n.deploy(ctx, program))
}

func (n *Network) deploy(ctx context.Context, program string) error {
	if !n.Joined {
		return errors.New("the network has not been up; start it with: tallynet up --name " + n.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*networkPatience)
	defer cancel()
	version, err := lifecycle.ProgramVersion(program)
	if err != nil {
		return err
	}
	def, err := lifecycle.NewDefinition(n.Plan, version)
	if err != nil {
		return err
	}
	committed, err := lifecycle.QueryCommitted(ctx, n.Plan)
	if err != nil {
		return fmt.Errorf("asking for the committed chaincode (is the network up?): %w", err)
	}
	sequence, same, err := lifecycle.Sequence(committed, def)
	if err != nil {
		return err
	}
	if same && n.Deployed != nil && n.Deployed.Sequence == sequence {
		return n.report.Do(fmt.Sprintf("chaincode %s %s (sequence %d) is in service", def.Name, version, sequence), func() error {
			if err := n.serve(ctx, n.ChaincodeNodes(n.Deployed)); err != nil {
				return err
			}
			return lifecycle.WaitEndorsed(ctx, n.Plan)
		})
	}
	d := &plan.Deployment{Version: version, Sequence: sequence}
	packages, err := lifecycle.MakePackages(n.Plan, d)
	if err != nil {
		return fmt.Errorf("packages: %w", err)
	}
	if err := keepProgram(n.Plan, program, version); err != nil {
		return err
	}
	if p, ok := n.nodes().(chaincodePreparer); ok {
		if err := n.report.Do("prepare the chaincode's image", func() error { return p.PrepareChaincode(ctx, version) }); err != nil {
			return err
		}
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{fmt.Sprintf("start %d chaincode servers", len(packages)), func() error { return n.serve(ctx, n.ChaincodeNodes(d)) }},
		{"install on every peer", func() error { return lifecycle.Install(ctx, n.Plan, d, packages) }},
		{fmt.Sprintf("approve %s %s, sequence %d", def.Name, version, sequence), func() error {
			return lifecycle.Approve(ctx, n.Plan, def, d, same)
		}},
		{"commit", func() error {
			if same {
				return nil
			}
			if err := lifecycle.WaitReady(ctx, n.Plan, def, d); err != nil {
				return err
			}
			return lifecycle.Commit(ctx, n.Plan, def, d)
		}},
	}
	for _, s := range steps {
		if err := n.report.Do(s.name, s.do); err != nil {
			return err
		}
	}
	old := n.Deployed
	n.Deployed = d
	if err := n.Save(); err != nil {
		return err
	}
	if err := n.report.Do("any two organisations endorse", func() error { return lifecycle.WaitEndorsed(ctx, n.Plan) }); err != nil {
		return err
	}
	if old != nil && old.Sequence != sequence {
		return n.backend.Stop(ctx, n.ChaincodeNodes(old))
	}
	return nil
}

// keepProgram copies the program into the network's state, so that a later build does not change what runs.
func keepProgram(p *plan.Plan, program, version string) error {
	to := native.ChaincodeProgram(p, version)
	if have, err := lifecycle.ProgramVersion(to); err == nil && have == version {
		return nil
	}
	return copyProgram(program, to)
}

func copyProgram(program, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
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
	return os.Rename(to+".tmp", to)
}
