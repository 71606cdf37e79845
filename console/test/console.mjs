// The console in a real browser, before a hub of its own with a person of each role.
//   node test/console.mjs BUILD_FOLDER [--firefox] [--pictures]
// Ends with 77, which ctest shows as skipped, where there is no browser or the hub was built without pages.
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { album } from './album.mjs';
import { axe, launch, missing, open, settled } from './browser.mjs';
import { hub } from './hub.mjs';
import { replayTests } from './replay.mjs';
import { broke, ended, equal, inspector, none, signIn, skip, tabTo, test } from './steps.mjs';
import { taskTests } from './tasks.mjs';
import { trustTests } from './trust.mjs';

const build = resolve(process.argv[2]);
const pictures = process.argv.includes('--pictures');
if (missing) skip(missing);

const kSecret = ['Noura', 'Alqahtani', 'نورة', 'القحطاني', 'DEMO-1001'];
const kStaff = ['engineer', 'operator', 'security', 'auditor', 'admin'];
const { base, away, ask, api, deliver, people, enter, cookies, close } = await hub(build);
const browser = await launch();
try {
  const shell = await fetch(`${base}/console`);
  if (!(shell.headers.get('content-type') ?? '').startsWith('text/html')) {
    await browser.close();
    await close();
    skip('this hub was built without pages');
  }
  // The second nurse has no grant of the first one's.
  for (const who of [...kStaff, 'nurse', 'nurse2', 'patient']) await enter(who, [who === 'security' ? 'security_officer' : who.replace('2', '')], !['auditor', 'patient'].includes(who));
  for (const [who, roles] of [['lead', ['engineer', 'integration']], ['medic', ['engineer', 'specialist']], ['records', ['operator', 'integration']]]) await enter(who, roles, true);
  const doctor = await api('POST', '/providers', { name: 'Dr. Sara Alharbi' });
  const patient = await api('POST', '/patients', { name: 'نورة القحطاني', mrn: 'DEMO-1001' });
  const begin = () => api('POST', '/sessions', { type: 'doctor_patient', provider: doctor.id, patient: patient.id });
  const visits = [];
  while (visits.length < 4) visits.push((await begin()).id);
  const instances = async (status) => (await api('GET', `/instances?status=${status}`)).items;
  const until = async (what, holds) => {
    for (let waited = 0; waited < 20_000; waited += 100) {
      const got = await holds();
      if (got) return got;
      await pause(100);
    }
    throw new Error(`waited in vain for ${what}`);
  };
  await until('four decisions', async () => (await instances('parked')).length === 4);
  // One that has failed: the system it calls is away.
  const broken = (await instances('parked'))[0].id;
  await api('POST', `/instances/${broken}/resolve`, { outcome: 'done', output: { decision: 'remind' }, reason: 'asked Dr. Sara' });
  await until('a failure', async () => (await instances('faulted')).length === 1);
  const parked = (await instances('parked'))[0].id;
  equal(await deliver('{}', false), 401, 'a message with a wrong signature');
  await deliver('{"name": "Noura"}');

  const states = {};
  for (const who of Object.keys(people)) states[who] = await cookies(who);
  const pages = inspector({ browser, base, states, secrets: kSecret });
  await test('staff of the hub come to the console after signing in, patients to the clinic', async () => {
    for (const [who, to] of [['auditor', '**/console'], ['patient', '**/clinic']]) {
      const page = await open(browser, base, { lang: 'en' });
      await signIn(page, base, people[who], to);
      await page.context().close();
    }
  });
  // `before`: what is done to the window before it opens the page.
  const visit = async (who, path, more = {}, before) => {
    const page = await open(browser, base, { lang: 'en', state: states[who], ...more });
    await before?.(page);
    await page.goto(`${base}${path}`);
    await settled(page);
    return page;
  };
  const keep = pictures && (await album(browser, { update: true }));
  const picture = async (page, name) => {
    if (!keep) return;
    await pause(300);
    await keep(name, await page.screenshot({ clip: { x: 0, y: 0, width: page.viewportSize().width, height: Math.min(860, page.viewportSize().height) } }));
  };
  if (pictures) {
    const shots = [
      ['console', 'operator', '/console', 'en', 'light', 1280], ['console-instances', 'operator', '/console/instances', 'ar', 'light', 1280], ['console-status', 'operator', '/console/status', 'ar', 'dark', 360],
    ];
    for (const [name, who, path, lang, theme, width] of shots) {
      const page = await visit(who, path, { lang, theme, width });
      await picture(page, name);
      await page.context().close();
    }
  }

  await test('each person has the pages of his roles, and no others', async () => {
    for (const [who, has, hasNot] of [['operator', ['Instances', 'Decisions', 'Deliveries'], ['Users and roles', 'Audit log']], ['auditor', ['Audit log', 'Emergency access'], ['Webhooks', 'Approvals']], ['admin', ['Users and roles', 'Webhooks'], ['Instances', 'Keys']], ['nurse', ['Instances'], ['Overview', 'Deploy']]]) {
      const page = await visit(who, '/console');
      const links = await page.locator('.cnav a > span:first-of-type').allTextContents();
      for (const one of has) if (!links.includes(one)) throw new Error(`${who} has no ${one}: ${links}`);
      for (const one of hasNot) if (links.includes(one)) throw new Error(`${who} has ${one}`);
      await page.context().close();
    }
  });
  await test('a patient reads that the page is for staff, in both languages, and finds his visits', async () => {
    for (const [lang, title, way] of [['en', 'This page is for staff', 'To my visits'], ['ar', 'هذه الصفحة لفريق العمل', 'إلى مواعيدي']]) {
      const page = await visit('patient', '/console/instances', { lang });
      equal(await page.locator('h1').textContent(), title, 'heading');
      await page.getByRole('link', { name: way }).click();
      await page.waitForURL('**/clinic');
      await page.context().close();
    }
  });
  await test('the way to a page of the console leads over the sign-in and back', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/console/instances`);
    await page.waitForURL('**/login?to=*');
    await page.fill('input[name=username]', people.auditor.username);
    await page.fill('input[name=password]', people.auditor.password);
    await page.press('input[name=password]', 'Enter');
    await page.waitForURL('**/console/instances');
    await page.context().close();
  });

  await test('the overview says what needs the operator, and the way there', async () => {
    const page = await visit('operator', '/console');
    await page.locator('.needs').getByText(/3.? decisions wait/).waitFor();
    await page.locator('.needs').getByText(/1.? instance has failed/).waitFor();
    await page.getByRole('region', { name: 'Failing, by cause' }).getByRole('link', { name: /Show .?1/ }).waitFor();
    await page.getByRole('region', { name: 'Health' }).getByText('Database').waitFor();
    await page.context().close();
  });
  await test('Ctrl K finds a page and an id, and no person', async () => {
    const page = await visit('operator', '/console');
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type(broken.toLowerCase());
    none(await axe(page), 'axe of the dialog');
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/console/instances/${broken}`);
    await page.context().close();
  });

  await test('filters of the list stand in the address, and Back goes back', async () => {
    const page = await visit('operator', '/console/instances');
    equal(await page.locator('.ctable tbody tr').count(), 4, 'rows');
    await page.getByRole('checkbox', { name: /^Failed/ }).check();
    await page.waitForURL('**/console/instances?status=faulted');
    await page.waitForFunction(() => document.querySelectorAll('.ctable tbody tr').length === 1);
    await page.locator('.ctable tbody a').first().click();
    await page.waitForURL(`**/console/instances/${broken}`);
    await page.goBack();
    await page.waitForURL('**/console/instances?status=faulted');
    await page.context().close();
  });
  await test('new rows wait behind a button and push nothing', async () => {
    const page = await visit('operator', '/console/instances');
    const before = await page.locator('.ctable tbody tr').count();
    await begin();
    await page.getByRole('button', { name: /1.? newer: show/ }).waitFor({ timeout: 15_000 });
    equal(await page.locator('.ctable tbody tr').count(), before, 'rows before');
    await page.getByRole('button', { name: /1.? newer: show/ }).click();
    equal(await page.locator('.ctable tbody tr').count(), before + 1, 'rows after');
    await page.context().close();
  });
  await test('a list is walked and opened with j, k and Enter', async () => {
    const page = await visit('operator', '/console/instances');
    await page.getByRole('group', { name: 'Instances' }).focus();
    for (const key of ['j', 'j', 'k']) await page.keyboard.press(key);
    equal(await page.locator('tr.cursor').count(), 1, 'cursor');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/console/instances/01*');
    await page.context().close();
  });
  await test('finding by person is posted with a reason and leaves no trace in the address', async () => {
    const page = await visit('nurse', '/console/instances');
    await page.getByRole('button', { name: 'Find by person or key…' }).click();
    await page.getByLabel('Type').selectOption('mrn');
    await page.getByLabel('Value').fill('DEMO-1001');
    await page.getByRole('dialog').getByRole('button', { name: 'Find', exact: true }).click();
    await page.getByText('Write a reason').waitFor();
    await page.getByLabel('Reason (kept in the audit log)').fill('شكوى من مريض');
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Find', exact: true }).click();
    await page.getByRole('button', { name: 'Open emergency access and show' }).click();
    await page.getByRole('heading', { name: 'Instances that were found' }).waitFor();
    none(await pages.exposed(page), 'patient data outside of the page');
    const entries = await api('GET', '/audit/entries?act=instance.*&limit=5');
    if (!JSON.stringify(entries).includes(people.nurse.id)) throw new Error(`no entry of the search: ${JSON.stringify(entries)}`);
    await page.getByRole('button', { name: 'Close', exact: true }).click();

    // A business key may be a person's number, too: a grant of one whose data the instance holds opens it.
    const key = visits[0];
    let sent;
    page.on('request', (request) => { if (request.url().endsWith('/instances/search')) sent = [request.url(), request.postDataJSON()]; });
    const findKey = async (text) => {
      await page.getByRole('button', { name: 'Find by person or key…' }).click();
      await page.getByLabel('Type').selectOption('key');
      await page.getByLabel('Value').fill(text);
      await page.getByLabel('Reason (kept in the audit log)').fill('the sender asked');
      await page.getByRole('dialog').getByRole('button', { name: 'Find', exact: true }).click();
    };
    await findKey(key);
    await page.getByRole('heading', { name: 'Instances that were found' }).waitFor();
    equal(sent[1], { key, limit: 50 }, 'what was asked');
    equal(await page.locator('section[aria-labelledby=found-h] tbody tr').count(), 1, 'rows');
    if (page.url().includes(key)) throw new Error(page.url());
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    // Without a matching grant the page shows no hits and offers no access: a key names no person.
    await findKey('nothing-of-this-name');
    await page.getByRole('dialog').getByText('phi.break_glass').waitFor();
    equal(await page.getByRole('button', { name: 'Open emergency access and show' }).count(), 0, 'access by a key');
    await page.context().close();
  });

  await test('an instance shows where it failed, and is retried with a reason by the keyboard alone', async () => {
    const page = await visit('engineer', `/console/instances/${broken}`);
    await page.getByText('It has failed').waitFor();
    await page.locator('.tl').getByText('no connection to the host').waitFor();
    await tabTo(page, 'Retry…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    none(await axe(page), 'axe of the dialog');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    equal(await page.evaluate(() => document.activeElement.textContent), 'Retry…', 'the focus after the dialog');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Reason');
    await page.keyboard.type('the system is back');
    await tabTo(page, 'Retry');
    await page.keyboard.press('Enter');
    await page.getByText('The instance goes on.').waitFor();
    await page.context().close();
  });
  await test('a parked call is answered by a form on the page of its instance, and marked in its timeline', async () => {
    const page = await visit('operator', `/console/instances/${parked}`);
    await page.getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByRole('radio', { name: /^It took effect/ }).check();
    await page.getByLabel('Reason (kept in the audit log)').fill('asked Dr. Sara');
    await page.getByRole('button', { name: 'Decide…' }).click();
    await page.getByText('This is missing or does not fit.').waitFor();
    equal(await page.getByLabel('decision', { exact: true }).locator('option').evaluateAll((all) => all.map((one) => one.value)), ['', 'remind', 'leave'], 'words that the action takes');
    await page.getByLabel('decision', { exact: true }).selectOption('leave');
    none(await axe(page), 'axe of the form');
    await page.getByRole('button', { name: 'Decide…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByText('Your decision was taken.').waitFor();
    await page.locator('h1').getByText('Completed').waitFor({ timeout: 10_000 });
    await page.locator('.tl').getByText('answered by a person').waitFor();
    await page.context().close();
  });
  await test('what a filter shows is repaired: previewed, run, and watched to its end', async () => {
    const page = await visit('operator', '/console/instances?status=waiting,parked');
    await page.goto(`${base}/console/instances?status=faulted`);
    await page.getByRole('link', { name: 'Repair these…' }).click();
    await page.waitForURL('**/console/repairs?status=faulted*');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    await page.waitForURL('**/console/repairs/01*');
    await page.getByText('may be sent once more to').waitFor();
    none(await axe(page), 'axe of the preview');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByLabel('Reason (kept in the audit log)').fill('the system is back');
    await page.getByLabel('Instances a minute').fill('1201');
    await page.getByText(/^A whole number from .1. to .1,200.\.$/).waitFor();
    let sent;
    page.on('request', (request) => { if (request.url().endsWith('/run')) sent = request.postDataJSON(); });
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await pause(200);
    equal(sent, undefined, 'a rate out of range');
    await page.getByLabel('Instances a minute').fill('٣٠٠');
    await page.getByLabel('First, then wait').fill('1');
    await page.getByLabel('Go on by itself when these all ended well').check();
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('region', { name: 'Retry' }).getByText('Done').waitFor({ timeout: 20_000 });
    equal([sent.perMinute, sent.first, sent.goOn], [300, 1, true], 'the pace');
    await page.getByText(/300. a minute, the first .1. before a look/).waitFor();
    await page.context().close();
  });
  await test('an instance that has ended begins once more, when somebody has said what stands', async () => {
    const over = ((await instances('completed'))[0] ?? (await instances('faulted'))[0]).id;
    const page = await visit('engineer', `/console/instances/${over}`);
    await page.getByRole('button', { name: 'Restart…' }).click();
    await page.getByLabel('Reason (kept in the audit log)').fill('decided for the wrong visit');
    none(await axe(page), 'axe of the dialog');
    const sent = [];
    page.on('request', (request) => { if (request.url().endsWith('/restart')) sent.push(request.postDataJSON()); });
    const press = () => page.getByRole('dialog').getByRole('button', { name: 'Restart', exact: true }).click();
    await press();
    const field = page.getByLabel('Calls that stand');
    await field.waitFor();
    const count = /stand, and which the new one makes once more under new keys: (\d+)/.exec(await page.getByRole('dialog').innerText())?.[1];
    if (!count) throw new Error(await page.getByRole('dialog').innerText());
    await press();
    equal(sent.length, 1, 'without a number nothing is sent');
    await field.fill(count);
    none(await axe(page), 'axe of the question');
    await press();
    await page.waitForURL((url) => /instances\/01/.test(url.pathname) && !url.pathname.endsWith(over));
    equal(sent[1], { reason: 'decided for the wrong visit', effects: Number(count) }, 'what was asked');
    await page.context().close();
  });
  await test('an instance is started by hand with its input', async () => {
    const page = await visit('operator', `/console/instances/${broken}`);
    await page.getByRole('button', { name: 'Start a new one…' }).click();
    equal(await page.getByLabel('Workflow', { exact: true }).inputValue(), 'remind', 'the workflow of the page');
    await page.getByLabel('Input (JSON)').fill('[{');
    await page.getByText('This is not JSON.').waitFor();
    const input = [{ type: 'org.rabt.hub.session.created.v1', data: { session: 'by-hand' } }];
    await page.getByLabel('Input (JSON)').fill(JSON.stringify(input));
    await page.getByLabel('Reason (kept in the audit log)').fill('the message was lost');
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForURL((url) => /instances\/01/.test(url.pathname) && !url.pathname.endsWith(broken));
    await settled(page);
    await page.locator('h1').getByText('Needs a decision').waitFor({ timeout: 10_000 });
    await page.context().close();
  });
  await test('a message that came to nothing is given up with a reason and stays in the list', async () => {
    const page = await visit('operator', '/console/deliveries');
    await page.locator('.ctable tbody a').first().click();
    await page.getByRole('button', { name: 'Discard…' }).click();
    await page.getByLabel('Reason (kept in the audit log)').fill('a test of the sender');
    await page.getByRole('dialog').getByRole('button', { name: 'Discard', exact: true }).click();
    await page.getByText('Discarded').waitFor();
    none(await axe(page), 'axe');
    await page.context().close();
  });
  await test('an instance that somebody else stops changes on the page by itself', async () => {
    const one = (await instances('parked'))[0].id;
    const page = await visit('operator', `/console/instances/${one}`);
    await api('POST', `/instances/${one}/cancel`, { reason: 'booked twice' });
    await page.locator('h1').getByText('Cancelled').waitFor({ timeout: 10_000 });
    equal(await page.getByRole('button', { name: 'Cancel…' }).count(), 0, 'acts of what is over');
    await page.context().close();
  });
  await taskTests({ picture, visit, pages, ask, broken, until, instances });
  await test('who does not treat reads no data of patients, and the page says why', async () => {
    const page = await visit('operator', `/console/instances/${broken}`);
    await page.getByRole('tab', { name: 'Data' }).click();
    await page.getByText('Data of patients are read by those who treat them.').waitFor();
    none(await axe(page), 'axe');
    await page.context().close();
  });
  await test('data are shown for a reason under a grant, and are hidden again', async () => {
    const page = await visit('nurse2', `/console/instances/${broken}`);
    await page.clock.install();
    await page.getByRole('tab', { name: 'Data' }).click();
    await page.getByRole('button', { name: 'Show, with a reason…' }).click();
    await page.getByLabel('Reason (kept in the audit log)').fill('the patient is in the emergency room');
    await page.getByRole('dialog').getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByRole('button', { name: 'Open emergency access and show' }).click();
    await page.locator('pre.json').first().waitFor();
    none(await axe(page), 'axe');
    none(await pages.exposed(page), 'patient data outside of the page');
    await page.clock.fastForward(5 * 60_000 + 1_000);
    await page.getByText('The values are hidden.').waitFor();
    equal(await page.locator('pre.json').count(), 0, 'values');
    await page.context().close();
  });
  const kRoutes = [
    ['operator', '/console'], ['engineer', '/console'], ['security', '/console'], ['admin', '/console'], ['patient', '/console'],
    ['operator', '/console/instances'], ['auditor', '/console/instances?status=faulted'], ['nurse', '/console/instances?status=completed'],
    ['operator', `/console/instances/${parked}`], ['engineer', `/console/instances/${broken}`], ['operator', '/console/nothing'], ['engineer', '/console/tasks'], ['operator', '/console/repairs'], ['engineer', '/console/repairs?status=faulted'], ['operator', '/console/status'], ['nurse', '/console/users'],
  ];
  for (const [who, path] of kRoutes)
    await test(`${who} ${path.replace(/01[0-9A-Z]{24}/, ':id')}: both languages, themes and widths`, () => pages.everywhere(who, path));

  await replayTests({ picture, visit, pages, api, people, away });
  await trustTests({ picture, visit, pages, api, people, away });
  await pages.close();
} catch (error) {
  broke(error);
} finally {
  await browser.close();
  await close();
}
ended();
