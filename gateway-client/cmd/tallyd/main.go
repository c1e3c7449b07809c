// Command tallyd is the service that an organisation runs beside its peer. A bank's decides applications by its policy.
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
	path := flag.String("config", "", "YAML file; variables TALLYD_PROFILE, TALLYD_LISTEN, TALLYD_UNDERWRITER_USER override it")
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
	var loops []service.Loop
	if config.Underwriter.User != "" {
		loops = append(loops, service.WithSession("underwriter", config.Profile, config.Underwriter.User, service.Underwrite))
	}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return err
	}
	log.Info("serving", "address", listener.Addr().String(), "loops", len(loops))
	return service.New(log, loops...).Run(ctx, listener)
}
