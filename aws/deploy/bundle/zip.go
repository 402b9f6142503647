package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy/binaries"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// level compresses fast: the best one takes seven times as long for a tenth of the size.
const level = flate.BestSpeed

// zips are the zip files that are kept, each called by its own hash, and the index that
// knows them by the hash of the program in them.
type zips struct {
	dir   string
	index string // a directory: a file for each program
}

// format is changed with the way in which zip files are made, so that those made in another
// way are not used.
const format = "1"

func openZips(kept *binaries.Kept) (*zips, error) {
	dir, err := kept.Dir("zips")
	if err != nil {
		return nil, err
	}
	index, err := kept.Dir("zips/index-" + format)
	return &zips{dir: dir, index: index}, err
}

// entry is a file of the index.
type entry struct {
	Program string `json:"program"` // its hash
	Zip     string `json:"zip"`
	Size    int64  `json:"size"`
}

// program is the artifact of a binary: the one that is kept, if it is what it was, or
// a new one.
func (z *zips) program(b binaries.Binary) (project.Artifact, error) {
	note := filepath.Join(z.index, b.SHA256+".json")
	if text, err := os.ReadFile(note); err == nil {
		var e entry
		if json.Unmarshal(text, &e) == nil && e.Program == b.SHA256 {
			if a, ok := z.find(e.Zip, e.Size); ok {
				touch(note)
				return a, nil
			}
		}
	}
	text, err := os.ReadFile(b.Path)
	if err != nil {
		return project.Artifact{}, fmt.Errorf("read the program: %w", err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != b.SHA256 {
		return project.Artifact{}, fmt.Errorf("the program %s changed while it was packed: run it again", b.Path)
	}
	file, err := compressed(bootstrapName, 0o755, text)
	if err != nil {
		return project.Artifact{}, err
	}
	a, err := z.keep(file)
	if err != nil {
		return project.Artifact{}, err
	}
	text, err = json.Marshal(entry{b.SHA256, a.SHA256, a.Size})
	if err == nil {
		err = replace(note, text)
	}
	return a, err
}

// api is the artifact of the workers API. The program in it is taken as it is compressed in
// the program's own artifact.
func (z *zips) api(b binaries.Binary, program project.Artifact, manifest []byte) (project.Artifact, error) {
	r, err := zip.OpenReader(program.File)
	if err != nil {
		return project.Artifact{}, err
	}
	defer r.Close()
	if len(r.File) != 1 || r.File[0].UncompressedSize64 != uint64(b.Size) { //nolint:gosec // a size is not negative
		return project.Artifact{}, fmt.Errorf("%s is not the program's: remove it and run it again", program.File)
	}
	raw, err := r.File[0].OpenRaw()
	if err != nil {
		return project.Artifact{}, err
	}
	text, err := io.ReadAll(raw)
	if err != nil {
		return project.Artifact{}, err
	}
	f := r.File[0]
	list, err := compressed(manifestName, 0o644, manifest)
	if err != nil {
		return project.Artifact{}, err
	}
	return z.keep(packed{header(bootstrapName, 0o755, f.CRC32, f.CompressedSize64, f.UncompressedSize64), text}, list)
}

// packed is a file as it stands in a zip file.
type packed struct {
	header *zip.FileHeader
	text   []byte
}

// writers are used again: one has a megabyte of tables.
var writers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(io.Discard, level) // only an unknown level is an error
	return w
}}

func compressed(name string, mode uint32, text []byte) (packed, error) {
	var out bytes.Buffer
	out.Grow(len(text) / 2)
	w, _ := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(&out)
	_, err := w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		return packed{}, fmt.Errorf("compress %s: %w", name, err)
	}
	//nolint:gosec // sizes are not negative
	return packed{header(name, mode, crc32.ChecksumIEEE(text), uint64(out.Len()), uint64(len(text))), out.Bytes()}, nil
}

// header is that of a file without anything that changes from one day or machine to another:
// no time, no owner, and the mode it is given.
func header(name string, mode, crc uint32, compressedSize, size uint64) *zip.FileHeader {
	const (
		unix        = 3 << 8
		version20   = 20
		regularFile = 0o100000
		firstOfJan  = 1<<5 | 1 // 1980, the first year there is
	)
	return &zip.FileHeader{
		Name: name, Method: zip.Deflate,
		CreatorVersion: unix | version20, ReaderVersion: version20,
		ModifiedDate: firstOfJan, //nolint:staticcheck // Modified is written by CreateHeader alone, with an extra field
		CRC32:        crc, CompressedSize64: compressedSize, UncompressedSize64: size,
		ExternalAttrs: (regularFile | mode) << 16,
	}
}

// keep writes a zip file and returns it.
func (z *zips) keep(files ...packed) (project.Artifact, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		part, err := w.CreateRaw(f.header)
		if err == nil {
			_, err = part.Write(f.text)
		}
		if err != nil {
			return project.Artifact{}, fmt.Errorf("pack %s: %w", f.header.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return project.Artifact{}, fmt.Errorf("write the zip file: %w", err)
	}
	sum := sha256.Sum256(out.Bytes())
	name := hex.EncodeToString(sum[:])
	if a, ok := z.find(name, int64(out.Len())); ok {
		return a, nil
	}
	a := project.Artifact{File: z.file(name), SHA256: name, Size: int64(out.Len())}
	return a, replace(a.File, out.Bytes())
}

func (z *zips) file(sum string) string { return filepath.Join(z.dir, sum+".zip") }

// find is a zip file that is kept and is whole, and marks it as used.
func (z *zips) find(sum string, size int64) (project.Artifact, bool) {
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		return project.Artifact{}, false
	}
	a := project.Artifact{File: z.file(sum), SHA256: sum, Size: size}
	got, n, err := binaries.Sum(a.File)
	if err != nil || got != sum || n != size {
		return project.Artifact{}, false
	}
	touch(a.File)
	return a, true
}

// touch marks a file as used. When it cannot, the file is made again some day.
func touch(file string) {
	now := time.Now()
	_ = os.Chtimes(file, now, now)
}

// replace writes a file as a whole, for this user only.
func replace(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "next-*")
	if err != nil {
		return fmt.Errorf("keep it: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("keep it: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
