package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestProbes(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	trusted, stranger := &tls.Config{RootCAs: roots}, &tls.Config{RootCAs: x509.NewCertPool()}
	ctx, address := context.Background(), server.Listener.Addr().String()

	assert.NoError(t, Handshake(ctx, address, trusted))
	assert.NoError(t, Health(ctx, server.URL+"/healthz", trusted))
	assert.Error(t, Handshake(ctx, address, stranger))
	assert.Error(t, Health(ctx, server.URL+"/healthz", stranger))
	status = http.StatusServiceUnavailable
	assert.ErrorContains(t, Health(ctx, server.URL+"/healthz", trusted), "503")
	server.Close()
	assert.Error(t, Handshake(ctx, address, trusted))
}
