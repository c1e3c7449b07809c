package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/identity/development"
)

const (
	apiPrefix      = "/api/v1/"
	tokenFileName  = "TALLY_TOKEN_FILE"
	maxCallBytes   = 32 << 20
	maxTokenBytes  = 16 << 10
	maxProblemSize = 1 << 20
)

// serviceCall is one request to a service's API.
type serviceCall struct {
	at, method, path     string
	bodyFile, bodyType   string
	key, tokenFile, last string
}

func serviceCallCommand(app *App) *cobra.Command {
	var c serviceCall
	cmd := &cobra.Command{
		Use:   "call [METHOD] PATH",
		Short: "Ask the organisation's service anything that its API answers",
		Long: `Asks the service's API and prints what it answers: JSON, CSV, or events as they happen. PATH stands below /api/v1; docs/openapi.yaml lists
them all. METHOD is GET, or POST where there is a body.

The access token is in the file that --token-file or ` + tokenFileName + ` names. A service on this machine with the development provider
gives --user one without. A POST gets an idempotency key, which is printed to stderr: after a failure, repeat the call with --key.`,
		Example: `  tally --org regulator --user reg service call /alerts
  tally --org supplier --user amy service call '/receivables.csv?status=confirmed' > confirmed.csv
  tally --org supplier --user amy service call /events
  tally --org buyer --user alice service call POST '/receivables/rcv-720e3231bade0d737c75/propose?wait=true'`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c.path = args[len(args)-1]
			if c.method = http.MethodGet; c.bodyFile != "" {
				c.method = http.MethodPost
			}
			if len(args) == 2 {
				c.method = strings.ToUpper(args[0])
			}
			if c.at == "" {
				if c.at, err = app.serviceURL(); err != nil {
					return err
				}
			}
			return app.callService(cmd.Context(), c)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.at, "url", "", "address of the service (default: what tallynet serve has recorded)")
	flags.StringVar(&c.bodyFile, "body", "", "file with the body, - for standard input")
	flags.StringVar(&c.bodyType, "type", "", "content type of the body (default: application/xml where it begins with <, else application/json)")
	flags.StringVar(&c.key, "key", "", "idempotency key of a POST (default: a random one)")
	flags.StringVar(&c.last, "last-event-id", "", "events after this one")
	flags.StringVar(&c.tokenFile, "token-file", os.Getenv(tokenFileName), "file with the access token ["+tokenFileName+"]")
	return cmd
}

func (a *App) callService(ctx context.Context, c serviceCall) error {
	base, err := url.Parse(c.at)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return usageError{fmt.Errorf("%q is not the URL of a service, such as http://127.0.0.1:8083", c.at)}
	}
	local := base.Hostname() == "localhost"
	if ip, err := netip.ParseAddr(base.Hostname()); err == nil {
		local = ip.IsLoopback()
	}
	if base.Scheme == "http" && !local {
		return usageError{fmt.Errorf("%s: an access token is not sent to another machine without TLS", c.at)}
	}
	target, err := c.target(base)
	if err != nil {
		return err
	}
	request, err := a.callRequest(ctx, c, target)
	if err != nil {
		return err
	}
	token, err := a.accessToken(ctx, c, base, local)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	// A redirect would take the token elsewhere.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return fault.New(fault.NetworkUnavailable, "the service does not answer: %v", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return problemIn(answer)
	}
	if _, err = io.Copy(a.Out, answer.Body); err != nil && ctx.Err() == nil {
		return fault.New(fault.NetworkUnavailable, "the answer broke off: %v", err)
	}
	return nil
}

// target is the address below the API, whichever way it was written.
func (c serviceCall) target(base *url.URL) (*url.URL, error) {
	asked, err := url.Parse(c.path)
	if err != nil || asked.Host != "" || asked.Scheme != "" {
		return nil, usageError{fmt.Errorf("%q is not a path of the API, such as /receivables?status=confirmed", c.path)}
	}
	below := strings.TrimPrefix(path.Clean("/"+asked.Path), strings.TrimSuffix(apiPrefix, "/"))
	target := base.JoinPath(apiPrefix, below)
	target.RawQuery = asked.RawQuery
	return target, nil
}

