package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// renewEvery is the shortest time between two looks at the AWS files for
// credentials that AWS refuses.
const renewEvery = 2 * time.Second

// renewedCredentials are looked for again once AWS has refused them. The SDK
// reads a profile's keys once and keeps them for ever; a tool that has renewed
// them since has written them to the same files, and a console that was open
// before must not have to be restarted for it.
type renewedCredentials struct {
	// load reads the AWS configuration anew.
	load func(context.Context) (awssdk.CredentialsProvider, error)
	now  func() time.Time

	mu      sync.Mutex
	current awssdk.CredentialsProvider
	// given are the keys given out last, and refused those that AWS refused.
	given, refused string
	loadedAt       time.Time
}

func newRenewedCredentials(first awssdk.CredentialsProvider, now func() time.Time, load func(context.Context) (awssdk.CredentialsProvider, error)) *renewedCredentials {
	return &renewedCredentials{load: load, now: now, current: first}
}

// Retrieve implements the SDK's CredentialsProvider.
func (r *renewedCredentials) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	c, err := r.provider(ctx).Retrieve(ctx)
	if err == nil {
		r.mu.Lock()
		r.given = keysOf(c)
		r.mu.Unlock()
	}
	return c, err
}

// provider is the one there is, or a new one where AWS has refused its keys. A
// configuration that cannot be read now leaves the old one in place: its error is
// the better known.
func (r *renewedCredentials) provider(ctx context.Context) awssdk.CredentialsProvider {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused == "" || r.refused != r.given || r.now().Sub(r.loadedAt) < renewEvery {
		return r.current
	}
	r.loadedAt = r.now()
	if fresh, err := r.load(ctx); err == nil && fresh != nil {
		r.current = fresh
	}
	return r.current
}

// refuse notes that AWS does not take the keys given out last.
func (r *renewedCredentials) refuse() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = r.given
}

// keysOf tells two sets of credentials apart.
func keysOf(c awssdk.Credentials) string { return c.AccessKeyID + " " + c.SessionToken }

// watch has every call tell of keys that AWS refuses.
func (r *renewedCredentials) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoteRefusedKeys", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if keysRefused(err) {
			r.refuse()
		}
		return out, metadata, err
	}), middleware.Before)
}

// keysRefused is whether AWS said that it does not take, or no longer takes, the
// keys of a call. A clock that is wrong, or a secret that does not belong to its
// key, is another matter: reading the files again would help neither.
func keysRefused(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	bare := bareCode(api.ErrorCode())
	return strings.HasPrefix(bare, "ExpiredToken") ||
		slices.Contains([]string{"UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken", "InvalidSecurity", "AuthFailure"}, bare)
}
