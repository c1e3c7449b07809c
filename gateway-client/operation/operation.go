// Package operation says what a person can ask of the ledger: for each step, the call with the circles that it touches, the ids
// and signatures that it carries, and the documents behind it. The command line, the API and the portal make their calls here,
// so that a step is the same whoever takes it. Nothing in it submits.
package operation

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Kind is what the own organisation is in the consortium.
func Kind(ctx context.Context, s *consortium.Session) (member.Kind, error) {
	var m member.Member
	err := s.Evaluate(ctx, consortium.Call{Function: "member:Get", Args: []string{s.User().MSP}}, &m)
	return m.Kind, err
}

// List asks for a page of records of the circles after a cursor, by a function that answers with the records under the key,
// and the next cursor.
func List[T any](ctx context.Context, s *consortium.Session, function, key string, circles []string, size int, after string) (items []T, next string, err error) {
	var page map[string]json.RawMessage
	call := consortium.Call{Function: function, Args: []string{strconv.Itoa(size), after}, Circles: circles}
	if err := s.Evaluate(ctx, call, &page); err != nil {
		return nil, "", err
	}
	for name, into := range map[string]any{key: &items, "next": &next} {
		if raw, ok := page[name]; ok {
			if err := json.Unmarshal(raw, into); err != nil {
				return nil, "", fault.New(fault.InternalError, "%s answered in an unexpected form: %v", function, err)
			}
		}
	}
	return items, next, nil
}

// OnProgramme is a call that is about a programme or a desk as a whole.
func OnProgramme(function, circle string, input any, args ...string) consortium.Call {
	return consortium.Call{Function: function, Args: append([]string{circle}, args...), Input: input, Circles: []string{circle}}
}

// public is a call whose one document is public and an argument.
func public(function string, document any, args ...string) (consortium.Call, error) {
	if v, ok := document.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return consortium.Call{}, err
		}
	}
	raw, err := json.Marshal(document)
	return consortium.Call{Function: function, Args: append(args, string(raw))}, err
}
