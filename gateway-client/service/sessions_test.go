package service

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/outbox"
)

func TestPlacesAtThePeerAreBounded(t *testing.T) {
	p := make(places, 2)
	require.NoError(t, p.take(t.Context()))
	require.NoError(t, p.take(t.Context()))
	started := time.Now()
	assert.Equal(t, fault.ServiceBusy, fault.CodeOf(p.take(t.Context())))
	assert.GreaterOrEqual(t, time.Since(started), placeTime, "a short wait is worth it")
	gone, leave := context.WithCancel(t.Context())
	leave()
	require.ErrorIs(t, p.take(gone), context.Canceled)
	go func() { time.Sleep(10 * time.Millisecond); p.free() }()
	require.NoError(t, p.take(t.Context()))
	// Reads find a place while the outbox sends as much as it may, and the peer's own limit of 500 is not reached.
	assert.Greater(t, maxPeerCalls, outbox.MaxInFlight)
	assert.Less(t, maxPeerCalls, 500)
}
