package fakeledger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// Gateway is the gateway and the deliver service of one organisation's peer, for a client that is fabric-gateway
// itself. It answers with the codes, texts and details of internal/pkg/gateway.
type Gateway struct {
	gateway.UnimplementedGatewayServer
	network *Network
	org     *organisation

	// ManualCut leaves it to the test to cut blocks; otherwise every submitted transaction gets a block of its own.
	ManualCut bool
	// BeforeSubmit and AfterSubmit, where set, may fail a submission before or after the ordering service has the
	// envelope: the client cannot tell one from the other.
	BeforeSubmit, AfterSubmit func(*common.Envelope) error
}

// Gateway returns the services of the organisation's peer.
func (n *Network) Gateway(mspID string) *Gateway { return &Gateway{network: n, org: n.org(mspID)} }

// Register adds the services to a gRPC server.
func (g *Gateway) Register(s grpc.ServiceRegistrar) {
	gateway.RegisterGatewayServer(s, g)
	peer.RegisterDeliverServer(s, deliver{gateway: g})
}

// Dial serves the gateway in memory and returns a connection to it; end stops both.
func (g *Gateway) Dial() (connection *grpc.ClientConn, end func(), err error) {
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	g.Register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // ends when stopped
	connection, err = grpc.NewClient("passthrough:"+g.org.mspID, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	end = func() {
		if connection != nil {
			_ = connection.Close()
		}
		server.Stop()
		serving.Wait()
	}
	return connection, end, err
}

func (g *Gateway) up() error {
	g.network.mu.RLock()
	defer g.network.mu.RUnlock()
	if g.org.stopped || g.network.closed {
		return status.Errorf(codes.Unavailable, "connection error: the peer of %s is stopped", g.org.mspID)
	}
	return nil
}

// Endorse implements gateway.GatewayServer. Where the client names no organisations it begins with its own and adds
// others until the policies of everything that was written are satisfied.
func (g *Gateway) Endorse(_ context.Context, r *gateway.EndorseRequest) (*gateway.EndorseResponse, error) {
	if err := g.up(); err != nil {
		return nil, err
	}
	orgs, text := r.GetEndorsingOrganizations(), "failed to collect enough transaction endorsements, see attached details for more info"
	for _, o := range orgs {
		if g.network.orgs[o] == nil {
			return nil, status.Errorf(codes.Unavailable, "failed to find any endorsing peers for org(s): %s", o)
		}
	}
	if len(orgs) == 0 {
		var err error
		if orgs, err = g.plan(r.GetProposedTransaction()); err != nil {
			if e := (*EndorsementError)(nil); errors.As(err, &e) && e.MSPID == g.org.mspID {
				text = "failed to endorse transaction, see attached details for more info"
			}
			return nil, rpcError(codes.Aborted, text, err)
		}
	}
	prepared, err := g.network.prepare(r.GetProposedTransaction(), orgs)
	if errors.Is(err, ErrUnavailable) {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if err != nil {
		return nil, rpcError(codes.Aborted, text, err)
	}
	return &gateway.EndorseResponse{PreparedTransaction: &common.Envelope{Payload: prepared.bytes}}, nil
}

// plan chooses endorsers as the gateway does with the discovery service: for what one simulation writes.
func (g *Gateway) plan(signed *peer.SignedProposal) ([]string, error) {
	n := g.network
	first, err := n.processProposal(g.org, signed, 0)
	if err != nil {
		return nil, err
	}
	suffices := func(orgs []string) bool {
		var signers []*signer
		for _, o := range orgs {
			signers = append(signers, &signer{mspID: o, role: "peer"})
		}
		n.mu.RLock()
		defer n.mu.RUnlock()
		return n.endorsed(first.set, signers, first.height, nil) == nil
	}
	var orgs []string
	for _, o := range slices.Concat([]string{g.org.mspID}, n.cfg.Orgs) {
		n.mu.RLock()
		stopped := n.orgs[o].stopped
		n.mu.RUnlock()
		if !stopped && !slices.Contains(orgs, o) && !suffices(orgs) {
			orgs = append(orgs, o)
		}
	}
	if !suffices(orgs) {
		return nil, errors.New("no combination of peers can be derived which satisfy the endorsement policy")
	}
	for i := len(orgs) - 1; i > 0; i-- { // the first stays: it has endorsed already
		if without := slices.Delete(slices.Clone(orgs), i, i+1); suffices(without) {
			orgs = without
		}
	}
	return orgs, nil
}

// Evaluate implements gateway.GatewayServer.
func (g *Gateway) Evaluate(_ context.Context, r *gateway.EvaluateRequest) (*gateway.EvaluateResponse, error) {
	if err := g.up(); err != nil {
		return nil, err
	}
	org := g.org.mspID
	if targets := r.GetTargetOrganizations(); len(targets) > 0 {
		if org = targets[0]; g.network.orgs[org] == nil {
			return nil, status.Errorf(codes.FailedPrecondition, "no peers available to evaluate chaincode for org(s): %s", org)
		}
	}
	runs, err := g.network.simulate(r.GetProposedTransaction(), []string{org})
	if e := (*EndorsementError)(nil); errors.As(err, &e) && e.Status != 0 {
		return nil, rpcError(codes.Unknown, "evaluate call to endorser returned error: "+e.text(), err)
	}
	if errors.Is(err, ErrUnavailable) {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if err != nil {
		return nil, rpcError(codes.Aborted, "failed to evaluate transaction, see attached details for more info", err)
	}
	return &gateway.EvaluateResponse{Result: runs[0].response}, nil
}

// Submit implements gateway.GatewayServer.
func (g *Gateway) Submit(_ context.Context, r *gateway.SubmitRequest) (*gateway.SubmitResponse, error) {
	if err := g.up(); err != nil {
		return nil, err
	}
	e := r.GetPreparedTransaction()
	if len(e.GetSignature()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "prepared transaction must be signed")
	}
	if g.BeforeSubmit != nil {
		if err := g.BeforeSubmit(e); err != nil {
			return nil, err
		}
	}
	g.network.OrderEnvelope(e)
	if !g.ManualCut {
		g.network.Cut()
	}
	if g.AfterSubmit != nil {
		if err := g.AfterSubmit(e); err != nil {
			return nil, err
		}
	}
	return &gateway.SubmitResponse{}, nil
}

// CommitStatus implements gateway.GatewayServer: it waits until the peer has the transaction's block.
func (g *Gateway) CommitStatus(ctx context.Context, r *gateway.SignedCommitStatusRequest) (*gateway.CommitStatusResponse, error) {
	if err := g.up(); err != nil {
		return nil, err
	}
	request := &gateway.CommitStatusRequest{}
	if err := proto.Unmarshal(r.GetRequest(), request); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "invalid status request: %v", err)
	}
	if err := g.permit(request.GetIdentity(), r.GetRequest(), r.GetSignature()); err != nil {
		return nil, err
	}
	for number := uint64(0); ; number++ {
		if result, ok := g.network.Status(request.GetTransactionId()); ok && result.Block < number {
			return &gateway.CommitStatusResponse{Result: result.Code, BlockNumber: result.Block}, nil
		}
		if g.network.await(ctx, g.org, number) == nil {
			return nil, g.ended(ctx)
		}
	}
}

