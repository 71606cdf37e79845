// Proofs of the audit log, checked by the browser itself: C2SP tlog-proof, tlog-checkpoint and signed-note, RFC 9162 section 2.1.3.2.

export interface Checked {
  // Position of the entry, from 1, and the number of entries under the checkpoint.
  position: number;
  entries: number;
  entry: Record<string, unknown>;
  // False where the browser knows no Ed25519: the tree holds, whoever signed it.
  signed: boolean;
}
// The step that does not hold. The texts of the page have a key of this name: proof_<step>.
export class Refused extends Error {
  constructor(readonly step: 'form' | 'tree' | 'origin' | 'key' | 'signature') {
    super(step);
  }
}

type Bytes = Uint8Array<ArrayBuffer>;
const kDash = '\u2014 ';

function bytesOf(base64: string): Bytes {
  let text: string;
  try { text = atob(base64); } catch { throw new Refused('form'); }
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
const joined = (...parts: Bytes[]): Bytes => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
};
const sha256 = async (bytes: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
const same = (a: Bytes, b: Bytes) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const countOf = (text: string | undefined): number => {
  if (!text || !/^(0|[1-9][0-9]{0,14})$/.test(text)) throw new Refused('form');
  return Number(text);
};

// rootOf: where the leaf and the hashes of its path lead; undefined if there are too few or too many.
export async function rootOf(leaf: Bytes, index: number, size: number, path: Bytes[]): Promise<Bytes | undefined> {
  if (index >= size) return undefined;
  const half = (n: number) => Math.floor(n / 2);
  let [at, last, root] = [index, size - 1, leaf];
  for (const hash of path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      root = await sha256(joined(Uint8Array.of(1), hash, root));
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      root = await sha256(joined(Uint8Array.of(1), root, hash));
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? root : undefined;
}

// checkNote: reads a checkpoint and checks its signature under the key `<name>+<id>+<key>`.
async function checkNote(note: string, vkey: string): Promise<{ size: number; root: Bytes; signed: boolean }> {
  const end = note.indexOf('\n\n');
  if (end < 0) throw new Refused('form');
  const text = note.slice(0, end + 1);
  const [origin, size, root] = text.split('\n');
  const [name, id, key] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trim())?.slice(1) ?? [];
  if (!name || !id || !key) throw new Refused('key');
  if (origin !== name) throw new Refused('origin');
  const raw = bytesOf(key);
  if (raw.length !== 33 || raw[0] !== 1) throw new Refused('key');
  const keyId = (await sha256(joined(utf8(name), utf8('\n'), raw))).slice(0, 4);
  if (Array.from(keyId, (byte) => byte.toString(16).padStart(2, '0')).join('') !== id) throw new Refused('key');
  const line = note.slice(end + 2).split('\n').find((one) => one.startsWith(kDash + name + ' '));
  const signature = line ? bytesOf(line.slice(kDash.length + name.length + 1)) : new Uint8Array();
  if (signature.length !== 68 || !same(signature.slice(0, 4), keyId)) throw new Refused('signature');
  let signed = true;
  try {
    const imported = await crypto.subtle.importKey('raw', raw.slice(1), { name: 'Ed25519' }, false, ['verify']);
    if (!(await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature.slice(4), utf8(text)))) throw new Refused('signature');
  } catch (failed) {
    if (failed instanceof Refused) throw failed;
    signed = false;
  }
  return { size: countOf(size), root: bytesOf(root ?? ''), signed };
}

// checkProof: the entry that the proof is of, if everything holds; else Refused names the step.
export async function checkProof(file: string, vkey: string): Promise<Checked> {
  const end = file.indexOf('\n\n');
  const [form, extra, index, ...hashes] = file.slice(0, Math.max(end, 0)).split('\n');
  if (form !== 'c2sp.org/tlog-proof@v1' || !extra?.startsWith('extra ') || !index?.startsWith('index ')) throw new Refused('form');
  const entry = bytesOf(extra.slice(6));
  const note = await checkNote(file.slice(end + 2), vkey);
  const at = countOf(index.slice(6));
  const path = hashes.map(bytesOf);
  const root = await rootOf(await sha256(joined(Uint8Array.of(0), entry)), at, note.size, path);
  if (!root || !same(root, note.root)) throw new Refused('tree');
  try {
    return { position: at + 1, entries: note.size, entry: JSON.parse(new TextDecoder().decode(entry)) as Record<string, unknown>, signed: note.signed };
  } catch { throw new Refused('form'); }
}
