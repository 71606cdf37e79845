#!/bin/sh
# openssl_verify.sh NOTE VKEY: verifies the signature of a checkpoint with nothing but the openssl command and coreutils.
# A note is text, an empty line, and signature lines: "— name base64(key id, 4 bytes | signature, 64 bytes)". A verifier key is
# name+key id+base64(0x01 | key, 32 bytes).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
name=$(printf '%s' "$2" | cut -d+ -f1)
sed '/^$/,$d' "$1" >"$folder/text"
grep -F "— $name " "$1" | head -n 1 | cut -d' ' -f3 | base64 -d | tail -c +5 >"$folder/signature"
# SubjectPublicKeyInfo of Ed25519 (RFC 8410 section 4): a fixed head, then the key.
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; printf '%s' "$2" | cut -d+ -f3- | base64 -d | tail -c +2; } >"$folder/key.der"
openssl pkeyutl -verify -pubin -keyform DER -inkey "$folder/key.der" -rawin -in "$folder/text" -sigfile "$folder/signature"
