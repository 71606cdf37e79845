// Tests of the deploy page: what past instances would have become on a new file, beside its plan.
import { axe } from './browser.mjs';
import { workflow } from './hub.mjs';
import { equal, none, tabTo, test, totp } from './steps.mjs';

const kPath = '**/api/v1/workflows/replay';
const kWhy = 'نشر 1.1.0';
const kClasses = ['same', 'other-output', 'other-events', 'other-order', 'fewer-calls', 'other-arguments', 'new-call', 'unanswered', 'completes', 'faults', 'other-end', 'not-started', 'cut'];
const kWords = {
  same: 'The same calls, the same end', 'other-arguments': 'Stops at a call with other arguments', 'new-call': 'Stops at a call that was not made then', unanswered: 'Stops where it waits for an answer that nobody recorded', 'other-end': 'Would end in another state or with another error', 'not-started': 'Would not start', 'fewer-calls': 'A call is not made any more; the same end', completes: 'Failed then, would complete now', faults: 'Did not fail then, would fail now',
};
const id = (n) => `01KAZ3M5Q7R9S1T3V5W7X9Z1${String(n).padStart(2, '0')}`;
// An answer with every class, two places in one of them, and all that a difference may have.
const kAll = {
  namespace: 'guide', workflow: 'remind', version: '1.1.0', instances: 196, more: true,
  classes: kClasses.map((name, i) => ({ class: name, count: name === 'same' ? 100 : i + 2 })),
  differences: kClasses.slice(1).flatMap((name, i) => {
    const one = { class: name, count: i + 3, examples: [id(i), id(i + 20), id(i + 40)], reference: `/do/${i}/claim/try/0/submit_the_claim_of_the_visit_to_the_payer`, role: 'claims', action: 'submit' };
    if (name === 'other-arguments') return [{ ...one, count: one.count - 1, members: ['diagnoses', 'lines', 'supportingInfo', 'preauthorisation'] }, { ...one, count: 1, reference: '/do/9/tell', examples: [id(60)] }];
    if (name === 'faults') return { ...one, error: { code: 'http.connect' }, then: 'completed', now: 'faulted' };
    return name === 'cut' ? { class: name, count: one.count, examples: one.examples, code: 'engine.journal_key' } : one;
  }),
};
const problem = (status, code) => answer({ type: 'about:blank', title: 'Refused', status, code, detail: 'of the hub' }, status);
const answer = (body, status = 200) => ({ status, contentType: status === 200 ? 'application/json' : 'application/problem+json', body: JSON.stringify(body) });

