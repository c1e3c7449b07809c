package projection

import "context"

// Keys lists the ids of all records of a type.
func (s *Store) Keys(ctx context.Context, typ string) ([]string, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id FROM record WHERE type = $1 ORDER BY id`, typ)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
}

// Types lists the types that the model keeps.
func Types() []string {
	var list []string
	for typ := range kinds {
		list = append(list, typ)
	}
	return list
}

// DB is the database, for tests that look at it directly.
func (s *Store) DB() querier { return s.db.Read }
