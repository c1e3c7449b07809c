package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Ports come in slots below the range from which systems take ports for outgoing connections. A slot is claimed
// by a file that names the network's state folder, so that networks made at the same moment do not collide.
const (
	firstPort = 20000
	slotPorts = 64
	slots     = 180
)

// CacheRoot is the folder for what can be made again: TALLYSTICK_CACHE, or tallystick in the user's cache folder.
func CacheRoot() (string, error) {
	if dir := os.Getenv("TALLYSTICK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "tallystick"), nil
}

// allocatePorts gives every port of every node a number that is free now and that no other network claims.
func (s *State) allocatePorts(nodes []Node, base int) error {
	need := 0
	for _, n := range nodes {
		need += len(portsOf(n.Kind))
	}
	var free []int
	if base != 0 {
		if base < 1024 || base+need > 65535 {
			return fmt.Errorf("--base-port %d: %d ports must fit between 1024 and 65535", base, need)
		}
		for port := base; port < base+need; port++ {
			if !portFree(port) {
				return fmt.Errorf("--base-port %d: port %d is taken by another program", base, port)
			}
			free = append(free, port)
		}
	} else {
		for _, slot := range rand.Perm(slots) {
			if len(free) >= need {
				break
			}
			ok, err := claimSlot(slot, s.Dir)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			s.PortSlots = append(s.PortSlots, slot)
			for port := firstPort + slot*slotPorts; port < firstPort+(slot+1)*slotPorts; port++ {
				if portFree(port) {
					free = append(free, port)
				}
			}
		}
		if len(free) < need {
			return fmt.Errorf("found %d free ports from %d on and need %d; name a range with --base-port", len(free), firstPort, need)
		}
	}
	s.Ports = map[string]map[Port]int{}
	for _, n := range nodes {
		s.Ports[n.Name] = map[Port]int{}
		for _, p := range portsOf(n.Kind) {
			s.Ports[n.Name][p] = free[0]
			free = free[1:]
		}
	}
	return nil
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func slotFile(slot int) (string, error) {
	root, err := CacheRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "ports", strconv.Itoa(slot)), nil
}

// claimSlot takes a slot for the network in dir. A claim of a network that is gone counts as free.
func claimSlot(slot int, dir string) (bool, error) {
	path, err := slotFile(slot)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	if owner, err := os.ReadFile(path); err == nil {
		_, err := os.Stat(strings.TrimSpace(string(owner)))
		if !errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, dir)
	return err == nil, err
}

// ReleasePorts gives the network's slots back.
func (s *State) ReleasePorts() {
	for _, slot := range s.PortSlots {
		path, err := slotFile(slot)
		if err != nil {
			return
		}
		if owner, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(owner)) == s.Dir {
			os.Remove(path)
		}
	}
}

// TakenPort returns a port of the node on which another program listens, or 0. It is asked before a node starts.
func (n *Node) TakenPort() int {
	var ports []int
	for _, p := range n.Ports {
		ports = append(ports, p)
	}
	slices.Sort(ports)
	for _, p := range ports {
		if !portFree(p) {
			return p
		}
	}
	return 0
}
