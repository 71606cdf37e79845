#!/usr/bin/env python3
"""audit_export.py EXPORT.jsonl CHECKPOINT: whether the entries of an export are those that a checkpoint was signed over, from
docs/formats/audit_log.md alone. The export is of the whole log, by `rabt audit export --format jsonl`; the checkpoint is the file
audit.checkpoint or that of an anchor. Of the hub it uses nothing.

Each entry's hash is computed twice: from the bytes of its line, and from its members, written anew. Exit status 0: all agree; 1: not,
each fault on a line. The signature is for tests/go and tests/audit/openssl_verify.sh.
"""
import base64
import hashlib
import json
import sys

ADDED = ("seq", "time", "leaf")  # what the export puts before the members of the entry


def sha(data):
    return hashlib.sha256(data).digest()


def root_of(hashes):
    """MTH of RFC 6962 section 2.1."""
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha(b"\x01" + root_of(hashes[:split]) + root_of(hashes[split:]))


faults, leaves, numbers = [], [], {}
with open(sys.argv[1], "rb") as file:
    for line in file.read().splitlines():
        members = json.loads(line)
        where = f"entry {members['seq']} (stream {members['stream']}, number {members['n']})"
        if members["seq"] != len(leaves) + 1:
            faults.append(f"{where}: number {len(leaves) + 1} belongs there")
        numbers[members["stream"]] = numbers.get(members["stream"], 0) + 1
        if members["n"] != numbers[members["stream"]]:
            faults.append(f"{where}: number in the stream")
        cut = line.index(b'","', line.index(b'"leaf":"')) + 2
        leaf = sha(b"\x00" + b"{" + line[cut:])
        if leaf.hex() != members["leaf"]:
            faults.append(f"{where}: the bytes of its line have another hash")
        entry = {key: value for key, value in members.items() if key not in ADDED}
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).replace("\x7f", "\\u007f")
        if sha(b"\x00" + text.encode()).hex() != members["leaf"]:
            faults.append(f"{where}: its members, written anew, have another hash")
        leaves.append(leaf)

with open(sys.argv[2], encoding="utf-8", newline="") as file:
    lines = file.read().split("\n")
size = int(lines[1])
if size > len(leaves):
    faults.append(f"the checkpoint is of {size} entries, the export has {len(leaves)}")
elif base64.b64encode(root_of(leaves[:size])).decode() != lines[2]:
    faults.append(f"the first {size} entries are not those that were signed")
print("\n".join(faults) or f"holds: {len(leaves)} entries, {size} of them signed")
sys.exit(1 if faults else 0)
