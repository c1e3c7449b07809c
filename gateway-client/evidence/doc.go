// Package evidence is the client's half of device evidence: it collects readings, closes them into segments and batches that
// one transaction anchors, keeps what the ledger does not (the readings), and proves any of them against the ledger later.
// It also simulates devices, honest and tampered with, for tests and for people to play with.
package evidence