// ChaincodeEvents implements gateway.GatewayServer: the events of valid transactions.
func (g *Gateway) ChaincodeEvents(r *gateway.SignedChaincodeEventsRequest, out grpc.ServerStreamingServer[gateway.ChaincodeEventsResponse]) error {
	if err := g.up(); err != nil {
		return err
	}
	request := &gateway.ChaincodeEventsRequest{}
	if err := proto.Unmarshal(r.GetRequest(), request); err != nil {
		return status.Errorf(codes.InvalidArgument, "invalid chaincode events request: %v", err)
	}
	if err := g.permit(request.GetIdentity(), r.GetRequest(), r.GetSignature()); err != nil {
		return err
	}
	number := g.start(request.GetStartPosition())
	after := request.GetAfterTransactionId()
	if result, ok := g.network.Status(after); ok {
		number = result.Block
	}
	for ; ; number++ {
		block := g.network.await(out.Context(), g.org, number)
		if block == nil {
			return g.ended(out.Context())
		}
		var events []*peer.ChaincodeEvent
		for i, code := range block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER] {
			e := &common.Envelope{}
			if code != byte(peer.TxValidationCode_VALID) || proto.Unmarshal(block.GetData().GetData()[i], e) != nil {
				continue
			}
			opened, err := g.network.open(e)
			if err != nil || opened.event.GetEventName() == "" {
				continue
			}
			if after != "" {
				if opened.event.GetTxId() == after {
					after = ""
				}
				continue
			}
			if opened.event.GetChaincodeId() == request.GetChaincodeId() {
				events = append(events, opened.event)
			}
		}
		if len(events) > 0 {
			if err := out.Send(&gateway.ChaincodeEventsResponse{Events: events, BlockNumber: number}); err != nil {
				return err
			}
		}
	}
}

