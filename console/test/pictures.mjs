// The pictures of the documents, drawn again: each is compared with the kept one, or kept anew.
//   bash tests/pages/pages.sh pictures BUILD_FOLDER [--update]
// which gives this program and the hub a fixed time; the pages get a little later one. Ends with 77 where something is not installed, and with
// 75 when the minute was over before everything stood in the hub.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { album } from './album.mjs';
import { launch, missing, open, settled } from './browser.mjs';
import { morning, served } from './demo.mjs';
import { kCallShots, kCallTests, kShots } from './shots.mjs';
import { broke, dayKey, ended, skip, test } from './steps.mjs';

const build = process.argv[2];
if (missing) skip(missing);
const minute = () => Math.floor(Date.now() / 60_000);
const begun = minute();
const demo = await served(build);
const browser = await launch();
const late = async () => {
  if (minute() === begun) return;
  await browser.close();
  await demo.close();
  console.log('the minute is over; once more');
  process.exit(75);
};
try {
  await late();
  const { api, id, visit } = demo;
  const there = await morning(demo);
  await api('doctor', 'PUT', '/me/presence', { status: 'online' });
  await api('doctor', 'POST', `/sessions/${there.soon.id}/participants`, { person: id('nurse'), role: 'nurse', bypassWaitingRoom: true });
  const prescription = (await api('doctor', 'GET', `/sessions/${there.past.id}/prescriptions`)).items[0];
  const guest = await visit('patient2', 1_500);
  const { code } = await api('admin', 'POST', `/sessions/${guest.id}/invitations`, { participant: guest.participants.find((one) => one.role === 'patient').id });
  const twin = await api('admin', 'POST', '/patients', { name: 'Noura Alqahtani', nameAr: 'نورة القحطاني', gender: 'female', mrn: 'DEMO-1093', phone: '+966500000001' });
  await late();
  const keep = await album(browser, { update: process.argv.includes('--update'), failed: join(build, 'pictures') });
  const known = { id, prescription, code, twin, today: dayKey(Date.now()), ...there };
  for (const { name, who, page: address, path, act, ...look } of kShots)
    await test(`${name}: ${address}`, async () => {
      const page = await open(browser, demo.base, { ...look, state: who ? await demo.state(who) : undefined });
      await page.clock.setFixedTime((begun + 4.5) * 60_000);
      await page.goto(`${demo.base}${path?.(known) ?? address}`);
      await settled(page);
      await act?.(page, known);
      await pause(300);
      // The key of the log is another one in each hub.
      await page.evaluate(() => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replace(/\+[0-9a-f]{8}\+[\w+/=]{20,}/, '+ae5e37b3+Ad7iI+o9cfN+bBxTginiMd');
      });
      await keep(name, await page.screenshot());
      await page.context().close();
    });
  await test('the call', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rabt-call-'));
    try {
      execFileSync(process.execPath, [`--test-name-pattern=${kCallTests}`, join(build, '../../tests/call/states_test.mjs')], { env: { ...process.env, RABT_PICTURES: folder }, encoding: 'utf8' });
      const faults = [];
      for (const [name, state] of Object.entries(kCallShots)) await keep(name, readFileSync(join(folder, `${state}.png`))).catch((error) => faults.push(error.message));
      if (faults.length) throw new Error(faults.join('\n'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
} catch (error) {
  broke(error);
} finally {
  await browser.close();
  await demo.close();
}
ended();
