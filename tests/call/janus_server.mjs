// A Janus of Debian's package with the files of config/janus, and rooms as the hub's plugin makes them.
import { createHmac, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, until } from './browser.mjs';

export const kJanus = '/usr/bin/janus';

// Janus carries no media over the loopback interface: another address of this machine. null when there is none.
export const ownAddress = () => Object.values(networkInterfaces()).flat().find((one) => one.family === 'IPv4' && !one.internal)?.address ?? null;

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

export class Janus {
  async start() {
    this.folder = mkdtempSync(join(tmpdir(), 'rabt-call-'));
    const secret = () => randomBytes(16).toString('hex');
    this.words = {
      name: 'test', folder: this.folder, root, address: ownAddress(), rtp_ports: '21800-21999', admin_port: await freePort(),
      client_port: await freePort(), hook: 'http://127.0.0.1:9/', admin_secret: secret(), admin_key: secret(),
      token_secret: secret(), events_secret: secret(),
    };
    for (const name of ['janus.jcfg', 'janus.plugin.videoroom.jcfg', 'janus.transport.http.jcfg', 'janus.transport.websockets.jcfg'])
      writeFileSync(join(this.folder, name), readFileSync(join(root, 'config/janus', name), 'utf8')
        .replace(/\{{2,3}(\w+)\}{2,3}/g, (_, word) => String(this.words[word])));
    const library = readdirSync('/usr/lib').map((one) => join('/usr/lib', one, 'janus')).find((one) => existsSync(one));
    for (const module of ['plugins/libjanus_videoroom.so', 'transports/libjanus_http.so', 'transports/libjanus_websockets.so']) {
      mkdirSync(join(this.folder, module.split('/')[0]), { recursive: true });
      symlinkSync(join(library, module), join(this.folder, module));
    }
    for (const one of ['events', 'loggers']) mkdirSync(join(this.folder, one));
    this.child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', kJanus, '-C', join(this.folder, 'janus.jcfg'), '-F', this.folder],
      { stdio: 'ignore' });
    await until('Janus answers', () => this.admin({ janus: 'ping' }).then(() => true, () => false));
    return this;
  }
  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
  async admin(body) {
    const answer = await fetch(`http://127.0.0.1:${this.words.admin_port}/admin`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ transaction: 't', admin_secret: this.words.admin_secret, ...body }),
    });
    return answer.json();
  }
  async room(request) {
    const { response, error } = await this.admin({ janus: 'message_plugin', plugin: 'janus.plugin.videoroom', request });
    if (error || response.error) throw new Error(JSON.stringify(error ?? response));
    return response;
  }
  // A room as the plugin makes it.
  async makeRoom() {
    const name = `test.${randomBytes(8).toString('hex')}`;
    await this.room({
      request: 'create', room: name, secret: 'room-secret', admin_key: this.words.admin_key, is_private: true, require_pvtid: true,
      lock_record: true, notify_joining: true, allowed: ['none'], publishers: 10, bitrate: 1_500_000, audiocodec: 'opus',
      opus_dtx: false, opus_fec: true, videocodec: 'vp8',
    });
    return name;
  }
  // Media token and address, as the hub hands them to an admitted participant.
  async media(room, identity, seconds = 3600) {
    const claims = `${Math.floor(Date.now() / 1000) + seconds},janus,janus.plugin.videoroom,${room},${identity},${randomBytes(8).toString('hex')}`;
    const token = `${claims}:${createHmac('sha1', this.words.token_secret).update(claims).digest('base64')}`;
    await this.room({ request: 'allowed', action: 'add', room, secret: 'room-secret', allowed: [token] });
    return { provider: 'plugin://janus', identity, room, token, url: `ws://127.0.0.1:${this.words.client_port}`, iceServers: [] };
  }
  async remove(room, identity) {
    const { allowed } = await this.room({ request: 'allowed', action: 'enable', room, secret: 'room-secret' });
    const theirs = allowed.filter((one) => one.split(',')[4] === identity);
    await this.room({ request: 'allowed', action: 'remove', room, secret: 'room-secret', allowed: theirs });
    await this.room({ request: 'kick', room, secret: 'room-secret', id: identity });
  }
  end(room) {
    return this.room({ request: 'destroy', room, secret: 'room-secret' });
  }
}
