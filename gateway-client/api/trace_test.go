package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// One trace id leads from the client's own span over the request to the submit, which the outbox makes later and elsewhere, and
// names the transaction and its block. The stages of the submit are tried in gateway-client/fabric.
func TestOneTraceFromTheClientToTheCommit(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	seen := tracetest.NewSpanRecorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(seen)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	w := play(t, "receivables.yaml", "trading")
	amy := w.as("supplier/amy")
	r := amy.do(http.MethodPost, "/api/v1/receivables?wait=true&programme="+w.vars["programme"], w.invoice("acme-INV-1001.xml"),
		"Idempotency-Key", "k", "traceparent", "00-"+trace+"-"+parent+"-01")
	require.Equal(t, http.StatusOK, r.Code, "%s", r.Body)
	assert.Equal(t, trace, r.text("trace"), "who asked can find it again")

	spans := map[string]sdktrace.ReadOnlySpan{}
	for _, span := range seen.Ended() {
		if span.SpanContext().TraceID().String() == trace {
			spans[span.Name()] = span
		}
	}
	request, submit := spans["POST /api/v1/receivables"], spans["submit issue-receivable"]
	require.NotNil(t, request, "%v", spans)
	require.NotNil(t, submit, "%v", spans)
	assert.Equal(t, parent, request.Parent().SpanID().String())
	assert.Equal(t, request.SpanContext().SpanID(), submit.Parent().SpanID())
	assert.Contains(t, submit.Attributes(), attribute.String("transaction", r.text("transaction")))
	block, _ := r.field("block").(float64)
	assert.Contains(t, submit.Attributes(), attribute.Int64("block", int64(block)))
	refused := amy.do(http.MethodGet, "/api/v1/receivables/rcv-none", nil, "traceparent", "00-"+trace+"-"+parent+"-01")
	assert.Equal(t, trace, refused.text("trace"), "a problem names it, too")
}
