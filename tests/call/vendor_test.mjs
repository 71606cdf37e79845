// A call through Twilio or Amazon, from sign-in to the end: the hub with its plugin and the stand-in of the vendor's API
// (the demonstration), the pages as the hub serves them, under its own policy, and the vendor's SDK. The servers that the
// SDK calls are those of this folder, under the vendor's names.
//   node vendor_test.mjs twilio|chime
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { context, launch, need, root, until } from './browser.mjs';
import { ChimeServer } from './chime_server.mjs';
import { ownAddress } from './janus_server.mjs';
import { bin } from './real_hub.mjs';
import { TwilioServer } from './twilio_server.mjs';

const vendor = process.argv[2] ?? 'twilio';
const demo = join(bin, 'rabt-demo');
need(demo, '/usr/bin/openssl');
if (!ownAddress()) {
  console.log('skipped: this machine has no address but the loopback one, which carries no media');
  process.exit(77);
}
const texts = JSON.parse(readFileSync(join(root, 'console/strings/en.json'), 'utf8'));
const t = (key) => texts[`call_${key}`];
let browser, provider, folder, child, base, people, session;

async function api(who, method, path, body = {}) {
  const answer = await fetch(`${base}/api/v1${path}`, {
    method, body: method === 'GET' ? undefined : JSON.stringify(body),
    headers: { Authorization: `Bearer ${people[who].token}`, 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}
// The attendee whose token a browser brings: what the hub handed out.
async function find(token) {
  for (const who of ['doctor', 'patient']) {
    const { media } = await api(who, 'POST', `/sessions/${session.id}/token`).catch(() => ({}));
    const { attendee } = media ?? {};
    if (attendee && token.replace('#content', '') === attendee.JoinToken) return { id: attendee.AttendeeId, user: attendee.ExternalUserId, token: attendee.JoinToken };
  }
  return null;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rabt-vendor-'));
  const ready = join(folder, 'ready.json');
  child = spawn(demo, ['--root', root, '--serve', '--video', vendor, '--ready-file', ready], { stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (told = (told + text).slice(-4000)));
  const up = () => child.exitCode !== null || (existsSync(ready) && readFileSync(ready, 'utf8').trim().endsWith('}'));
  await until('the demonstration is up', up, 120_000).catch(() => {});
  if (!existsSync(ready)) throw new Error(`the demonstration did not come up\n${told}`);
  ({ base, people } = JSON.parse(readFileSync(ready, 'utf8')));
  // The secret of the demonstration's API key (tools/demo/booking.hpp).
  const secret = 'sandbox-api-key-secret-of-32-bytes';
  provider = await (vendor === 'twilio' ? new TwilioServer({ secret, anyRoom: true }) : new ChimeServer({ find })).start();
  browser = await launch(provider.arguments);
  await provider.use(browser);
});
after(async () => {
  await provider?.stop();
  await browser?.close();
  if (child && child.exitCode === null) {
    const over = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await over;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function opened(who) {
  const made = await context(browser, { viewport: { width: 1100, height: 800 } });
  await made.addCookies([{ name: 'rabt-lang', value: 'en', url: base }]);
  const page = await made.newPage();
  const logged = [];
  page.on('console', (message) => logged.push(message.text()));
  page.on('pageerror', (error) => logged.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => void dialog.accept());
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
  });
  await page.goto(`${base}/login`);
  const { username, password, totp } = people[who];
  assert.equal(totp ?? '', '', 'who has a second factor signs in another way');
  const status = await page.evaluate((body) => fetch('/api/v1/auth/login', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  }).then(({ status: is }) => is), { username, password, cookie: true });
  assert.equal(status, 200);
  return { page, logged, press: (key) => page.getByRole('button', { name: t(key), exact: true }).click() };
}
// Pictures that move, and how large.
const film = (page) => page.evaluate(() => {
  const video = document.querySelector('.picture > video');
  return video ? { at: video.currentTime, width: video.videoWidth } : { at: 0, width: 0 };
});
async function sees({ page }, what) {
  await until(`${what}: a picture that moves`, async () => {
    const first = await film(page);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const now = await film(page);
    return now.width > 0 && now.at > first.at;
  }, 60_000);
}

test(`a doctor and a patient through ${vendor}`, { timeout: 240_000 }, async () => {
  session = await api('admin', 'POST', '/sessions', {
    type: 'doctor_patient', bookingType: 'direct', provider: people.doctor.id, patient: people.patient.id, waitingRoom: true, plannedMinutes: 20, language: 'en',
    // After the demonstration's own visit, which ends 25 minutes after its start.
    scheduledStart: new Date(Date.now() + 30 * 60_000).toISOString(), organizer: { person: people.doctor.id, role: 'doctor' },
  });
  const patient = await opened('patient');
  const doctor = await opened('doctor');
  const loaded = [];
  patient.page.on('request', (request) => loaded.push(request.url()));

  await patient.page.goto(`${base}/call/${session.id}`);
  await patient.page.getByLabel(t('where'), { exact: true }).fill('Riyadh');
  await patient.page.getByLabel(t('phone'), { exact: true }).fill('0550000142');
  if (await patient.page.getByLabel(t('agree'), { exact: true }).count()) await patient.page.getByLabel(t('agree'), { exact: true }).check();
  await patient.press('before_next');
  await patient.press('ask_both');
  await patient.page.getByText(t('camera_works')).waitFor();
  await patient.press('to_waiting');
  await patient.page.getByText(t('soon')).waitFor();
  const waiting = loaded.length;

  await doctor.page.goto(`${base}/call/${session.id}`);
  await doctor.press('ask_both');
  await doctor.page.getByText(t('camera_works')).waitFor();
  await doctor.press('enter');
  await doctor.page.locator('.door').getByRole('button', { name: t('admit'), exact: true }).click({ timeout: 60_000 });
  await sees(doctor, 'doctor');
  await sees(patient, 'patient');
  // The SDK came with the admission, and not before.
  assert.ok(loaded.slice(waiting).some((url) => /\/assets\/.*\.js$/.test(url)), 'a script was loaded at the admission');

  await patient.page.locator('[data-act=mic]').click();
  await doctor.page.locator('.muted-note').waitFor();
  await patient.page.locator('[data-act=mic]').click();
  await doctor.page.locator('.muted-note').waitFor({ state: 'detached' });
  await doctor.page.locator('[data-act=share]').click();
  await patient.page.locator('.picture > video.whole').waitFor({ timeout: 60_000 });
  await doctor.page.locator('.stage-note').getByRole('button', { name: t('stop_share') }).click();
  await patient.page.locator('.picture > video.whole').waitFor({ state: 'detached', timeout: 60_000 });
  await sees(patient, 'patient, after the screen');

  for (const { page, logged } of [doctor, patient]) {
    assert.deepEqual(await page.evaluate(() => window.violations), [], 'violations of the policy');
    assert.deepEqual(logged.filter((line) => /Noura|Alqahtani|DEMO-1001|Riyadh|0550000142|error: /.test(line)), [], 'the console');
  }
});
