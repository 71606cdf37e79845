// User-visible times of the pages, with a whole hub and no video provider: largest paint on a slow
// phone (median of three), presses and seconds of everyday acts. Prints them; asserts nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { context, launch, need, root, until } from './browser.mjs';
import { kPrograms, RealHub } from './real_hub.mjs';

need(...kPrograms);
const texts = JSON.parse(readFileSync(join(root, 'console/strings/en.json'), 'utf8'));
const hub = await new RealHub().start({ p2p: true });
const browser = await launch();
const say = (what, measured) => console.log(`${what.padEnd(66)} ${measured}`);

// A middling phone on a slow line: 1.6 Mbit/s, 150 ms, a processor four times slower than this machine.
async function slow(page) {
  const line = await page.context().newCDPSession(page);
  await line.send('Network.enable');
  await line.send('Network.emulateNetworkConditions', { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 94_000 });
  await line.send('Emulation.setCPUThrottlingRate', { rate: 4 });
}
const kPhone = { width: 360, height: 740 };
async function opened(viewport, user) {
  const made = await context(browser, { viewport });
  await made.addCookies([{ name: 'rabt-lang', value: 'en', url: hub.url }]);
  const page = await made.newPage();
  page.presses = 0;
  page.press = async (what) => {
    await what.click();
    ++page.presses;
  };
  page.button = (name) => page.getByRole('button', { name, exact: true });
  page.on('dialog', (dialog) => void dialog.accept());
  if (user) await hub.signIn(page, user);
  return page;
}
// Runs the act and prints its presses and seconds; an act that does not come to its end says where it stopped.
async function measure(what, page, act) {
  const begun = Date.now();
  page.presses = 0;
  const stopped = await act().then(() => '', (error) => `; stopped at: ${error.message.split('\n')[0]}`);
  say(what, `${page.presses} presses, ${((Date.now() - begun) / 1000).toFixed(1)} s${stopped}`);
}
const painted = (page) => page.evaluate(() => new Promise((resolve) => {
  let last = 0;
  new PerformanceObserver((list) => { last = list.getEntries().at(-1).startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
  setTimeout(() => resolve(last), 1_500);
}));

try {
  const doctor = await hub.person('hind', { name: 'Dr. Hind Al-Fares', gender: 'female', roles: ['doctor'], licenceNumber: '12-R-M-0041234', videoEnabled: true, language: 'en' });
  const patient = await hub.person('salem', { name: 'Salem Al-Badr', gender: 'male', roles: ['patient'], mrn: '4021-7731', birthDate: '1972-03-14', phone: '+966550000142', language: 'en' });
  const desk = await hub.person('reem', { name: 'Reem Alharbi', roles: ['desk'] });
  const visit = await hub.call('POST', '/api/v1/sessions', {
    type: 'doctor_patient', bookingType: 'direct', provider: doctor.id, patient: patient.id, waitingRoom: true, scheduledStart: new Date(Date.now() + 300_000).toISOString(),
    plannedMinutes: 20, organizer: { person: doctor.id, role: 'doctor' },
  });
  const invite = async () => (await hub.call('POST', `/api/v1/sessions/${visit.id}/invitations`, { participant: visit.participants.find(({ role }) => role === 'patient').id })).code;

  for (const [what, user, path] of [['sign-in', null, '/login'], ['a patient\'s page', patient, '/clinic'], ['a link of an invitation', null, `/i#${await invite()}`], ['the call before its device check', patient, `/call/${visit.id}`]]) {
    const times = [];
    while (times.length < 3) {
      const page = await opened(kPhone, user);
      await page.goto('about:blank');
      const fresh = await page.context().newCDPSession(page);
      await fresh.send('Network.clearBrowserCache');
      await slow(page);
      await page.goto(hub.url + path);
      await page.waitForSelector('h1');
      times.push(await painted(page));
      await page.context().close();
    }
    say(`largest paint, slow phone, nothing cached: ${what}`, `${(times.sort((a, b) => a - b)[1] / 1000).toFixed(2)} s`);
  }

  const phone = await opened(kPhone);
  await slow(phone);
  const code = await invite();
  await measure('from the press in the message to the waiting room, slow phone', phone, async () => {
    ++phone.presses;  // the link in the message
    await phone.goto(`${hub.url}/i#${code}`);
    await phone.press(phone.getByRole('checkbox').first());
    await phone.press(phone.button(texts.guest_continue ?? 'Continue to the visit'));
    await phone.waitForURL('**/call/**');
    await phone.getByLabel(texts.call_where, { exact: true }).fill('Riyadh');
    await phone.getByLabel(texts.call_phone, { exact: true }).fill('0550000142');
    const agree = phone.getByLabel(texts.call_agree, { exact: true });
    if (await agree.count()) await phone.press(agree);
    await phone.press(phone.button(texts.call_before_next));
    await phone.press(phone.button(texts.call_ask_both));
    await phone.press(phone.button(texts.call_to_waiting));
    await phone.getByText(texts.call_soon).waitFor();
  });

  const room = await opened({ width: 1280, height: 800 });
  await measure('a doctor, from sign-in to the patient on the screen', room, async () => {
    await room.goto(`${hub.url}/login`);
    await room.fill('input[name=username]', doctor.username);
    await room.fill('input[name=password]', doctor.password);
    await room.press(room.button(texts.sign_in));
    await room.press(room.getByRole('button', { name: /^Admit/ }).first());
    await room.waitForURL('**/call/**');
    await room.press(room.button(texts.call_ask_both));
    await room.press(room.button(texts.call_enter));
    const admit = room.locator('.door').getByRole('button', { name: texts.call_admit, exact: true });
    const seen = () => room.evaluate(() => [...document.querySelectorAll('.picture > video')].some((one) => one.videoWidth > 0));
    await until('the patient is seen', async () => {
      if (await admit.count()) await room.press(admit);
      return seen();
    }, 30_000);
  });
  if (await room.locator('.identify').count()) {
    for (const one of ['birth_date', 'record_number']) await room.getByLabel(texts[`identifier_${one}`]).check();
    await room.button(texts.identify_start).click();
  }
  await measure('a doctor, from a written note to a signed one and an ended visit', room, async () => {
    await room.locator('#tab-notes').click();
    await room.getByLabel('Plan', { exact: true }).fill('Readings in two weeks.');
    await room.getByText(texts.call_draft_saved).waitFor({ timeout: 15_000 });
    await room.press(room.button(texts.call_sign));
    await room.press(room.locator('dialog').getByRole('button', { name: texts.call_sign }));
    await room.getByText(texts.call_note_is_signed, { exact: true }).waitFor();
    await room.press(room.locator('.callbtn-end'));
    await room.press(room.locator('dialog').getByRole('button', { name: texts.call_end_all }));
    await room.getByRole('heading', { name: texts.call_after_ended }).waitFor();
  });

  const front = await opened({ width: 1280, height: 860 }, desk);
  await front.goto(`${hub.url}/clinic`);
  await measure('the front desk, a walk-in who has a file', front, async () => {
    await front.getByLabel('Number').fill('4021-7731');
    await front.press(front.button(texts.find));
    await front.press(front.button('Add visit now'));
    await front.getByText('has a visit now').waitFor();
  });
  say('the front desk, a visit to another time', 'not measured');
} finally {
  await browser.close();
  await hub.stop();
}
