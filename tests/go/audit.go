// Verifies an audit log of the hub with golang.org/x/mod/sumdb and nothing of the hub: a folder in the layout of C2SP tlog-tiles, and
// proof files. Debian: golang-go, golang-golang-x-mod-dev.
//
//	audit VKEY folder FOLDER [OLDER-CHECKPOINT...]
//	audit VKEY proof FILE...
//	audit VKEY export EXPORT.jsonl CHECKPOINT
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, args ...interface{}) {
	fmt.Printf("REFUSED: "+format+"\n", args...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

// A checkpoint: C2SP tlog-checkpoint.
func open(text []byte, verifier note.Verifier) tlog.Tree {
	signed, err := note.Open(text, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail("checkpoint: not of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "checkpoint")
	hash, err := tlog.ParseHash(lines[2])
	must(err, "checkpoint")
	return tlog.Tree{N: size, Hash: hash}
}

// The path of a tile: that of Go is tile/8/<L>/<N>, that of C2SP tlog-tiles has no height.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

type folder struct{ name string }

func (f folder) Height() int { return 8 }
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(f.name, path(tile)))
		if err != nil && tile.W < 256 { // gone since the full one came
			full := tile
			full.W = 256
			data, err = os.ReadFile(filepath.Join(f.name, path(full)))
			if err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// Every entry of every bundle, with its proof; then the older checkpoints.
func checkFolder(name string, older []string, verifier note.Verifier) {
	text, err := os.ReadFile(filepath.Join(name, "checkpoint"))
	must(err, "checkpoint")
	tree := open(text, verifier)
	if tree.N == 0 {
		fail("the log is empty")
	}
	hashes := tlog.TileHashReader(tree, folder{name})
	numbers := map[int64]int64{} // the last number of each stream
	for begin := int64(0); begin < tree.N; begin += 256 {
		tile := tlog.Tile{H: 8, L: -1, N: begin / 256, W: 256}
		if tree.N-begin < 256 {
			tile.W = int(tree.N - begin)
		}
		bundle, err := os.ReadFile(filepath.Join(name, strings.Replace(path(tile), "tile/data/", "tile/entries/", 1)))
		must(err, "entries")
		for i := int64(0); i < int64(tile.W); i++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				fail("entry %d is cut", begin+i+1)
			}
			size := int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2 : 2+size]
			bundle = bundle[2+size:]
			proof, err := tlog.ProveRecord(tree.N, begin+i, hashes)
			must(err, fmt.Sprintf("entry %d", begin+i+1))
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, begin+i, tlog.RecordHash(entry)), fmt.Sprintf("entry %d", begin+i+1))
			var inside struct{ Stream, N int64 }
			must(json.Unmarshal(entry, &inside), fmt.Sprintf("entry %d", begin+i+1))
			numbers[inside.Stream]++
			if inside.N != numbers[inside.Stream] {
				fail("entry %d is number %d of stream %d, where number %d belongs", begin+i+1, inside.N, inside.Stream, numbers[inside.Stream])
			}
		}
		if len(bundle) != 0 {
			fail("more entries than the checkpoint has, after %d", begin+int64(tile.W))
		}
	}
	for _, file := range older {
		text, err := os.ReadFile(file)
		must(err, "older checkpoint")
		before := open(text, verifier)
		if before.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, before.N, hashes)
		must(err, "older checkpoint")
		must(tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash), "older checkpoint")
	}
	fmt.Printf("verified: %d entries, %d older checkpoints\n", tree.N, len(older))
}

// The hashes up to an empty line; then the rest.
func hashLines(text string) ([]tlog.Hash, string) {
	var hashes []tlog.Hash
	for {
		end := strings.Index(text, "\n")
		if end < 0 {
			fail("the proof is cut")
		}
		line := text[:end]
		text = text[end+1:]
		if line == "" {
			return hashes, text
		}
		hash, err := tlog.ParseHash(line)
		must(err, "proof")
		hashes = append(hashes, hash)
	}
}

