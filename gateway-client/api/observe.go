package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// Metrics are what /metrics shows.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	ended    *prometheus.HistogramVec
}

// NewMetrics returns metrics with a registry of their own.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tallystick_http_requests_total", Help: "Requests by route, method and status."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tallystick_http_request_duration_seconds", Help: "Time to answer, by route and method.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route", "method"}),
		ended: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tallystick_operation_duration_seconds", Help: "Time from the acceptance of an operation to its end, by its last state: for done, to the commit.",
			Buckets: []float64{.1, .25, .5, 1, 2, 4, 8, 16, 32, 64, 300, 900}}, []string{"action", "state"}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.ended, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Registry is where other parts of the service register metrics of theirs.
func (m *Metrics) Registry() prometheus.Registerer { return m.registry }

// Handler serves the metrics in Prometheus's format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: readTime, MaxRequestsInFlight: 4})
}

// Ended observes an operation that has ended; it is outbox.Config.Ended.
func (m *Metrics) Ended(op outbox.Operation, took time.Duration) {
	m.ended.WithLabelValues(op.Action, string(op.State)).Observe(took.Seconds())
}

// watch adds the depth of the outbox and the lag of the read model. Asking for them has a bound of its own.
func (m *Metrics) watch(store *projection.Store, queue *outbox.Outbox) {
	status := func(of func(projection.Status) float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			s, err := store.Status(ctx)
			if err != nil {
				return -1
			}
			return of(s)
		}
	}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tallystick_outbox_depth", Help: "Operations that have not ended; -1 where the database does not answer."}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			n, err := queue.Depth(ctx)
			if err != nil {
				return -1
			}
			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tallystick_projection_lag_blocks", Help: "Blocks that the read model is behind the ledger."}, status(func(s projection.Status) float64 { return float64(s.Behind) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tallystick_projection_block", Help: "The last block in the read model."}, status(func(s projection.Status) float64 { return float64(s.Block) })),
	)
}

// observe counts and traces every request.
func (a *API) observe(next http.Handler) http.Handler {
	tracer := otel.Tracer("tallystick/api")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		started := time.Now()
		defer func() {
			route := "other"
			if rc := chi.RouteContext(ctx); rc != nil && rc.RoutePattern() != "" {
				route = rc.RoutePattern()
			}
			status := seen.Status()
			if status == 0 {
				status = http.StatusOK
			}
			a.c.Metrics.requests.WithLabelValues(route, method(r.Method), strconv.Itoa(status)).Inc()
			if r.URL.Path != eventsPath {
				a.c.Metrics.duration.WithLabelValues(route, method(r.Method)).Observe(time.Since(started).Seconds())
			}
			span.SetName(r.Method + " " + route)
			span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, http.StatusText(status))
			}
		}()
		next.ServeHTTP(seen, r.WithContext(ctx))
	})
}

// method bounds the values of a label.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	}
	return "other"
}

// traceID is the W3C trace id of the request, or "".
func traceID(ctx context.Context) string {
	if s := trace.SpanContextFromContext(ctx); s.HasTraceID() {
		return s.TraceID().String()
	}
	return ""
}

// Tracing makes trace ids for every request and, where an OTLP endpoint (http://host:port or https://…) is given, exports the
// spans of requests, submits and commits there. The returned function sends what is left.
func Tracing(ctx context.Context, service, endpoint string) (func(context.Context) error, error) {
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)))
	if err != nil {
		return nil, err
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(about)}
	if endpoint != "" {
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
		if err != nil {
			return nil, errors.New("the OTLP endpoint cannot be used")
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	provider := sdktrace.NewTracerProvider(options...)
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}
