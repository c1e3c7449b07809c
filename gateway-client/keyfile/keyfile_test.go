package keyfile

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
)

const secret = "-----BEGIN PRIVATE KEY-----\nnot a real one\n-----END PRIVATE KEY-----\n"

func TestMain(m *testing.M) {
	if os.Getenv(crashWork) == "" {
		for _, name := range []string{IdentityVariable, PassphraseVariable, credentialsVariable} {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// name makes an identity and names it in the environment.
func name(t *testing.T, kind Kind) *Identity {
	t.Helper()
	i, err := Init(filepath.Join(t.TempDir(), "identity.txt"), kind, "")
	require.NoError(t, err)
	t.Setenv(IdentityVariable, i.Path)
	return i
}

func encrypted(t *testing.T, path string) bool {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	if Encrypted(raw) {
		assert.NotContains(t, string(raw), "real one")
		return true
	}
	return false
}

func reads(t *testing.T, path, want string) {
	t.Helper()
	got, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, Write(path, []byte(secret)))
	assert.False(t, encrypted(t, path), "no identity is named")
	reads(t, path, secret)
	for _, kind := range []Kind{Hybrid, X25519} {
		t.Run(string(kind), func(t *testing.T) {
			i := name(t, kind)
			reads(t, path, secret)
			require.NoError(t, Write(path, []byte(secret)))
			assert.True(t, encrypted(t, path))
			reads(t, path, secret)
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
			again, err := Open(i.Path)
			require.NoError(t, err)
			assert.Equal(t, i.Public(), again.Public())
			_, err = i.Decrypt([]string{path})
			require.NoError(t, err)
			assert.False(t, encrypted(t, path))
		})
	}
}

func TestCreateNeverReplaces(t *testing.T) {
	name(t, X25519)
	path := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, Create(path, []byte(secret)))
	assert.True(t, encrypted(t, path))
	require.ErrorIs(t, Create(path, []byte("another")), fs.ErrExist)
	reads(t, path, secret)
	_, err := Init(NamedPath(), X25519, "")
	assert.ErrorIs(t, err, fs.ErrExist, "nor does init")
}

func TestWhatCannotBeOpenedSaysWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	first := name(t, X25519)
	require.NoError(t, Write(path, []byte(secret)))
	refused := func(code fault.Code, text string) {
		t.Helper()
		_, err := Read(path)
		assert.Equal(t, code, fault.CodeOf(err), "%v", err)
		assert.ErrorContains(t, err, text)
	}
	t.Setenv(IdentityVariable, "")
	refused(fault.KeyFileLocked, IdentityVariable)
	t.Setenv(IdentityVariable, filepath.Join(t.TempDir(), "nothing"))
	refused(fault.KeyFileLocked, "tally key init")
	name(t, Hybrid)
	refused(fault.KeyIdentityWrong, path)
	t.Setenv(IdentityVariable, first.Path)
	require.NoError(t, os.Chmod(first.Path, 0o604))
	refused(fault.KeyFileLocked, "chmod 600")
	require.NoError(t, os.Chmod(first.Path, 0o600))
	reads(t, path, secret)
	require.NoError(t, os.WriteFile(first.Path, []byte("AGE-SECRET-KEY-WRONG"), 0o600))
	refused(fault.KeyFileLocked, "no age identity")
	require.NoError(t, os.WriteFile(path, make([]byte, maxBytes+1), 0o600))
	_, err := Read(path)
	assert.ErrorContains(t, err, "larger")
}

func TestACredentialOfTheSystemIsAnIdentity(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "key.pem")
	_, err := Init(filepath.Join(dir, IdentityCredential), Hybrid, "")
	require.NoError(t, err)
	t.Setenv(credentialsVariable, dir)
	require.NoError(t, Write(path, []byte(secret)))
	assert.True(t, encrypted(t, path))
	reads(t, path, secret)
}

func TestAnIdentityWithAPassphrase(t *testing.T) {
	dir := t.TempDir()
	words, path := filepath.Join(dir, "passphrase"), filepath.Join(dir, "key.pem")
	i, err := Init(filepath.Join(dir, "identity.txt"), Hybrid, "correct horse")
	require.NoError(t, err)
	assert.True(t, encrypted(t, i.Path))
	t.Setenv(IdentityVariable, i.Path)
	t.Setenv(PassphraseVariable, words)
	forget := func() { clear(known.by) }
	require.NoError(t, os.WriteFile(words, []byte("wrong\n"), 0o600))
	forget()
	_, err = Named()
	assert.Equal(t, fault.KeyIdentityWrong, fault.CodeOf(err), "%v", err)
	require.NoError(t, os.WriteFile(words, []byte("\n"), 0o600))
	_, err = Named()
	assert.Equal(t, fault.KeyFileLocked, fault.CodeOf(err), "%v", err)
	require.NoError(t, os.WriteFile(words, []byte("correct horse\n"), 0o600))
	require.NoError(t, Write(path, []byte(secret)))
	_, former, err := i.Rotate([]string{path})
	require.NoError(t, err)
	for _, file := range append(former, i.Path) {
		assert.True(t, encrypted(t, file), "the identities keep their passphrase")
	}
	forget()
	reads(t, path, secret)
}

