// A hub of its own for tests. That of the console has one workflow that asks a person before it calls a system, a system that is away, a
// source of messages, and one person of each role.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { end, entered, totp } from './steps.mjs';

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// The tasks of `remind`: a decision, a choice, two branches side by side, a call to a system that may be away.
export const workflow = (version, away, more = '') => `document: {dsl: '1.0.3', namespace: guide, name: remind, version: '${version}', metadata: {rabt: {businessKey: '\${ .session }', patient: {mrn: '\${ "DEMO-1001" }'}}}}
schedule:
  on: {one: {with: {type: org.rabt.hub.session.created.v1}}}
input: {from: '\${ .[0].data }'}
do:
  - ask:
      call: decide:1.0.0@session
      with: {session: '\${ .session }', question: remind, answers: [remind, leave]}
  - asked:
      switch:
        - yes: {when: '\${ .decision == "remind" }', then: send}
        - no: {when: '\${ .decision == "leave" }', then: end}
  - misunderstood:
      raise: {error: {type: 'https://rabt.health/errors/unknown-decision', status: 500, title: No such answer}}
  - send:
      call: http
      with: {method: post, endpoint: 'http://127.0.0.1:${away}/reminders'}
${more}`;

const forConsole = ({ folder, away }) => {
  writeFileSync(join(folder, 'remind.yaml'), workflow('1.0.0', away));
  writeFileSync(join(folder, 'his.secret'), `whsec_${Buffer.alloc(32, 7).toString('base64')}`, { mode: 0o600 });
  return `roles: {video: hub://p2p, session: hub://session}
workflows: [remind.yaml]
plugin:
  fhir: {config: {base_url: 'http://127.0.0.1:${away}/fhir'}, hosts: ['http://127.0.0.1:${away}']}
sources:
  his: {scheme: standard-webhooks, secrets: [{file: his.secret}], plugin: fhir}
identity: {two_person: {acts: [workflow.apply, factor.reset]}, sessions: {step_up: 60m}}
http: {allow: ['127.0.0.1:${away}'], allow_private: true}
alerts: {rules: {deliveries_lost: {open: 1}}}
`;
};

// `configure`: writes files into the folder, and gives the rest of the configuration.
export async function hub(build, configure = forConsole) {
  const folder = mkdtempSync(join(tmpdir(), 'rabt-console-'));
  const [port, away] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'hub.yaml'), `tenant: demo-clinic
server: {address: 127.0.0.1, port: ${port}, public_url: 'http://127.0.0.1:${port}'}
data: data
plugins: ${join(build, 'plugins')}
migrations: ${join(build, '../../migrations/sqlite')}
${await configure({ folder, away, base: `http://127.0.0.1:${port}` })}`);
  const child = spawn(join(build, 'bin/rabt'), ['serve', '--config', join(folder, 'hub.yaml'), '--ready-file', join(folder, 'ready'), '--die-with-parent', '--dev'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (told = (told + text).slice(-4000)));
  for (let waited = 0; !existsSync(join(folder, 'ready')); waited += 100) {
    if (child.exitCode !== null || waited > 60_000) throw new Error(`the hub did not come up\n${told}`);
    await pause(100);
  }
  const base = `http://127.0.0.1:${port}`;
  const token = readFileSync(join(folder, 'data/api-token'), 'utf8').trim();
  const ask = async (method, path, body, bearer = token) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}), 'Content-Type': 'application/json', ...(method === 'POST' ? { 'Idempotency-Key': crypto.randomUUID() } : {}) },
      body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined };
  };
  const api = async (method, path, body, bearer) => {
    const { status, body: said } = await ask(method, `/api/v1${path}`, body, bearer);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(said)}`);
    return said;
  };
  // A message of the hospital's system, signed as Standard Webhooks says, or with a signature that does not fit.
  const deliver = async (body, signed = true) => {
    const [id, at] = [crypto.randomUUID(), String(Math.floor(Date.now() / 1000))];
    const signature = signed ? createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${at}.${body}`).digest('base64') : 'AAAA';
    return (await fetch(`${base}/hooks/his`, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` } })).status;
  };
  const people = {};
  // `factor`: with a second factor, which some roles need anyway.
  const enter = async (username, roles, factor = false) => {
    const made = await api('POST', '/users', { username, name: `Test ${username}`, roles });
    const password = crypto.randomUUID();
    await api('POST', '/auth/activate', { username, password, code: made.activation }, '');
    const person = { id: made.id, username, password };
    const session = await api('POST', '/auth/login', { username, password }, '');
    if (session.mustEnrol || factor) {
      person.totp = (await api('POST', '/me/mfa', {}, session.accessToken)).secret;
      // The code before the present one, which is still good for a sign-in. It is good for a moment of the next half minute no more.
      const left = 30_000 - (Date.now() % 30_000);
      if (left < 4_000) await pause(left + 100);
      await api('POST', '/me/mfa/confirm', { code: totp(person.totp, 1) }, session.accessToken);
    }
    await api('POST', '/auth/logout', {}, session.accessToken);
    people[username] = person;
  };
  const cookies = (who) => entered(base, people[who]);
  const close = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { base, folder, away, ask, api, deliver, people, enter, cookies, close };
}
