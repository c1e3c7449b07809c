package ccaas

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var good = Connection{Address: "127.0.0.1:7050", DialTimeout: "10s", TLSRequired: true, ClientAuthRequired: true,
	RootCert: "root", ClientCert: "cert", ClientKey: "key"}

func unpack(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(text))
	require.NoError(t, err)
	out := map[string][]byte{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
		out[h.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}

func write(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
}

// The way of a package: made here, unpacked and handed over by the peer, read back by the peer.
func TestPackageThroughTheBuilder(t *testing.T) {
	pkg, err := Package("tallystick_1", good)
	require.NoError(t, err)
	again, err := Package("tallystick_1", good)
	require.NoError(t, err)
	assert.Equal(t, pkg, again, "the same package has two ids")

	outer := unpack(t, pkg)
	source, metadata, output, release := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	write(t, metadata, map[string][]byte{"metadata.json": outer["metadata.json"]})
	write(t, source, unpack(t, outer["code.tar.gz"]))
	write(t, source, map[string][]byte{"META-INF/statedb/couchdb/indexes/i.json": []byte("{}")})

	require.NoError(t, Run("detect", []string{source, metadata}))
	require.NoError(t, Run("build", []string{source, metadata, output}))
	require.NoError(t, Run("release", []string{output, release}))
	var got Connection
	require.NoError(t, readJSON(filepath.Join(release, "chaincode", "server", "connection.json"), &got))
	assert.Equal(t, good, got)
	assert.FileExists(t, filepath.Join(release, "statedb", "couchdb", "indexes", "i.json"))
}

func TestOtherTypesAreNotOurs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string][]byte{"metadata.json": []byte(`{"type":"golang","label":"x"}`)})
	assert.ErrorIs(t, Detect(dir), ErrNotOurs)
}

func TestRefusals(t *testing.T) {
	assert.ErrorContains(t, Run("run", nil), "called as")
	assert.ErrorContains(t, Run("detect", []string{"x"}), "takes 2 folders")
	for name, c := range map[string]Connection{
		"address":      {Address: "nowhere", DialTimeout: "1s"},
		"dial_timeout": {Address: "a:1", DialTimeout: "2h"},
		"root_cert":    {Address: "a:1", DialTimeout: "1s", TLSRequired: true},
		"client_key":   {Address: "a:1", DialTimeout: "1s", ClientAuthRequired: true},
	} {
		_, err := Package("x", c)
		assert.ErrorContains(t, err, name)
	}
	_, err := Package("../x", good)
	assert.ErrorContains(t, err, "label")
	dir := t.TempDir()
	write(t, dir, map[string][]byte{"connection.json": bytes.Repeat([]byte(" "), maxFileBytes+1)})
	assert.ErrorContains(t, Build(dir, t.TempDir()), "more than")
}