func TestRotation(t *testing.T) {
	i := name(t, Hybrid)
	dir := t.TempDir()
	plain, sealed := filepath.Join(dir, "plain.pem"), filepath.Join(dir, "sealed.pem")
	elsewhere := filepath.Join(dir, "elsewhere.pem")
	require.NoError(t, Replace(plain, []byte(secret)))
	require.NoError(t, Write(sealed, []byte(secret)))
	require.NoError(t, Write(elsewhere, []byte(secret)))
	before := i.Public()
	changed, former, err := i.Rotate([]string{plain, sealed})
	require.NoError(t, err)
	assert.Equal(t, []string{sealed}, changed)
	assert.False(t, encrypted(t, plain), "what is plain stays plain")
	now, err := Named()
	require.NoError(t, err)
	assert.NotEqual(t, before, now.Public())
	assert.Len(t, now.keys, 1)
	assert.Equal(t, now.Public(), i.Public())
	reads(t, sealed, secret)
	_, err = Read(elsewhere)
	assert.Equal(t, fault.KeyIdentityWrong, fault.CodeOf(err))
	require.Len(t, former, 1)
	assert.ErrorContains(t, err, former[0], "where it is found")
	t.Setenv(IdentityVariable, former[0])
	reads(t, elsewhere, secret)
	_, err = Read(sealed)
	assert.Equal(t, fault.KeyIdentityWrong, fault.CodeOf(err), "the former identity opens nothing any more")
}

func TestALinkStaysALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "real.pem"), filepath.Join(dir, "link.pem")
	require.NoError(t, os.WriteFile(target, []byte(secret), 0o600))
	require.NoError(t, os.Symlink(target, link))
	i := name(t, X25519)
	_, err := i.Encrypt([]string{link})
	require.NoError(t, err)
	assert.True(t, encrypted(t, target), "no plain copy stays behind the link")
	reads(t, link, secret)
}

// The environment of a child that is killed: what it does, and after which step.
const (
	crashWork = "KEYFILE_TEST_WORK"
	crashStep = "KEYFILE_TEST_STEP"
)

// work is what is interrupted.
func work(what string, files []string) error {
	i, err := Named()
	if err != nil {
		return err
	}
	switch what {
	case "encrypt":
		_, err = i.Encrypt(files)
	case "decrypt":
		_, err = i.Decrypt(files)
	case "rotate":
		_, _, err = i.Rotate(files)
	}
	return err
}

func crashFiles(dir string) (files []string) {
	for n := range 2 {
		files = append(files, filepath.Join(dir, fmt.Sprintf("key-%d.pem", n)))
	}
	return files
}

// TestCrashChild is the process that is killed; it does nothing by itself.
func TestCrashChild(t *testing.T) {
	what := os.Getenv(crashWork)
	if what == "" {
		t.Skip("runs as the child of TestACrashLosesNothing")
	}
	last, err := strconv.Atoi(os.Getenv(crashStep))
	require.NoError(t, err)
	steps := 0
	step = func() {
		if steps++; steps == last {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err != nil {
				panic(err)
			}
			select {} // until the signal has come
		}
	}
	require.NoError(t, work(what, crashFiles(os.Getenv("KEYFILE_TEST_DIR"))))
}

func TestACrashLosesNothing(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for what, before := range map[string]bool{"encrypt": false, "decrypt": true, "rotate": true} {
		t.Run(what, func(t *testing.T) {
			for n, ended := 1, false; !ended; n++ {
				require.Less(t, n, 100, "it never came to its end")
				i := name(t, X25519)
				dir := t.TempDir()
				files := crashFiles(dir)
				for _, f := range files {
					if before {
						require.NoError(t, Write(f, []byte(secret)))
					} else {
						require.NoError(t, Replace(f, []byte(secret)))
					}
				}
				child := exec.Command(self, "-test.run=^TestCrashChild$")
				child.Env = append(os.Environ(), crashWork+"="+what, crashStep+"="+strconv.Itoa(n), "KEYFILE_TEST_DIR="+dir)
				out, err := child.CombinedOutput()
				ended = err == nil
				if !ended {
					require.Equal(t, -1, child.ProcessState.ExitCode(), "killed, not failed: %s", out)
				}
				if ended {
					assert.Greater(t, n, 6, "every step was interrupted once")
				}
				for _, f := range files {
					reads(t, f, secret)
				}
				require.NoError(t, work(what, files), "the next call goes on")
				for _, f := range files {
					reads(t, f, secret)
					assert.Equal(t, what != "decrypt", encrypted(t, f))
				}
				left, err := os.ReadDir(dir)
				require.NoError(t, err)
				assert.Len(t, left, len(files), "nothing is left beside them")
				if what == "rotate" {
					now, err := Named()
					require.NoError(t, err)
					assert.Len(t, now.keys, 1)
					assert.NotEqual(t, i.Public(), now.Public())
				}
			}
		})
	}
}
