package fabric

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	gatewaypb "github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/block"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// inDoubtTries is how often one signed envelope is sent before its fate is left to the outbox.
const (
	inDoubtTries = 3
	inDoubtPause = 500 * time.Millisecond
)

// Evaluate implements consortium.Network.
func (g *Gateway) Evaluate(ctx context.Context, p consortium.Proposal) ([]byte, error) {
	result, err := g.contract().EvaluateWithContext(ctx, p.Function,
		client.WithArguments(p.Args...), client.WithTransient(p.Transient), client.WithEndorsingOrganizations(g.user.MSP))
	if err != nil {
		return nil, g.translate(err)
	}
	return result, nil
}

// Submit implements consortium.Network. The signed envelope is stored before it is sent; where the answer to it is lost,
// the same envelope is sent again, which the ledger accepts once.
func (g *Gateway) Submit(ctx context.Context, p consortium.Proposal) (consortium.Committed, error) {
	done := consortium.Committed{}
	proposal, err := g.contract().NewProposal(p.Function,
		client.WithArguments(p.Args...), client.WithTransient(p.Transient), client.WithEndorsingOrganizations(p.Endorsers...))
	if err != nil {
		return done, err
	}
	var transaction *client.Transaction
	if err := traced(ctx, "endorse", proposal.TransactionID(), func(ctx context.Context) (err error) {
		transaction, err = g.endorse(ctx, proposal)
		return err
	}); err != nil {
		return done, err
	}
	done.Transaction, done.Result = transaction.TransactionID(), transaction.Result()
	envelope, err := transaction.Bytes()
	if err != nil {
		return done, err
	}
	kept := filepath.Join(g.outbox, done.Transaction)
	if err := os.WriteFile(kept, envelope, 0o600); err != nil {
		return done, fmt.Errorf("outbox: %w", err)
	}
	var end *client.Status
	if err := traced(ctx, "commit", done.Transaction, func(ctx context.Context) (err error) {
		end, err = g.order(ctx, transaction)
		return err
	}); err != nil {
		return done, err
	}
	if err := os.Remove(kept); err != nil {
		return done, fmt.Errorf("outbox: %w", err)
	}
	done.Block = end.BlockNumber
	return done, verdict(end)
}

// traced does one stage of a submit in a span of its own, below the one that the context carries.
func traced(ctx context.Context, stage, transaction string, work func(ctx context.Context) error) error {
	ctx, span := otel.Tracer("tallystick/fabric").Start(ctx, stage, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("transaction", transaction)))
	defer span.End()
	err := work(ctx)
	if err != nil {
		span.SetStatus(otelcodes.Error, string(fault.CodeOf(err)))
	}
	return err
}

// A peer may be a block or two behind the others. What an organisation other than the own one refuses is therefore asked
// again after each of these pauses.
var behindPauses = []time.Duration{50 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond, time.Second, 2 * time.Second}

func (g *Gateway) endorse(ctx context.Context, proposal *client.Proposal) (*client.Transaction, error) {
	for try := 0; ; try++ {
		transaction, err := proposal.EndorseWithContext(ctx)
		if err == nil {
			return transaction, nil
		}
		if try == len(behindPauses) || !g.othersOnly(err) {
			return nil, g.translate(err)
		}
		if err := wait(ctx, behindPauses[try]); err != nil {
			return nil, err
		}
	}
}

// othersOnly reports whether other organisations' chaincodes refused, or endorsers disagreed, while the own one did not
// refuse.
func (g *Gateway) othersOnly(err error) bool {
	found := detailsOf(err)
	if strings.Contains(err.Error(), mismatch) {
		return true
	}
	own := slices.ContainsFunc(found, func(d *gatewaypb.ErrorDetail) bool { return d.GetMspId() == g.user.MSP })
	refused := slices.ContainsFunc(found, func(d *gatewaypb.ErrorDetail) bool { return fault.Parse(d.GetMessage()) != nil })
	return refused && !own
}

// mismatch is what the gateway says when endorsers simulated on different states.
const mismatch = "ProposalResponsePayloads do not match"

// detailsOf returns what the single peers said.
func detailsOf(err error) []*gatewaypb.ErrorDetail {
	var found []*gatewaypb.ErrorDetail
	for _, d := range status.Convert(err).Details() {
		if detail, ok := d.(*gatewaypb.ErrorDetail); ok {
			found = append(found, detail)
		}
	}
	return found
}

