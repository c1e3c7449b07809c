package ccaas

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
)

// Package returns an installable chaincode package. The same label and connection give the same bytes, hence the
// same package id.
func Package(label string, c Connection) ([]byte, error) {
	if !labelPattern.MatchString(label) {
		return nil, fmt.Errorf("label %q: letters, digits and _ . + -, starting with a letter or digit", label)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	connection, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	code, err := archive(file{connectionFile, connection})
	if err != nil {
		return nil, err
	}
	metadata, err := json.Marshal(Metadata{Type: Type, Label: label})
	if err != nil {
		return nil, err
	}
	return archive(file{metadataFile, metadata}, file{"code.tar.gz", code})
}

type file struct {
	name string
	text []byte
}

// archive is a gzipped tar without times and owners.
func archive(files ...file) ([]byte, error) {
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for _, f := range files {
		if err := tw.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := tw.Write(f.text); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := gz.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
