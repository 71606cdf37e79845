// Identity in a real browser: sign-in at an issuer, visit links on a second device, the desk's
// records, moved visits, and doctors who are away.
//   node test/people.mjs BUILD_FOLDER
// Ends with 77 (skipped in ctest) without Chromium, the issuer's package or pages in the hub.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { awayTests } from './away.mjs';
import { launch, missing, open, settled } from './browser.mjs';
import { deviceTests } from './devices.mjs';
import { hub } from './hub.mjs';
import { issuer } from './issuer.mjs';
import { moveTests } from './move.mjs';
import { recordTests } from './records.mjs';
import { gateway } from './sms.mjs';
import { broke, ended, equal, inspector, skip, tabTo, test, totp } from './steps.mjs';

const build = resolve(process.argv[2]);
if (missing) skip(missing);

let idp;
const sms = await gateway();
const { base, api, people, enter, cookies, close } = await hub(build, async ({ folder, base: at }) => {
  idp = await issuer(build, at);
  if (!idp) skip('npm cannot install oidc-provider');
  writeFileSync(join(folder, 'sms'), 'a token of the gateway', { mode: 0o600 });
  writeFileSync(join(folder, 'idp'), 'a secret of the two of them', { mode: 0o600 });
  return `roles: {video: hub://p2p, notify: plugin://notify}
hospital: {name: {ar: مستشفى الاختبار, en: Test Hospital}, phone: '+966112345678', messages: ${join(build, '../../config/messages')}}
plugin:
  notify: {config: {sms_url: '${sms.url}', sms_sender: Test}, secrets: {sms_token: {file: sms}}, hosts: ['${sms.url}']}
privacy: {channels: {notify: {allow: {to: [phone], text: [date], reference: [], language: []}}}}
clinic: {second_proof: [code, birth_date]}

identity:
  local: {second_factor: [admin, security_officer, engineer]}
  issuers:
    hospital: {kind: oidc, issuer: '${idp.address}', client_id: rabt, client_secret: {file: idp}, algs: [ES256], scope: 'openid profile', provision: true,
      role_map: {KFH-Doctors: doctor, KFH-Engineers: engineer}, may_grant: [doctor, engineer], display: {ar: حساب المستشفى, en: the hospital account}}
`;
});
// The name of the issuer stands in marks of isolation.
const kButton = { ar: 'حساب المستشفى', en: 'the hospital account' };
const browser = await launch();
try {
  if (!((await fetch(`${base}/`)).headers.get('content-type') ?? '').startsWith('text/html')) {
    await browser.close();
    await idp.close();
    await close();
    skip('this hub was built without pages');
  }
  const states = {};
  const pages = inspector({ browser, base, states, secrets: ['Noura', 'Alqahtani', 'نورة', 'القحطاني', 'DEMO-1001', '966500000001'] });
  const button = (page) => page.getByRole('link', { name: new RegExp(`${kButton.ar}|${kButton.en}`) });
  // At the issuer, which has its own page.
  const choose = async (page, name) => {
    await page.waitForURL(`${idp.address}/**`);
    await page.getByRole('link', { name }).click();
  };

  await test('the sign-in shows a button for the issuer: both languages, themes and widths', async () => {
    await pages.everywhere(null, '/login', (page) => button(page).waitFor());
  });

  await test('whoever signs in at the issuer comes back where he wanted to go, by the keyboard alone', async () => {
    for (const lang of ['ar', 'en']) {
      const page = await open(browser, base, { lang });
      await page.goto(`${base}/clinic/sessions`);
      await page.waitForURL('**/login?to=*');
      await settled(page);
      await tabTo(page, { ar: 'الدخول عبر', en: 'Sign in with' }[lang]);
      await page.keyboard.press('Enter');
      await choose(page, 'Dr. Ahmad');
      await page.waitForURL(`${base}/clinic/sessions`);
      await settled(page);
      equal(await page.locator('.who').textContent().then((text) => text.includes('Dr. Ahmad')), true, 'who is signed in');
      await page.context().close();
    }
  });

  await test('who comes without a wish gets the page of his roles, and who has none is told', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/login?to=//evil.example`);
    await button(page).click();
    await choose(page, 'Sara');
    await page.waitForURL(`${base}/clinic`);
    await settled(page);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.context().close();
  });

  await test('a sign-in that was cancelled is said in both languages, and the next one leads to the page', async () => {
    for (const [lang, wanted] of [['ar', 'لم يكتمل تسجيل الدخول'], ['en', 'The sign-in was not completed']]) {
      const page = await open(browser, base, { lang, width: 360 });
      await page.goto(`${base}/login?to=/clinic/sessions`);
      await button(page).click();
      await choose(page, 'Cancel');
      await page.waitForURL(`${base}/login?to=*`);
      await page.getByRole('alert').getByText(wanted).waitFor();
      equal(new URL(page.url()).searchParams.has('failed'), false, 'the code of the refusal stays in the address');
      await pages.judge(page, `cancelled ${lang}`, lang);
      await button(page).click();
      await choose(page, 'Dr. Ahmad');
      await page.waitForURL(`${base}/clinic/sessions`);
      await page.context().close();
    }
  });

  await test('an answer of the issuer counts once, and an issuer that is gone is said', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/auth/oidc/hospital/callback?state=never&code=never`);
    await page.waitForURL(`${base}/login`);
    await page.getByRole('alert').getByText('The sign-in was not completed').waitFor();
    await page.goto(`${base}/auth/oidc/nobody/login`);
    await page.getByRole('alert').getByText('not offered any more').waitFor();
    // A program is told as it always was.
    const told = await fetch(`${base}/auth/oidc/nobody/login`, { redirect: 'manual' });
    equal([told.status, (await told.json()).code], [404, 'auth.issuer_unknown'], 'a program');
    await page.context().close();
  });

  await test('one factor of the issuer is not enough for a role that needs two', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/console/instances`);
    await page.waitForURL('**/login?to=*');
    await button(page).click();
    await choose(page, 'Engineer Fahad');
    await page.waitForURL('**/login?enrol=1&to=*');
    await page.getByRole('button', { name: 'Begin' }).or(page.locator('.btn-primary')).first().click();
    const secret = (await page.locator('.trace').textContent()).trim();
    await page.locator('input[autocomplete=one-time-code]').fill(totp(secret));
    await page.keyboard.press('Enter');
    await page.locator('.codes').waitFor();
    await page.locator('.btn-primary').click();
    await page.waitForURL(`${base}/console/instances`);
    await page.context().close();
  });

  await test('a session that ended asks for the issuer in another tab, and what was typed stays', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/login?to=/clinic/book`);
    await button(page).click();
    await choose(page, 'Dr. Ahmad');
    await page.waitForURL(`${base}/clinic/book`);
    await settled(page);
    await page.getByLabel('Number').fill('DEMO-7');
    await page.evaluate(() => fetch('/api/v1/auth/logout', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }, body: '{}' }));
    const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'));
    await dialog.waitFor();
    const opened = page.context().waitForEvent('page');
    await dialog.getByRole('link', { name: kButton.en }).click();
    const tab = await opened;
    await tab.waitForURL(`${base}/login?done=1`, { timeout: 15_000 });
    await tab.getByText('Close this tab').waitFor();
    await dialog.waitFor({ state: 'detached' });
    equal(await page.getByLabel('Number').inputValue(), 'DEMO-7', 'what was typed');
    await page.context().close();
  });

  await test('an issuer that is gone is said, in both languages', async () => {
    await idp.close();
    for (const [lang, wanted] of [['ar', 'لا تستجيب الآن'], ['en', 'does not answer right now']]) {
      const page = await open(browser, base, { lang });
      await page.goto(`${base}/login?to=/clinic/book`);
      await button(page).click();
      await page.getByRole('alert').getByText(wanted).waitFor();
      equal(new URL(page.url()).searchParams.get('to'), '/clinic/book', 'where to');
      await page.context().close();
    }
  });
  const doctor = (await api('POST', '/providers', { name: 'Dr. Sara Alharbi' })).id;
  await deviceTests({ base, api, browser, pages, sms, doctor });
  await enter('mover', ['doctor']);
  await enter('admin', ['admin'], true);
  await enter('desk', ['desk']);
  await enter('nurse', ['nurse']);
  for (const who of ['mover', 'admin', 'desk', 'nurse']) states[who] = await cookies(who);
  await recordTests({ base, api, browser, pages, states, people, doctor });
  await moveTests({ base, api, browser, pages, states, people });
  await awayTests({ base, api, browser, pages, states });
  await pages.close();
} catch (error) {
  broke(error);
} finally {
  await browser.close();
  await idp.close();
  await close();
  sms.close();
}
ended();
