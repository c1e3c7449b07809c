package fakeledger

import "testing"

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(Config{Orgs: []string{"A", "B", "C", "D", "E", "F"}, Chaincode: newScript}).Close()
	}
}

func BenchmarkSubmit(b *testing.B) {
	n := New(Config{Orgs: []string{"A", "B", "C"}, Chaincode: newScript})
	defer n.Close()
	user := n.Identity("A", "amy", nil)
	for b.Loop() {
		if _, err := n.Submit(user, Call("run", "batch", "get k", "put k 1", "put j 2", "event e x"), "A", "B"); err != nil {
			b.Fatal(err)
		}
	}
}
