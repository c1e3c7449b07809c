// Package keyfile keeps private keys in files that are encrypted with age (age-encryption.org/v1) where an identity is named, and
// that are plain where none is. Whoever reads a key does not see the difference.
package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// maxBytes is the most that a key file holds.
const maxBytes = 64 << 10

// ageBinary is how an age file begins that is not in ASCII armour.
const ageBinary = "age-encryption.org/v1\n"

// Encrypted reports whether the content of a file is encrypted with age.
func Encrypted(content []byte) bool {
	return bytes.HasPrefix(content, []byte(armor.Header)) || bytes.HasPrefix(content, []byte(ageBinary))
}

// Read returns the key in the file, opened with the identity that is named where it is encrypted. It returns KEY_FILE_LOCKED where
// no usable identity is named, and KEY_IDENTITY_WRONG where the file was encrypted to another one.
func Read(path string) ([]byte, error) {
	content, err := content(path)
	if err != nil || !Encrypted(content) {
		return content, err
	}
	i, err := Named()
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, fault.New(fault.KeyFileLocked, "%s is encrypted and no identity is named; set %s to the identity file that it was encrypted to",
			path, IdentityVariable)
	}
	return i.open(path, content)
}

// Write replaces the file by one with the key, readable by its owner only, encrypted where an identity is named. A crash leaves
// the former file or the new one.
func Write(path string, key []byte) error {
	content, err := closed(key)
	if err != nil {
		return err
	}
	return Replace(path, content)
}

// Create is Write for a file that must not exist: of two that start together one wins, and the other gets fs.ErrExist.
func Create(path string, key []byte) error {
	content, err := closed(key)
	if err != nil {
		return err
	}
	return place(path, content, os.Link)
}

// closed is the content of a file with the key, for whoever the environment names.
func closed(key []byte) ([]byte, error) {
	i, err := Named()
	if err != nil || i == nil {
		return key, err
	}
	return i.seal(key)
}

// Replace puts the content in the place of the file, if there is one, as it is: readable by its owner only, on the disk before the
// former content goes.
func Replace(path string, content []byte) error {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		real, err = path, nil
	}
	if err != nil {
		return err
	}
	return place(real, content, os.Rename)
}

// step is called after everything that changes the disk. Tests end the process there.
var step = func() {}

// place writes the content under a name of its own and moves it to its place.
func place(path string, content []byte, move func(from, to string) error) error {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(dir, name+leftover)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	step()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	step()
	if err := move(f.Name(), path); err != nil {
		return err
	}
	step()
	return syncDir(dir)
}

// leftover is what a crash leaves beside a file, as a pattern for os.CreateTemp.
const leftover = ".*.tmp"

// sweep removes what a crash has left beside the file.
func sweep(path string) error {
	before, after, _ := strings.Cut(leftover, "*")
	left, err := beside(path, before)
	for _, l := range left {
		if strings.HasSuffix(l, after) {
			err = errors.Join(err, os.Remove(l))
		}
	}
	return err
}

// beside lists the files whose names go on after the file's with the text.
func beside(path, text string) ([]string, error) {
	dir, name := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	var found []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+text) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, err
}

// syncDir makes a change of names durable, where the system can.
func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	_ = d.Sync() // some file systems refuse; the names are then as durable as they get
	return d.Close()
}

func content(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && len(all) > maxBytes {
		err = fmt.Errorf("%s is no key file: it is larger than %d bytes", path, maxBytes)
	}
	return all, err
}

// seal encrypts to the first of the identities.
func (i *Identity) seal(secret []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := sealTo(&out, i.first(), secret); err != nil {
		return nil, fmt.Errorf("encrypting to %s: %w", i.Path, err)
	}
	return out.Bytes(), nil
}

func sealTo(out io.Writer, to age.Recipient, secret []byte) error {
	text := armor.NewWriter(out)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return err
	}
	if _, err := w.Write(secret); err != nil {
		return err
	}
	return errors.Join(w.Close(), text.Close())
}

// open decrypts the content of the file at the path with one of the identities.
func (i *Identity) open(path string, content []byte) ([]byte, error) {
	secret, err := openWith(content, i.keys...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		hint := ""
		if former, _ := beside(i.Path, retired); len(former) > 0 {
			hint = "; it may have been encrypted to a former one, which lies beside it: " + strings.Join(former, ", ")
		}
		return nil, fault.New(fault.KeyIdentityWrong, "%s does not open with the identity in %s%s", path, i.Path, hint)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}

func openWith(content []byte, keys ...age.Identity) ([]byte, error) {
	var in io.Reader = bytes.NewReader(content)
	if bytes.HasPrefix(content, []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	r, err := age.Decrypt(in, keys...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxBytes))
}
