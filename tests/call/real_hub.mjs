// A hub with its plugin janus and a Janus of this machine, as `./dev run --video janus` starts them, on ports of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, until } from './browser.mjs';

export const bin = process.env.RABT_BUILD_DIR ? join(process.env.RABT_BUILD_DIR, 'bin') : join(root, 'build/release/bin');
export const kPrograms = [join(bin, 'rabt'), join(bin, 'rabt-janus'), '/usr/bin/janus', '/usr/bin/turnserver', '/usr/bin/ffmpeg', '/usr/bin/janus-pp-rec'];

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

export class RealHub {
  // p2p: without a provider, on the same configuration.
  async start({ p2p = false } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'rabt-call-'));
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const janus = join(this.folder, 'janus');
    mkdirSync(janus);
    const ports = [];
    for (const name of ['admin', 'client', 'turn', 'shelf']) ports.push(`--${name}-port`, String(await freePort()));
    this.children = [this.run('rabt-janus', ['--folder', janus, '--root', root, '--hook', `${this.url}/hooks/janus`, ...ports,
      '--ready-file', join(janus, 'ready'), '--die-with-parent'], 'janus.log')];
    await until('Janus runs', () => existsSync(join(janus, 'ready')), 60_000);
    const config = readFileSync(join(janus, 'rabt.yaml'), 'utf8').replaceAll('8480', String(this.port))
      .replace(/^data:.*$/m, `data: "${join(this.folder, 'data')}"`).replace(/^plugins: "[^"]*"/m, `plugins: "${join(bin, '../plugins')}"`)
      .replace('video: plugin://janus', `video: ${p2p ? 'hub://p2p' : 'plugin://janus'}`);
    writeFileSync(join(this.folder, 'rabt.yaml'), config);
    const ready = join(this.folder, 'hub.ready');
    this.children.push(this.run('rabt', ['serve', '--dev', '--config', join(this.folder, 'rabt.yaml'), '--ready-file', ready, '--die-with-parent'], 'hub.log'));
    await until('the hub runs', () => existsSync(ready), 60_000).catch((error) => {
      throw new Error(`${error.message}\n${readFileSync(join(this.folder, 'hub.log'), 'utf8').slice(-2000)}`);
    });
    this.token = readFileSync(join(this.folder, 'data/api-token'), 'utf8').trim();
    return this;
  }
  run(program, values, log) {
    const out = openSync(join(this.folder, log), 'w');
    return spawn(join(bin, program), values, { stdio: ['ignore', out, out] });
  }
  async stop() {
    for (const child of this.children.reverse()) {
      if (child.exitCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
  async call(method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method, headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }
  // A person with a password; signs in by signIn().
  async person(username, profile) {
    const made = await this.call('POST', '/api/v1/users', { username, ...profile });
    const password = randomBytes(15).toString('base64url');
    await this.call('POST', '/api/v1/auth/activate', { username, password, code: made.activation });
    return { ...made, username, password };
  }
  async signIn(page, { username, password }) {
    await page.goto(`${this.url}/login`);
    const status = await page.evaluate((body) => fetch('/api/v1/auth/login', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    }).then(async (answer) => `${answer.status} ${answer.ok ? '' : await answer.text()}`), { username, password, cookie: true });
    if (!status.startsWith('200')) throw new Error(`sign-in: ${status}`);
  }
}
