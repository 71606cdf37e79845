// States of the call's page with the fake client: what is shown, in both languages and themes, on a phone and a desk; accessibility,
// content security, keyboard, and what must not leak. RABT_PICTURES=FOLDER keeps a picture of each state.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { axe, context, launch, need, root, until } from './browser.mjs';
import { kPatientName, kSecrets, StubHub } from './stub_hub.mjs';

need();
const texts = Object.fromEntries(['ar', 'en'].map((one) => [one, JSON.parse(readFileSync(join(root, `console/strings/${one}.json`), 'utf8'))]));
const kAxe = readFileSync(axe(), 'utf8');
const kPictures = process.env.RABT_PICTURES;
let browser, hub;
before(async () => {
  hub = await new StubHub().start();
  browser = await launch();
  if (kPictures) mkdirSync(kPictures, { recursive: true });
});
after(async () => {
  await browser?.close();
  hub?.stop();
});

// In the page: the own camera shows a drawing that does not move, the microphone hears one tone, so that two pictures are the same.
function standsStill() {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    for (const track of stream.getVideoTracks()) {
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
      const brush = canvas.getContext('2d');
      const draw = () => {
        for (const [colour, x, y, width, height] of [['#6f8b8a', 320, 240, 900, 900], ['#2f4858', 320, 500, 200, 200], ['#c79a7b', 320, 220, 80, 100]]) {
          brush.fillStyle = colour;
          brush.beginPath();
          brush.ellipse(x, y, width, height, 0, 0, 7);
          brush.fill();
        }
      };
      draw();
      setInterval(draw, 200);
      stream.removeTrack(track);
      stream.addTrack(canvas.captureStream(5).getVideoTracks()[0]);
    }
    for (const track of stream.getAudioTracks()) {
      const sound = new AudioContext();
      const [tone, softer, heard] = [sound.createOscillator(), sound.createGain(), sound.createMediaStreamDestination()];
      softer.gain.value = 0.04;
      tone.connect(softer).connect(heard);
      tone.start();
      stream.removeTrack(track);
      stream.addTrack(heard.stream.getAudioTracks()[0]);
    }
    return stream;
  };
}

// A page of one person with what was logged and what the policy refused.
async function open({ lang = 'ar', theme = 'light', width = 1280, who = 'patient', change, init, names, guest = false, missing = false, path = '/call/s1' } = {}) {
  hub.reset(who, change);
  hub.provider = 'fake';
  if (missing) hub.refuse['GET '] = [404, { code: 'session.unknown', status: 404, title: '' }];
  hub.guest = guest;
  if (names) Object.assign(hub.names, names);
  const made = await context(browser, { viewport: { width, height: width < 600 ? 740 : 800 }, colorScheme: theme });
  await made.addCookies([{ name: 'rabt-lang', value: lang, url: hub.url }, { name: 'rabt-theme', value: theme, url: hub.url }]);
  const page = await made.newPage();
  if (kPictures) {
    await page.clock.setFixedTime('2026-11-26T07:23:00Z');
    await page.addInitScript(standsStill);
  }
  const logged = [];
  page.on('console', (message) => logged.push(message.text()));
  page.on('pageerror', (error) => logged.push(`error: ${error.message}`));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  if (init) await page.addInitScript(init);
  const { heard } = await hub.live(page);
  await page.goto(hub.url + path);
  await page.waitForSelector('h1');
  const t = (key, values = {}) => Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, `\u2068${value}\u2069`), texts[lang][`call_${key}`]);
  const press = (key) => page.getByRole('button', { name: t(key), exact: true }).click();
  const heading = (key, values) => until(`heading ${key}`, async () => (await page.locator('h1').innerText().catch(() => '')) === t(key, values));
  return { page, context: made, logged, t, press, heading, heard, lang, theme, width };
}

