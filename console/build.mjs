// Build of the pages: bundles src/ with esbuild into OUT and writes OUT/manifest.json, the list that the hub embeds.
//   node build.mjs [--out FOLDER] [--watch]
// Ends with 1 and says why when a page is heavier than its budget.
import { build, context } from 'esbuild';
import { gzipSync } from 'node:zlib';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { define, sdks } from './sdks.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const arguments_ = process.argv.slice(2);
const out = arguments_.includes('--out') ? arguments_[arguments_.indexOf('--out') + 1] : join(here, 'dist');

// Bytes after gzip, of what a first visit loads: the entry's script with all that it imports at once.
const kBudgets = [
  { what: 'clinic script', entry: 'src/clinic/main.tsx', most: 60_000 },
  { what: 'call script', entry: 'src/call/main.tsx', most: 110_000 },
  { what: 'console script', entry: 'src/ops/main.tsx', most: 60_000 },
  // Loaded by the call when a session of the provider opens.
  { what: 'twilio call', entry: 'src/call/client/twilio.ts', most: 105_000 },
  { what: 'chime call', entry: 'src/call/client/chime/chime.ts', most: 265_000 },
  { what: 'style', entry: 'src/styles/main.css', most: 12_000 },
  { what: 'console style', entry: 'src/styles/console.css', most: 10_000 },
];

const options = {
  absWorkingDir: here,
  entryPoints: ['src/clinic/main.tsx', 'src/call/main.tsx', 'src/ops/main.tsx', 'src/styles/main.css', 'src/styles/console.css', 'src/styles/icon.svg'],
  outdir: out,
  entryNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  assetNames: '[name]-[hash]',
  publicPath: '/assets/',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022', 'chrome109', 'firefox109', 'safari16'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define,
  plugins: [sdks],
  minify: true,
  sourcemap: false,
  legalComments: 'none',
  loader: { '.woff2': 'file', '.svg': 'copy', '.sprite.svg': 'file' },
  metafile: true,
  logLevel: 'warning',
};

const nameOf = (path) => relative(out, join(here, path)).replaceAll('\\', '/');
const sizeOf = (path) => gzipSync(readFileSync(join(here, path)), { level: 9 }).length;

// first: the files that the entry loads before it runs: itself and its static imports.
function first(outputs, path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: next, kind } of outputs[path].imports) {
    if (kind === 'import-statement') first(outputs, next, seen);
  }
  return seen;
}

function finish({ metafile: { outputs } }) {
  const entries = {};
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint) entries[entryPoint] = path;
  }
  // Files that are copied as they are: fonts, symbols.
  for (const [path, { inputs, entryPoint }] of Object.entries(outputs)) {
    const sources = Object.keys(inputs);
    if (!entryPoint && sources.length === 1 && !/\.(js|css)$/.test(path)) entries[sources[0]] = path;
  }
  let heavy = false;
  for (const { what, entry, most } of kBudgets) {
    const size = [...first(outputs, entries[entry])].filter((p) => /\.(js|css)$/.test(p)).reduce((sum, p) => sum + sizeOf(p), 0);
    heavy ||= size > most;
    console.log(`${what.padEnd(14)} ${String(size).padStart(7)} of ${most} bytes (gzip)${size > most ? ': too heavy' : ''}`);
  }
  const manifest = {
    entries: Object.fromEntries(Object.entries(entries).map(([entry, path]) => [entry, nameOf(path)])),
    preload: Object.fromEntries(Object.entries(entries).map(
      ([entry, path]) => [entry, [...first(outputs, path)].filter((p) => p !== path).map(nameOf)])),
    files: Object.keys(outputs).map(nameOf).sort(),
  };
  writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  if (heavy) process.exitCode = 1;
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
if (arguments_.includes('--watch')) {
  const watched = await context({
    ...options, minify: false,
    plugins: [sdks, { name: 'finish', setup: (b) => b.onEnd((result) => { if (result.metafile) finish(result); }) }],
  });
  await watched.watch();
} else {
  finish(await build(options));
}