export async function replayTests({ picture, visit, pages, api, people, away }) {
  const next = workflow('1.1.0', away).replace('/reminders', '/letters');
  const paste = async (page, text) => {
    if (!(await page.locator('textarea').isVisible())) await page.locator('details summary').first().click();
    await page.locator('textarea').fill(text);
  };
  const plan = async (page, text) => {
    await paste(page, text);
    await page.getByRole('button', { name: 'Show what changes' }).click();
    await page.locator('section[aria-labelledby^="w-"]').first().waitFor();
  };
  const pane = (page) => page.getByRole('region', { name: 'What would have happened' });
  const dialog = (page) => page.getByRole('dialog', { name: 'What would have happened' });
  const ask = async (page) => {
    await pane(page).getByRole('button', { name: /with a reason…$/ }).click();
    await dialog(page).getByLabel('Reason (kept in the audit log)').fill(kWhy);
    await dialog(page).getByRole('button', { name: 'Show', exact: true }).click();
  };
  // Numbers in a text stand in marks of isolation.
  const plain = (text) => text.replace(/[\u2066-\u2069]/g, '').replace(/\s+/g, ' ').trim();

  await test('an engineer who reads data sees before a deployment what past instances would have become, for a reason, by the keyboard', async () => {
    const page = await visit('lead', '/console/deploy');
    const asked = page.waitForResponse(kPath);
    await paste(page, next);
    await tabTo(page, 'Show what changes');
    await page.keyboard.press('Enter');
    await pane(page).getByText('Nothing is called, sent or changed.').waitFor();
    await tabTo(page, 'Show, with a reason…');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('written to the audit log').waitFor();
    none(await axe(page), 'axe of the dialog');
    await tabTo(page, 'Show');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('Write a reason').waitFor();
    await tabTo(page, 'Reason');
    await page.keyboard.type(kWhy);
    await tabTo(page, 'Show');
    await page.keyboard.press('Enter');
    const got = await (await asked).json();
    const sent = (await asked).request().postDataJSON();
    equal((await asked).request().headers()['x-rabt-reason'], `UTF-8''${encodeURIComponent(kWhy)}`, 'the reason');
    equal([sent.file, sent.limit, Math.round((Date.now() - Date.parse(sent.since)) / 3_600_000)], [{ name: 'workflow.yaml', source: next }, 200, 7 * 24], 'what was asked');
    if (!got.instances || !got.differences.length) throw new Error(`nothing to show: ${JSON.stringify(got)}`);
    await pane(page).locator('.classes').waitFor();
    equal(await pane(page).locator('.classes > li').count(), got.classes.length, 'classes');
    for (const one of got.classes) {
      const row = plain(await pane(page).locator('.classes > li').filter({ hasText: kWords[one.class] }).innerText());
      if (!row.startsWith(`${one.count} ${kWords[one.class]}`)) throw new Error(`${JSON.stringify(one)}: ${row}`);
    }
    for (const one of got.differences) {
      const row = pane(page).locator('.class-at').filter({ hasText: one.reference });
      equal(await row.first().locator('a').evaluateAll((links) => links.map((link) => [link.pathname, link.target])), one.examples.map((each) => [`/console/instances/${each}`, '_blank']), 'examples');
    }
    await pane(page).getByText(/instances? of the last 7 days on the new file/).waitFor();
    equal(await dialog(page).count(), 0, 'dialogs');
    equal(await page.evaluate(() => document.activeElement.textContent), 'Once more, with a reason…', 'the focus');
    none(await axe(page), 'axe');
    await page.evaluate(() => { document.querySelector('details').open = false; document.activeElement.blur(); });
    await picture(page, 'console-deploy');
    none(await pages.exposed(page), 'patient data outside of the page');
    const first = got.differences[0].examples[0];
    await tabTo(page, `${first.slice(0, 8)}…`);
    const opened = page.context().waitForEvent('page');
    await page.keyboard.press('Enter');
    await (await opened).waitForURL(`**/console/instances/${first}`);
    // The plan is still there, and nothing was deployed.
    equal([await pane(page).count(), await page.getByRole('button', { name: 'Deploy', exact: true }).count()], [1, 1], 'the plan');
    equal((await api('GET', '/workflows')).items.find((one) => one.active).version, '1.0.0', 'the active version');
    const entries = (await api('GET', '/audit/entries?act=workflow.replayed&limit=5')).items;
    if (!JSON.stringify(entries).includes(people.lead.id)) throw new Error(`no entry of the replay: ${JSON.stringify(entries)}`);
    await page.context().close();
  });
  await test('nothing is replayed on a file with errors, on a new workflow, on what is deployed, or before somebody asks', async () => {
    const page = await visit('lead', '/console/deploy');
    let asked = 0;
    page.on('request', (request) => { asked += Number(request.url().endsWith('/workflows/replay')); });
    await paste(page, next.replace('do:', 'did:'));
    await page.getByRole('button', { name: 'Show what changes' }).click();
    await page.getByRole('heading', { name: 'In the way' }).waitFor();
    for (const text of [next.replace('name: remind', 'name: another'), workflow('1.0.0', away)]) await plan(page, text);
    await page.waitForLoadState('networkidle');
    equal([asked, await pane(page).count()], [0, 0], 'replays');
    await plan(page, next);
    await page.waitForLoadState('networkidle');
    equal([asked, await pane(page).count()], [0, 1], 'replays that nobody asked for');
    // It goes with the plan when the file changes.
    await ask(page);
    await pane(page).locator('.classes').waitFor();
    await paste(page, `${next}\n`);
    await page.getByText('The files have changed since.').waitFor();
    equal([asked, await pane(page).count()], [1, 0], 'replays of a plan that is old');
    await page.context().close();
  });
  await test('who may not replay reads which role is missing, in both languages, and has no button', async () => {
    for (const [who, said, arabic] of [
      ['engineer', 'none of your roles reads data of patients', 'وليس من أدوارك ما يقرأ بيانات المرضى'], ['records', 'you are not an engineer', 'وينقصك دور المهندس'], ['auditor', 'You have neither of the two', 'ليس لديك أي منهما'],
    ]) {
      const page = await visit(who, '/console/deploy');
      await plan(page, next);
      await pane(page).getByText(said).waitFor();
      if (!plain(await pane(page).innerText()).includes('two roles: Engineer, and one of those that read such data: Doctor, Specialist, Nurse and System.')) throw new Error(await pane(page).innerText());
      equal(await pane(page).getByRole('button').count(), 0, 'buttons');
      none(await axe(page), 'axe');
      await page.context().close();
      await pages.everywhere(who, '/console/deploy', async (each) => {
        await paste(each, next);
        await each.locator('main .btn-primary').first().click();
        await each.getByText(said).or(each.getByText(arabic)).waitFor();
      });
    }
  });
  await test('who reads data under emergency access alone is told that a replay is of many patients', async () => {
    const page = await visit('medic', '/console/deploy');
    await plan(page, next);
    const refused = page.waitForResponse(kPath);
    await ask(page);
    equal([(await refused).status(), (await (await refused).json()).code], [403, 'phi.break_glass'], 'the answer');
    await pane(page).getByText('a replay is of many, so it is refused').waitFor();
    equal([await dialog(page).count(), await pane(page).getByRole('button').count()], [0, 0], 'dialogs and buttons');
    none(await axe(page), 'axe');
    await page.context().close();
  });
  await test('a replay that is refused says so in its dialog and is asked for again, and one of no instance says so', async () => {
    const page = await visit('lead', '/console/deploy');
    const answers = [problem(503, 'engine.replay_busy'), problem(403, 'authorisation.denied'), answer({ ...kAll, instances: 0, more: false, classes: [], differences: [] })];
    await page.route(kPath, (route) => route.fulfill(answers.shift()));
    await plan(page, next);
    await ask(page);
    await dialog(page).getByText('Another replay runs.').waitFor();
    await dialog(page).getByRole('button', { name: 'Show', exact: true }).click();
    await dialog(page).getByText('You may not do this.').waitFor();
    await dialog(page).getByText('authorisation.denied').waitFor();
    none(await axe(page), 'axe');
    equal(await dialog(page).getByLabel('Reason (kept in the audit log)').inputValue(), kWhy, 'the reason');
    await dialog(page).getByRole('button', { name: 'Show', exact: true }).click();
    await pane(page).getByText('No instance has ended in the last 7 days.').waitFor();
    await page.context().close();
  });
  await test('the verdict of a replay is that of its worst class', async () => {
    const page = await visit('lead', '/console/deploy');
    const of = (...classes) => answer({ ...kAll, more: false, instances: classes.length * 2, classes: classes.map((name) => ({ class: name, count: 2 })), differences: [] });
    for (const [given, said] of [[of('same', 'completes', 'other-output'), 'No instance would end worse.'], [of('same', 'new-call', 'cut'), 'Look at 4 instances: they would stop'], [of('unanswered', 'faults'), '2 instances would fail that did not fail then.']]) {
      await page.unroute(kPath);
      await page.route(kPath, (route) => route.fulfill(given));
      await page.goto('about:blank');
      await page.goBack();
      await plan(page, next);
      await ask(page);
      await pane(page).getByRole('alert').waitFor();
      if (!plain(await pane(page).getByRole('alert').innerText()).startsWith(said)) throw new Error(await pane(page).innerText());
    }
    await page.context().close();
  });
  await test('lead /console/deploy, a replay with every class: both languages, themes and widths', () => pages.everywhere('lead', '/console/deploy', async (page) => {
    await page.route(kPath, (route) => route.fulfill(answer(kAll)));
    await paste(page, next);
    await page.locator('main .btn-primary').first().click();
    await page.locator('section[aria-labelledby^="r-"] button').click();
    await page.locator('dialog textarea').fill(kWhy);
    await pages.judge(page, 'the dialog', await page.evaluate(() => document.documentElement.lang));
    await page.evaluate(() => (document.documentElement.dataset.theme = 'light'));
    await page.locator('dialog .btn-primary').click();
    await page.locator('.classes').waitFor();
    await page.unroute(kPath);
    const words = await page.locator('.classes > li > div > .state').allInnerTexts();
    equal([words.length, new Set(words).size], [13, 13], 'classes');
    none(words.filter((text) => kClasses.includes(text.trim()) || /_|replay/.test(text)), 'classes without words');
    if ((await page.evaluate(() => document.documentElement.lang)) === 'ar') none(words.filter((text) => /[a-z]/i.test(text)), 'classes in Latin letters');
    none(await page.evaluate(() => [...document.querySelectorAll('.classes *')].filter((one) => { const [box, around] = [one, one.closest('.pane')].map((each) => each.getBoundingClientRect()); return box.right > around.right || box.left < around.left; }).map((one) => one.outerHTML)), 'cut off');
  }));
  // Last: the session of `lead` gets another token.
  await test('two factors that were shown too long ago are shown again, and the same button replays', async () => {
    const page = await visit('lead', '/console/deploy');
    await page.route(kPath, (route) => route.fulfill(problem(401, 'auth.step_up')), { times: 1 });
    await plan(page, next);
    await ask(page);
    const proof = page.getByRole('dialog', { name: 'Prove that it is you' });
    await proof.getByLabel('Code').fill(totp(people.lead.totp));
    none(await axe(page), 'axe of the proof');
    await proof.getByRole('button', { name: 'Confirm' }).click();
    await proof.waitFor({ state: 'detached' });
    await dialog(page).getByText('press the button again').waitFor();
    await dialog(page).getByRole('button', { name: 'Show', exact: true }).click();
    await pane(page).locator('.classes').waitFor();
    await page.context().close();
  });
}
