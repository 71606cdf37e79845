// Common parts of the two vendors' servers here: a WebSocket with TLS under the vendor's own name,
// and a page that forwards media. The browser of a test resolves these names to this machine
// (kArguments); nothing else of the page or the SDK is changed.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:https';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer as plainServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { esbuild, root } from './browser.mjs';

const require_ = createRequire(join(root, 'console/package.json'));
const { WebSocketServer } = require_('ws');

// Listens under the vendor's name: a server of `met(socket, request)`.
export async function listen(met, protocol) {
  const folder = mkdtempSync(join(tmpdir(), 'rabt-provider-'));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=provider.invalid',
    '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')], { stdio: 'ignore' });
  const server = createServer({ key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) });
  rmSync(folder, { recursive: true, force: true });
  const sockets = new WebSocketServer({ server, ...(protocol ? { handleProtocols: () => protocol } : {}) });
  sockets.on('connection', met);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    close: () => {
      for (const one of sockets.clients) one.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}
export const argumentsFor = (host, port) => [`--host-resolver-rules=MAP ${host} 127.0.0.1:${port}`, '--ignore-certificate-errors'];

export class Sfu {
  async start(browser, heard = () => {}) {
    const { outputFiles } = await esbuild().build({ entryPoints: [join(root, 'tests/call/sfu.ts')], bundle: true, write: false, format: 'iife', target: 'es2022' });
    this.server = plainServer((request, response) => {
      response.setHeader('Content-Type', request.url === '/sfu.js' ? 'text/javascript' : 'text/html; charset=utf-8');
      response.end(request.url === '/sfu.js' ? outputFiles[0].text : '<!doctype html><title>Media</title><body><p>Media</p></body><script src="/sfu.js"></script>');
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.context = await browser.newContext();
    this.page = await this.context.newPage();
    this.page.on('pageerror', (error) => console.log(`# media: ${error.message}`));
    await this.page.exposeFunction('heard', heard);
    await this.page.goto(`http://127.0.0.1:${this.server.address().port}/`);
    // Sound is mixed only in a page that somebody has touched.
    await this.page.click('p');
    return this;
  }
  async call(name, ...values) {
    if (this.over) return null;
    return this.page.evaluate(([what, all]) => window.sfu[what](...all), [name, values]);
  }
  async stop() {
    this.over = true;
    await this.context?.close().catch(() => {});
    this.server?.close();
  }
}
