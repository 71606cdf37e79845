// Tests of the console's decisions, its graph and its counts: with a hub that has the operations, as they are; and before answers of
// the test's own in the place of the hub's, so that what no hub of the test comes to is seen, too.
import { axe } from './browser.mjs';
import { equal, none, tabTo, test } from './steps.mjs';

const kDrawn = {
  workflow: 'remind', version: '1.0.0',
  nodes: [
    { id: 'start', label: 'remind', kind: 'start', state: 'completed' }, { id: 'end', label: 'end', kind: 'end' },
    { id: '/do/0/ask', label: 'ask: decide:1.0.0@session', kind: 'call', state: 'completed' }, { id: '/do/1/asked', label: 'asked', kind: 'switch', state: 'completed' },
    { id: '/do/3/send', label: 'send: http post', kind: 'try', state: 'started', attempts: 3 }, { id: '/do/3/send/try/0/post', label: 'post', kind: 'call', parent: '/do/3/send', state: 'faulted', attempts: 3 }, { id: '/do/3/send#retry', label: 'retry: at most 12 times', kind: 'retry', parent: '/do/3/send', state: 'retried' },
    { id: '/do/4/after', label: 'after', kind: 'fork', state: 'started' }, { id: '/do/4/after/fork/branches/0/one', label: 'one', kind: 'listen', parent: '/do/4/after', state: 'waiting' }, { id: '/do/4/after/fork/branches/1/two', label: 'two', kind: 'call', parent: '/do/4/after', state: 'parked' },
  ],
  edges: [{ from: 'start', to: '/do/0/ask' }, { from: '/do/0/ask', to: '/do/1/asked' }, { from: '/do/1/asked', to: '/do/3/send', label: 'yes' }, { from: '/do/1/asked', to: 'end', label: 'no' }, { from: '/do/3/send', to: '/do/4/after' }, { from: '/do/4/after', to: 'end', dotted: true }],
};
const kTask = {
  id: 'parked-01ARZ3NDEKTSV4RRFFQ69G5FAV-7', kind: 'parked', title: 'call.parked', role: 'operator', state: 'open', object: { type: 'instance', id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, opened: '2026-11-26T02:20:31.000Z', workflow: 'consultation 2.8.0',
  call: { role: 'payer', action: 'payer.claim.submit', version: '1.0.0', task: 'submit', reference: '/do/1/consult/do/33/claim', key: '227202f1-6fbe-4aef-81de-eef0e220fc16', effect: 'unknown', code: 'net.reset' },
};
const kWhole = {
  ...kTask, instance: '01ARZ3NDEKTSV4RRFFQ69G5FAV', answers: ['again', 'done', 'transient', 'permanent'],
  schema: { type: 'object', required: ['outcome'], properties: { outcome: { enum: ['again', 'done', 'transient', 'permanent'] }, output: { type: 'object', required: ['claim', 'outcome', 'final'], properties: { claim: { type: 'string', description: 'number of the claim' }, outcome: { enum: ['queued', 'complete', 'partial', 'error'] }, final: { type: 'boolean' }, errors: { type: 'array' } } } } },
};
// An instance one of whose calls a person answered.
const kAnswered = {
  id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', workflow: 'chart', version: '1.6.1', status: 'completed', turns: 7, created: '2026-11-26T02:20:30.000Z', updated: '2026-11-26T03:10:00.000Z',
  timeline: ['read', 'write', 'done', 'told', 'left'].map((task, i) => ({
    task, kind: 'call', reference: `/do/${i}/${task}`, state: 'completed', started: '2026-11-26T02:20:31.000Z', ended: '2026-11-26T02:20:32.000Z', ms: 1000, attempts: 1,
    call: { role: 'ehr', action: `ehr.${task}`, key: '227202f1-6fbe-4aef-81de-eef0e220fc16', outcome: 'done', ...(task === 'write' ? { decidedBy: 'person:01K9' } : {}) },
  })),
};
const json = (body, status = 200) => ({ status, contentType: status < 300 ? 'application/json' : 'application/problem+json', body: JSON.stringify(body) });

// `picture`: keeps a picture of a page for the documents.
export async function taskTests({ picture, visit, pages, ask, broken, until, instances }) {
  const has = async (path) => (await ask('GET', path)).status !== 404;

  // Answers of the test in the hub's place.
  const withDrawn = (page) => page.route('**/api/v1/instances/*/graph', (route) => route.fulfill(json(kDrawn)));
  await test('the graph before answers of the test: states, keys, the list beside it, both languages, themes and widths', async () => {
    for (const lang of ['ar', 'en'])
      for (const width of [1280, 360]) {
        const page = await visit('operator', `/console/instances/${broken}`, { lang, width, height: 2000 }, withDrawn);
        await page.locator('svg.graph [data-node]').first().waitFor();
        equal(await page.locator('svg.graph [data-node]').count(), kDrawn.nodes.length, 'boxes');
        if (lang === 'en' && width === 1280) await picture(page, 'console-graph');
        await pages.judge(page, `graph ${lang} ${width}`, lang);
        await page.context().close();
      }
    const page = await visit('operator', `/console/instances/${broken}`, {}, withDrawn);
    await page.locator('[data-node="start"]').focus();
    for (let i = 0; i < 3; ++i) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    equal(await page.locator('[data-node="/do/3/send"]').getAttribute('aria-pressed'), 'true', 'the chosen box');
    equal(await page.locator('.tl [aria-current=step]').count(), 1, 'the chosen row');
    await page.getByRole('button', { name: 'As a list' }).click();
    await page.locator('.graph-words').first().getByText('two').waitFor();
    none(await axe(page), 'axe of the list');
    await page.context().close();
  });
  await test('a call that a person answered says so in the timeline, the graph and its list, both languages, before answers of the test', async () => {
    const nodes = kAnswered.timeline.map((one) => ({ id: one.reference, label: one.task, kind: 'call', state: 'completed', attempts: 1, ...(one.call.decidedBy ? { byPerson: true } : {}) }));
    const before = async (page) => {
      await page.route(`**/api/v1/instances/${kAnswered.id}`, (route) => route.fulfill(json(kAnswered)));
      await page.route(`**/api/v1/instances/${kAnswered.id}/graph`, (route) => route.fulfill(json({ workflow: 'chart', version: '1.6.1', nodes, edges: [] })));
    };
    for (const [lang, words, list] of [['ar', 'أجاب عنها شخص', 'كقائمة'], ['en', 'answered by a person', 'As a list']]) {
      const page = await visit('operator', `/console/instances/${kAnswered.id}`, { lang, height: 1600 }, before);
      await page.locator('.tl').getByText(words).waitFor();
      equal(await page.locator('.tl').getByText(words).count(), 1, 'rows with the mark');
      await page.locator('.tl').getByText('person:01K9').waitFor();
      equal(await page.locator(`svg.graph [data-node][aria-label*="${words}"]`).getAttribute('data-node'), '/do/1/write', 'the box with the mark');
      await pages.judge(page, `answered ${lang}`, lang);
      await page.getByRole('button', { name: list }).click();
      equal(await page.locator('.graph-words').getByText(words).count(), 1, 'the mark in the list');
      await page.context().close();
    }
  });
  const withTask = (decided) => async (page) => {
    await page.route('**/api/v1/tasks?*', (route) => route.fulfill(json({ items: [kTask] })));
    await page.route('**/api/v1/tasks/parked-*', (route) => route.fulfill(json(kWhole)));
    await page.route('**/api/v1/tasks/parked-*/decide', (route) => route.fulfill(decided(route.request().postDataJSON())));
  };
  await test('a decision before answers of the test: questions, form, the sentence of the log, both languages, themes and widths', async () => {
    for (const lang of ['ar', 'en'])
      for (const width of [1280, 360]) {
        const page = await visit('operator', `/console/tasks/${kTask.id}`, { lang, width, height: 3000 }, withTask(() => json({})));
        await page.locator('input[name=outcome]').nth(1).check();
        if (lang === 'ar' && width === 1280) await picture(page, 'console-decision');
        await pages.judge(page, `decision ${lang} ${width}`, lang);
        await page.context().close();
      }
    let sent;
    const page = await visit('operator', `/console/tasks/${kTask.id}`, {}, withTask((body) => { sent = body; return json({ ...kWhole, state: 'done', decidedBy: 'person:01K', decidedAt: '2026-11-26T03:09:00.000Z' }); }));
    await page.getByRole('radio', { name: /^It took effect/ }).check();
    await page.getByRole('button', { name: 'Decide…' }).click();
    equal(await page.getByText('This is missing or does not fit.').count(), 3, 'fields that are missing');
    await page.getByLabel('claim').fill('227202f1');
    await page.getByLabel('outcome', { exact: true }).selectOption('queued');
    await page.getByLabel('final').selectOption('false');
    await page.getByLabel('Reason (kept in the audit log)').fill('seen in the portal of the payer');
    await page.getByRole('button', { name: 'Decide…' }).click();
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    equal(sent, { answer: { outcome: 'done', output: { claim: '227202f1', outcome: 'queued', final: false } }, reason: 'seen in the portal of the payer' }, 'what was sent');
    await page.context().close();
  });
  await test('a decision that somebody else took meanwhile says who, before answers of the test', async () => {
    const page = await visit('operator', `/console/tasks/${kTask.id}`, {}, withTask(() => json({ type: 'about:blank', title: 'Conflict', status: 409, code: 'task.decided', detail: 'decided by person:01K9 at 2026-11-26T13:00:00.000Z' }, 409)));
    await page.getByRole('radio', { name: /^Send it again/ }).check();
    await page.getByLabel('Reason (kept in the audit log)').fill('the payer is back');
    await page.getByRole('button', { name: 'Decide…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByText('Somebody else was faster.').waitFor();
    await page.getByText('decided by person:01K9').waitFor();
    await page.context().close();
  });

  // The instance of the task, on its own page.
  const kParked = { id: kTask.object.id, workflow: 'consultation', version: '2.8.0', status: 'parked', parked: 'payer/payer.claim.submit', turns: 4, created: '2026-11-26T02:20:30.000Z', updated: '2026-11-26T02:20:31.000Z', timeline: [] };
  const kNested = structuredClone(kWhole);
  kNested.schema.properties.output.properties.claim = { type: 'object', required: ['value'], description: 'number of the claim', properties: { value: { type: 'string' }, system: { type: 'string' } } };
  const withParked = (task, decided) => async (page) => {
    await withTask(decided)(page);
    await page.route('**/api/v1/tasks/parked-*', (route) => route.fulfill(json(task)));
    await page.route(`**/api/v1/instances/${kParked.id}`, (route) => route.fulfill(json(kParked)));
    await page.route(`**/api/v1/instances/${kParked.id}/graph`, (route) => route.fulfill(json({ ...kDrawn, edges: [] })));
  };
  await test('a parked call on the page of its instance before answers of the test: form, both languages, themes and widths, by keyboard', async () => {
    for (const [lang, decide] of [['ar', 'اتخاذ القرار'], ['en', 'Decide']])
      for (const width of [1280, 360]) {
        const page = await visit('operator', `/console/instances/${kParked.id}`, { lang, width, height: 3000 }, withParked(kNested, () => json({})));
        await page.getByRole('button', { name: decide, exact: true }).click();
        await page.locator('input[name=outcome]').nth(1).check();
        await page.locator('.schema-group input').first().waitFor();
        await pages.judge(page, `answer by hand ${lang} ${width}`, lang);
        await page.context().close();
      }
    let sent;
    const page = await visit('operator', `/console/instances/${kParked.id}`, {}, withParked(kNested, (body) => { sent = body; return json({ ...kTask, state: 'done', decidedBy: 'person:01K', decidedAt: '2026-11-26T03:09:00.000Z' }); }));
    await tabTo(page, 'Decide', 100);
    await page.keyboard.press('Enter');
    equal(await page.getByRole('button', { name: 'Decide', exact: true }).getAttribute('aria-expanded'), 'true', 'the button says that the form is open');
    await page.locator('input[name=outcome]').first().waitFor();
    await tabTo(page, 'Send it again');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, 'value');
    await page.keyboard.type('4711');
    await page.getByLabel('outcome', { exact: true }).selectOption('queued');
    await page.getByLabel('final').selectOption('true');
    await tabTo(page, 'Reason');
    await page.keyboard.type('seen in the portal of the payer');
    await tabTo(page, 'Decide…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('took effect, by the word of a person').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByText('Your decision was taken.').waitFor();
    equal(sent, { answer: { outcome: 'done', output: { claim: { value: '4711' }, outcome: 'queued', final: true } }, reason: 'seen in the portal of the payer' }, 'what was sent');
    await page.context().close();
  });
  await test('a failed call of a payer has no answer by hand, and the page says why, before answers of the test', async () => {
    const why = 'the action failed, and a person does not answer for payer, identity or consent: answer again when the outside system is back, or permanent';
    const refused = { ...kWhole, call: { ...kWhole.call, effect: 'none' }, answers: ['again', 'permanent'], schema: { type: 'object', required: ['outcome'], properties: { outcome: { enum: ['again', 'permanent'], description: why } } } };
    for (const [lang, decide, says] of [['ar', 'اتخاذ القرار', 'ولا يجيب شخص نيابةً عن'], ['en', 'Decide', 'a person does not answer for payer, identity or consent.']]) {
      const page = await visit('operator', `/console/instances/${kParked.id}`, { lang, height: 3000 }, withParked(refused, () => json({})));
      await page.getByRole('button', { name: decide, exact: true }).click();
      await page.getByText(says).waitFor();
      await page.getByText(why).waitFor();
      equal(await page.locator('input[name=outcome]').evaluateAll((all) => all.map((one) => one.value)), ['again', 'permanent'], 'answers');
      await pages.judge(page, `no answer by hand ${lang}`, lang);
      await page.context().close();
    }
  });
  await test('an answer by hand that the hub refuses, or that came second, says so, before answers of the test', async () => {
    for (const [status, code, detail] of [[422, 'engine.answer', 'output/claim must be a text; the action still waits for its answer'], [409, 'task.decided', 'decided by person:01K9']]) {
      const page = await visit('operator', `/console/instances/${kParked.id}`, {}, withParked(kNested, () => json({ type: 'about:blank', title: 'Refused', status, code, detail }, status)));
      await page.getByRole('button', { name: 'Decide', exact: true }).click();
      await page.getByRole('radio', { name: /^Send it again/ }).check();
      await page.getByLabel('Reason (kept in the audit log)').fill('the payer is back');
      await page.getByRole('button', { name: 'Decide…' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
      await page.getByRole('dialog').getByText(detail).waitFor();
      if (status === 409) await page.getByText('Somebody else was faster.').waitFor();
      await page.context().close();
    }
  });

  // With the hub's own answers, where it has the operations.
  await test('counts by state stand beside the filters', async () => {
    if (!(await has('/api/v1/instances/counts'))) return 'skipped';
    const page = await visit('operator', '/console/instances');
    await page.locator('.cfilters .opt .nums').first().waitFor();
    await page.getByRole('checkbox', { name: /^Failed/ }).check();
    await page.getByRole('checkbox', { name: /^Needs a decision/ }).check();
    await page.waitForURL(/status=faulted%2Cparked|status=faulted,parked/);
    await page.getByLabel('Workflow').selectOption('remind');
    await page.locator('.ctable tbody tr').first().waitFor();
    await page.context().close();
  });
  await test('the graph of an instance that has failed marks the task', async () => {
    if (!(await has(`/api/v1/instances/${broken}/graph`))) return 'skipped';
    const page = await visit('operator', `/console/instances/${broken}`);
    await page.locator('svg.graph .node.broken').first().waitFor();
    await pages.judge(page, 'graph of the hub', 'en');
    await page.context().close();
  });
  await test('the list of what needs a person is the hub\'s own', async () => {
    if (!(await has('/api/v1/todo'))) return 'skipped';
    const page = await visit('operator', '/console/status', { width: 360 });
    await page.locator('.night-needs').getByText(/decision/).first().waitFor();
    await pages.judge(page, 'status of the hub', 'en');
    await page.context().close();
  });
  await test('a parked call is decided on the page of decisions', async () => {
    if (!(await has('/api/v1/tasks'))) return 'skipped';
    const page = await visit('operator', '/console/tasks');
    await page.locator('.queue a').first().click();
    await page.getByRole('radio', { name: /^It took effect/ }).check();
    await page.getByLabel('decision', { exact: true }).selectOption('leave');
    await page.getByLabel('Reason (kept in the audit log)').fill('asked Dr. Sara');
    await page.getByRole('button', { name: 'Decide…' }).click();
    const before = (await instances('parked')).length;
    await page.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
    await until('one decision less', async () => (await instances('parked')).length === before - 1);
    await page.getByText('Decided by').waitFor();
    await page.context().close();
  });
}
