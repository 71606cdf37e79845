// The kept pictures of pages: makes them, and says where a page looks different from its picture.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

export const kAlbum = join(dirname(fileURLToPath(import.meta.url)), '../../docs/pictures');
// A colour that differs by so much in one channel is another one; so many pixels of another colour are another picture. A pixel whose
// colour stands next to its place is none: edges of letters wander from one Chromium to the next.
const kColour = 40;
const kPixels = 12;

// Runs in a page. Finds at most 256 colours for a PNG, and counts what differs from an older picture.
async function developed({ png, old, colour }) {
  const drawn = async (text) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${text}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.getContext('2d').getImageData(0, 0, image.width, image.height);
  };
  // The most frequent colour of each neighbourhood, and for each pixel the nearest of them.
  const packed = ({ data, width, height }) => {
    const points = new Uint32Array(data.buffer);
    const frequent = new Map();
    for (const point of points) frequent.set(point, (frequent.get(point) ?? 0) + 1);
    const areas = new Map();
    for (const [point, count] of [...frequent].sort((one, other) => other[1] - one[1] || one[0] - other[0])) {
      const area = point & 0xf0f0f0f0;
      if (areas.has(area)) areas.get(area).count += count;
      else areas.set(area, { point, count });
    }
    const palette = [...areas.values()].sort((one, other) => other.count - one.count || one.point - other.point).slice(0, 256).map(({ point }) => point);
    const parts = (point) => [point & 255, (point >> 8) & 255, (point >> 16) & 255];
    const kept = palette.map(parts);
    const places = new Map(palette.map((point, at) => [point, at]));
    const nearest = (point) => {
      const [r, g, b] = parts(point);
      let [best, least] = [0, Infinity];
      for (let at = 0; at < kept.length; ++at) {
        const far = (kept[at][0] - r) ** 2 + (kept[at][1] - g) ** 2 + (kept[at][2] - b) ** 2;
        if (far < least) [best, least] = [at, far];
      }
      places.set(point, best);
      return best;
    };
    const indices = Uint8Array.from(points, (point) => places.get(point) ?? nearest(point));
    let text = '';
    for (let at = 0; at < indices.length; at += 30_000) text += String.fromCharCode(...indices.subarray(at, at + 30_000));
    const seen = new Uint8ClampedArray(Uint32Array.from(indices, (at) => palette[at]).buffer);
    return { picture: { width, height, palette: kept.flat(), indices: btoa(text) }, seen };
  };
  const fresh = await drawn(png);
  const { picture, seen } = packed(fresh);
  if (!old) return { picture, pixels: -1 };
  const kept = await drawn(old);
  const { width, height } = fresh;
  if (kept.width !== width || kept.height !== height) return { picture, pixels: width * height, size: `${width} x ${height}, not ${kept.width} x ${kept.height}` };
  const [a, b] = [seen, kept.data];
  const near = (i, j) => Math.abs(a[i] - b[j]) <= colour && Math.abs(a[i + 1] - b[j + 1]) <= colour && Math.abs(a[i + 2] - b[j + 2]) <= colour;
  const beside = (x, y, holds) => {
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); ++v) for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); ++u) if (holds((v * width + u) * 4)) return true;
    return false;
  };
  const difference = new ImageData(width, height);
  let pixels = 0;
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      const i = (y * width + x) * 4;
      const other = !near(i, i) && !(beside(x, y, (j) => near(i, j)) && beside(x, y, (j) => near(j, i)));
      pixels += other;
      const grey = 200 + Math.round((b[i] + b[i + 1] + b[i + 2]) / 14);
      difference.data.set(other ? [220, 0, 0, 255] : [grey, grey, grey, 255], i);
    }
  return { picture, pixels, difference: pixels ? packed(difference).picture : null };
}

const kCrc = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; ++bit) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});
// A PNG with a palette.
function pngOf({ width, height, palette, indices }) {
  const rows = Buffer.alloc((width + 1) * height);
  const from = Buffer.from(indices, 'base64');
  for (let y = 0; y < height; ++y) from.copy(rows, y * (width + 1) + 1, y * width, (y + 1) * width);
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeInt32BE(~body.reduce((crc, byte) => kCrc[(crc ^ byte) & 255] ^ (crc >>> 8), -1), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('PLTE', Buffer.from(palette)), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

// `update`: pictures that look different are kept anew. `failed`: the folder for what a page looks like now, and for where it differs.
export async function album(browser, { update, failed }) {
  const desk = await (await browser.newContext()).newPage();
  return async (name, png) => {
    const path = join(kAlbum, `${name}.png`);
    const { picture, pixels, size, difference } = await desk.evaluate(developed, { png: png.toString('base64'), old: existsSync(path) ? readFileSync(path, 'base64') : '', colour: kColour });
    if (pixels >= 0 && pixels <= kPixels) return;
    const write = (to, drawn) => {
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, pngOf(drawn));
      return to;
    };
    if (update) {
      write(path, picture);
      return;
    }
    const now = write(join(failed, `${name}.new.png`), picture);
    if (pixels < 0) throw new Error(`docs/pictures has no ${name}.png; ./dev pictures makes it. It would be ${now}`);
    const where = difference ? `, ${write(join(failed, `${name}.difference.png`), difference)} where` : '';
    throw new Error(`${size ?? `${pixels} pixels differ`} in docs/pictures/${name}.png: ${now} is what the page looks like now${where}. If it is meant so: ./dev pictures`);
  };
}
