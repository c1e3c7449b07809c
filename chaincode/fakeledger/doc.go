// Package fakeledger is a Fabric channel in memory, for tests: organisations with a CA, users and a peer each, an
// ordering service that a test cuts into blocks itself, and one chaincode.
//
// The chaincode runs on the real shim (package fabric-chaincode-go), which speaks the peer's message protocol with
// this package over a stream in memory. What a chaincode sees is therefore the real ChaincodeStub, with its own
// checks of keys, its write batches and its iterators; only the peer behind it is ours, held to Fabric v3.1.1:
//
//   - reads see the committed state of the endorser's height and never the transaction's own writes;
//   - read, write, metadata and range sets are those of core/ledger/kvledger/txmgmt, versions are (block, transaction);
//   - endorsers of several organisations each simulate on an instance of the chaincode of their own, and their
//     results must agree byte for byte (internal/pkg/gateway), as must a second run where only one endorses;
//   - endorsement policies, chaincode-wide and of keys, are evaluated as core/common/validation/statebased does;
//   - blocks, envelopes and signatures are real protocol buffers with real ECDSA signatures.
//
// What it leaves out: private data collections, rich queries and calls between chaincodes (each fails with a clear
// error), Init, system chaincodes, channel configuration, several channels, CouchDB. Range queries record raw reads
// where a real peer records Merkle hashes from 51 results on; they conflict alike.
package fakeledger
