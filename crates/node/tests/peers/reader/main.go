// Reads a log's directory with Go's checksum-database libraries and checks it: signature, tree hash from the tiles, every entry's place
// under the newest checkpoint, and that every published checkpoint is a prefix of it.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type files string

func (f files) Height() int                             { return 8 }
func (f files) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}

// ReadTiles reads hash tiles; C2SP paths have no tile height in them.
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func checkpoint(path string, keys note.Verifiers) (int64, tlog.Hash) {
	data, err := os.ReadFile(path)
	check(err)
	opened, err := note.Open(data, keys)
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	var hash tlog.Hash
	copy(hash[:], root)
	return size, hash
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	dir := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	keys := note.VerifierList(verifier)
	size, root := checkpoint(filepath.Join(dir, "checkpoint"), keys)
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, files(dir))
	hash, err := tlog.TreeHash(size, reader)
	check(err)
	if hash != root {
		log.Fatal("the tiles hash to another root")
	}
	index := int64(0)
	for bundle := int64(0); bundle*256 < size; bundle++ {
		tile := tlog.Tile{H: 8, L: -1, N: bundle, W: 256}
		if rest := size - bundle*256; rest < 256 {
			tile.W = int(rest)
		}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		check(err)
		for r := bytes.NewReader(data); r.Len() > 0; index++ {
			var length uint16
			check(binary.Read(r, binary.BigEndian, &length))
			entry := make([]byte, length)
			r.Read(entry)
			proof, err := tlog.ProveRecord(size, index, reader)
			check(err)
			check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)))
		}
	}
	old, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
	check(err)
	for _, path := range old {
		oldSize, oldRoot := checkpoint(path, keys)
		if oldSize == 0 {
			continue
		}
		proof, err := tlog.ProveTree(size, oldSize, reader)
		check(err)
		check(tlog.CheckTree(proof, size, root, oldSize, oldRoot))
	}
	fmt.Printf("%d entries and %d checkpoints hold under size %d\n", index, len(old), size)
}