// start is the first block of a position; without one, the next that comes.
func (g *Gateway) start(position *orderer.SeekPosition) uint64 {
	g.network.mu.RLock()
	defer g.network.mu.RUnlock()
	height := g.network.heightOf(g.org)
	switch p := position.GetType().(type) {
	case *orderer.SeekPosition_Specified:
		return p.Specified.GetNumber()
	case *orderer.SeekPosition_Oldest:
		return 0
	case *orderer.SeekPosition_Newest:
		return height - 1
	}
	return height
}

func (g *Gateway) permit(identity, message, signature []byte) error {
	s, err := g.network.identify(identity)
	if err == nil {
		err = s.verify(message, signature)
	}
	if err != nil {
		return status.Error(codes.PermissionDenied, err.Error())
	}
	return nil
}

func (g *Gateway) ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Errorf(codes.Unavailable, "the peer of %s is stopped", g.org.mspID)
}

// deliver is the peer's block events service: core/peer DeliverEvents.
type deliver struct {
	peer.UnimplementedDeliverServer
	gateway *Gateway
}

// Deliver implements peer.DeliverServer.
func (d deliver) Deliver(stream grpc.BidiStreamingServer[common.Envelope, peer.DeliverResponse]) error {
	g := d.gateway
	if err := g.up(); err != nil {
		return err
	}
	e, err := stream.Recv()
	if err != nil {
		return err
	}
	payload, header, seek := &common.Payload{}, &common.SignatureHeader{}, &orderer.SeekInfo{}
	for _, part := range []struct {
		bytes func() []byte
		into  proto.Message
	}{{e.GetPayload, payload}, {func() []byte { return payload.GetHeader().GetSignatureHeader() }, header}, {payload.GetData, seek}} {
		if err := proto.Unmarshal(part.bytes(), part.into); err != nil {
			return stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: common.Status_BAD_REQUEST}})
		}
	}
	if g.permit(header.GetCreator(), e.GetPayload(), e.GetSignature()) != nil {
		return stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: common.Status_FORBIDDEN}})
	}
	stop := uint64(1<<64 - 1)
	if s := seek.GetStop().GetSpecified(); s != nil {
		stop = s.GetNumber()
	}
	for number := g.start(seek.GetStart()); ; number++ {
		block := g.network.await(stream.Context(), g.org, number)
		if block == nil {
			return g.ended(stream.Context())
		}
		if err := stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: block}}); err != nil {
			return err
		}
		if number == stop {
			return stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: common.Status_SUCCESS}})
		}
	}
}

// rpcError has the failure as a detail, as the gateway gives those of its endorsers.
func rpcError(code codes.Code, text string, err error) error {
	detail := &gateway.ErrorDetail{Message: err.Error()}
	if e := (*EndorsementError)(nil); errors.As(err, &e) {
		detail.MspId, detail.Address, detail.Message = e.MSPID, "peer0."+e.MSPID, e.text()
	}
	if m := (*MismatchError)(nil); errors.As(err, &m) {
		detail.MspId, detail.Address = m.Second, "peer0."+m.Second
	}
	s := status.New(code, text)
	if with, err := s.WithDetails(protoadapt.MessageV1Of(detail)); err == nil {
		s = with
	}
	return s.Err()
}

func (e *EndorsementError) text() string {
	if e.Status != 0 {
		return fmt.Sprintf("chaincode response %d, %s", e.Status, e.Message)
	}
	return e.Message
}
