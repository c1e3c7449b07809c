package ledger

import "github.com/tallystick/tallystick/chaincode/record"

// Key is the state key of the record with the id, for Warm.
func (r Repository[T]) Key(id ...string) (string, error) { return record.Key(r.typ, id...) }

// Warm reads the keys in one round trip, so that reading the records one by one costs none. A bulk warms what it is about
// to look at; what is not there is remembered, too.
func (tx *Tx) Warm(keys ...string) error {
	if len(keys) < 2 {
		return nil
	}
	_, err := tx.store.GetMany(keys)
	return err
}
