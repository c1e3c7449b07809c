// Package static is the portal's style sheet, script and mark, served under names that change with their content.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed portal.css portal.js mark.svg
var files embed.FS

// Prefix is the path below which the files are served.
const Prefix = "/static/"

// hashDigits is how much of the content's hash stands in a name.
const hashDigits = 16

type file struct {
	body []byte
	name string // as it was embedded
}

// byURL holds every file under the name that it is served by.
var byURL = sync.OnceValue(func() map[string]file {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are embedded above
	}
	all := map[string]file{}
	for _, e := range entries {
		body, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(e.Name())
		hashed := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:])[:hashDigits] + ext
		all[Prefix+hashed] = file{body: body, name: e.Name()}
	}
	return all
})

var urls = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for url, f := range byURL() {
		all[f.name] = url
	}
	return all
})

// URL is the path of an embedded file, with the hash of its content in it; "" for one that there is not.
func URL(name string) string { return urls()[name] }

// Handler serves the files. What is served under a name never changes, so it may be kept for a year.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := byURL()[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
	})
}
