// The demonstration, served: a hub, stand-ins for the systems around it, and people with passwords.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { end, entered, skip } from './steps.mjs';

export async function served(build, ...more) {
  const folder = mkdtempSync(join(tmpdir(), 'rabt-pages-'));
  const ready = join(folder, 'ready.json');
  const child = spawn(join(build, 'bin/rabt-demo'), ['--root', join(build, '../..'), '--serve', '--ready-file', ready, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (told = (told + text).slice(-4000)));
  for (let waited = 0; !existsSync(ready); waited += 100) {
    if (child.exitCode !== null || waited > 120_000) {
      child.kill();
      throw new Error(`the demonstration did not come up\n${told}`);
    }
    await pause(100);
  }
  await pause(100);
  const { base, people } = JSON.parse(readFileSync(ready, 'utf8'));
  const close = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const shell = await fetch(`${base}/`);
  if (!(shell.headers.get('content-type') ?? '').startsWith('text/html')) {
    await close();
    skip('this hub was built without pages');
  }
  const api = async (who, method, path, body) => {
    const answer = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${people[who].token}`, 'Content-Type': 'application/json', ...(method === 'POST' ? { 'Idempotency-Key': crypto.randomUUID() } : {}) },
      body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const id = (who) => people[who].id;
  // Minutes from the present one on, so that a picture does not depend on seconds.
  const inMinutes = (minutes) => new Date((Math.floor(Date.now() / 60_000) + minutes) * 60_000).toISOString();
  const visit = (patient, minutes, more) =>
    api('admin', 'POST', '/sessions', { type: 'doctor_patient', bookingType: 'direct', provider: id('doctor'), patient: id(patient), scheduledStart: inMinutes(minutes), plannedMinutes: 20, language: 'ar', organizer: { person: id('doctor'), role: 'doctor' }, ...more });
  return { base, people, api, id, inMinutes, visit, folder, close, state: (who) => entered(base, people[who]) };
}

// A morning: somebody waits, somebody comes later, hours to book, a visit that is over, and somebody at the front desk.
export async function morning({ base, people, api, id, inMinutes, visit }) {
  const soon = await visit('patient', 8, { chiefComplaint: 'ألم في الصدر عند المجهود' });
  const family = await visit('patient2', 35, { type: 'family_consultation', language: 'en' });
  const late = await visit('patient2', 70, { language: 'en' });
  const dropped = await visit('patient2', 300);
  for (const [who, session] of [['patient', soon], ['patient2', family]]) await api(who, 'POST', `/sessions/${session.id}/join`, { deviceType: 'web' });
  const slots = [];
  for (let day = 0; day < 8; ++day)
    for (let hour = 0; hour < 5; ++hour) {
      const start = new Date(inMinutes((day * 24 + 1 + hour) * 60));
      start.setMinutes(0, 0, 0);
      slots.push({ startsAt: start.toISOString(), endsAt: new Date(start.getTime() + 1_200_000).toISOString() });
    }
  await api('doctor', 'PUT', `/providers/${id('doctor')}/availability`, { slots });
  await api('doctor2', 'PUT', `/providers/${id('doctor2')}/availability`, { slots: slots.filter((_, i) => i % 2) });
  const past = (await api('doctor', 'GET', '/sessions?status=completed&limit=1')).items[0];
  // Account whose only role is desk.
  const made = await api('admin', 'POST', '/users', { username: 'reem', name: 'Reem Alharbi', roles: ['desk'] });
  const password = crypto.randomUUID();
  const activated = await fetch(`${base}/api/v1/auth/activate`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username: 'reem', password, code: made.activation }) });
  if (!activated.ok) throw new Error(await activated.text());
  people.desk = { id: made.id, username: 'reem', password };
  return { soon, family, late, dropped, past };
}
