// A browser of this machine, signed-in people, and what is watched on every page. --firefox: Debian's Firefox by WebDriver BiDi.
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
export const axeSource = readFileSync(createRequire(join(here, 'browser.mjs')).resolve('axe-core/axe.min.js'), 'utf8');

// Without the clock of tests/pages/pages.sh, which the pages get below; those of the pictures have a time of their own.
const { LD_PRELOAD: _, ...env } = process.env;
const ahead = env.RABT_PAGES_MORNING ? Number(env.FAKETIME) * 1000 : 0;
const kFirefox = process.argv.includes('--firefox');
const executablePath = kFirefox ? '/usr/bin/firefox-esr' : (process.env.CHROMIUM ?? '/usr/bin/chromium');
export const missing = existsSync(executablePath) ? '' : `no ${executablePath}; install the package ${kFirefox ? 'firefox-esr' : 'chromium'}`;
export function launch() {
  if (kFirefox) return firefox.launch({ executablePath, channel: 'moz-firefox', env, headless: true, firefoxUserPrefs: { 'ui.prefersReducedMotion': 1 } });
  return chromium.launch({
    executablePath,
    env,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--force-color-profile=srgb', '--font-render-hinting=none'],
  });
}

// A window. `state`: cookies of somebody who has signed in.
export async function open(browser, base, { lang = 'ar', theme = 'light', width = 1280, height, state } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: height ?? (width < 600 ? 780 : 860) }, locale: lang === 'ar' ? 'ar-SA' : 'en-GB', timezoneId: 'Asia/Riyadh', colorScheme: theme, reducedMotion: 'reduce', storageState: state,
  });
  if (kFirefox) context.setDefaultTimeout(90_000);  // it takes its time on a machine that does other things
  await context.addCookies([{ name: 'rabt-lang', value: lang, url: base }, { name: 'rabt-theme', value: theme, url: base }]);
  await context.addInitScript((ahead) => {
    const Real = Date;
    if (ahead) globalThis.Date = class extends Real { constructor(...args) { super(...(args.length ? args : [Real.now() + ahead])); } static now = () => Real.now() + ahead; };
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  }, ahead);
  const page = await context.newPage();
  page.said = [];
  page.on('console', (message) => page.said.push({ type: message.type(), text: message.text() }));
  page.on('pageerror', (error) => page.said.push({ type: 'error', text: `uncaught ${error.message}` }));
  return page;
}

// Waits until the page has its data: a heading, and nothing that still comes.
export async function settled(page) {
  await page.waitForSelector('h1', { timeout: 40_000 });
  await page.waitForFunction(() => !document.querySelector('.skeleton'), undefined, { timeout: 40_000 });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

export async function axe(page, only) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  return page.evaluate(async (rules) => {
    const { violations } = await window.axe.run(document, rules
      ? { runOnly: { type: 'rule', values: rules } }
      : { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'] } });
    return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
  }, only);
}