// No violations of accessibility, none of the policy, no sideways scroll; a picture when pictures are wanted.
async function good(one, state) {
  const { page, lang, theme, width } = one;
  if (kPictures) await page.screenshot({ path: join(kPictures, `${state}-${lang}-${theme}-${width}.png`) });
  await page.evaluate(kAxe);
  const found = await page.evaluate(async () => (await window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  })).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`));
  assert.deepEqual(found, [], `${state} ${lang} ${theme} ${width}`);
  assert.deepEqual(await page.evaluate(() => window.violations), [], state);
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= seen, `${state} ${lang} ${width}: ${wide} > ${seen}`);
}

async function details(one) {
  await one.page.getByLabel(one.t('where'), { exact: true }).fill('الرياض، حي الياسمين');
  await one.page.getByLabel(one.t('phone'), { exact: true }).fill('٠٥٥٠٠٠٠١٤٢');
  await one.page.getByLabel(one.t('agree'), { exact: true }).check();
  await one.press('before_next');
  await one.heading('check');
}
async function checked(one) {
  await one.press('ask_both');
  await one.page.getByText(one.t('camera_works')).waitFor();
}
async function waits(one) {
  await details(one);
  await checked(one);
  await one.press('to_waiting');
  await one.heading('soon');
  await one.heard;
}
async function inCall(one, other) {
  await one.page.waitForSelector('[role=toolbar]');
  await one.page.evaluate((identity) => window.enters(identity, 'r').then((made) => { window.other = made; }), `i-${other}`);
  await one.page.locator('.picture > video').waitFor();
}
async function doctorIn(one) {
  hub.admitted.patient = true;
  await checked(one);
  await one.press('enter');
  await inCall(one, 'patient');
}

// Each language, theme and width once for each person; RABT_LOOKS=all: all of them.
const kLooks = ['ar', 'en'].flatMap((lang) => ['light', 'dark'].flatMap((theme) => [360, 1280].map((width) => ({ lang, theme, width }))));
const wanted = (...some) => (process.env.RABT_LOOKS === 'all' ? kLooks : some);
const kPatientLooks = wanted({ lang: 'ar', theme: 'light', width: 360 }, { lang: 'en', theme: 'dark', width: 1280 });
const kDoctorLooks = wanted({ lang: 'ar', theme: 'dark', width: 360 }, { lang: 'en', theme: 'light', width: 1280 });

describe('states of the call', () => {
  for (const look of kPatientLooks) {
    test(`a patient, from the notice to the rating: ${look.lang}, ${look.theme}, ${look.width}`, async () => {
      const one = await open({ ...look });
      await one.heading('before_with', { name: 'د. هند الفارس' });
      await good(one, 'before');
      await one.press('before_next');
      await one.page.getByText(one.t('where_error')).waitFor();
      await details(one);
      await good(one, 'check-first');
      await checked(one);
      await good(one, 'check');
      await one.press('to_waiting');
      await one.heading('soon');
      hub.messages.push({ id: 'm1', from: 'p-doctor', role: 'doctor', to: 'p-patient', text: 'نعتذر، سنتأخر خمس دقائق.', sentAt: '2026-11-26T07:12:00Z' });
      hub.tell('chat', { content: hub.messages[0] }, 'p-doctor');
      await one.page.getByText('سنتأخر').waitFor();
      await good(one, 'waiting');
      const joined = hub.log.find(({ key }) => key === 'POST /join').body;
      assert.deepEqual([joined.location, joined.callbackPhone], ['الرياض، حي الياسمين', '0550000142']);
      assert.deepEqual(hub.log.find(({ key }) => key === 'POST /consents').body, { kind: 'recording', given: true, method: 'app' });
      assert.ok(!hub.log.some(({ key }) => key === 'POST /token'), 'no token before admission');
      assert.equal(await one.page.evaluate(() => window.fakes.length), 0);

      hub.admit();
      await inCall(one, 'doctor');
      await one.page.evaluate(() => window.fakes[0].tell({ t: 'caption', id: 'i-doctor', text: 'سنزيد جرعة المساء قليلًا.', final: true, lang: 'ar' }));
      await one.page.locator('.captions p').waitFor();
      await good(one, 'call-patient');
      await one.page.locator('[data-act=chat]').click();
      await one.page.locator('#chat-text').fill('شكرًا دكتورة');
      await one.page.keyboard.press('Enter');
      await one.page.locator('.message.own .bubble').waitFor();
      await good(one, 'call-patient-chat');
      await one.page.evaluate(() => window.fakes[0].tell({ t: 'state', to: 'reconnecting', why: 'network' }));
      await one.page.locator('.stage-note').waitFor();
      await good(one, 'reconnecting');
      await one.page.evaluate(() => window.fakes[0].tell({ t: 'state', to: 'connected' }));
      Object.assign(hub.session, { status: 'completed', startedAt: '2026-11-26T07:15:00Z', endedAt: '2026-11-26T07:33:00Z' });
      hub.tell('session', { event: 'completed' });
      await one.heading('after_ended');
      await one.page.locator('.star').nth(4).click();
      await good(one, 'after');
      await one.press('rate_send');
      await one.page.getByText(one.t('rate_thanks')).waitFor();
      assert.equal(hub.log.find(({ key }) => key === 'POST /feedback').body.rating, 5);
      await nothingLeaks(one);
      await one.context.close();
    });
  }
  for (const look of kDoctorLooks) {
    test(`a doctor, from the check to the end: ${look.lang}, ${look.theme}, ${look.width}`, async () => {
      const one = await open({ ...look, who: 'doctor' });
      hub.parts.patient = { location: 'الرياض، حي الياسمين', callbackPhone: '0550000142' };
      hub.vitals.push({ id: 'v0', takenAt: '2026-11-26T06:52:00Z', source: 'manual', systolic: 146, diastolic: 92, heartRate: 78 });
      await checked(one);
      await one.press('enter');
      await one.page.locator('.door').waitFor();
      await good(one, 'call-doctor-door');
      await one.page.locator('.door button').click();
      await inCall(one, 'patient');
      await one.page.getByLabel(look.lang === 'ar' ? 'التقييم' : 'Assessment').fill('ضبط غير كافٍ للسكر.');
      await one.page.getByText(one.t('draft_saved')).waitFor({ timeout: 10_000 });
      await good(one, 'call-doctor');
      const parts = look === kDoctorLooks[0] || process.env.RABT_LOOKS === 'all';
      for (const part of !parts ? [] : ['vitals', 'prescription', 'chat', 'documents', 'transcript']) {
        await one.page.locator(`#tab-${part}`).click();
        await one.page.locator(`#tab-${part}[aria-selected=true]`).waitFor();
        await good(one, `panel-${part}`);
      }
      for (const part of !parts ? [] : ['people', 'more']) {
        await one.page.locator(`[data-act=${part}]`).click();
        await one.page.locator('#panel-h').waitFor();
        await good(one, `panel-${part}`);
      }
      await one.page.locator('.callbtn-end').click();
      await one.page.locator('dialog').waitFor();
      await good(one, 'end');
      await one.page.locator('dialog').getByRole('button', { name: one.t('end_all') }).click();
      await one.heading('after_ended');
      await nothingLeaks(one);
      await one.context.close();
    });
  }

  // Addresses, titles, storage and the console hold nothing of the patient.
  async function nothingLeaks({ page, logged }) {
    const held = await page.evaluate(() => [location.href, document.title, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, String(history.length)].join('\n'));
    for (const secret of kSecrets) {
      assert.ok(!held.includes(secret), `kept: ${secret}`);
      assert.ok(!logged.join('\n').includes(secret), `logged: ${secret}`);
    }
    assert.deepEqual(logged.filter((line) => line.startsWith('error')), []);
  }

  // Condition -> what is said and offered, in both languages.
  const kFaults = [
    ['refused', 'NotAllowedError', '', 'denied', 'fault_not_allowed', ['retry']],
    ['not answered', 'NotAllowedError', '', 'prompt', 'fault_dismissed', ['retry', 'call_audio_only']],
    ['refused by the system', 'NotAllowedError', 'Permission denied by system', 'prompt', 'fault_system', ['retry']],
    ['no device', 'NotFoundError', '', 'prompt', 'fault_not_found', ['retry', 'call_listen_only']],
    ['remembered device gone', 'OverconstrainedError', '', 'prompt', 'fault_gone', ['call_other_device']],
    ['used by another app', 'NotReadableError', '', 'prompt', 'fault_in_use', ['retry']],
    ['aborted', 'AbortError', '', 'prompt', 'fault_in_use', ['retry']],
    ['no mediaDevices', 'none', '', 'prompt', 'fault_insecure', []],
    ['a browser inside an app', 'none', '', 'prompt', 'fault_in_app', ['call_copy_link'], 'Mozilla/5.0 (Linux; Android 14) WhatsApp/2.24'],
  ];
  for (const lang of ['ar', 'en']) {
    test(`each fault of a device has its sentence and acts: ${lang}`, async () => {
      const init = 'const real = navigator.mediaDevices; window.fault = {};'
        + "Object.defineProperty(navigator, 'permissions', { value: { query: async () => ({ state: window.fault.state }) } });"
        + "Object.defineProperty(navigator, 'mediaDevices', { get: () => (window.fault.name === 'none' ? undefined : real) });"
        + "Object.defineProperty(navigator, 'userAgent', { get: () => window.fault.agent ?? 'Mozilla/5.0 Chrome/156' });"
        + 'real.getUserMedia = async () => { throw new DOMException(window.fault.message, window.fault.name); };';
      const one = await open({ lang, width: 360, init });
      await details(one);
      for (const [what, name, message, state, text, acts, agent] of kFaults) {
        await one.page.evaluate((fault) => { window.fault = fault; return window.devices.ask(); }, { name, message, state, agent });
        const notice = one.page.locator('.notice-parked[role=alert]');
        const wanted_ = texts[lang][`call_${text}`].replace('{device}', `\u2068${one.t('the_both')}\u2069`);
        await until(`${what}: ${wanted_}`, async () => (await notice.locator('p').first().textContent()) === wanted_);
        for (const act of acts) assert.equal(await notice.getByRole('button', { name: texts[lang][act], exact: true }).count(), 1, `${what}: ${act}`);
      }
      await one.context.close();
    });
    test(`without a camera the visit goes on with sound: ${lang}`, async () => {
      const init = "const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        + "navigator.mediaDevices.getUserMedia = async (wants) => { if (wants.video) throw new DOMException('', 'NotFoundError'); return open(wants); };";
      const one = await open({ lang, width: 360, init });
      await details(one);
      await one.press('ask_both');
      const notice = one.page.locator('.notice-parked[role=alert]');
      await notice.getByText(one.t('sound_works')).waitFor();
      assert.ok((await notice.textContent()).includes(one.t('the_camera')));
      await notice.evaluate((element) => element.scrollIntoView({ block: 'center' }));
      await good(one, 'check-fault');
      await one.press('to_waiting');
      await one.heading('soon');
      hub.admit();
      await inCall(one, 'doctor');
      assert.equal(await one.page.evaluate(() => window.other && [...document.querySelectorAll('audio')].length), 1);
      await one.context.close();
    });
  }

  test('join and end by keys alone; single keys act outside fields only', async () => {
    const one = await open({ lang: 'en', who: 'doctor' });
    const { page } = one;
    const tabTo = async (name) => {
      for (let i = 0; i < 40; ++i) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate(() => document.activeElement?.textContent?.trim())) === name) return;
      }
      throw new Error(`no Tab leads to ${name}`);
    };
    await tabTo(one.t('ask_both'));
    await page.keyboard.press('Enter');
    await page.getByText(one.t('camera_works')).waitFor();
    await tabTo(one.t('enter'));
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=toolbar]');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1');
    await page.keyboard.press('m');
    assert.equal(await page.locator('[data-act=mic]').getAttribute('aria-pressed'), 'false');
    await page.getByText(one.t('muted_hint')).waitFor();
    await page.getByLabel('Plan').focus();
    await page.keyboard.type('Movement, more vegetables');
    assert.equal(await page.locator('[data-act=mic]').getAttribute('aria-pressed'), 'false');
    assert.equal(await page.getByLabel('Plan').inputValue(), 'Movement, more vegetables');
    await page.locator('[data-act=mic]').focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement?.dataset.act), 'cam');
    await page.keyboard.press('?');
    await page.locator('dialog kbd').first().waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+E');
    await page.locator('dialog').waitFor();
    await tabTo(one.t('end_all'));
    await page.keyboard.press('Enter');
    await one.heading('after_ended');
    await one.context.close();
  });

  test('what was typed is there after a break, a refusal and a signed-out moment', async () => {
    const one = await open({ lang: 'en', who: 'doctor' });
    await doctorIn(one);
    hub.refuse['POST /notes'] = [503, { code: 'engine.busy', status: 503, title: '' }];
    await one.page.getByLabel('Plan').fill('Walk every day');
    await one.page.getByText(one.t('kept_here')).waitFor({ timeout: 10_000 });
    await one.page.evaluate(() => window.fakes[0].tell({ t: 'state', to: 'reconnecting', why: 'expired' }));
    await until('renewed', () => one.page.evaluate(() => window.fakes[0].calls.includes('renew')));
    assert.equal(await one.page.getByLabel('Plan').inputValue(), 'Walk every day');
    delete hub.refuse['POST /notes'];
    await until('saved', () => hub.notes.at(-1)?.sections.plan === 'Walk every day', 12_000);

    await one.page.locator('#tab-chat').click();
    hub.refuse['POST /messages'] = [422, { code: 'phi.exposed', status: 422, title: '' }];
    await one.page.locator('#chat-text').fill('His number is 1012345678');
    await one.page.keyboard.press('Enter');
    await one.page.getByText(one.t('phi')).waitFor();
    assert.equal(await one.page.locator('#chat-text').inputValue(), 'His number is 1012345678');
    delete hub.refuse['POST /messages'];
    // A megabyte that is pasted.
    await one.page.locator('#chat-text').fill('');
    await one.page.evaluate(() => { document.querySelector('#chat-text').focus(); document.execCommand('insertText', false, 'x'.repeat(1_000_000)); });
    await one.page.getByText('4,000').waitFor();
    await one.context.close();
  });

  test('names with markup, marks of direction and 200 letters are text', async () => {
    const name = `<img src=x onerror=alert(1)>\u202E${'نور '.repeat(60)}`;
    const one = await open({ lang: 'ar', who: 'doctor', width: 360, names: { patient: name } });
    await doctorIn(one);
    const shown = await one.page.locator('h1').innerText();
    assert.ok(shown.startsWith('<img src=x onerror=alert(1)>'), shown);
    assert.ok(!shown.includes('\u202E'));
    assert.equal(await one.page.locator('img').count(), 0);
    await good(one, 'long-name');
    await one.context.close();
  });

  test('who came by a link waits and calls without an account', async () => {
    const one = await open({ lang: 'ar', width: 360, guest: true });
    await details(one);
    await checked(one);
    await one.press('to_waiting');
    await one.heading('soon');
    hub.admit();
    await inCall(one, 'doctor');
    await one.page.locator('[data-act=chat]').click();
    await one.page.locator('#chat-text').fill('شكرًا');
    await one.page.keyboard.press('Enter');
    await one.page.locator('.message.own .bubble').waitFor();
    await until('messages are read', () => hub.log.some(({ key }) => key === 'GET /messages'));
    const asked = new Set(hub.log.map(({ key }) => key));
    for (const key of ['GET /vitals', 'GET /notes', 'POST /quality', 'GET /waiting-room', 'GET /patients/person-patient']) assert.ok(!asked.has(key), key);
    await one.context.close();
  });

  test('the check of the device stands alone, too', async () => {
    const one = await open({ lang: 'en', width: 360, path: '/call/check' });
    await checked(one);
    await good(one, 'check-alone');
    assert.equal(await one.page.getByRole('link', { name: one.t('check_done') }).count(), 1);
    assert.ok(!hub.log.some(({ key }) => key === 'POST /join'));
    await one.context.close();
  });

  for (const look of kDoctorLooks) {
    test(`two identifiers before the visit begins: ${look.lang}, ${look.theme}, ${look.width}`, async () => {
      const one = await open({ ...look, who: 'doctor', change: { status: 'waiting', warnings: ['identity.unconfirmed'] } });
      hub.admitted.patient = true;
      hub.parts.patient = {};
      await checked(one);
      await one.press('enter');
      await inCall(one, 'patient');
      const say = (key) => texts[look.lang][key];
      await one.page.locator('.door').getByText(say('identify_first')).waitFor();
      await one.page.locator('.door').getByRole('button', { name: say('identify_go') }).click();
      assert.equal(await one.page.evaluate(() => document.activeElement?.id), 'identify-h');
      await good(one, 'identify');
      const start = one.page.getByRole('button', { name: say('identify_start') });
      await one.page.getByLabel(say('identifier_name')).check();
      await start.click();
      await one.page.getByText(say('identify_both')).waitFor();
      assert.ok(!hub.log.some(({ key }) => key === 'POST /identification'), 'one is not enough');
      await one.page.getByLabel(say('identifier_national_id')).check();
      assert.ok((await one.page.locator('.identify').innerText()).includes('…0008'), 'the last digits alone');
      assert.ok(!(await one.page.locator('.identify').innerText()).includes('1000000008'));
      hub.refuse['POST /identification'] = [503, { code: 'engine.busy', status: 503, title: '' }];
      await start.click();
      await one.page.locator('.identify [role=alert]').getByText(texts[look.lang].problem_503).waitFor();
      delete hub.refuse['POST /identification'];
      await start.click();
      await one.page.locator('.identify').waitFor({ state: 'detached' });
      assert.equal(await one.page.locator('.door').count(), 0);
      // Which two, and nothing of what was said.
      assert.deepEqual(hub.log.filter(({ key }) => key === 'POST /identification').at(-1).body, { identifiers: ['name', 'national_id'] });
      await nothingLeaks(one);
      await one.context.close();
    });
  }
  test('a visit that waits for no identity, and a patient, see nothing of it', async () => {
    const doctor = await open({ lang: 'en', who: 'doctor' });
    await doctorIn(doctor);
    assert.equal(await doctor.page.locator('.identify').count(), 0);
    await doctor.context.close();
    const patient = await open({ lang: 'en', width: 360, change: { status: 'waiting', warnings: ['identity.unconfirmed'] } });
    await waits(patient);
    assert.equal(await patient.page.locator('.identify').count(), 0);
    await patient.context.close();
  });

  for (const lang of ['ar', 'en']) {
    test(`who waits knows his place and, after ten minutes, whom to call: ${lang}`, async () => {
      const soon = new Date(Date.now() - 4 * 60_000).toISOString();
      const one = await open({ lang, width: 360, change: { ahead: 2, scheduledStart: soon } });
      await waits(one);
      await one.page.locator('#place .num').getByText('3', { exact: true }).waitFor();
      assert.equal(await one.page.locator('a[href^="tel:+966"]').count(), 0, 'no number before');
      // The queue moves without a word of this visit.
      hub.session.ahead = 0;
      hub.session.scheduledStart = new Date(Date.now() - 12 * 60_000).toISOString();
      hub.parts.patient.since = hub.session.scheduledStart;
      hub.tell('session', { event: 'updated' });
      await one.page.locator('#place .num').getByText('1', { exact: true }).waitFor();
      const number = one.page.locator('.notice-waits a[href="tel:+966112345678"]');
      await number.waitFor({ timeout: 15_000 });
      await good(one, 'waits-long');
      await one.context.close();
    });
  }
  const kNumber = 'a[href="tel:+966112345678"]';
  test('every page of a failure says whom to call', async () => {
    // The hub is gone before the page has its visit.
    const gone = await open({ lang: 'ar', width: 360, missing: true });
    await gone.heading('gone');
    await gone.page.locator(kNumber).waitFor();
    await good(gone, 'gone-phone');
    await gone.context.close();
    const refused = await open({ lang: 'ar', width: 360, init: "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };" });
    await details(refused);
    await refused.press('ask_both');
    await refused.page.locator(`.notice-parked ${kNumber}`).waitFor();
    await good(refused, 'check-refused-phone');
    await refused.context.close();
    const late = await open({ lang: 'ar', width: 360, change: { status: 'no_show' } });
    await late.heading('after_missed');
    await late.page.locator(kNumber).waitFor();
    await good(late, 'after-missed');
    await late.context.close();
    const denied = await open({ lang: 'en', width: 360 });
    await waits(denied);
    hub.tell('denied', { participant: 'p-patient' });
    await denied.heading('after_denied');
    await denied.page.locator(kNumber).waitFor();
    await denied.context.close();
    const broken = await open({ lang: 'en', width: 360 });
    hub.provider = 'plugin://other';
    await waits(broken);
    hub.admit();
    await broken.heading('failed');
    await broken.page.locator(kNumber).waitFor();
    await broken.context.close();
    // A doctor is told what to do, and no number of his own clinic.
    const doctor = await open({ lang: 'en', who: 'doctor', missing: true });
    await doctor.heading('gone');
    assert.equal(await doctor.page.locator(kNumber).count(), 0);
    await doctor.context.close();
  });

  test('a provider that the page does not know, a refusal and a missing session are said, with what to do', async () => {
    const unknown = await open({ lang: 'en', who: 'doctor' });
    hub.provider = 'plugin://other';
    await checked(unknown);
    await unknown.press('enter');
    await unknown.heading('failed');
    await good(unknown, 'failed');
    await unknown.context.close();

    const refused = await open({ lang: 'en', who: 'doctor' });
    await checked(refused);
    hub.refuse['POST /join'] = [503, { code: 'video.unavailable', status: 503, title: '' }];
    await refused.press('enter');
    await refused.page.locator('.thumb [role=alert]').getByText(texts.en.problem_503).waitFor();
    await refused.context.close();

    const gone = await open({ lang: 'en', missing: true });
    await gone.heading('gone');
    await good(gone, 'gone');
    await gone.context.close();
  });

  test('a plugin under another name is known by what it hands out; a script that does not load is said', async () => {
    const one = await open({ lang: 'en', who: 'doctor' });
    const found = await one.page.evaluate(() => [
      { provider: 'plugin://ours', meeting: {}, token: 't' }, { provider: 'plugin://ours', url: 'wss://janus', token: 't' },
      { provider: 'plugin://ours', room: `RM${'0'.repeat(32)}`, token: 't' }, { provider: 'plugin://ours', room: 'r', token: 't' }, { provider: 'hub://p2p' },
    ].map((media) => window.calling.adapterOf(media)));
    assert.deepEqual(found, ['plugin://chime', 'plugin://janus', 'plugin://twilio', '', 'hub://p2p']);
    await checked(one);
    await one.page.evaluate(() => { window.calling.kClients.fake = () => Promise.reject(new Error('no such script')); });
    await one.press('enter');
    await one.heading('failed');
    await one.context.close();
  });

  test('put out, declined and moved to another tab are said', async () => {
    const one = await open({ lang: 'en' });
    await waits(one);
    hub.tell('denied', { participant: 'p-patient' });
    await one.heading('after_denied');
    await one.context.close();

    const other = await open({ lang: 'en', who: 'doctor' });
    await doctorIn(other);
    await other.page.evaluate(() => window.fakes[0].tell({ t: 'state', to: 'left', why: 'removed' }));
    await other.heading('after_removed');
    await other.context.close();

    const first = await open({ lang: 'en', who: 'doctor' });
    await doctorIn(first);
    const page = await first.context.newPage();
    await hub.live(page);
    await page.goto(`${hub.url}/call/s1`);
    await page.getByRole('button', { name: first.t('ask_both') }).click();
    await page.getByRole('button', { name: first.t('enter') }).click();
    await first.heading('after_moved');
    await first.context.close();
  });

  test('a weak line gives up pictures, and never the sound', async () => {
    const one = await open({ lang: 'en', who: 'doctor' });
    // The page samples by itself, too: what it measured of the good line before would weaken the first window.
    await one.page.evaluate(() => {
      const make = window.calling.kClients.fake;
      window.calling.kClients.fake = async () => Object.assign(await make(), { script: { over: 0 } });
    });
    await doctorIn(one);
    const line = { lossPercent: 20, jitterMs: 90, rttMs: 600, kbps: 80, packets: 100, frames: 10, fps: 5, frozenMs: 900 };
    await one.page.evaluate((bad) => { window.fakes[0].script = { over: 10_000, up: bad, down: bad }; }, line);
    const calls = await until('no pictures are wished for', () => one.page.evaluate(async () => {
      await window.calling.sample();
      return window.fakes[0].calls.at(-1) === 'wish none' && window.fakes[0].calls;
    }));
    assert.ok(calls.includes('level standard') && calls.includes('level low'), calls.join());
    await one.page.locator('.stage-note', { hasText: one.t('video_saved') }).waitFor();
    await one.page.locator('.stage-pill', { hasText: one.t('q_bad') }).waitFor();
    const samples = hub.log.find(({ key }) => key === 'POST /quality').body.samples;
    assert.deepEqual(samples.map(({ direction, lossPercent }) => [direction, lossPercent]), [['up', 20], ['down', 20]]);
    assert.equal(await one.page.evaluate(() => window.fakes[0].tracks.audio.readyState), 'live');
    await one.context.close();
  });

  const kPicture = { documentType: 'IMAGE', title: 'wound.png', contentType: 'image/png' };
  for (const lang of ['ar', 'en']) {
    test(`a patient chooses who sees a document, and reads when his family sees a picture: ${lang}`, async () => {
      const say = (key) => texts[lang][key];
      const one = await open({ lang, width: 360 });
      await waits(one);
      hub.admit();
      await inCall(one, 'doctor');
      await one.page.locator('[data-act=chat]').click();
      await one.page.locator('#tab-documents').click();
      const choice = one.page.getByLabel(say('call_doc_for'), { exact: true });
      await one.page.getByText(say('call_doc_hint'), { exact: true }).waitFor();
      assert.deepEqual(await choice.locator('option').allInnerTexts(), [say('call_doc_for_all'), say('call_doc_for_care')]);
      const picture = { name: 'wound.png', mimeType: 'image/png', buffer: Buffer.from('a picture') };
      await one.page.locator('input[type=file]').setInputFiles(picture);
      await one.page.locator('.doc .marks').getByText(say('doc_waits'), { exact: true }).waitFor();
      assert.equal(await one.page.getByText(say('doc_unscreened')).count(), 0, 'a mark for who treats');
      assert.equal(hub.docs.at(-1).shownTo.length, 0);
      await good(one, 'documents-patient');
      await choice.selectOption('care');
      assert.equal(await one.page.getByText(say('call_doc_hint'), { exact: true }).count(), 0);
      await one.page.locator('input[type=file]').setInputFiles({ ...picture, name: 'other.png', buffer: Buffer.from('another') });
      await until('the second is shared', () => hub.docs.length === 2);
      assert.deepEqual(hub.docs.at(-1).shownTo, ['doctor', 'specialist', 'nurse']);
      await one.page.locator('.doc').nth(1).waitFor();
      assert.equal(await one.page.locator('.doc .marks').count(), 1, 'nothing is said of a family that it is not for');
      // A doctor shows the first one to the family: one row, without the mark.
      hub.shares('doctor', kPicture, 'a picture');
      hub.tell('document', { document: 'd3', documentType: 'IMAGE' });
      await one.page.locator('.marks').waitFor({ state: 'detached' });
      assert.equal(await one.page.locator('.doc').count(), 2);
      await nothingLeaks(one);
      await one.context.close();
    });
    test(`a doctor is told what nobody looked at, and shows it to the family: ${lang}`, async () => {
      const say = (key) => texts[lang][key];
      const one = await open({ lang, who: 'doctor' });
      hub.shares('patient', { ...kPicture, shownTo: ['doctor', 'family_member'] }, 'a picture');
      hub.shares('patient', { ...kPicture, title: 'for-the-doctor.png', shownTo: ['doctor'] }, 'another');
      hub.shares('patient', { documentType: 'TEXT', title: 'reading.txt', contentType: 'text/plain' }, '164 mg/dL');
      await doctorIn(one);
      await one.page.locator('#tab-documents').click();
      const row = (title) => one.page.locator('.doc', { hasText: title });
      await row('wound.png').getByText(say('doc_unscreened'), { exact: true }).waitFor();
      await row('for-the-doctor.png').getByText(say('doc_unscreened'), { exact: true }).waitFor();
      assert.equal(await row('reading.txt').locator('.marks').count(), 0);
      const act = one.page.getByRole('button', { name: say('doc_show') });
      assert.equal(await act.count(), 1, 'not for one that the patient did not mean for them');
      await good(one, 'documents-doctor');
      await act.focus();
      await one.page.keyboard.press('Enter');
      const dialog = one.page.locator('dialog');
      await dialog.getByText(say('doc_show_more'), { exact: true }).waitFor();
      await good(one, 'documents-show');
      hub.refuse['POST /documents'] = [503, { code: 'engine.busy', status: 503, title: '' }];
      await dialog.getByRole('button', { name: say('doc_show') }).click();
      await dialog.getByText(say('problem_503')).waitFor();
      delete hub.refuse['POST /documents'];
      await dialog.getByRole('button', { name: say('doc_show') }).click();
      await row('wound.png').getByText(say('doc_family_sees'), { exact: true }).waitFor();
      await dialog.waitFor({ state: 'detached' });
      await until('the marks have the focus', () => one.page.evaluate(() => document.activeElement?.className.startsWith('marks')));
      assert.equal(await one.page.locator('.doc').count(), 3, 'the copy is no row of its own');
      const { id, version, createdAt, updatedAt, sharedBy, withheld, ...copy } = hub.docs.at(-1);
      const { id: of, version: v, createdAt: c, updatedAt: u, sharedBy: by, withheld: before, ...first } = hub.docs[0];
      assert.deepEqual([copy, sharedBy, withheld, before], [first, 'person-doctor', false, true]);
      await one.context.close();
    });
  }

  // In the page: what the sender of the camera's picture is limited to, in kbps.
  const sent = ({ page }) => page.evaluate(() => (window.connections.at(-1)?.getTransceivers()[1]?.sender.getParameters().encodings[0]?.maxBitrate ?? 0) / 1000);
  const sends = (one, kbps, what) => until(`${what}: ${kbps} kbps`, async () => (await sent(one)) === kbps, 10_000)
    .catch(async (error) => { throw new Error(`${error.message}; it is ${await sent(one)}`); });
  const measures = ({ page }, loss, times) => page.evaluate(async ([lossPercent, count]) => {
    const line = { lossPercent, jitterMs: 4, rttMs: 30, kbps: 900, packets: 100, frames: 200, fps: 20, frozenMs: 0 };
    window.calling.client.value.stats = async () => ({ over: 10_000, up: line, down: line });
    for (let i = 0; i < count; ++i) await window.calling.sample();
    window.calling.client.value.stats = async () => ({ over: 0, up: null, down: null });
  }, [loss, times]);
  const keepsConnections = 'window.connections = []; const Connection = RTCPeerConnection;'
    + 'window.RTCPeerConnection = class extends Connection { constructor(...all) { super(...all); window.connections.push(this); } };';
  for (const guest of [false, true]) {
    test(`a level that is told reaches the sender, and no better line goes above it: ${guest ? 'by a link' : 'signed in'}`, async () => {
      const one = await open({ lang: 'en', width: 360, guest, change: { quality: 'hd' }, init: keepsConnections });
      hub.provider = 'hub://p2p';
      hub.parts.doctor = {};
      hub.level = 'hd';
      if (guest) hub.events.push({ seq: 4, type: 'quality-changed', at: '2026-11-26T07:16:00Z', data: { participant: '', to: 'low', by: 'host' } });
      await waits(one);
      hub.admit();
      await one.page.waitForSelector('[role=toolbar]');
      await sends(one, guest ? 150 : 1200, 'what holds at the start');
      hub.tell('quality', { participant: 'p-doctor', from: 'high', to: 'standard' });
      // The last of two counts, though the first may not be in the sender yet.
      const tell = (to, who = '') => hub.tell('quality', { participant: who, to, by: 'host' });
      tell('high');
      tell('standard');
      hub.level = 'standard';
      const rises = (what) => until(what, async () => {
        await measures(one, 0, 1);
        return (await sent(one)) === 500;
      });
      await rises('for everybody: at once, or up from the level of before');
      await measures(one, 0, 20);
      assert.equal(await sent(one), 500, 'a good line stays below what was told');
      hub.level = 'low';
      tell('low', 'p-patient');
      await sends(one, 150, 'for this person');
      tell('hd', 'p-doctor');
      await measures(one, 0, 20);
      assert.equal(await sent(one), 150, 'what is told to another person is not for this one');
      tell('standard', 'p-patient');
      hub.level = 'standard';
      await rises('a good line goes up to what was told');
      await measures(one, 20, 2);
      await sends(one, 150, 'a weak line goes lower by itself');
      // A new join of the provider's room does not forget it.
      await one.page.evaluate(() => window.calling.again());
      await sends(one, 500, 'after a new join');
      assert.equal(await one.page.evaluate(() => window.connections.at(-1).getTransceivers()[0].sender.track.readyState), 'live', 'the sound goes on');
      await one.context.close();
    });
  }

  test('the recorder of policy violations works', async () => {
    const one = await open();
    await one.page.evaluate(() => { const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image); });
    await until('a violation', () => one.page.evaluate(() => window.violations.length > 0));
    await one.context.close();
  });
});
