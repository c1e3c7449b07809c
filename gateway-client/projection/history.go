package projection

import (
	"context"
	"time"

	"github.com/tallystick/tallystick/chaincode/member"
)

// Version is one state that a record has had: which transaction of which organisation made it.
type Version struct {
	Block    uint64    `json:"block"`
	Tx       string    `json:"transaction"`
	At       time.Time `json:"at"`
	Creator  string    `json:"creator"` // MSP id
	Function string    `json:"function"`
	Status   string    `json:"status,omitempty"`
}

// maxVersions is the most versions that one read returns.
const maxVersions = 1000

// History lists the versions of a record, oldest first, or RECORD_NOT_FOUND. The history of a claim that passes from hand to hand is for
// banks and the regulator, that of goods not for suppliers: it would tell a holder about the tiers between.
func (s *Store) History(ctx context.Context, v Viewer, typ string, id ...string) ([]Version, error) {
	key := joinID(id)
	if typ == "fragment" && len(id) == 1 {
		var err error
		if key, err = fragmentKey(id[0]); err != nil {
			return nil, notFound(typ, id[0])
		}
	}
	if _, err := s.Located(ctx, v, typ, key); err != nil {
		return nil, err
	}
	if typ == "fragment" && v.Kind != member.Bank && v.Kind != member.Regulator || typ == "receipt" && hostOnly(v) {
		return nil, notFound(typ, key)
	}
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT block, tx, at, creator, function, status FROM history WHERE type = $1 AND id = $2 ORDER BY sequence LIMIT $3`,
		typ, key, maxVersions)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (x Version, err error) {
		var block int64
		var at string
		if err := scan(&block, &x.Tx, &at, &x.Creator, &x.Function, &x.Status); err != nil {
			return x, err
		}
		x.Block = uint64(block)
		x.At, err = time.Parse(instantForm, at)
		return x, err
	})
}
