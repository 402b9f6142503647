package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

type everything struct {
	Text    string
	Bytes   []byte `json:",omitempty"`
	Flag    *bool
	Count   int
	Share   float64
	At      *wire.Time
	Times   []wire.Time
	Nested  []out
	Renamed string `json:"name"`
}

// rpcService has one operation for every way an operation can end.
func rpcService() *wire.Service {
	s := &wire.Service{Target: "Test_20200101", Namespace: "com.example", Version: wire.RPCv2CBOR, QueryCompatible: true, MaxBody: 1000}
	s.Handle("Mirror", wire.CBOR(func(_ context.Context, in *everything) (*everything, error) { return in, nil }))
	s.Handle("Nothing", wire.CBOR(func(context.Context, *in) (*out, error) { return nil, nil }))
	s.Handle("Refuse", wire.CBOR(func(context.Context, *in) (*out, error) {
		return nil, fmt.Errorf("wrapped: %w", wire.NewError("NoThing", "no thing").WithQueryCode("Old.NoThing"))
	}))
	s.Handle("Panic", wire.CBOR(func(context.Context, *in) (*out, error) { panic("the secret panic") }))
	s.Handle("Formless", wire.CBOR(func(context.Context, *in) (*struct{ Ch chan int }, error) { return &struct{ Ch chan int }{}, nil }))
	return s
}

func TestRPC(t *testing.T) {
	t.Parallel()
	full := cbor.Map{
		"Text": cbor.String("日本"), "Flag": cbor.Bool(true), "Count": cbor.NegInt(3), "Share": cbor.Float32(0.5),
		"At": &cbor.Tag{ID: 1, Value: cbor.Uint(1_700_000_000)}, "Times": cbor.List{&cbor.Tag{ID: 1, Value: cbor.Float64(1.25)}},
		"Nested": cbor.List{cbor.Map{"Echo": cbor.String("x")}}, "name": cbor.String("n"), "Unknown": cbor.Uint(1),
	}
	mirrored := cbor.Map{
		"Text": cbor.String("日本"), "Flag": cbor.Bool(true), "Count": cbor.NegInt(3), "Share": cbor.Float64(0.5),
		"At": &cbor.Tag{ID: 1, Value: cbor.Float64(1_700_000_000)}, "Times": cbor.List{&cbor.Tag{ID: 1, Value: cbor.Float64(1.25)}},
		"Nested": cbor.List{cbor.Map{"Echo": cbor.String("x")}}, "name": cbor.String("n"),
	}
	failure := func(code, message string) cbor.Map {
		return cbor.Map{"__type": cbor.String("com.example#" + code), "message": cbor.String(message)}
	}
	none := wire.InternalFailure().Message
	for _, tt := range []struct {
		operation string
		body      []byte
		status    int
		want      cbor.Map
		query     string
	}{
		{"Mirror", cbor.Encode(full), 200, mirrored, ""},
		{"Mirror", cbor.Encode(cbor.Map{"At": &cbor.Nil{}}), 200, cbor.Map{
			"Text": cbor.String(""), "Flag": &cbor.Nil{}, "Count": cbor.Uint(0), "Share": cbor.Float64(0), "At": &cbor.Nil{},
			"Times": cbor.List{}, "Nested": cbor.List{}, "name": cbor.String(""),
		}, ""},
		{"Nothing", nil, 200, cbor.Map{}, ""},
		{"Refuse", nil, 400, failure("NoThing", "no thing"), "Old.NoThing;Sender"},
		{"Panic", nil, 500, failure("InternalFailure", none), "InternalFailure;Receiver"},
		{"Formless", nil, 500, failure("InternalFailure", none), "InternalFailure;Receiver"},
		{"Unknown", nil, 400, failure("UnknownOperationException", `the local endpoint does not serve "Test_20200101.Unknown"`), "UnknownOperationException;Sender"},
	} {
		t.Run(tt.operation, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			rpcService().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/service/Test_20200101/operation/"+tt.operation, strings.NewReader(string(tt.body))))
			got, err := cbor.Decode(w.Body.Bytes())
			if err != nil || w.Code != tt.status || !reflect.DeepEqual(got, cbor.Value(tt.want)) {
				t.Errorf("got %d %v, %v, want %d %v", w.Code, got, err, tt.status, tt.want)
			}
			h := w.Header()
			if h.Get("Content-Type") != "application/cbor" || h.Get("Smithy-Protocol") != "rpc-v2-cbor" || h.Get("X-Amzn-Query-Error") != tt.query {
				t.Errorf("got the headers %v", h)
			}
		})
	}
}

func TestRPCThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"not CBOR": {0xff}, "half": {0xa1, 0x61}, "another type": cbor.Encode(cbor.Map{"Text": cbor.Uint(1)}),
		"no time": cbor.Encode(cbor.Map{"At": cbor.String("noon")}), "a time beyond time": cbor.Encode(cbor.Map{"At": cbor.Float64(1e300)}),
	} {
		w := httptest.NewRecorder()
		rpcService().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/service/Test_20200101/operation/Mirror", strings.NewReader(string(body))))
		if w.Code != 400 || w.Header().Get("X-Amzn-Query-Error") != "SerializationException;Sender" {
			t.Errorf("%s: got %d %q", name, w.Code, w.Body)
		}
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	service(nil).Refuse(w, wire.NewError("SlowDown", "later").WithStatus(403))
	if w.Code != 403 || w.Body.String() != `{"__type":"com.example#SlowDown","message":"later"}` || w.Header().Get("X-Amzn-Query-Error") != "SlowDown;Sender" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestTimeAsJSON(t *testing.T) {
	t.Parallel()
	at := wire.Time{Time: time.UnixMilli(1_700_000_000_250)}
	text, err := at.MarshalJSON()
	if err != nil || string(text) != "1700000000.25" {
		t.Errorf("got %s, %v", text, err)
	}
	var back wire.Time
	if err := errors.Join(back.UnmarshalJSON(text), back.UnmarshalJSON([]byte("null"))); err != nil || !back.Equal(at.Time) {
		t.Errorf("got %s, %v", back, err)
	}
	if err := back.UnmarshalJSON([]byte(`"noon"`)); err == nil {
		t.Error("a text was taken for a time")
	}
}
