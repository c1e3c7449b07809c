package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// retired is what stands between the name of an identity file and the fingerprint of a former identity of it.
const retired = ".retired-"

// Encrypt encrypts those of the files that are plain to the identity, each in one step, and returns them. It may be repeated after
// a crash, which leaves every file plain or encrypted.
func (i *Identity) Encrypt(files []string) (changed []string, err error) {
	err = i.alone(func() error {
		for _, path := range files {
			plain, err := tidied(path)
			if err != nil || Encrypted(plain) {
				if err == nil {
					_, err = i.open(path, plain)
				}
				if err != nil {
					return err
				}
				continue
			}
			if err := i.rewrite(path, plain); err != nil {
				return err
			}
			changed = append(changed, path)
		}
		return nil
	})
	return changed, err
}

// Decrypt puts those of the files that are encrypted back as plain ones, each in one step, and returns them.
func (i *Identity) Decrypt(files []string) (changed []string, err error) {
	err = i.alone(func() error {
		for _, path := range files {
			sealed, err := tidied(path)
			if err != nil {
				return err
			}
			if !Encrypted(sealed) {
				continue
			}
			plain, err := i.open(path, sealed)
			if err != nil {
				return err
			}
			if err := Replace(path, plain); err != nil {
				return err
			}
			changed = append(changed, path)
		}
		return nil
	})
	return changed, err
}

// Rotate makes a fresh identity, encrypts those of the files to it that are encrypted, and leaves the identity file with the fresh
// one alone. The former one is kept in a file beside it, whose name is returned, for what else it may open. While it works the
// identity file holds both, so that everything opens at any moment; after a crash the next call goes on with the same two.
func (i *Identity) Rotate(files []string) (changed, former []string, err error) {
	err = i.alone(func() error {
		// Somebody else may have changed the file before it was locked.
		now, err := Open(i.Path)
		if err != nil {
			return err
		}
		i.keys, i.protected = now.keys, now.protected
		if len(i.keys) == 1 {
			fresh, err := generate(kindOf(i.keys[0]))
			if err != nil {
				return err
			}
			i.keys = append([]age.Identity{fresh}, i.keys...)
		}
		for _, key := range i.keys[1:] {
			path, err := i.retire(key)
			if err != nil {
				return err
			}
			former = append(former, path)
		}
		if err := i.save(i.keys); err != nil {
			return err
		}
		fresh := &Identity{Path: i.Path, keys: i.keys[:1]}
		for _, path := range files {
			sealed, err := tidied(path)
			if err != nil {
				return err
			}
			if _, err := openWith(sealed, fresh.keys...); !Encrypted(sealed) || err == nil {
				continue
			}
			plain, err := i.open(path, sealed)
			if err != nil {
				return err
			}
			if err := fresh.rewrite(path, plain); err != nil {
				return err
			}
			changed = append(changed, path)
		}
		i.keys = fresh.keys
		return i.save(i.keys)
	})
	return changed, former, err
}

// alone runs work that no other process may do at the same time with the same identity.
func (i *Identity) alone(work func() error) error {
	unlock, err := lockedfile.MutexAt(i.Path + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("key files are changed beside their identity, which must be in a folder that you can write to: %w", err)
	}
	defer unlock()
	return work()
}

// tidied is the content of a file, without what a crash has left beside it.
func tidied(path string) ([]byte, error) {
	if err := sweep(path); err != nil {
		return nil, err
	}
	return content(path)
}

// rewrite encrypts the file and checks that it will open before the former content goes.
func (i *Identity) rewrite(path string, plain []byte) error {
	sealed, err := i.seal(plain)
	if err != nil {
		return err
	}
	back, err := i.open(path, sealed)
	if err == nil && !bytes.Equal(back, plain) {
		err = errors.New("what was encrypted does not open as it was")
	}
	if err != nil {
		return err
	}
	return Replace(path, sealed)
}

// retire keeps a key beside the identity file, under its fingerprint.
func (i *Identity) retire(key age.Identity) (string, error) {
	path := i.Path + retired + fingerprint(key)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	raw, err := i.content([]age.Identity{key})
	if err != nil {
		return "", err
	}
	return path, Replace(path, raw)
}

// save writes the identity file unless it holds the keys already.
func (i *Identity) save(keys []age.Identity) error {
	if err := sweep(i.Path); err != nil {
		return err
	}
	now, err := Open(i.Path)
	if err == nil && slices.EqualFunc(now.keys, keys, func(a, b age.Identity) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		return nil
	}
	raw, err := i.content(keys)
	if err != nil {
		return err
	}
	return Replace(i.Path, raw)
}
