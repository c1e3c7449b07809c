package fabric

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	gatewaypb "github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/chaincode/contract"
	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/network/profile"
)

const founders = `[{"msp":"BuyerMSP","kind":"buyer"},{"msp":"BankAMSP","kind":"bank"},{"msp":"RegulatorMSP","kind":"regulator"}]`

var (
	organisations = []string{"BankAMSP", "BuyerMSP", "RegulatorMSP"}
	errLost       = status.Error(codes.Unavailable, "the connection broke")
)

// served is a ledger in memory behind the real protocol of a peer's gateway.
type served struct {
	ledger  *fakeledger.Network
	peer    *fakeledger.Gateway
	gateway *Gateway
	outbox  string
}

// contracts are made once: they keep nothing, and making them compiles their schemas.
var contracts = sync.OnceValues(contract.New)

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{outbox: t.TempDir()}
	cc, err := contracts()
	require.NoError(t, err)
	s.ledger = fakeledger.New(fakeledger.Config{Orgs: organisations, Chaincode: func() shim.Chaincode { return cc }})
	t.Cleanup(s.ledger.Close)
	s.peer = s.ledger.Gateway("BuyerMSP")
	conn, end, err := s.peer.Dial()
	require.NoError(t, err)
	t.Cleanup(end)
	who := s.ledger.Identity("BuyerMSP", "gwen", map[string]string{"roles": "governor"})
	id, err := identity.NewX509Identity("BuyerMSP", who.Certificate)
	require.NoError(t, err)
	sign, err := identity.NewPrivateKeySign(who.Key)
	require.NoError(t, err)
	p := &profile.Profile{Channel: s.ledger.Channel(), Chaincode: s.ledger.ChaincodeName(), Org: "buyer", MSPID: "BuyerMSP"}
	s.gateway, err = over(conn, p, consortium.User{Org: "buyer", MSP: "BuyerMSP", Organisations: organisations}, id, sign, s.outbox)
	require.NoError(t, err)
	return s
}

func (s *served) found(t *testing.T, request string) (consortium.Committed, error) {
	t.Helper()
	// The fake ledger's clock stands still; the client's does not.
	s.ledger.SetNow(s.gateway.Now())
	return s.gateway.Submit(t.Context(), consortium.Proposal{Function: "member:Found", Args: []string{founders},
		Transient: map[string][]byte{record.TransientRequest: []byte(request)}, Endorsers: organisations})
}

func (s *served) kept(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir(s.outbox)
	require.NoError(t, err)
	return len(files)
}

