// Debian's chromium with made-up camera and microphone, for tests of pages that call. --firefox: Debian's Firefox by WebDriver BiDi.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const kFirefox = process.argv.includes('--firefox');
const kBrowser = kFirefox ? '/usr/bin/firefox-esr' : '/usr/bin/chromium';
const require_ = createRequire(join(root, 'console/package.json'));

// Ends the test with ctest's code for skipped, and says which of the programs or modules is missing.
export function need(...programs) {
  const missing = programs.filter((one) => !existsSync(one));
  if (!existsSync(join(root, 'console/node_modules/playwright-core'))) missing.push('console/node_modules (npm ci in console/)');
  if (!existsSync(kBrowser)) missing.push(kBrowser);
  if (!missing.length) return;
  console.log(`skipped: not installed: ${missing.join(', ')}`);
  process.exit(77);
}

export const esbuild = () => require_('esbuild');
export const axe = () => require_.resolve('axe-core/axe.min.js');

export async function launch(more = []) {
  const { chromium, firefox } = require_('playwright-core');
  const { LD_PRELOAD: _, ...env } = process.env;  // without the clock of tests/pages/pages.sh
  if (kFirefox) {
    return firefox.launch({ executablePath: kBrowser, channel: 'moz-firefox', env, headless: true, firefoxUserPrefs: {
      'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.autoplay.default': 0,
      'media.peerconnection.ice.obfuscate_host_addresses': false, 'ui.prefersReducedMotion': 1,
    } });
  }
  return chromium.launch({
    executablePath: kBrowser,
    env,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-dev-shm-usage', '--mute-audio', '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream', '--force-color-profile=srgb', '--font-render-hinting=none',
      '--disable-features=WebRtcHideLocalIpsWithMdns', ...more],
  });
}

export const context = (browser, options = {}) => browser.newContext({
  ...(kFirefox ? {} : { permissions: ['camera', 'microphone'] }), timezoneId: 'Asia/Riyadh', locale: 'en-GB', reducedMotion: 'reduce', ...options,
});

// Waits until the function answers something true, and answers it.
export async function until(what, holds, ms = 20_000) {
  let last;
  for (const end = Date.now() + ms; Date.now() < end;) {
    last = await holds();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`did not happen within ${ms} ms: ${what}`);
}
