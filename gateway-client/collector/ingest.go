package collector

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Content types of what Ingest takes.
const (
	TypeEPCIS    = "application/ld+json" // application/json is taken for it, too
	TypeReadings = "application/x-ndjson"
	TypeSegment  = "application/vnd.tallystick.segment+json"
)

// retryAfter is what a device is told that finds the spool full.
const retryAfter = "60"

var suffixes = map[string]string{TypeEPCIS: suffixEPCIS, "application/json": suffixEPCIS, TypeReadings: suffixReadings, TypeSegment: suffixSegment}

// Ingest takes what devices send (POST) into the spool. It answers 202 once the content is on the disk, 200 where it was taken
// before, and a problem (RFC 9457) where it cannot be read or too much waits. Who may send is for the server around it to say.
func (s Spool) Ingest() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			problem(w, http.StatusMethodNotAllowed, fault.New(fault.InputInvalid, "evidence is sent by POST"))
			return
		}
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		suffix, known := suffixes[kind]
		if err != nil || !known {
			problem(w, http.StatusUnsupportedMediaType, fault.New(fault.DocumentUnsupported, "the content type must be %s, %s or %s", TypeEPCIS, TypeReadings, TypeSegment))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxFileBytes))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			problem(w, http.StatusRequestEntityTooLarge, fault.New(fault.InputTooLarge, "evidence has at most %d bytes", MaxFileBytes))
			return
		case err != nil:
			return // the sender has gone, and will send again
		}
		if _, err := read(suffix, body); err != nil {
			problem(w, http.StatusUnprocessableEntity, err)
			return
		}
		id, before, err := s.Put(body, suffix, time.Now())
		switch {
		case fault.CodeOf(err) == fault.ServiceBusy:
			w.Header().Set("Retry-After", retryAfter)
			problem(w, http.StatusServiceUnavailable, err)
		case err != nil:
			problem(w, http.StatusInternalServerError, fault.New(fault.InternalError, "the spool cannot be written"))
		case before:
			answer(w, http.StatusOK, "application/json", map[string]string{"id": id, "status": "known"})
		default:
			answer(w, http.StatusAccepted, "application/json", map[string]string{"id": id, "status": "accepted"})
		}
	})
}

func problem(w http.ResponseWriter, status int, err error) {
	answer(w, status, "application/problem+json", map[string]any{"status": status, "title": http.StatusText(status), "code": fault.CodeOf(err), "detail": err.Error()})
}

func answer(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader has gone: nobody to tell
}