func (a *App) callRequest(ctx context.Context, c serviceCall, target *url.URL) (*http.Request, error) {
	var body []byte
	if c.bodyFile != "" {
		in := a.In
		if c.bodyFile != "-" {
			file, err := os.Open(c.bodyFile)
			if err != nil {
				return nil, usageError{err}
			}
			defer file.Close()
			in = file
		}
		var err error
		if body, err = io.ReadAll(io.LimitReader(in, maxCallBytes+1)); err != nil {
			return nil, err
		}
		if len(body) > maxCallBytes {
			return nil, fault.New(fault.InputTooLarge, "%s is larger than %d bytes", c.bodyFile, maxCallBytes)
		}
	}
	request, err := http.NewRequestWithContext(ctx, c.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, usageError{err}
	}
	if len(body) > 0 {
		if c.bodyType == "" {
			c.bodyType = "application/json"
			if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("<")) {
				c.bodyType = "application/xml"
			}
		}
		request.Header.Set("Content-Type", c.bodyType)
	}
	if c.last != "" {
		request.Header.Set("Last-Event-ID", c.last)
	}
	if c.method == http.MethodPost {
		if c.key == "" {
			c.key = rand.Text()
			fmt.Fprintln(a.Err, "idempotency key:", c.key)
		}
		request.Header.Set("Idempotency-Key", c.key)
	}
	return request, nil
}

// accessToken reads the token's file, or asks a service on this machine whose provider gives everybody one.
func (a *App) accessToken(ctx context.Context, c serviceCall, base *url.URL, local bool) (string, error) {
	if c.tokenFile != "" {
		text, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return "", usageError{err}
		}
		if len(text) > maxTokenBytes {
			return "", usageError{fmt.Errorf("%s is no access token", c.tokenFile)}
		}
		return strings.TrimSpace(string(text)), nil
	}
	if !local {
		return "", usageError{fmt.Errorf("say where the access token is: --token-file FILE or %s", tokenFileName)}
	}
	if a.who.User == "" {
		return "", usageError{errors.New("say as which user you work: --user NAME, TALLY_USER or a context (tally context set --help)")}
	}
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base.JoinPath(development.Path, "oauth/token").String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(a.who.User), development.Secret)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fault.New(fault.NetworkUnavailable, "the service does not answer: %v", err)
	}
	defer answer.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, maxTokenBytes)).Decode(&token)
	if err != nil || answer.StatusCode != http.StatusOK || token.AccessToken == "" {
		return "", fault.New(fault.LoginRequired, "the service gives %s no token (%s): name one with --token-file FILE", a.who.User, answer.Status)
	}
	return token.AccessToken, nil
}

// problemIn is the failure that an answer tells of (RFC 9457).
func problemIn(answer *http.Response) error {
	var p struct {
		Code   fault.Code `json:"code"`
		Detail string     `json:"detail"`
		Errors []struct {
			Location string `json:"location"`
			Message  string `json:"message"`
			Value    string `json:"value"`
		} `json:"errors"`
	}
	err := json.NewDecoder(io.LimitReader(answer.Body, maxProblemSize)).Decode(&p)
	if _, known := fault.Describe(p.Code); err != nil || !known {
		return fault.New(fault.NetworkUnavailable, "the service answers %s: is it a Tallystick service?", answer.Status)
	}
	f := fault.New(p.Code, "%s", p.Detail)
	if after := answer.Header.Get("Retry-After"); after != "" {
		f.Detail = strings.TrimSpace(f.Detail + " (again after " + after + " s)")
	}
	for _, e := range p.Errors {
		f.Fields = append(f.Fields, fault.Field{Path: e.Location, Value: e.Value, Reason: e.Message})
	}
	return f
}
