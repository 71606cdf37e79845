// Writes the pages that build.mjs made as one file of bytes, which the hub holds (hub/pages/bytes.S):
//   node embed.mjs FOLDER OUT
// "rabt pages 1\n", one line of JSON (the index: places and lengths count from the byte after that line), the bytes.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [folder, out] = process.argv.slice(2);
const kTypes = {
  '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2', '.json': 'application/json',
};

const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
const parts = [];
let end = 0;
const place = (bytes) => {
  parts.push(bytes);
  end += bytes.length;
  return [end - bytes.length, bytes.length];
};
const files = {};
for (const name of manifest.files) {
  const bytes = readFileSync(join(folder, name));
  const packed = gzipSync(bytes, { level: 9 });
  files[name] = {
    type: kTypes[extname(name)] ?? 'application/octet-stream',
    hash: createHash('sha256').update(bytes).digest('hex').slice(0, 32),
    plain: place(bytes),
    ...(packed.length < bytes.length * 0.9 ? { gzip: place(packed) } : {}),
  };
}
const index = JSON.stringify({ files, entries: manifest.entries, preload: manifest.preload });
writeFileSync(out, Buffer.concat([Buffer.from(`rabt pages 1\n${index}\n`), ...parts]));
