package objects

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// errChunks is a body that is not in the form of aws-chunked, or ends too early.
var errChunks = errors.New("the body is not in chunks as aws-chunked says")

// maxChunkLine is the longest line between chunks, in bytes: a size and a signature.
const maxChunkLine = 4096

// chunks unwraps a body that an SDK sent as aws-chunked: each chunk behind its size in
// hex and perhaps a signature, which nobody checks here; after the last one, headers.
// See https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html.
type chunks struct {
	r       *bufio.Reader
	left    int64 // of the present chunk
	begun   bool
	done    bool
	trailer http.Header
}

func newChunks(r io.Reader) *chunks {
	return &chunks{r: bufio.NewReaderSize(r, maxChunkLine), trailer: http.Header{}}
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) && c.left > 0 {
		return n, errChunks
	}
	if errors.Is(err, io.EOF) {
		err = nil // the end is that of the chunks
	}
	return n, err
}

// next reads on to the next chunk, or to the end.
func (c *chunks) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return errors.Join(err, errChunks)
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(size, 16, 64)
	if err != nil || c.left < 0 {
		c.left = 0
		return fmt.Errorf("%w: %q is no size", errChunks, size)
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	for {
		line, err := c.line()
		if line == "" {
			return nil // the end, of which some clients leave out the last line
		}
		if err != nil {
			return err
		}
		name, value, _ := strings.Cut(line, ":")
		c.trailer.Set(textproto.TrimString(name), textproto.TrimString(value))
	}
}

func (c *chunks) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return "", errors.Join(err, errChunks)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}
