// Package webhook tells other systems what has happened: it posts the events that a person may see to a URL that the person
// has registered, signed, at least once, and keeps what it could not deliver until somebody asks to try again.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// Limits.
const (
	MaxPerPerson = 20
	MaxURLBytes  = 500
	MaxAttempts  = 12
	maxDead      = 10_000 // of one webhook; the oldest are forgotten
	postTime     = 10 * time.Second
	firstPause   = time.Second
	longestPause = time.Hour
	pollEvery    = 5 * time.Second
	batch        = 100
	parallel     = 8
)

// Headers of a delivery.
const (
	SignatureHeader = "Tallystick-Signature" // t=UNIX SECONDS,v1=HMAC-SHA256 in hex of "t.body"
	DeliveryHeader  = "Tallystick-Delivery"  // WEBHOOK/SEQUENCE: the same for every attempt
)

// Webhook is one registration.
type Webhook struct {
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Type    string    `json:"type,omitempty"` // "receivable" for all of the receivables' events, or "receivable.confirmed"; all where it is empty
	Created time.Time `json:"created"`

	person, user string
	viewer       projection.Viewer
	after        int64
}

// Delivery is an event that was not delivered.
type Delivery struct {
	Sequence int64           `json:"sequence"`
	Event    json.RawMessage `json:"event"`
	Attempts int             `json:"attempts"`
	Changed  time.Time       `json:"changed"`
	Problem  string          `json:"problem"`
}

// Registration is what somebody asks for.
type Registration struct {
	URL  string
	Type string
}

// Validate reports every failure of the registration.
func (r Registration) Validate() error {
	var bad fault.Fields
	u, err := url.Parse(r.URL)
	if err != nil || len(r.URL) > MaxURLBytes || u.Host == "" || u.User != nil || u.Fragment != "" {
		bad.Add("url", r.URL, "must be an address without a user and a fragment, of at most %d bytes", MaxURLBytes)
		return bad.Err()
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		bad.Add("url", r.URL, "must begin with https://; http:// is for this machine only")
	}
	return bad.Err()
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Config is what webhooks need.
type Config struct {
	DB    *database.DB
	Store *projection.Store
	// Key returns the key from which the secrets of a user's webhooks are derived. They stand in no table.
	Key func(ctx context.Context, user string) ([]byte, error)
	Now func() time.Time
	Log *slog.Logger
	// Pause is the first pause after a failed delivery; each next one is twice as long, up to an hour.
	Pause time.Duration
}

// Webhooks keeps registrations and delivers.
type Webhooks struct {
	c      Config
	client *http.Client
}

//go:embed migrations/*.sql
var migrations embed.FS

// Open returns the webhooks in the database, with their tables brought up to date.
func Open(ctx context.Context, c Config) (*Webhooks, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := c.DB.Migrate(ctx, "webhook", files); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Pause <= 0 {
		c.Pause = firstPause
	}
	dialer := &net.Dialer{Timeout: postTime, Control: reachable}
	return &Webhooks{c: c, client: &http.Client{
		Timeout:   postTime,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: postTime, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 16 << 10},
		// A redirect may lead anywhere, with the signed body.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// reachable refuses addresses that only routers and machines' own metadata services have, whatever name led to them.
func reachable(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	if ip = ip.Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%s is no address to deliver to", ip)
	}
	return nil
}

// Secret is the key with which deliveries of a webhook are signed.
func (w *Webhooks) Secret(ctx context.Context, hook Webhook) (string, error) {
	key, err := w.c.Key(ctx, hook.user)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("webhook/" + hook.ID))
	return "whsec_" + hex.EncodeToString(mac.Sum(nil)), nil
}

// Sign is the signature header of a body at an instant.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func notFound(id string) error { return fault.New(fault.RecordNotFound, "there is no webhook %s", id) }
