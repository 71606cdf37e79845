#!/usr/bin/env python3
"""Opens a recording from a hub's data folder. Written from docs/formats/keyring.md and sealed.md alone, over python3-cryptography.

    open_folder.py FOLDER TENANT BLOB

The root is a file, root.key in the folder. From there to the keyring, the data key in the database and the file of the recording; every
checksum, MAC and context on the way is checked. Writes the recording to standard output. Exit status 2: something does not open.
"""
import hashlib
import hmac
import os
import sqlite3
import struct
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from open_sealed import Refused, Sealed, part


class Bytes:
    def __init__(self, path, magic):
        with open(path, "rb") as file:
            content = file.read()
        if hashlib.sha256(content[:-32]).digest() != content[-32:]:
            raise Refused("checksum of " + path)
        self.rest = content[:-32]
        self.at = 0
        if self.take(8) != magic or self.number(4) != 1:
            raise Refused("format of " + path)

    def take(self, size):
        if self.at + size > len(self.rest):
            raise Refused("too short")
        self.at += size
        return self.rest[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def text(self):
        return self.take(self.number(4))

    def end(self):
        if self.at != len(self.rest):
            raise Refused("stray bytes")


def tuple_of(*parts):
    return b"".join(part(p) for p in parts)


def unwrap(key, wrapped, *context):
    try:
        bound = aes_key_unwrap_with_padding(key, wrapped)
    except InvalidUnwrap:
        raise Refused("unwrap of " + str(context))
    if len(bound) != 48 or not hmac.compare_digest(bound[32:], hashlib.sha256(tuple_of(*context)).digest()[:16]):
        raise Refused("context " + str(context))
    return bound[:32]


def read_root(path):
    file = Bytes(path, b"RABTROOT")
    name = file.take(16).hex()
    versions = {}
    for _ in range(file.number(4)):
        number = file.number(4)
        versions[number] = file.take(32)
    file.end()
    return name, versions


def read_keyring(path, root_name, roots, wanted):
    """The bucket keys of a tenant, by bucket and version."""
    file = Bytes(path, b"RABTKEYS")
    file.number(8)  # generation
    if (file.text(), file.text()) != (b"file", root_name.encode()):
        raise Refused("another root")
    buckets = None
    for _ in range(file.number(4)):
        begin = file.at
        name = file.text().decode()
        version = file.number(4)
        key_root, key = file.number(4), file.text()
        derivation_root, derivation = file.number(4), file.text()
        wrapped = {}
        for _ in range(file.number(4)):
            bucket = file.text().decode()
            file.number(8)  # created
            file.text()  # hold
            count = file.number(4)
            if count == 0:
                file.number(8)  # destroyed
                file.text()  # reason
            for _ in range(count):
                number = file.number(4)
                wrapped[bucket, number] = file.take(56)
        covered = file.rest[begin:file.at]
        mac = file.take(32)
        if name != wanted:
            continue
        master = unwrap(roots[derivation_root], derivation, "rabt/v1/derivation-key", name)
        mac_key = HKDF(hashes.SHA256(), 32, None, tuple_of("rabt/v1/keyring-mac")).derive(master)
        if not hmac.compare_digest(hmac.digest(mac_key, covered, "sha256"), mac):
            raise Refused("MAC of the tenant")
        tenant_key = unwrap(roots[key_root], key, "rabt/v1/tenant-key", name, str(version))
        buckets = {of: unwrap(tenant_key, one, "rabt/v1/bucket-key", name, of[0], str(of[1]))
                   for of, one in wrapped.items()}
    file.end()
    if buckets is None:
        raise Refused("no such tenant")
    return buckets


def main():
    folder, tenant, blob = sys.argv[1:]
    try:
        name, roots = read_root(folder + "/root.key")
        buckets = read_keyring(folder + "/keyring", name, roots, tenant)
        database = sqlite3.connect("file:%s/rabt.db?mode=ro" % folder, uri=True)
        row = database.execute(
            "SELECT k.id, k.bucket, k.version, k.wrapped, b.bytes, b.sha256 FROM blob b JOIN data_key k ON k.id = b.data_key "
            "WHERE b.tenant = ? AND b.id = ? AND k.tenant = b.tenant AND b.finished = 1", (tenant, blob)).fetchone()
        if row is None:
            raise Refused("no such recording")
        key_id, bucket, version, wrapped, size, digest = row
        if (bucket, version) not in buckets:
            raise Refused("the key of the bucket is gone")
        key = unwrap(buckets[bucket, version], wrapped, "rabt/v1/data-key", tenant, bucket, str(version), key_id)
        with open("%s/blobs/%s" % (folder, blob), "rb") as file:
            sealed = Sealed(file, {"key": key.hex(), "keyId": key_id.hex(), "tenant": tenant, "table": "blob", "row": blob,
                                   "field": "content", "version": 1})
            if sealed.plain_bytes != size:
                raise Refused("size")
            out = os.fdopen(sys.stdout.fileno(), "wb", closefd=False)
            sealed.read(0, size, out)
    except Refused as cause:
        print("refused:", cause, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
