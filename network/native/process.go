// Package native runs nodes as processes of this machine that outlive the command that started them.
package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tallystick/tallystick/network/plan"
)

const (
	pidFile     = "pid.json"
	maxLogBytes = 32 << 20
)

// process names a process for as long as the machine runs: a pid alone may be reused, a pid with its start time not.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // opaque; equal for the same process only
	Program string `json:"program"`
}

// startMark returns a text that tells a process from any later one with the same pid, and "" for one that is gone or
// only waits to be reaped.
func startMark(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		return markFromStat(stat)
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		return ""
	}
	// Systems without /proc, such as macOS.
	out, err := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid)).Output()
	text := strings.TrimSpace(string(out))
	if err != nil || strings.HasPrefix(text, "Z") {
		return ""
	}
	_, started, _ := strings.Cut(text, " ")
	return strings.TrimSpace(started)
}

// markFromStat reads state and start time from /proc/PID/stat (proc(5): fields 3 and 22). The second field is the
// program's name in parentheses, and may hold spaces and parentheses itself.
func markFromStat(stat []byte) string {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return ""
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

// alive says whether exactly this process still runs.
func (p process) alive() bool {
	return p.PID > 1 && p.Started != "" && startMark(p.PID) == p.Started
}

// signal sends a signal to the process and the group that it leads, if it is still the same.
func (p process) signal(sig syscall.Signal) error {
	if !p.alive() {
		return nil
	}
	err := syscall.Kill(-p.PID, sig)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func readProcess(n *plan.Node) (process, error) { return readProcessFile(n.File(pidFile)) }

func readProcessFile(path string) (process, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return process{}, nil
	}
	if err != nil {
		return process{}, err
	}
	var p process
	if err := json.Unmarshal(text, &p); err != nil {
		return process{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// launch starts the node in a session of its own, so that it survives its starter and its terminal.
func launch(n *plan.Node) error {
	if err := rotate(n.LogFile()); err != nil {
		return err
	}
	log, err := os.OpenFile(n.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(n.Program, n.Args...)
	cmd.Dir = n.Dir
	cmd.Stdout, cmd.Stderr = log, log
	// A clean environment: Fabric's programs would take any CORE_ or ORDERER_ variable for configuration.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.Dir, "TMPDIR=" + os.TempDir(), "TZ=UTC"}
	cmd.Env = append(cmd.Env, n.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // reaps the process if it ends before its starter does
	p := process{PID: cmd.Process.Pid, Started: startMark(cmd.Process.Pid), Program: n.Program}
	text, err := json.Marshal(p)
	if err == nil {
		err = plan.WriteFile(n.File(pidFile), append(text, '\n'), 0o600)
	}
	if err != nil {
		cmd.Process.Kill()
	}
	return err
}

// rotate keeps one old log and starts a new one when the log has grown large.
func rotate(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size() < maxLogBytes {
		return err
	}
	return os.Rename(path, path+".1")
}

// end asks the process to stop, and kills it when it has not done so in time.
func (p process) end(patience time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if p.gone(patience) {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if !p.gone(5 * time.Second) {
		return fmt.Errorf("process %d does not end", p.PID)
	}
	return nil
}

func (p process) gone(within time.Duration) bool {
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if !p.alive() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// Self identifies the calling process, for Alive.
func Self() ([]byte, error) {
	return json.Marshal(process{PID: os.Getpid(), Started: startMark(os.Getpid()), Program: os.Args[0]})
}

// Alive says whether the process that Self identified still runs.
func Alive(self []byte) bool {
	var p process
	return json.Unmarshal(self, &p) == nil && p.alive()
}
