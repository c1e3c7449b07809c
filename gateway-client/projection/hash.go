package projection

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// table is a table of the read model with its key.
type table struct {
	name string
	key  string
}

// tables lists every table of the read model.
func tables() []table {
	return []table{{"checkpoint", "one"}, {"record", "type, id"}, {"record_party", "type, id, party"}, {"link", "type, id, role, to_type, to_id"},
		{"history", "type, id, sequence"}, {"event", "sequence"}, {"event_party", "party, sequence"}, {"term", "party, term, type, id"},
		{"total", "name, scope, subject, currency, day"}, {"acquaintance", "party, knows"}, {"party", "id"}, {"receivable", "id"},
		{"payment", "id"}, {"fragment", "id"}, {"application", "id"}, {"loan", "id"}, {"receipt", "id"}, {"margin", "id"}, {"score", "id"}, {"lane", "id"}}
}

// ContentHash is the SHA-256 over every row of every table in the order of their keys, in hex: equal for equal blocks and keys,
// whichever database holds them and however often the projector was interrupted.
func (s *Store) ContentHash(ctx context.Context) (string, error) {
	h := sha256.New()
	var length [8]byte
	err := s.Snapshot(ctx, func(ctx context.Context) error {
		for _, t := range tables() {
			rows, err := s.reader(ctx).QueryContext(ctx, "SELECT * FROM "+t.name+" ORDER BY "+t.key)
			if err != nil {
				return err
			}
			defer rows.Close()
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%s(%s)\n", t.name, strings.Join(columns, ","))
			values := make([]any, len(columns))
			texts := make([][]byte, len(columns))
			for i := range values {
				values[i] = &texts[i]
			}
			for rows.Next() {
				if err := rows.Scan(values...); err != nil {
					return err
				}
				for _, text := range texts {
					binary.BigEndian.PutUint64(length[:], uint64(len(text)))
					h.Write(length[:])
					h.Write(text)
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
