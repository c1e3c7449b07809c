//go:build pkcs11

package fabric

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/miekg/pkcs11"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// libraries are the PKCS#11 libraries that this process has initialised, which it may do once only. They stay until it ends.
var libraries = struct {
	sync.Mutex
	open map[string]*identity.HSMSignerFactory
}{open: map[string]*identity.HSMSignerFactory{}}

// hardwareSigner signs with a key that never leaves its token: ECDSA on P-256.
func hardwareSigner(uri keyURI) (signer, error) {
	path, err := uri.library()
	if err != nil {
		return signer{}, err
	}
	pin, err := uri.pin()
	if err != nil {
		return signer{}, err
	}
	libraries.Lock()
	defer libraries.Unlock()
	factory, ok := libraries.open[path]
	if !ok {
		if factory, err = identity.NewHSMSignerFactory(path); err != nil {
			return signer{}, fault.New(fault.SignerUnavailable, "the PKCS#11 library %s: %v", path, err)
		}
		libraries.open[path] = factory
	}
	id := uri.id
	if id == "" {
		if id, err = idOf(path, uri, pin); err != nil {
			return signer{}, fault.New(fault.SignerUnavailable, "finding the key %q in the token %q: %v", uri.object, uri.token, err)
		}
	}
	sign, end, err := factory.NewHSMSigner(identity.HSMSignerOptions{Label: uri.token, Pin: pin, Identifier: id})
	if err != nil {
		return signer{}, fault.New(fault.SignerUnavailable, "the token %q: %v", uri.token, err)
	}
	return signer{sign: sign, close: end}, nil
}

// idOf looks up the id (CKA_ID) of a private key by its label: the gateway's signer knows keys by id only. The library is
// initialised already.
func idOf(path string, uri keyURI, pin string) (id string, err error) {
	ctx := pkcs11.New(path)
	if ctx == nil {
		return "", errors.New("the library cannot be loaded")
	}
	defer ctx.Destroy()
	slot, err := slotOf(ctx, uri.token)
	if err != nil {
		return "", err
	}
	session, err := ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, ctx.CloseSession(session)) }()
	if err := ctx.Login(session, pkcs11.CKU_USER, pin); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return "", err
	}
	wanted := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_LABEL, uri.object)}
	if err := ctx.FindObjectsInit(session, wanted); err != nil {
		return "", err
	}
	found, _, err := ctx.FindObjects(session, 2)
	if err = errors.Join(err, ctx.FindObjectsFinal(session)); err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d private keys have that label; name the key by id", len(found))
	}
	values, err := ctx.GetAttributeValue(session, found[0], []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, nil)})
	if err != nil {
		return "", err
	}
	if len(values) == 0 || len(values[0].Value) == 0 {
		return "", errors.New("the key has no id (CKA_ID); give it one")
	}
	return string(values[0].Value), nil
}

func slotOf(ctx *pkcs11.Ctx, token string) (uint, error) {
	slots, err := ctx.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	for _, slot := range slots {
		if info, err := ctx.GetTokenInfo(slot); err == nil && info.Label == token {
			return slot, nil
		}
	}
	return 0, errors.New("no slot holds it")
}
