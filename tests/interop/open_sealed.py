#!/usr/bin/env python3
"""Opens what the hub sealed. Written from docs/formats/sealed.md alone, over python3-cryptography.

    open_sealed.py KEY.json FILE [FROM LENGTH]

KEY.json: {"key": hex, "tenant", "table", "row", "field", "version", "keyId": hex}. FILE: a sealed value or stream. Writes the
plaintext, or LENGTH bytes of it from FROM, to standard output. Exit status 2: it does not open.
"""
import hmac
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

SEGMENT_BYTES = {1: 4096, 2: 1 << 20}  # by suite
HEADER = 74


class Refused(Exception):
    pass


def part(text):
    encoded = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">I", len(encoded)) + encoded


def expand(key, info, size):
    return HKDFExpand(hashes.SHA384(), size, info).derive(key)


class Sealed:
    def __init__(self, file, key):
        self.file = file
        suite = file.read(1)
        if not suite or suite[0] not in SEGMENT_BYTES:
            raise Refused("unknown suite")
        self.size = SEGMENT_BYTES[suite[0]]
        header = file.read(HEADER)
        if header[:10] != struct.pack(">BBII", 0, 0, self.size, 32) or len(header) != HEADER:
            raise Refused("unknown parameters")
        self.aad = b"".join(part(t) for t in ("rabt/v1", key["tenant"], key["table"], key["row"], key["field"],
                                              str(key["version"]),
                                              bytes.fromhex(key["keyId"])))
        self.bound = header[:42]
        master = bytes.fromhex(key["key"])
        if not hmac.compare_digest(self.derive(master, b"HEADER_TAG:", 32), header[42:]):
            raise Refused("header tag")
        self.message_key = self.derive(master, b"MESSAGE_KEY:", 48)
        body = os.fstat(file.fileno()).st_size - 1 - HEADER
        if body < 32:
            raise Refused("too short")
        self.last = (body - 1) // self.size
        self.plain_bytes = body - 32 * (self.last + 1)
        self.end = self.segment(self.last)  # proves the end before anything is written

    def derive(self, key, purpose, size):
        return expand(key, self.bound + purpose + self.aad, size)

    def segment(self, number):
        self.file.seek(1 + HEADER + number * self.size)
        sealed = self.file.read(self.size)
        is_last = number == self.last
        if len(sealed) < 32 or struct.unpack(">I", sealed[:4])[0] != (len(sealed) if is_last else 0xFFFFFFFF):
            raise Refused("length of segment %d" % number)
        key = self.derive(self.message_key, b"DEK:" + struct.pack(">Q", number >> 20 << 20), 32)
        try:
            return AESGCM(key).decrypt(sealed[4:16], sealed[16:], struct.pack(">QB", number, 1 if is_last else 0))
        except InvalidTag:
            raise Refused("segment %d" % number)

    def read(self, start, length, out):
        if start + length > self.plain_bytes:
            raise Refused("range")
        whole = self.size - 32
        while length > 0:
            piece = self.segment(start // whole)[start % whole:][:length]
            out.write(piece)
            start += len(piece)
            length -= len(piece)


def main():
    with open(sys.argv[1]) as file:
        key = json.load(file)
    with open(sys.argv[2], "rb") as file:
        try:
            sealed = Sealed(file, key)
            start, length = (int(sys.argv[3]), int(sys.argv[4])) if len(sys.argv) > 3 else (0, sealed.plain_bytes)
            sealed.read(start, length, sys.stdout.buffer)
        except Refused as cause:
            print("refused:", cause, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
