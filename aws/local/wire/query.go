package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
)

// ReadQuery reads a request of the Query protocol: the parameters, of which
// Action names the operation. They may be in the URL, in a form body, or both.
// limit is in bytes; zero means DefaultMaxBody.
func ReadQuery(r *http.Request, limit int64) (action string, params url.Values, err error) {
	body, err := ReadBody(r, nil, limit)
	if err != nil {
		return "", nil, err
	}
	params, err = url.ParseQuery(string(body))
	if err != nil {
		return "", nil, NewError("MalformedQueryString", "the request body is not a form: "+err.Error())
	}
	for key, values := range r.URL.Query() {
		params[key] = append(params[key], values...)
	}
	action = params.Get("Action")
	if action == "" {
		return "", params, NewError("MissingAction", "the request must contain the parameter Action")
	}
	return action, params, nil
}

// WriteQuery answers an operation of the Query protocol: result, marshalled as
// XML, inside <ActionResponse xmlns="..."><ActionResult>. The namespace is the
// service's, for example https://sts.amazonaws.com/doc/2011-06-15/.
func WriteQuery(w http.ResponseWriter, namespace, action string, result any) error {
	// The root element gets its name here, so that result may be of any struct type.
	var inner bytes.Buffer
	if err := xml.NewEncoder(&inner).EncodeElement(result, xml.StartElement{Name: xml.Name{Local: "Result"}}); err != nil {
		return fmt.Errorf("write the answer of %s: %w", action, err)
	}
	content := struct {
		Inner []byte `xml:",innerxml"`
	}{}
	if err := xml.Unmarshal(inner.Bytes(), &content); err != nil {
		return fmt.Errorf("write the answer of %s: %w", action, err)
	}
	id := NewID()
	response := struct {
		XMLName   xml.Name
		Namespace string `xml:"xmlns,attr"`
		Result    struct {
			XMLName xml.Name
			Inner   []byte `xml:",innerxml"`
		}
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}{Namespace: namespace, RequestID: id}
	response.XMLName.Local = action + "Response"
	response.Result.XMLName.Local = action + "Result"
	response.Result.Inner = content.Inner
	return writeXML(w, http.StatusOK, id, response)
}

// WriteQueryError answers a request of the Query protocol with an error.
func WriteQueryError(w http.ResponseWriter, namespace string, err error) error {
	e, _ := AsError(err)
	code := e.QueryCode
	if code == "" {
		code = e.Code
	}
	id := NewID()
	return writeXML(w, e.HTTPStatus(), id, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Namespace: namespace, Type: e.Fault(), Code: code, Message: e.Message, RequestID: id})
}

func writeXML(w http.ResponseWriter, status int, id string, v any) error {
	body, err := xml.Marshal(v)
	if err != nil {
		return fmt.Errorf("write an XML answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("X-Amzn-Requestid", id)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away is no concern of ours
	return nil
}