func checkProof(name string, verifier note.Verifier) {
	data, err := os.ReadFile(name)
	must(err, "proof")
	text := string(data)
	switch {
	case strings.HasPrefix(text, "c2sp.org/tlog-proof@v1\n"):
		lines := strings.SplitN(text, "\n", 4)
		if len(lines) < 4 || !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
			fail("proof: extra or index is missing")
		}
		entry, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[1], "extra "))
		must(err, "proof")
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		must(err, "proof")
		proof, rest := hashLines(lines[3])
		tree := open([]byte(rest), verifier)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), "proof")
		fmt.Printf("verified: entry %d of %d\n", index+1, tree.N)
	case strings.HasPrefix(text, "rabt.health/consistency-proof@v1\n"):
		proof, rest := hashLines(strings.TrimPrefix(text, "rabt.health/consistency-proof@v1\n"))
		parts := strings.SplitN(rest, "\n\n", 3) // text, signatures of the older note, the newer note
		if len(parts) < 3 {
			fail("proof: two checkpoints are needed")
		}
		older := open([]byte(parts[0]+"\n\n"+parts[1]+"\n"), verifier)
		newer := open([]byte(parts[2]), verifier)
		must(tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash), "proof")
		fmt.Printf("verified: %d entries begin with %d\n", newer.N, older.N)
	default:
		fail("proof: of an unknown kind")
	}
}

// The lines of `rabt audit export --format jsonl` of a whole log: each leaf computed from its line, the root from the leaves.
func checkExport(name, checkpoint string, verifier note.Verifier) {
	data, err := os.ReadFile(name)
	must(err, "export")
	text, err := os.ReadFile(checkpoint)
	must(err, "checkpoint")
	tree := open(text, verifier)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	count := int64(0)
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		var inside struct {
			Seq, Stream, N, At_ms, V int64
			Leaf                     string
		}
		must(json.Unmarshal([]byte(line), &inside), fmt.Sprintf("line %d", count+1))
		what := fmt.Sprintf("entry %d (stream %d, number %d)", inside.Seq, inside.Stream, inside.N)
		if inside.Seq != count+1 || inside.V != 1 || inside.At_ms == 0 {
			fail("%s: number %d belongs there, of version 1, with its time", what, count+1)
		}
		mark := fmt.Sprintf(`"leaf":"%s",`, inside.Leaf)
		at := strings.Index(line, mark)
		if at < 0 {
			fail("%s: its leaf is not before its members", what)
		}
		entry := []byte("{" + line[at+len(mark):])
		hash := tlog.RecordHash(entry)
		if fmt.Sprintf("%x", hash[:]) != inside.Leaf {
			fail("%s: its members have another hash", what)
		}
		hashes, err := tlog.StoredHashes(count, entry, reader)
		must(err, what)
		stored = append(stored, hashes...)
		count++
		if count == tree.N {
			root, err := tlog.TreeHash(count, reader)
			must(err, "root")
			if root != tree.Hash {
				fail("the first %d entries are not those that were signed", count)
			}
		}
	}
	if count < tree.N {
		fail("the checkpoint is of %d entries, the export has %d", tree.N, count)
	}
	fmt.Printf("verified: %d exported entries, %d of them signed\n", count, tree.N)
}

func main() {
	if len(os.Args) < 4 {
		fmt.Println("usage: audit VKEY folder FOLDER [OLDER-CHECKPOINT...] | audit VKEY proof FILE... | audit VKEY export EXPORT.jsonl CHECKPOINT")
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(os.Args[1]))
	must(err, "verifier key")
	switch os.Args[2] {
	case "folder":
		checkFolder(os.Args[3], os.Args[4:], verifier)
	case "proof":
		for _, name := range os.Args[3:] {
			checkProof(name, verifier)
		}
	case "export":
		if len(os.Args) != 5 {
			fail("export: name the lines and a checkpoint")
		}
		checkExport(os.Args[3], os.Args[4], verifier)
	}
}
