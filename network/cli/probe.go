package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/network/probe"
)

// probe is the health check in images that hold nothing but a node's program.
func (a *app) probe() *cobra.Command {
	var caFile, certFile, keyFile, serverName string
	timeoutSeconds := 3
	c := &cobra.Command{
		Use:   "probe URL",
		Short: "Exit 0 if a node answers: https://HOST:PORT/healthz, or tls://HOST:PORT for a handshake only",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			u, err := url.Parse(args[0])
			if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "tls" {
				return usageError{fmt.Errorf("%q is not an https:// or tls:// URL", args[0])}
			}
			config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
			if caFile != "" {
				text, err := os.ReadFile(caFile)
				if err != nil {
					return err
				}
				config.RootCAs = x509.NewCertPool()
				if !config.RootCAs.AppendCertsFromPEM(text) {
					return fmt.Errorf("%s: no certificate", caFile)
				}
			}
			if certFile != "" {
				cert, err := tls.LoadX509KeyPair(certFile, keyFile)
				if err != nil {
					return err
				}
				config.Certificates = []tls.Certificate{cert}
			}
			ctx, cancel := context.WithTimeout(c.Context(), time.Duration(timeoutSeconds)*time.Second)
			defer cancel()
			if u.Scheme == "tls" {
				return probe.Handshake(ctx, u.Host, config)
			}
			return probe.Health(ctx, u.String(), config)
		},
	}
	c.Flags().StringVar(&caFile, "cacert", "", "root certificate that the node's certificate must lead to")
	c.Flags().StringVar(&certFile, "cert", "", "client certificate")
	c.Flags().StringVar(&keyFile, "key", "", "client key")
	c.Flags().StringVar(&serverName, "server-name", "", "name that the node's certificate must have")
	c.Flags().IntVar(&timeoutSeconds, "timeout-seconds", timeoutSeconds, "how long to wait for the answer")
	return c
}
