// Tests of the player: a recording plays in the page of its visit, by an address of one viewing, which holds no token and no reason.
import { open, settled } from './browser.mjs';
import { equal, test } from './steps.mjs';

// A second of silence, as RIFF WAVE.
function silence(rate = 8000) {
  const sound = Buffer.alloc(44 + rate, 0x80);
  sound.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  sound.writeUInt32LE(36 + rate, 4);
  sound.writeUInt32LE(16, 16);
  sound.writeUInt16LE(1, 20); // PCM
  sound.writeUInt16LE(1, 22); // one channel
  sound.writeUInt32LE(rate, 24);
  sound.writeUInt32LE(rate, 28);
  sound.writeUInt16LE(1, 32);
  sound.writeUInt16LE(8, 34); // bits
  sound.write('data', 36, 'latin1');
  sound.writeUInt32LE(rate, 40);
  return sound;
}

const kRecording = { id: '01K0000000000000000000000R', createdAt: '2026-11-26T06:10:00Z', status: 'ready', kind: 'audio', startedAt: '2026-11-26T06:10:00Z', durationSeconds: 1, bytes: 8044 };
const kWords = {
  ar: { play: 'تشغيل', why: 'ما سبب الاطلاع على هذا التسجيل؟', reason: 'شكوى رقم 17', stopped: 'توقف التشغيل', close: 'إغلاق', withdrawn: 'سُحب هذا التسجيل' },
  en: { play: 'Play', why: 'Why do you open this recording?', reason: 'complaint 17', stopped: 'It does not play any more', close: 'Close', withdrawn: 'This recording was withdrawn' },
};

export async function playerTests({ browser, base, states, pages, session }) {
  // A page of a visit with one recording. The recording is the test's; the page, its policy and its sign-in are the hub's.
  const visit = async (who, lang) => {
    const page = await open(browser, base, { lang, state: states[who], width: 360, height: 6000 });
    page.asked = [];
    page.played = [];
    await page.route(`**/api/v1/sessions/${session}/recordings`, (route) => route.fulfill({ json: { items: [kRecording] } }));
    await page.route(`**/api/v1/recordings/${kRecording.id}/views`, async (route) => {
      const asked = page.asked.push(route.request().headers()['x-rabt-reason'] ?? '');
      await page.held;
      if (page.refused) return route.fulfill({ ...page.refused, contentType: 'application/problem+json' });
      return route.fulfill({ status: 201, json: { url: `/api/v1/recordings/${kRecording.id}/views/ticket-${asked}`, expiresIn: 60, playsFor: 901, contentType: 'audio/wav' } });
    });
    await page.route(`**/api/v1/recordings/${kRecording.id}/views/*`, (route) => {
      page.played.push(route.request());
      if (page.over) return route.fulfill({ status: 401, json: {} });
      const sound = silence();
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(route.request().headers().range ?? 'bytes=0-').map(Number);
      const end = to || sound.length - 1;
      return route.fulfill({ status: 206, contentType: 'audio/wav', headers: { 'Accept-Ranges': 'bytes', 'Content-Range': `bytes ${from}-${end}/${sound.length}` }, body: sound.subarray(from, end + 1) });
    });
    await page.goto(`${base}/clinic/sessions/${session}?tab=recordings`);
    await settled(page);
    return page;
  };
  const loaded = (page) => page.waitForFunction(() => document.querySelector('audio.player')?.readyState >= 1);

  await test('a recording plays in the page, and once more after its time', async () => {
    for (const lang of ['ar', 'en']) {
      const words = kWords[lang];
      const page = await visit('patient', lang);
      await page.getByRole('button', { name: words.play, exact: true }).click();
      await loaded(page);
      equal(page.asked, [''], 'viewings, without a reason');
      equal(page.played.some((one) => one.headers().authorization || one.url().includes('?')), false, 'tokens and reasons in requests of the player');
      await pages.judge(page, `player ${lang}`, lang);
      // The page hears of the new place by an event, which a `load()` right after the change would take back.
      await page.evaluate(
        () =>
          new Promise((heard) => {
            const player = document.querySelector('audio.player');
            player.addEventListener('timeupdate', heard, { once: true });
            player.currentTime = 0.5;
          }),
      );
      page.over = true;
      await page.evaluate(() => document.querySelector('audio.player').load());
      await page.getByRole('alert').getByText(words.stopped).waitFor();
      page.over = false;
      await page.getByRole('dialog').getByRole('button', { name: words.play, exact: true }).click();
      await loaded(page);
      equal(page.asked.length, 2, 'viewings');
      await page.waitForFunction(() => document.querySelector('audio.player').currentTime === 0.5);
      await page.getByRole('dialog').getByRole('button', { name: words.close }).click();
      equal(await page.locator('audio').count(), 0, 'players of a closed dialog');
      await page.context().close();
    }
  });

  await test('a viewing that comes after the dialog was closed plays nothing', async () => {
    const words = kWords.en;
    const page = await visit('patient', 'en');
    let free;
    page.held = new Promise((resolve) => (free = resolve));
    await page.getByRole('button', { name: words.play, exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: words.close }).click();
    const late = page.waitForResponse(`**/api/v1/recordings/${kRecording.id}/views`);
    await page.getByRole('button', { name: words.play, exact: true }).click();
    free();
    await late;
    await loaded(page);
    equal(page.asked.length, 2, 'viewings');
    equal(page.played.filter((one) => one.url().endsWith('/ticket-1')).length, 0, 'requests of the viewing that was closed');
    await page.context().close();
  });

  await test('a recording that was withdrawn says so', async () => {
    for (const lang of ['ar', 'en']) {
      const words = kWords[lang];
      const page = await visit('patient', lang);
      page.refused = { status: 410, body: JSON.stringify({ status: 410, code: 'recording.withdrawn', title: 'Gone', detail: '' }) };
      await page.getByRole('button', { name: words.play, exact: true }).click();
      await page.getByRole('dialog').getByText(words.withdrawn).waitFor();
      await page.context().close();
    }
  });

  await test('an administrator says why before a recording plays', async () => {
    for (const lang of ['ar', 'en']) {
      const words = kWords[lang];
      const page = await visit('admin', lang);
      await page.getByRole('button', { name: words.play, exact: true }).click();
      const dialog = page.getByRole('dialog');
      equal(await dialog.getByRole('button', { name: words.play, exact: true }).isDisabled(), true, 'playing without a reason');
      await pages.judge(page, `player asks why ${lang}`, lang);
      await dialog.getByLabel(words.why).fill(words.reason);
      await dialog.getByRole('button', { name: words.play, exact: true }).click();
      await loaded(page);
      equal(page.asked.map((one) => decodeURIComponent(one.slice("UTF-8''".length))), [words.reason], 'reasons');
      await page.context().close();
    }
  });
}