// order sends a signed envelope until the peer says how it ended.
func (g *Gateway) order(ctx context.Context, transaction *client.Transaction) (*client.Status, error) {
	var last error
	for range inDoubtTries {
		commit, err := transaction.SubmitWithContext(ctx)
		if err != nil {
			last = err
			if !alreadyOrdered(err) {
				if err := wait(ctx, inDoubtPause); err != nil {
					return nil, err
				}
				continue
			}
			if commit, err = g.commitOf(transaction.TransactionID()); err != nil {
				return nil, err
			}
		}
		end, err := commit.StatusWithContext(ctx)
		if err == nil {
			return end, nil
		}
		last = err
	}
	return nil, fault.New(fault.OutcomeUnknown, "transaction %s was sent; run the same command again with the same request id: %v", transaction.TransactionID(), last)
}

// alreadyOrdered reports whether an orderer said that it has the envelope. SmartBFT does when one is sent again (errors
// ErrReqAlreadyExists and ErrReqAlreadyProcessed of its request pool); what is left is to ask how it ended.
func alreadyOrdered(err error) bool {
	return slices.ContainsFunc(detailsOf(err), func(d *gatewaypb.ErrorDetail) bool {
		return strings.Contains(d.GetMessage(), "request already processed") || strings.Contains(d.GetMessage(), "request already exists")
	})
}

// commitOf asks for the fate of a transaction that was sent before.
func (g *Gateway) commitOf(transaction string) (*client.Commit, error) {
	who := g.gateway.Identity()
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: who.MspID(), IdBytes: who.Credentials()})
	if err != nil {
		return nil, err
	}
	request, err := proto.Marshal(&gatewaypb.CommitStatusRequest{TransactionId: transaction, ChannelId: g.profile.Channel, Identity: creator})
	if err != nil {
		return nil, err
	}
	signed, err := proto.Marshal(&gatewaypb.SignedCommitStatusRequest{Request: request})
	if err != nil {
		return nil, err
	}
	return g.gateway.NewCommit(signed)
}

func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func verdict(end *client.Status) error {
	switch end.Code {
	case peer.TxValidationCode_VALID, peer.TxValidationCode_DUPLICATE_TXID:
		return nil
	case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT:
		return fmt.Errorf("%w: %s", consortium.ErrConflict, end.Code)
	case peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE:
		return fault.New(fault.EndorsementFailed, "transaction %s was not endorsed by the organisations that its records need", end.TransactionID)
	}
	return fault.New(fault.InternalError, "transaction %s is invalid: %s", end.TransactionID, end.Code)
}

func (g *Gateway) contract() *client.Contract {
	return g.gateway.GetNetwork(g.profile.Channel).GetContract(g.profile.Chaincode)
}

// translate is the one place where the gateway's errors become ours: a refusal of the chaincode, or a network that did not
// answer. Where several peers refused, the own one's refusal counts: it has what this client did last, others may be behind.
func (g *Gateway) translate(err error) error {
	found := detailsOf(err)
	slices.SortStableFunc(found, func(a, b *gatewaypb.ErrorDetail) int {
		switch own := g.user.MSP; {
		case a.GetMspId() == own && b.GetMspId() != own:
			return -1
		case a.GetMspId() != own && b.GetMspId() == own:
			return 1
		}
		return 0
	})
	var messages []string
	for _, d := range found {
		messages = append(messages, d.GetMspId()+": "+d.GetMessage())
	}
	messages = append(messages, err.Error())
	text := strings.Join(messages, "\n")
	if f := fault.Parse(text); f != nil {
		return f
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.FailedPrecondition, codes.ResourceExhausted, codes.Aborted, codes.Unknown:
		return fmt.Errorf("%w: %s", consortium.ErrUnreachable, text)
	}
	return err
}

// Blocks implements consortium.Network.
func (g *Gateway) Blocks(ctx context.Context, from uint64, each func(consortium.Block) error) error {
	return g.RawBlocks(ctx, from, func(b *common.Block) error {
		decoded, err := block.Decode(b, g.profile.Chaincode)
		if err != nil {
			return err
		}
		return each(decoded)
	})
}

// RawBlocks is Blocks with every byte that the peer delivers.
func (g *Gateway) RawBlocks(ctx context.Context, from uint64, each func(*common.Block) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := g.gateway.GetNetwork(g.profile.Channel).BlockEvents(ctx, client.WithStartBlock(from))
	if err != nil {
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		return g.translate(err)
	}
	for b := range events {
		if err := each(b); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: the stream of blocks ended", consortium.ErrUnreachable)
}

// Height is the number of blocks that the peer has.
func (g *Gateway) Height(ctx context.Context) (uint64, error) {
	raw, err := g.gateway.GetNetwork(g.profile.Channel).GetContract("qscc").EvaluateWithContext(ctx, "GetChainInfo",
		client.WithArguments(g.profile.Channel), client.WithEndorsingOrganizations(g.user.MSP))
	if err != nil {
		return 0, g.translate(err)
	}
	info := &common.BlockchainInfo{}
	if err := proto.Unmarshal(raw, info); err != nil {
		return 0, err
	}
	return info.GetHeight(), nil
}
