// A whole call: hub, plugin janus, Janus, and two browsers, a doctor's and a patient's. RABT_PICTURES=FOLDER keeps pictures.
// --firefox: between two windows of Firefox, without a provider.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { axe, context, kFirefox, launch, need, root, until } from './browser.mjs';
import { ownAddress } from './janus_server.mjs';
import { kPrograms, RealHub } from './real_hub.mjs';

need(...kPrograms);
if (!ownAddress()) {
  console.log('skipped: this machine has no address but the loopback one, which Janus cannot use');
  process.exit(77);
}
const texts = Object.fromEntries(['ar', 'en'].map((one) => [one, JSON.parse(readFileSync(join(root, `console/strings/${one}.json`), 'utf8'))]));
const kAxe = readFileSync(axe(), 'utf8');
const kPatient = { name: 'Salem Al-Badr', nameAr: 'سالم ناصر البدر', gender: 'male', roles: ['patient'], mrn: '4021-7731', birthDate: '1972-03-14', phone: '+966550000142', language: 'ar' };
const kSecrets = [kPatient.name, kPatient.nameAr, kPatient.mrn, '0550000142', 'حي الياسمين'];
let browser, hub, doctorUser, patientUser;

async function house(options) {
  hub = await new RealHub().start(options);
  doctorUser = await hub.person('hind', { name: 'Dr. Hind Al-Fares', nameAr: 'د. هند الفارس', gender: 'female', roles: ['doctor'], licenceNumber: '12-R-M-0041234', videoEnabled: true, language: 'en' });
  patientUser = await hub.person('salem', kPatient);
}
before(async () => {
  if (process.env.RABT_PICTURES) mkdirSync(process.env.RABT_PICTURES, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());
afterEach(async () => {
  for (const one of browser.contexts()) await one.close();
  await hub?.stop();
});

async function opened(user, lang, viewport) {
  const made = await context(browser, { viewport });
  await made.addCookies([{ name: 'rabt-lang', value: lang, url: hub.url }]);
  const page = await made.newPage();
  const logged = [];
  page.on('console', (message) => logged.push(message.text()));
  page.on('pageerror', (error) => logged.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => void dialog.accept());
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    window.connections = [];
    const Connection = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Connection {
      constructor(configuration) {
        super(configuration);
        window.connections.push(this);
      }
    };
    const Socket = window.WebSocket;
    window.WebSocket = class extends Socket {
      constructor(url, protocols) {
        super(url, protocols);
        if (protocols === 'janus-protocol') window.janus = this;
      }
    };
  });
  await hub.signIn(page, user);
  const t = (key) => texts[lang][`call_${key}`];
  const press = async (key) => {
    await page.bringToFront();  // Firefox lists devices for a window in front alone
    await page.getByRole('button', { name: t(key), exact: true }).click();
  };
  return { page, context: made, logged, t, press, lang };
}
const received = ({ page }) => page.evaluate(async () => {
  const sum = { frames: 0, packets: 0 };
  for (const one of window.connections) {
    if (one.signalingState === 'closed') continue;
    for (const report of (await one.getStats()).values()) {
      if (report.type !== 'inbound-rtp') continue;
      if (report.kind === 'audio') sum.packets += report.packetsReceived;
      else sum.frames += report.framesDecoded ?? 0;
    }
  }
  return sum;
});
// True when a machine under load made a page give up pictures to keep the sound, which it says.
const saves = async () => {
  const all = browser.contexts().flatMap((one) => one.pages());
  const said = await Promise.all(all.map((page) => page.locator('.stage-note').allInnerTexts().catch(() => [])));
  return said.flat().some((text) => text.includes(texts.ar.call_video_saved) || text.includes(texts.en.call_video_saved));
};
async function flows(one, what) {
  const before_ = await received(one);
  await until(`${what}: pictures and sound arrive`, async () => {
    const now = await received(one);
    const sound = now.packets > before_.packets + 10 || (now.packets > 0 && now.packets < before_.packets);
    return sound && (now.frames > before_.frames + 3 || now.packets < before_.packets || (await saves()));
  }, 30_000);
}
async function good(one, state) {
  if (process.env.RABT_PICTURES) await one.page.screenshot({ path: join(process.env.RABT_PICTURES, `real-${state}-${one.lang}.png`) });
  await one.page.evaluate(kAxe);
  const found = await one.page.evaluate(async () => (await window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  })).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`));
  assert.deepEqual(found, [], state);
  assert.deepEqual(await one.page.evaluate(() => window.violations), [], state);
}

// Doctor and patient in a call, through the notice, the check and the waiting room.
async function met() {
  const made = await hub.call('POST', '/api/v1/sessions', { type: 'doctor_patient', provider: doctorUser.id, patient: patientUser.id, waitingRoom: true });
  const of = `/api/v1/sessions/${made.id}`;
  const patient = await opened(patientUser, 'ar', { width: 360, height: 740 });
  const doctor = await opened(doctorUser, 'en', { width: 1280, height: 800 });

  await patient.page.goto(`${hub.url}/call/${made.id}`);
  await patient.page.getByLabel(patient.t('where'), { exact: true }).fill('الرياض، حي الياسمين');
  await patient.page.getByLabel(patient.t('phone'), { exact: true }).fill('0550000142');
  if (await patient.page.getByLabel(patient.t('agree'), { exact: true }).count()) await patient.page.getByLabel(patient.t('agree'), { exact: true }).check();
  await good(patient, 'before');
  await patient.press('before_next');
  await patient.press('ask_both');
  await patient.page.getByText(patient.t('camera_works')).waitFor();
  await patient.press('to_waiting');
  await patient.page.getByText(patient.t('soon')).waitFor();
  await good(patient, 'waiting');
  assert.equal(await patient.page.evaluate(() => window.connections.length), 0, 'nothing is sent before the admission');

  await doctor.page.goto(`${hub.url}/call/${made.id}`);
  await doctor.press('ask_both');
  await doctor.page.getByText(doctor.t('camera_works')).waitFor();
  await doctor.press('enter');
  await doctor.page.locator('.door').getByRole('button', { name: doctor.t('admit'), exact: true }).click({ timeout: 30_000 });
  const began = Date.now();
  await flows(doctor, 'doctor');
  await flows(patient, 'patient');
  console.log(`# from admission to pictures and sound on both sides: ${Date.now() - began} ms`);
  await doctor.page.getByText('حي الياسمين').waitFor();
  await doctor.page.getByText('4021-7731').first().waitFor();
  // The call runs; the visit begins once the doctor has heard two identifiers.
  assert.equal((await hub.call('GET', of)).status, 'waiting');
  await good(doctor, 'call-doctor-identify');
  for (const one of ['birth_date', 'record_number']) await doctor.page.getByLabel(texts.en[`identifier_${one}`]).check();
  await doctor.page.getByRole('button', { name: texts.en.identify_start }).click();
  await doctor.page.locator('.identify').waitFor({ state: 'detached' });
  const begun = await hub.call('GET', of);
  assert.deepEqual([begun.status, begun.identification.identifiers], ['active', ['birth_date', 'record_number']]);
  await good(doctor, 'call-doctor');
  await good(patient, 'call-patient');
  return { made, of, patient, doctor };
}

