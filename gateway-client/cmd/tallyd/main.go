// Command tallyd is the service that an organisation runs beside its peer: read model, API, portal, and the loops that act for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/tallystick/tallystick/gateway-client/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "tallyd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	path := flag.String("config", "", "YAML file (docs/service.md); variables such as TALLYD_LISTEN and TALLYD_UNDERWRITER_USER override it")
	flag.Parse()
	config, err := service.LoadConfig(*path)
	if err != nil {
		return err
	}
	if err := config.Validate(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(log)
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return err
	}
	if config.Identity.URL == "" && config.Identity.Development {
		config.Identity.URL = "http://" + listener.Addr().String()
	}
	s, end, err := service.Tallyd(ctx, config, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	log.Info("serving", "address", listener.Addr().String(), "url", config.Identity.URL)
	return errors.Join(s.Run(ctx, listener), end())
}
