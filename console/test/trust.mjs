// Tests of the console's other pages: messages, users, a deployment with its second person, emergency access, the audit log, plugins.
import { setTimeout as pause } from 'node:timers/promises';
import { axe } from './browser.mjs';
import { workflow } from './hub.mjs';
import { equal, none, test } from './steps.mjs';

const kReason = 'Reason (kept in the audit log)';
export async function trustTests({ picture, visit, pages, api, people, away }) {
  await test('a message that was refused says why', async () => {
    const page = await visit('operator', '/console/deliveries');
    await page.locator('.ctable tbody a').last().click();
    await page.getByText('The secret of the source does not fit').waitFor();
    await page.getByText('no v1 signature fits').waitFor();
    await picture(page, 'console-deliveries');
    await page.getByRole('button', { name: /^Unused/ }).click();
    await page.waitForURL(/outcome=unused/);
    await page.getByText('No message came to nothing.').waitFor();
    none(await pages.exposed(page), 'patient data outside of the page');
    await page.context().close();
  });
  await test('an administrator reads the body of a message for a reason, and nobody else does', async () => {
    const { id } = (await api('GET', '/deliveries')).items.find((one) => one.bodyKept);
    const operator = await visit('operator', `/console/deliveries?id=${id}`);
    await operator.getByText('Administrators may read it').waitFor();
    await operator.context().close();
    const page = await visit('admin', `/console/deliveries?id=${id}`);
    await page.getByRole('button', { name: 'Show the body, with a reason…' }).click();
    await page.getByLabel(kReason).fill('the hospital asks why it was not read');
    await page.getByRole('dialog').getByRole('button', { name: 'Show', exact: true }).click();
    await page.locator('pre.json').getByText('Noura').waitFor();
    none(await axe(page), 'axe');
    none(await pages.exposed(page), 'patient data outside of the page');
    await page.getByRole('button', { name: 'Hide' }).click();
    equal(await page.locator('pre.json').count(), 0, 'the body');
    await page.context().close();
  });
  await test('an administrator makes a user, gives the code away once, and disables the account', async () => {
    const page = await visit('admin', '/console/users');
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByLabel('User name').fill('night.shift');
    await page.getByLabel('Name', { exact: true }).fill('Night Shift');
    await page.getByRole('dialog').getByText('Operator', { exact: true }).click();
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('button', { name: 'Make account' }).click();
    await page.getByText('Code for the first password, shown once').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('row', { name: 'night.shift' }).getByText('No password yet').waitFor();
    await page.getByRole('link', { name: 'night.shift' }).click();
    await page.getByText('First password by the code until').waitFor();
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('Saved.').waitFor();
    await page.getByRole('button', { name: 'Enable' }).waitFor();
    const made = (await api('GET', '/users?role=operator')).items.find((one) => one.username === 'night.shift');
    equal([made.active, made.roles], [false, ['operator']], 'the account');
    none(await axe(page), 'axe');
    await page.context().close();
  });
  await test('an administrator finds the staff by name, and no patient', async () => {
    const page = await visit('admin', '/console/users');
    const find = async (name) => {
      await page.getByLabel('Find by name').fill(name);
      await page.getByLabel('Find by name').press('Enter');
    };
    await find('shift NIGHT');
    await page.getByRole('link', { name: 'night.shift' }).waitFor();
    equal(await page.locator('.ctable tbody tr').count(), 1, 'who is found');
    none(await axe(page), 'axe');
    await find('القحطاني');
    await page.getByText('Nobody fits.').waitFor();
    none(await pages.exposed(page), 'patient data outside of the page');
    await page.getByLabel('Find by name').fill('');
    await page.getByRole('link', { name: 'engineer' }).waitFor();
    await page.context().close();
  });
  await test('an auditor sees users and changes none', async () => {
    const page = await visit('auditor', `/console/users/${people.engineer.id}`);
    await page.getByRole('heading', { name: 'engineer' }).waitFor();
    equal(await page.getByRole('button', { name: 'Disable' }).count(), 0, 'acts');
    await page.context().close();
  });
  await test('an engineer deploys after a second person has confirmed, and sees before what changes', async () => {
    const page = await visit('engineer', '/console/deploy');
    await page.locator('details summary').first().click();
    await page.getByLabel('File name').fill('remind.yaml');
    const next = workflow('1.1.0', away).replace('/reminders', '/letters');
    await page.getByLabel('Text of the file').fill(next.replace('do:', 'did:'));
    await page.getByRole('button', { name: 'Show what changes' }).click();
    await page.getByRole('heading', { name: 'In the way' }).waitFor();
    await page.getByLabel('Text of the file').fill(next);
    await page.getByRole('button', { name: 'Show what changes' }).click();
    await page.locator('.change').first().waitFor();
    await page.getByText('letters').first().waitFor();
    await page.getByText('none of your roles reads data of patients').waitFor();
    none(await axe(page), 'axe of the plan');
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.getByText('a second person confirms this first').waitFor();
    const second = await visit('security', '/console/approvals');
    await second.getByRole('heading', { name: 'Deploy workflows' }).waitFor();
    none(await axe(second), 'axe of the approvals');
    await second.getByRole('button', { name: 'Confirm' }).click();
    await second.getByText('Confirmed. The person who asked').waitFor();
    await second.context().close();
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.getByText('Deployed.', { exact: true }).waitFor();
    const active = (await api('GET', '/workflows')).items.find((one) => one.active);
    equal(active.version, '1.1.0', 'the active version');
    await page.context().close();
  });
  await test('a plan is old when the files change', async () => {
    const page = await visit('auditor', '/console/deploy');
    await page.locator('details summary').first().click();
    await page.getByLabel('Text of the file').fill(workflow('1.2.0', away));
    await page.getByRole('button', { name: 'Show what changes' }).click();
    await page.getByText('Engineers deploy.').waitFor();
    await page.getByLabel('Text of the file').fill(workflow('1.3.0', away));
    await page.getByText('The files have changed since.').waitFor();
    await page.context().close();
  });
  await test('emergency access is listed for a reason and reviewed by somebody else', async () => {
    const nurse = await visit('nurse', '/console/instances');
    const grants = (await api('GET', '/audit/entries?act=break_glass.opened&limit=50')).items.map((one) => one.detail?.grant ?? one.object.split(':').pop());
    const opened = await nurse.evaluate(async (ids) => {
      let closed = 0;
      for (const id of ids) closed += Number((await fetch(`/api/v1/break-glass/${id}/close`, { method: 'POST', headers: { 'Idempotency-Key': crypto.randomUUID() } })).ok);
      return closed;
    }, grants);
    if (!opened) throw new Error(`no grant was closed: ${grants}`);
    await nurse.context().close();
    const page = await visit('auditor', '/console/grants');
    await page.getByLabel(kReason).fill('weekly review');
    await page.getByRole('button', { name: 'Show the list' }).click();
    await page.getByRole('heading', { name: /^Opened by/ }).first().waitFor();
    none(await axe(page), 'axe of the list');
    await picture(page, 'console-grants');
    const before = await page.getByRole('button', { name: 'I have reviewed it' }).count();
    if (!before) throw new Error('nothing to review');
    await page.getByRole('button', { name: 'I have reviewed it' }).first().click();
    await page.waitForFunction((most) => [...document.querySelectorAll('button')].filter((one) => one.textContent.includes('reviewed it')).length < most, before);
    none(await pages.exposed(page), 'patient data outside of the page');
    await page.context().close();
  });
  await test('the audit log is filtered, an entry is opened, and the address holds both', async () => {
    const page = await visit('auditor', '/console/audit');
    await page.getByLabel('Act', { exact: true }).fill('instance.*');
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await page.waitForURL(/act=instance/);
    await page.locator('.ctable tbody a').first().click();
    await page.getByRole('heading', { name: /^Entry/ }).waitFor();
    none(await axe(page), 'axe of an entry');
    await picture(page, 'console-audit');
    await page.context().close();
  });
  await test('a report on one patient is posted with a reason', async () => {
    const page = await visit('auditor', '/console/audit');
    await page.getByRole('button', { name: 'Make report' }).first().click();
    await page.getByRole('dialog').getByLabel('Patient').fill('mrn:DEMO-1001');
    await page.getByRole('dialog').getByLabel(kReason).fill('the patient asked');
    await page.getByRole('dialog').getByRole('button', { name: 'Make report' }).click();
    await page.getByText('This report is in the audit log').waitFor();
    none(await pages.exposed(page), 'patient data outside of the page');
    none(await axe(page), 'axe of the report');
    await page.context().close();
  });
  await test('why somebody may do something is explained rule by rule', async () => {
    const page = await visit('auditor', '/console/explain');
    await page.getByLabel('Person (id or user name)').fill(people.nurse.id);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('row', { name: /instance_data/ }).getByText('Allowed', { exact: true }).waitFor();
    none(await axe(page), 'axe');
    await page.context().close();
  });
  await test('a plugin shows its state, and an engineer asks for a newer version', async () => {
    const page = await visit('engineer', '/console/plugins/fhir');
    await page.getByRole('button', { name: 'Upgrade' }).click();
    await page.getByText('The newest version runs already.').or(page.getByRole('alert')).first().waitFor();
    const watcher = await visit('operator', '/console/plugins/fhir');
    equal(await watcher.getByRole('button', { name: 'Upgrade' }).count(), 0, 'acts of an operator');
    await watcher.context().close();
    await page.context().close();
  });
  for (const [who, path, then] of [
    ['operator', '/console/alerts'], ['operator', '/console/deliveries?id=1'], ['admin', '/console/webhooks'], ['admin', '/console/users'], ['security', '/console/approvals'], ['auditor', '/console/grants'], ['auditor', '/console/audit'], ['auditor', '/console/explain'], ['security', '/console/keys'], ['admin', '/console/clients'],
    ['engineer', '/console/plugins/fhir'], ['engineer', '/console/deploy', async (page) => { await page.locator('details summary').first().click(); }],
  ])
    await test(`${who} ${path}: both languages, themes and widths`, () => pages.everywhere(who, path, then));
  // Last: a hub opens no alert in its first two minutes.
  await test('an alert is acknowledged with a note, and snoozed', async () => {
    for (let waited = 0; !(await api('GET', '/alerts')).items.length; waited += 1000) {
      if (waited > 160_000) throw new Error('no alert has opened');
      await pause(1000);
    }
    const page = await visit('operator', '/console/alerts');
    const alert = page.getByRole('region', { name: /^Deliveries of his came to nothing/ });
    await alert.getByText('rabt deliveries list --source his').waitFor();
    await pages.judge(page, 'an open alert', 'en');
    await alert.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByLabel('Note for others (kept sealed)').fill('the vendor repairs it');
    await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge' }).click();
    await alert.getByText('the vendor repairs it').waitFor();
    await alert.getByRole('button', { name: /^Snooze .?4.? hours/ }).click();
    await alert.getByRole('button', { name: 'End the snooze' }).waitFor();
    await page.getByRole('region', { name: 'Snoozed' }).getByText('deliveries_lost').waitFor();
    none(await pages.exposed(page), 'patient data outside of the page');
    const arabic = await visit('operator', '/console/alerts', { lang: 'ar' });
    await arabic.getByRole('region', { name: /^رسائل من المصدر/ }).waitFor();
    await pages.judge(arabic, 'an open alert', 'ar');
    await arabic.context().close();
    await page.context().close();
  });
}
