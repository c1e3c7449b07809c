package projection

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Hit is a record that a search has found.
type Hit struct {
	Record string `json:"record"` // its type
	Key    string `json:"key"`    // its id in this model
	ID     string `json:"id"`     // the last part of it
	Status string `json:"status,omitempty"`
	// Title is an invoice's number, a party's or a member's name, or the id.
	Title string `json:"title"`
}

// Limits of a search.
const (
	MaxHits     = 50
	minTextLen  = 2
	minIDLength = 8 // shorter beginnings of ids are everybody's
)

// past is after every text that begins like the one before it.
const past = "\U0010FFFF"

// Search finds records that the viewer may see by the beginning of an id (8 characters or more), of a word of an invoice's number, of a
// party's name or number, of a lot. At most limit (1 to MaxHits; 0 stands for MaxHits) of each type.
func (s *Store) Search(ctx context.Context, v Viewer, text string, limit int) ([]Hit, error) {
	if limit <= 0 || limit > MaxHits {
		limit = MaxHits
	}
	text = strings.TrimSpace(text)
	word := fold(text)
	parties, err := s.parties(ctx, v)
	if err != nil || len(word) < minTextLen {
		return []Hit{}, err
	}
	var q sqlText
	arm := func(from string, args ...any) {
		q.addIf(q.text.Len() > 0, " UNION ")
		q.add("SELECT * FROM (SELECT r.type, r.id, r.status, r.body FROM "+from+" AND ", args...)
	}
	for _, typ := range slices.Sorted(maps.Keys(kinds)) {
		access := kinds[typ].access
		if v.scope(access) == nothing || access == lookupOnly {
			continue
		}
		if typ == "fragment" && hostOnly(v) {
			continue // found as holdings
		}
		if len(text) >= minIDLength {
			arm("record r WHERE r.type = ? AND r.id >= ? AND r.id < ?", typ, text, text+past)
			q.visible(v, parties, access)
			q.add(" ORDER BY r.id LIMIT ?) AS arm", limit)
		}
		if !searched[typ] {
			continue
		}
		under := []string{""}
		if v.scope(access) == ownParties {
			under = parties
		}
		for _, party := range under {
			arm("term t CROSS JOIN record r WHERE t.party = ? AND t.term >= ? AND t.term < ? AND t.type = ? AND r.type = t.type AND r.id = t.id",
				party, word, word+past, typ)
			q.visible(v, parties, access)
			q.add(" ORDER BY t.term, t.id LIMIT ?) AS arm", limit)
		}
	}
	if q.text.Len() == 0 {
		return []Hit{}, nil
	}
	q.add(" ORDER BY 1, 2")
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (h Hit, err error) {
		var body []byte
		if err := scan(&h.Record, &h.Key, &h.Status, &body); err != nil {
			return h, err
		}
		h.ID = lastPart(h.Key)
		called, err := decode[struct {
			Name    string `json:"name"`
			Invoice struct {
				Number string `json:"number"`
			} `json:"invoice"`
		}](body)
		h.Title = firstOf(called.Invoice.Number, called.Name, h.ID)
		return h, err
	})
}

// searched are the types that are found by words.
var searched = map[string]bool{"receivable": true, "party": true, "member": true, "receipt": true, "model": true}

func lastPart(key string) string { return key[strings.LastIndex(key, "/")+1:] }

func firstOf(list ...string) string {
	for _, text := range list {
		if text != "" {
			return text
		}
	}
	return ""
}