// valid counts the valid transactions on the ledger.
func (s *served) valid(t *testing.T) int {
	t.Helper()
	count, enough := 0, errors.New("enough")
	err := s.gateway.Blocks(t.Context(), 0, func(b consortium.Block) error {
		for _, tx := range b.Transactions {
			if tx.Valid {
				count++
			}
		}
		if b.Number+1 >= s.ledger.Height() {
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough)
	return count
}

// A submit's stages are spans of whoever asked: one trace leads from the request to the commit.
func TestStagesOfASubmitJoinTheTrace(t *testing.T) {
	seen := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(seen))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	s := serve(t)
	ctx, asked := provider.Tracer("test").Start(t.Context(), "asked")
	s.ledger.SetNow(s.gateway.Now())
	done, err := s.gateway.Submit(ctx, consortium.Proposal{Function: "member:Found", Args: []string{founders},
		Transient: map[string][]byte{record.TransientRequest: []byte("request-1")}, Endorsers: organisations})
	require.NoError(t, err)
	asked.End()
	stages := []string{}
	for _, span := range seen.Ended() {
		if span.Name() == "asked" {
			continue
		}
		stages = append(stages, span.Name())
		assert.Equal(t, asked.SpanContext().SpanID(), span.Parent().SpanID(), span.Name())
		assert.Equal(t, asked.SpanContext().TraceID(), span.SpanContext().TraceID(), span.Name())
		assert.Contains(t, span.Attributes(), attribute.String("transaction", done.Transaction), span.Name())
	}
	assert.Equal(t, []string{"endorse", "commit"}, stages)
}

func TestAnAnswerThatIsLostIsAskedForWithTheSameEnvelope(t *testing.T) {
	for name, lose := range map[string]func(*served, func(*common.Envelope) error){
		"before it was ordered": func(s *served, f func(*common.Envelope) error) { s.peer.BeforeSubmit = f },
		"after it was ordered":  func(s *served, f func(*common.Envelope) error) { s.peer.AfterSubmit = f },
	} {
		t.Run(name, func(t *testing.T) {
			s, sent := serve(t), [][]byte(nil)
			lose(s, func(e *common.Envelope) error {
				if sent = append(sent, slices.Clone(e.GetPayload())); len(sent) == 1 {
					assert.Equal(t, 1, s.kept(t), "the envelope is stored before it is sent")
					return errLost
				}
				return nil
			})
			done, err := s.found(t, "request-1")
			require.NoError(t, err)
			assert.NotEmpty(t, done.Transaction)
			require.Len(t, sent, 2)
			assert.Equal(t, sent[0], sent[1])
			assert.Equal(t, 1, s.valid(t), "carried out once")
			assert.Zero(t, s.kept(t))
		})
	}
}

// Orderers that have the envelope refuse it when it comes again; how it ended is then asked for.
func TestWhatIsOrderedAlreadyIsAskedFor(t *testing.T) {
	for _, says := range []string{"request already processed", "request already exists"} {
		s, sent := serve(t), 0
		s.peer.AfterSubmit = func(*common.Envelope) error { return errLost }
		s.peer.BeforeSubmit = func(*common.Envelope) error {
			if sent++; sent == 1 {
				return nil
			}
			refusal, err := status.New(codes.Unavailable, "insufficient number of orderers could successfully process transaction to satisfy quorum requirement").
				WithDetails(&gatewaypb.ErrorDetail{MspId: "BankAMSP", Message: "received unsuccessful response from orderer: status=SERVICE_UNAVAILABLE, info=failed to submit request: " + says})
			require.NoError(t, err)
			return refusal.Err()
		}
		_, err := s.found(t, "request-1")
		require.NoError(t, err)
		assert.Equal(t, 2, sent)
		assert.Equal(t, 1, s.valid(t), "carried out once")
		assert.Zero(t, s.kept(t))
	}
}

func TestAnOutcomeThatStaysUnknownIsSafeToRepeat(t *testing.T) {
	s := serve(t)
	s.peer.AfterSubmit = func(*common.Envelope) error { return errLost }
	_, err := s.found(t, "request-1")
	assert.Equal(t, fault.OutcomeUnknown, fault.CodeOf(err))
	assert.Equal(t, 1, s.kept(t), "its fate is not known, so it stays")
	s.peer.AfterSubmit = nil
	_, err = s.found(t, "request-1")
	require.NoError(t, err, "the same request gets its first result")
	_, err = s.found(t, "request-2")
	assert.Equal(t, fault.RecordExists, fault.CodeOf(err))
}

func TestErrorsHaveTheirMeanings(t *testing.T) {
	s := serve(t)
	s.ledger.SetNow(s.gateway.Now())
	_, err := s.gateway.Evaluate(t.Context(), consortium.Proposal{Function: "member:Consortium"})
	assert.Equal(t, fault.RecordNotFound, fault.CodeOf(err), "a refusal of the chaincode")
	_, err = s.gateway.Evaluate(t.Context(), consortium.Proposal{Function: "member:Nothing"})
	assert.Equal(t, fault.FunctionUnknown, fault.CodeOf(err))
	s.ledger.Stop("BankAMSP")
	_, err = s.found(t, "request-1")
	assert.ErrorIs(t, err, consortium.ErrUnreachable)
	assert.Zero(t, s.kept(t), "nothing was signed, so nothing is kept")
	s.ledger.Start("BankAMSP")
	_, err = s.found(t, "request-1")
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, s.gateway.Blocks(ctx, 0, func(consortium.Block) error { return nil }), context.Canceled)
}

// A peer that is behind refuses for another reason than the own one, which has what this client did last.
func TestTheOwnPeersRefusalCounts(t *testing.T) {
	refusal := func(details ...*gatewaypb.ErrorDetail) error {
		s := status.New(codes.Aborted, "failed to endorse transaction, see attached details for more info")
		for _, d := range details {
			var err error
			s, err = s.WithDetails(d)
			require.NoError(t, err)
		}
		return s.Err()
	}
	behind := &gatewaypb.ErrorDetail{MspId: "BankAMSP", Message: "chaincode response 500, EVIDENCE_SEQUENCE_GAP: the device continues at 1"}
	own := &gatewaypb.ErrorDetail{MspId: "BuyerMSP", Message: "chaincode response 500, EVIDENCE_BACKDATED: the readings are anchored"}
	g := &Gateway{user: consortium.User{MSP: "BuyerMSP"}}
	for _, err := range []error{refusal(behind, own), refusal(own, behind)} {
		assert.Equal(t, fault.EvidenceBackdated, fault.CodeOf(g.translate(err)))
		assert.False(t, g.othersOnly(err))
	}
	assert.True(t, g.othersOnly(refusal(behind)), "others alone are asked again")
	assert.Equal(t, fault.EvidenceSequenceGap, fault.CodeOf(g.translate(refusal(behind))))
}

func TestBlocksTellWhatTransactionsDid(t *testing.T) {
	s := serve(t)
	done, err := s.found(t, "request-1")
	require.NoError(t, err)
	enough := errors.New("enough")
	var tx consortium.Transaction
	err = s.gateway.Blocks(t.Context(), done.Block, func(b consortium.Block) error {
		assert.Equal(t, done.Block, b.Number)
		tx = b.Transactions[0]
		return enough
	})
	require.ErrorIs(t, err, enough)
	assert.Equal(t, done.Transaction, tx.ID)
	assert.True(t, tx.Valid)
	assert.Equal(t, "BuyerMSP", tx.Creator)
	assert.Equal(t, "member:Found", tx.Function)
	assert.Equal(t, "request-1", tx.Event.Request)
	assert.Equal(t, []record.Event{{Type: "consortium.founded", ID: "0"}}, tx.Event.Events)
	assert.True(t, slices.ContainsFunc(tx.Writes, func(w consortium.Write) bool {
		typ, id, err := record.SplitKey(w.Key)
		return err == nil && typ == "member" && id[0] == "RegulatorMSP"
	}))
}
