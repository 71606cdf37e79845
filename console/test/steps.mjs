// Parts that the page tests share: the list of tests, codes by time, and checks of every page.
import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { axe, open, settled } from './browser.mjs';

export const skip = (why) => {
  console.log(`skipped: ${why}`);
  process.exit(77);
};
// 2026-11-22 in Riyadh, which is three hours ahead of UTC.
export const dayKey = (when) => new Date(new Date(when).getTime() + 3 * 3_600_000).toISOString().slice(0, 10);
const counted = { passed: 0, failed: 0 };
// RABT_PAGES_ONLY: a pattern of the tests to run, while one works on a page.
const only = process.env.RABT_PAGES_ONLY && new RegExp(process.env.RABT_PAGES_ONLY);
export async function test(name, act) {
  if (only && !only.test(name)) return;
  const begun = Date.now();
  try {
    const said = await act();
    ++counted.passed;
    console.log(`${said === 'skipped' ? 'skip' : 'ok  '} ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    ++counted.failed;
    console.log(`FAIL ${name}\n     ${String(error?.message ?? error).split('\n').slice(0, 12).join('\n     ')}`);
  }
}
export const broke = (error) => {
  ++counted.failed;
  console.log(`FAIL ${error.stack}`);
};
export function ended() {
  console.log(`${counted.passed} passed, ${counted.failed} failed`);
  process.exit(counted.failed ? 1 : 0);
}
export function equal(is, wanted, what) {
  const [a, b] = [JSON.stringify(is), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}
export const none = (list, what) => {
  if (list.length) throw new Error(`${what}:\n${list.join('\n')}`);
};

// RFC 6238. `steps`: how many codes before the present one.
export function totp(secret, steps = 0) {
  const bits = [...secret.replace(/=+$/, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) - steps));
  const mac = createHmac('sha1', key).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

// Ends a process that this test started, and waits until it is gone.
export async function end(child) {
  if (child.exitCode !== null) return;
  const over = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([over, pause(10_000)]);
  if (child.exitCode === null) child.kill('SIGKILL');
}

// Words of errors in the browser's console; a refusal by the API, which the page shows, is none.
const complaints = (page) => page.said.filter(({ type, text }) => ['error', 'warning'].includes(type) && !/Failed to load resource: the server responded with a status of 4/.test(text)).map(({ text }) => text);

// Pages before one hub. `states`: cookies by person. `secrets`: what stands in no address, title, storage and console.
export function inspector({ browser, base, states, secrets }) {
  const exposed = async (page) => {
    const kept = await page.evaluate(() => JSON.stringify({ local: { ...localStorage }, session: { ...sessionStorage }, title: document.title, address: location.href }));
    const all = decodeURIComponent(kept) + JSON.stringify(page.said);
    return secrets.filter((one) => all.includes(one));
  };
  // Tall on a phone, so that the bar at the foot hides nothing that is judged.
  const windows = new Map();
  const windowOf = async (who, lang, width) => {
    const name = `${who} ${lang} ${width}`;
    if (!windows.has(name)) windows.set(name, await open(browser, base, { lang, width, height: width < 600 ? 6000 : undefined, state: who ? states[who] : undefined }));
    return windows.get(name);
  };
  // Checks that every page must pass, run on the page as it is now.
  const judge = async (page, name, lang) => {
    none(await axe(page), `${name}: axe, light`);
    await page.evaluate(() => (document.documentElement.dataset.theme = 'dark'));
    none(await axe(page, ['color-contrast']), `${name}: axe, dark`);
    const found = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, headings: document.querySelectorAll('h1').length,
      small: [...document.querySelectorAll('button, a[href], input, select')].filter((one) => { const box = one.getBoundingClientRect(); return box.width && !one.closest('.hidden, .skip') && !one.classList.contains('skip') && (box.height < 20 || box.width < 20); }).map((one) => one.outerHTML.slice(0, 80)),
      beyond: [...document.querySelectorAll('main *, header *')].filter((one) => { const box = one.getBoundingClientRect(); return box.width && (box.right > innerWidth + 1 || box.left < -1); }).slice(0, 4).map((one) => one.outerHTML.slice(0, 90)),
      ahead: document.querySelectorAll('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])').length, lang: document.documentElement.lang, dir: document.documentElement.dir, violations: window.violations,
    }));
    equal([found.lang, found.dir], [lang, lang === 'ar' ? 'rtl' : 'ltr'], `${name}: language`);
    if (found.wide > 0) throw new Error(`${name}: scrolls sideways by ${found.wide} px: ${found.beyond.join(' ')}`);
    equal(found.headings, 1, `${name}: headings of level 1`);
    equal(found.ahead, 0, `${name}: tabindex`);
    none(found.small, `${name}: too small to press`);
    none(found.violations, `${name}: violations of the policy`);
    none(complaints(page), `${name}: console`);
    none(await exposed(page), `${name}: patient data outside of the page`);
  };
  const look = async (who, path, lang, width, then) => {
    const page = await windowOf(who, lang, width);
    page.said.length = 0;
    await page.goto(`${base}${path}`);
    await settled(page);
    await then?.(page);
    await judge(page, `${who ?? 'nobody'} ${path} ${lang} ${width}`, lang);
  };
  return {
    exposed,
    judge,
    // A page in both languages, themes and widths. `then`: an act on the page before it is judged.
    everywhere: (who, path, then) => Promise.all(['ar', 'en'].flatMap((lang) => [1280, 360].map((width) => look(who, path, lang, width, then)))),
    close: async () => { for (const page of windows.values()) await page.context().close(); },
  };
}

// Presses Tab until the control of this name has the focus.
export async function tabTo(page, name, most = 60) {
  for (let i = 0; i < most; ++i) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => (document.activeElement?.getAttribute('aria-label') || document.activeElement?.labels?.[0]?.textContent || document.activeElement?.textContent || '').trim());
    if (here.startsWith(name)) {
      const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none');
      if (!ring) throw new Error(`no focus ring on ${name}`);
      return;
    }
  }
  throw new Error(`Tab does not reach ${name}`);
}

// Signs in on the page, with a code where the person has a second factor.
export async function signIn(page, base, { username, password, totp: secret }, to) {
  await page.goto(`${base}/login`);
  await page.fill('input[name=username]', username);
  await page.fill('input[name=password]', password);
  await page.press('input[name=password]', 'Enter');
  if (secret) {
    await page.waitForSelector('input[name=otp]');
    await page.fill('input[name=otp]', totp(secret));
    await page.press('input[name=otp]', 'Enter');
  }
  await page.waitForURL(to);
  await settled(page);
}

// Lines of Set-Cookie. Debian's Node knows them joined with commas alone; each begins with a name and `=`.
const cookiesOf = (answer) => (answer.headers.get('set-cookie') ?? '').split(/,\s*(?=[^;,=\s]+=)/);
// Cookies of a person who signs in, as a window has them.
export async function entered(base, { username, password, totp: secret }) {
  const answer = await fetch(`${base}/api/v1/auth/login`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', Origin: base, 'Sec-Fetch-Site': 'same-origin' },
    body: JSON.stringify({ username, password, cookie: true, ...(secret ? { otp: totp(secret) } : {}) }),
  });
  if (!answer.ok) throw new Error(`${username} cannot sign in: ${answer.status} ${await answer.text()}`);
  return { cookies: cookiesOf(answer).map((line) => line.split(';')[0].split('=')).map(([name, ...value]) => ({ name, value: value.join('='), domain: '127.0.0.1', path: '/', expires: -1, httpOnly: true, secure: true, sameSite: 'Lax' })), origins: [] };
}
