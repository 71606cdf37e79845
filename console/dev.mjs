// `./dev console`: builds the pages on each change and serves them before a running hub, which answers everything else.
//   node dev.mjs [--hub http://127.0.0.1:8080] [--port 8090]
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const option = (name, value) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : value);
const hub = new URL(option('--hub', 'http://127.0.0.1:8080'));
const port = Number(option('--port', '8090'));
const out = join(here, 'dist');
const kTypes = { '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

const builder = spawn(process.execPath, [join(here, 'build.mjs'), '--out', out, '--watch'], { stdio: ['pipe', 'inherit', 'inherit'] });
process.on('exit', () => builder.kill());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));

// The hub takes a request of its own pages alone: this one stands in for them.
const forwarded = (headers) => ({ ...headers, host: hub.host, ...(headers.origin ? { origin: hub.origin } : {}) });
// The hub's shell with the names of the files that were built just now.
function shell(html, path) {
  const { entries } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
  const at = (source) => `/assets/${entries[source]}`;
  return html
    .replace(/<link rel="modulepreload"[^>]*>\n/g, '')
    .replace(/(<script type="module" src=")[^"]*/, `$1${at(path.startsWith('/call/') ? 'src/call/main.tsx' : /^\/console(\/|$)/.test(path) ? 'src/ops/main.tsx' : 'src/clinic/main.tsx')}`)
    .replace(/(rel="stylesheet" href="\/assets\/)(main|console)-[^"]*/g, (_, before, name) => before + entries[`src/styles/${name}.css`])
    .replace(/(rel="icon"[^>]*href=")[^"]*/, `$1${at('src/styles/icon.svg')}`);
}

const server = createServer((from, to) => {
  const path = from.url.split('?')[0];
  if (path.startsWith('/assets/')) {
    const name = path.slice('/assets/'.length);
    try {
      if (!/^[\w.-]+$/.test(name)) throw new Error();
      const body = readFileSync(join(out, name));
      to.writeHead(200, { 'Content-Type': kTypes[extname(name)] ?? 'application/octet-stream', 'Cache-Control': 'no-store' }).end(body);
    } catch {
      to.writeHead(404).end();
    }
    return;
  }
  const asked = request({ host: hub.hostname, port: hub.port, method: from.method, path: from.url, headers: forwarded(from.headers) }, (answer) => {
    if (!(answer.headers['content-type'] ?? '').startsWith('text/html')) {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
      return;
    }
    const parts = [];
    answer.on('data', (part) => parts.push(part)).on('end', () => {
      const { 'content-length': _, ...headers } = answer.headers;
      to.writeHead(answer.statusCode, headers).end(shell(Buffer.concat(parts).toString(), path));
    });
  });
  asked.on('error', () => to.writeHead(502, { 'Content-Type': 'text/plain' }).end(`no hub answers at ${hub.origin}\n`));
  from.pipe(asked);
});
server.on('upgrade', (from, socket, head) => {
  const other = connect(Number(hub.port || 80), hub.hostname, () => {
    const headers = Object.entries(forwarded(from.headers)).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    other.write(`${from.method} ${from.url} HTTP/1.1\r\n${headers}\r\n`);
    other.write(head);
    other.pipe(socket).pipe(other);
  });
  other.on('error', () => socket.destroy());
  socket.on('error', () => other.destroy());
});
server.listen(port, '127.0.0.1', () => console.log(`pages at http://127.0.0.1:${port}/ before the hub at ${hub.origin}`));