test('a doctor and a patient: waiting room, call, records, breaks, end, rating', { timeout: 240_000, skip: kFirefox && 'in Chromium alone' }, async () => {
  await house({});
  const { made, of, patient, doctor } = await met();

  // Muted is seen, and comes back.
  await patient.page.locator('[data-act=mic]').click();
  await doctor.page.locator('.muted-note').waitFor();
  await patient.page.locator('[data-act=mic]').click();
  await doctor.page.locator('.muted-note').waitFor({ state: 'detached' });

  // A screen of the doctor; a recording with the patient's consent.
  await doctor.page.locator('[data-act=share]').click();
  await patient.page.locator('.picture > video.whole').waitFor();
  await doctor.page.locator('.stage-note').getByRole('button', { name: doctor.t('stop_share') }).click();
  await patient.page.locator('.picture > video.whole').waitFor({ state: 'detached' });
  await doctor.page.locator('[data-act=more]').click();
  await doctor.press('rec_start');
  await patient.page.locator('.stage-pill-rec').waitFor();
  await doctor.press('rec_stop');
  await patient.page.locator('.stage-pill-rec').waitFor({ state: 'detached' });

  // Chat, document, vital signs, note.
  await patient.page.locator('[data-act=chat]').click();
  await patient.page.locator('#chat-text').fill('السلام عليكم دكتورة');
  await patient.page.keyboard.press('Enter');
  await doctor.page.locator('#tab-chat').click();
  await doctor.page.getByText('السلام عليكم دكتورة').waitFor();
  await doctor.page.locator('#tab-documents').click();
  await patient.page.locator('#tab-documents').click();
  await patient.page.locator('input[type=file]').setInputFiles({ name: 'reading.txt', mimeType: 'text/plain', buffer: Buffer.from('164 mg/dL') });
  await doctor.page.getByText('reading.txt').waitFor();
  await patient.page.getByText('reading.txt').waitFor();
  await doctor.page.locator('#tab-vitals').click();
  await doctor.page.locator('#v-systolic').fill('146');
  await doctor.page.locator('#v-diastolic').fill('٩٢');
  await doctor.press('vitals_save');
  await doctor.page.getByText('146/92').waitFor();
  await doctor.page.locator('#tab-notes').click();
  await doctor.page.getByLabel('Plan', { exact: true }).fill('Evening dose up; readings in two weeks.');
  await doctor.page.getByText(doctor.t('draft_saved')).waitFor({ timeout: 15_000 });
  await doctor.press('sign');
  await doctor.page.locator('dialog').getByRole('button', { name: doctor.t('sign') }).click();
  await doctor.page.getByText(doctor.t('note_is_signed'), { exact: true }).waitFor();
  const { items: notes } = await doctor.page.evaluate((path) => fetch(path).then((answer) => answer.json()), `${of}/notes`);
  assert.deepEqual(notes.map(({ status, sections }) => [status, sections.plan]), [['final', 'Evening dose up; readings in two weeks.']]);

  // Another network, a socket that is lost, and a reload.
  await patient.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await flows(patient, 'new ways');
  await patient.page.evaluate(() => window.janus.close());
  await flows(patient, 'claimed');
  await flows(doctor, 'claimed');
  await patient.page.reload();
  await patient.press('ask_both');
  await patient.page.getByText(patient.t('camera_works')).waitFor();
  await patient.press('to_waiting');
  await flows(patient, 'after the reload');
  await flows(doctor, 'after the reload');

  await doctor.page.locator('.callbtn-end').click();
  await doctor.page.locator('dialog').getByRole('button', { name: doctor.t('end_all') }).click();
  await patient.page.getByRole('heading', { name: patient.t('after_ended') }).waitFor();
  await doctor.page.getByRole('heading', { name: doctor.t('after_ended') }).waitFor();
  await patient.page.locator('.star').nth(4).click();
  await good(patient, 'after');
  await patient.press('rate_send');
  await patient.page.getByText(patient.t('rate_thanks')).waitFor();
  const { items: feedback } = await doctor.page.evaluate((path) => fetch(path).then((answer) => answer.json()), `${of}/feedback`);
  assert.deepEqual(feedback.map(({ rating, role }) => [rating, role]), [[5, 'patient']]);

  // Nothing of the patient in addresses, titles, storage, console and the hub's log.
  for (const { page, logged } of [doctor, patient]) {
    const held = await page.evaluate(() => [location.href, document.title, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie].join('\n'));
    for (const secret of kSecrets) assert.ok(!held.includes(secret) && !logged.join('\n').includes(secret), secret);
    assert.deepEqual(logged.filter((line) => line.startsWith('error')), []);
  }
  const log = readFileSync(join(hub.folder, 'hub.log'), 'utf8');
  for (const secret of kSecrets) assert.ok(!log.includes(secret), `the hub's log has ${secret}`);
});

test('without a provider: from browser to browser, over the hub', { timeout: 120_000 }, async () => {
  await house({ p2p: true });
  const { patient, doctor } = await met();
  await patient.page.locator('[data-act=mic]').click();
  await doctor.page.locator('.muted-note').waitFor();
  await patient.page.locator('.callbtn-end').click();
  await patient.page.locator('dialog').getByRole('button', { name: patient.t('leave') }).click();
  await patient.page.getByRole('heading', { name: patient.t('after_left') }).waitFor();
  await doctor.page.getByText(doctor.t('alone_doctor')).waitFor();
  await patient.page.getByRole('button', { name: patient.t('rejoin') }).click();
  await patient.press('ask_both');
  await patient.page.getByText(patient.t('camera_works')).waitFor();
  await patient.press('to_waiting');
  await flows(patient, 'come back');
  await flows(doctor, 'come back');
});
