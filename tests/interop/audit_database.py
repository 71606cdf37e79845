#!/usr/bin/env python3
"""audit_database.py DATABASE MAC_KEY_HEX CHECKPOINT_FILE: whether the audit log in a database holds, from docs/formats/audit_log.md
alone: contents, hashes, MAC chain, numbers, tiles, look-up rows, roots of checkpoints, the checkpoint outside. Of the hub
it uses nothing. The log has to be closed: its newest checkpoint covers all entries.

Exit status 0: it holds; 1: not, each fault on a line. Signatures are for tests/go and tests/audit/openssl_verify.sh.
"""
import base64
import hashlib
import hmac
import json
import sqlite3
import sys

database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
database.text_factory = lambda raw: raw.decode("utf-8", "replace")
mac_key = bytes.fromhex(sys.argv[2])
faults = []


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


def mac_of(*parts):
    return hmac.new(mac_key, b"".join(parts), hashlib.sha256).digest()


leaves, mac, numbers, look_up = [], bytes(32), {}, {}
rows = database.execute("SELECT seq, stream, n, at_ms, tenant, act, object, patient, canonical, leaf, mac FROM audit ORDER BY seq")
for seq, stream, n, at_ms, tenant, act, thing, patient, canonical, leaf, stored_mac in rows:
    where = f"entry {seq}"
    if seq != len(leaves) + 1:
        faults.append(f"{where}: number {len(leaves) + 1} belongs there")
    if sha(b"\x00" + canonical) != leaf:
        faults.append(f"{where}: hash")
    try:
        entry = json.loads(canonical)
        copies = (entry["stream"], entry["n"], entry["at_ms"], *(entry.get(k, "") for k in ("tenant", "act", "object", "patient")))
        if entry["v"] != 1 or copies != (stream, n, at_ms, tenant, act, thing, patient):
            faults.append(f"{where}: columns")
        numbers[entry["stream"]] = numbers.get(entry["stream"], 0) + 1
        if entry["n"] != numbers[entry["stream"]]:
            faults.append(f"{where}: number in the stream")
    except (ValueError, KeyError, TypeError):
        faults.append(f"{where}: content")
    mac = mac_of(b"\x00", mac, leaf)
    if mac != stored_mac:
        faults.append(f"{where}: MAC")
    tile = len(leaves) // 256
    times, keys = look_up.setdefault(tile, ([], set()))
    times.append(at_ms)
    kind, colon, _ = thing.partition(":")
    keys.update(sha(mark + text.encode())[:4] for mark, text in ((b"o", thing), (b"k", colon and kind), (b"p", patient)) if text)
    leaves.append(leaf)

expected, level = {}, leaves
for height in range(8):
    full = [level[at:at + 256] for at in range(0, len(level) - 255, 256)]
    expected.update({(height, number): (root_of(hashes), b"".join(hashes)) for number, hashes in enumerate(full)})
    level = [root_of(hashes) for hashes in full]
tiles = {(height, number): (root, hashes) for height, number, root, hashes in database.execute("SELECT level, number, root, hashes FROM audit_tile")}
faults += [f"tile {place}" for place in sorted(expected.keys() | tiles.keys()) if expected.get(place) != tiles.get(place)]
finds = {}
for tile, low, high, keys, stored_mac in database.execute("SELECT tile, from_ms, to_ms, keys, mac FROM audit_find"):
    finds[tile] = (low, high, keys)
    if stored_mac != mac_of(b"\x02", *(number.to_bytes(8, "big", signed=True) for number in (tile, low, high)), keys):
        faults.append(f"look-up row {tile}: MAC")
wanted = {tile: (min(times), max(times), b"".join(sorted(keys))) for tile, (times, keys) in look_up.items() if (tile + 1) * 256 <= len(leaves)}
faults += [f"look-up row {tile}" for tile in sorted(wanted.keys() | finds.keys()) if wanted.get(tile) != finds.get(tile)]

last, note = -1, ""
for at, (number, size, note, stored_mac) in enumerate(database.execute("SELECT number, size, note, mac FROM audit_checkpoint ORDER BY number")):
    where = f"checkpoint {number}"
    lines = note.split("\n")
    if number != at + 1 or size <= last or (number == 1) != (size == 0):
        faults.append(f"{where}: order")
    last = size
    if len(lines) < 5 or lines[1] != str(size) or size > len(leaves) or lines[2] != base64.b64encode(root_of(leaves[:size])).decode():
        faults.append(f"{where}: size or root")
    if stored_mac != mac_of(b"\x01", number.to_bytes(8, "big", signed=True), note.encode("utf-8", "replace")):
        faults.append(f"{where}: MAC")
with open(sys.argv[3], encoding="utf-8", newline="") as file:
    if file.read() != note:
        faults.append("the newest checkpoint is not the one outside")
if last != len(leaves):
    faults.append(f"the newest checkpoint is of {last} entries, the table has {len(leaves)}")

print("\n".join(faults) or f"holds: {len(leaves)} entries")
sys.exit(1 if faults else 0)
