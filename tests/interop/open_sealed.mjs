// Opens what the hub sealed. Written from docs/formats/sealed.md alone, over node:crypto.
//
//   node open_sealed.mjs KEY.json FILE [FROM LENGTH]
//
// KEY.json: {"key": hex, "tenant", "table", "row", "field", "version", "keyId": hex}. FILE: a sealed value or stream. Writes the
// plaintext, or LENGTH bytes of it from FROM, to standard output. Exit status 2: it does not open.
import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

const SEGMENT_BYTES = { 1: 4096, 2: 1 << 20 }; // by suite
const HEADER = 74;

class Refused extends Error {}

function part(text) {
  const encoded = Buffer.from(text); // a text as UTF-8
  const length = Buffer.alloc(4);
  length.writeUInt32BE(encoded.length);
  return Buffer.concat([length, encoded]);
}

// HKDF-Expand-SHA-384 of at most 48 bytes: its first block.
function expand(key, info, size) {
  return createHmac('sha384', key).update(info).update(Buffer.from([1])).digest().subarray(0, size);
}

class Sealed {
  constructor(file, key) {
    this.file = file;
    this.bytes = fstatSync(file).size;
    this.size = SEGMENT_BYTES[this.at(0, 1)[0]];
    if (this.size === undefined) throw new Refused('unknown suite');
    const header = this.at(1, HEADER);
    const parameters = Buffer.alloc(10);
    parameters.writeUInt32BE(this.size, 2);
    parameters.writeUInt32BE(32, 6);
    if (!header.subarray(0, 10).equals(parameters)) throw new Refused('unknown parameters');
    this.aad = Buffer.concat(['rabt/v1', key.tenant, key.table, key.row, key.field, String(key.version), Buffer.from(key.keyId, 'hex')].map(part));
    this.bound = header.subarray(0, 42);
    const master = Buffer.from(key.key, 'hex');
    if (!timingSafeEqual(this.derive(master, Buffer.from('HEADER_TAG:'), 32), header.subarray(42))) throw new Refused('header tag');
    this.messageKey = this.derive(master, Buffer.from('MESSAGE_KEY:'), 48);
    const body = this.bytes - 1 - HEADER;
    if (body < 32) throw new Refused('too short');
    this.last = Math.floor((body - 1) / this.size);
    this.plainBytes = body - 32 * (this.last + 1);
    this.segment(this.last); // proves the end before anything is written
  }

  at(offset, size) {
    const out = Buffer.alloc(size);
    if (readSync(this.file, out, 0, size, offset) !== size) throw new Refused('too short');
    return out;
  }

  derive(key, purpose, size) {
    return expand(key, Buffer.concat([this.bound, purpose, this.aad]), size);
  }

  segment(number) {
    const isLast = number === this.last;
    const offset = 1 + HEADER + number * this.size;
    const sealed = this.at(offset, isLast ? this.bytes - offset : this.size);
    if (sealed.length < 32 || sealed.readUInt32BE(0) !== (isLast ? sealed.length : 0xffffffff)) throw new Refused(`length of segment ${number}`);
    const masked = Buffer.alloc(8);
    masked.writeBigUInt64BE((BigInt(number) >> 20n) << 20n);
    const key = this.derive(this.messageKey, Buffer.concat([Buffer.from('DEK:'), masked]), 32);
    const aad = Buffer.alloc(9);
    aad.writeBigUInt64BE(BigInt(number));
    aad[8] = isLast ? 1 : 0;
    const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(4, 16), { authTagLength: 16 });
    cipher.setAAD(aad);
    cipher.setAuthTag(sealed.subarray(sealed.length - 16));
    const plain = cipher.update(sealed.subarray(16, sealed.length - 16));
    try {
      cipher.final();
    } catch {
      throw new Refused(`segment ${number}`);
    }
    return plain;
  }

  read(start, length, write) {
    if (start + length > this.plainBytes) throw new Refused('range');
    const whole = this.size - 32;
    while (length > 0) {
      const number = Math.floor(start / whole);
      const piece = this.segment(number).subarray(start - number * whole).subarray(0, length);
      write(piece);
      start += piece.length;
      length -= piece.length;
    }
  }
}

const [keyFile, sealedFile, from, length] = process.argv.slice(2);
const file = openSync(sealedFile, 'r');
try {
  const sealed = new Sealed(file, JSON.parse(readFileSync(keyFile, 'utf8')));
  sealed.read(from === undefined ? 0 : Number(from), length === undefined ? sealed.plainBytes : Number(length), (piece) => {
    for (let done = 0; done < piece.length; ) done += writeSync(1, piece, done);
  });
} catch (cause) {
  if (!(cause instanceof Refused)) throw cause;
  console.error('refused:', cause.message);
  process.exitCode = 2;
} finally {
  closeSync(file);
}
