package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of a look at a service.
const (
	serviceTimeout  = 5 * time.Second
	maxServiceBytes = 1 << 20
)

// serviceFile is what a network writes beside an organisation's profile about its service.
const serviceFile = "service.json"

// serviceStatus is what a service says of itself at /readyz.
type serviceStatus struct {
	URL            string             `json:"url"`
	OK             bool               `json:"ok"`
	ReadModel      *readModel         `json:"read_model,omitempty"`
	ReadModelError string             `json:"read_model_error,omitempty"`
	Queue          *int               `json:"queue,omitempty"`
	Loops          map[string]aLoopIs `json:"loops"`
}

type readModel struct {
	Block  uint64    `json:"block"`
	At     time.Time `json:"at,omitzero"`
	Empty  bool      `json:"empty,omitempty"`
	Head   uint64    `json:"head"`
	Behind uint64    `json:"behind"`
}

type aLoopIs struct {
	Running  bool      `json:"running"`
	Waiting  bool      `json:"waiting,omitempty"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	Error    string    `json:"error,omitempty"`
}

func (l aLoopIs) state() string {
	switch {
	case l.Running:
		return "running"
	case l.Waiting:
		return "waiting"
	}
	return "failing"
}

func serviceCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "service", Short: "The organisation's service, tallyd"}
	cmd.AddCommand(serviceStatusCommand(app), serviceCallCommand(app))
	return cmd
}

func serviceStatusCommand(app *App) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask the organisation's service how it is",
		Long: `Asks the service whether it is ready: its loops, how far the read model is behind the ledger, and how many operations wait.
The exit status is 1 where it is not ready or does not answer.`,
		Example: `  tally --org bankA service status
  tally service status --url https://tally.bank-a.example`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if at == "" {
				var err error
				if at, err = app.serviceURL(); err != nil {
					return err
				}
			}
			status, err := askService(cmd.Context(), at)
			if err != nil {
				return err
			}
			if err := app.showService(status); err != nil {
				return err
			}
			if !status.OK {
				return silentError{errors.New("the service is not ready")}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "url", "", "address of the service (default: what tallynet serve has recorded)")
	return cmd
}

// serviceURL is the address that stands beside the organisation's profile.
func (a *App) serviceURL() (string, error) {
	path, err := a.who.profilePath()
	if err != nil {
		return "", err
	}
	path = filepath.Join(filepath.Dir(path), serviceFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usageError{fmt.Errorf("there is no %s: start the service with tallynet serve, or say where it is: --url URL", path)}
	}
	if err != nil {
		return "", err
	}
	var known struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(text, &known); err != nil || known.URL == "" {
		return "", fmt.Errorf("%s does not hold the URL of a service", path)
	}
	return known.URL, nil
}

// askService asks a service whether it is ready. NETWORK_UNAVAILABLE where it does not answer.
func askService(ctx context.Context, at string) (serviceStatus, error) {
	status := serviceStatus{URL: at}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return status, usageError{fmt.Errorf("%q is not the URL of a service, such as http://127.0.0.1:8083", at)}
	}
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("readyz").String(), nil)
	if err != nil {
		return status, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return status, fault.New(fault.NetworkUnavailable, "the service does not answer: %v", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxServiceBytes))
	if err != nil {
		return status, fault.New(fault.NetworkUnavailable, "the service does not answer: %v", err)
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
		return status, fault.New(fault.NetworkUnavailable, "%s answers %s: is it a Tallystick service?", at, answer.Status)
	}
	if err := json.Unmarshal(text, &status); err != nil || status.Loops == nil {
		return status, fault.New(fault.NetworkUnavailable, "%s does not answer as a Tallystick service does", at)
	}
	status.URL, status.OK = at, status.OK && answer.StatusCode == http.StatusOK
	return status, nil
}

func (a *App) showService(s serviceStatus) error {
	if a.JSON() {
		return a.PrintJSON(s)
	}
	err := a.table(func(row func(...string)) {
		row("service", s.URL)
		row("ready", map[bool]string{true: "yes", false: "no"}[s.OK])
		if m := s.ReadModel; m != nil && !m.Empty {
			row("read model", fmt.Sprintf("block %d of %d, %d behind", m.Block, m.Head, m.Behind))
		}
		if s.ReadModelError != "" {
			row("read model", s.ReadModelError)
		}
		if s.Queue != nil {
			row("operations waiting", fmt.Sprint(*s.Queue))
		}
	})
	if err != nil || len(s.Loops) == 0 {
		return err
	}
	return a.table(func(row func(...string)) {
		row("LOOP", "STATE", "SINCE", "RESTARTS", "FAILED WITH")
		for _, name := range slices.Sorted(maps.Keys(s.Loops)) {
			l := s.Loops[name]
			row(name, l.state(), l.Since.UTC().Format(time.RFC3339), fmt.Sprint(l.Restarts), strings.TrimSpace(l.Error))
		}
	})
}
