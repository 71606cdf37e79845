// The pages in a real browser, before the hub of the demonstration with its people.
//   node test/pages.mjs BUILD_FOLDER [--firefox]
// Ends with 77, which ctest shows as skipped, where there is no browser or the hub was built without pages.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { axe, launch, missing, open, settled } from './browser.mjs';
import { morning, served } from './demo.mjs';
import { playerTests } from './player.mjs';
import { requestTests } from './requests.mjs';
import { broke, ended, equal, inspector, none, signIn, skip, tabTo, test } from './steps.mjs';

const build = process.argv[2];
if (missing) skip(missing);

const demo = await served(build);
const { base, people, api, id, inMinutes, visit, folder } = demo;
// Names and numbers of patients: never in an address, title, storage or console output.
const kSecret = ['Noura', 'Alqahtani', 'نورة', 'القحطاني', 'Omar', 'Alotaibi', 'DEMO-1001', '1000000008', '966500000001', '1990-03-02', 'angina'];
const browser = await launch();
try {
  const { soon, family, late, dropped, past } = await morning(demo);

  const states = {};
  const pages = inspector({ browser, base, states, secrets: kSecret });
  const { exposed } = pages;
  await test('people sign in with a password, and an administrator with a code', async () => {
    await Promise.all(['doctor', 'nurse', 'patient', 'admin'].map(async (who) => {
      const page = await open(browser, base);
      await signIn(page, base, people[who], '**/clinic');
      states[who] = await page.context().storageState();
      none(await exposed(page), 'patient data outside of the page');
      await page.context().close();
    }));
  });

  states.desk = await demo.state('desk');

  await test('the recorder of violations sees one', async () => {
    const page = await open(browser, base);
    await page.goto(`${base}/login`);
    await settled(page);
    await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
    await page.evaluate(() => { const script = document.createElement('script'); try { script.text = '1'; } catch { /* refused by Trusted Types */ } document.body.append(script); });
    await pause(100);
    if ((await page.evaluate(() => window.violations.length)) === 0) throw new Error('nothing was recorded');
    await page.context().close();
  });

  const kRoutes = [
    [null, '/login'], [null, '/activate'], [null, '/bootstrap'], [null, '/i'], [null, '/clinic/nothing'],
    ['doctor', '/clinic'], ['doctor', '/clinic/sessions'], ['doctor', `/clinic/sessions/${past.id}?tab=notes`], ['doctor', `/clinic/patients/${id('patient')}`], ['doctor', '/clinic/availability'],
    ['nurse', '/clinic'], ['nurse', `/clinic/sessions/${soon.id}`],
    ['patient', '/clinic'], ['patient', '/clinic/book'], ['patient', '/clinic/record'], ['patient', '/clinic/record?tab=readings'], ['patient', '/clinic/record?tab=requests'], ['patient', `/clinic/sessions/${past.id}`], ['patient', '/account'],
    ['desk', '/clinic'], ['desk', '/clinic/book'],
    ['admin', '/clinic'], ['admin', '/clinic/book'], ['admin', '/clinic/availability'],
  ];
  for (const [who, path] of kRoutes) {
    await test(`${who ?? 'nobody'} ${path.replace(/01[0-9A-Z]{24}/, ':id')}: both languages, themes and widths`, async () => {
      await pages.everywhere(who, path);
    });
  }

  await requestTests({ browser, base, states, people, pages, api });
  await playerTests({ browser, base, states, pages, session: past.id });

  await pages.close();

  await test('a wrong password is said in both languages, and what was typed stays', async () => {
    for (const [lang, wanted] of [['ar', 'غير صحيح'], ['en', 'is wrong']]) {
      const page = await open(browser, base, { lang });
      await page.goto(`${base}/login`);
      await page.fill('input[name=username]', 'patient2');
      await page.fill('input[name=password]', 'not the password at all');
      await page.press('input[name=password]', 'Enter');
      const alert = page.getByRole('alert');
      await alert.waitFor();
      if (!(await alert.textContent()).includes(wanted)) throw new Error(await alert.textContent());
      equal(await page.inputValue('input[name=username]'), 'patient2', 'user name');
      await page.context().close();
    }
  });

  await test('a page without a sign-in leads to it and comes back', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/clinic/sessions`);
    await page.waitForURL('**/login?to=*');
    await page.fill('input[name=username]', people.nurse.username);
    await page.fill('input[name=password]', people.nurse.password);
    await page.press('input[name=password]', 'Enter');
    await page.waitForURL('**/clinic/sessions');
    await page.context().close();
    const bad = await open(browser, base, { lang: 'en' });
    await bad.goto(`${base}/login?to=//evil.example`);
    await bad.fill('input[name=username]', people.nurse.username);
    await bad.fill('input[name=password]', people.nurse.password);
    await bad.press('input[name=password]', 'Enter');
    await bad.waitForURL(`${base}/clinic`);
    await bad.context().close();
  });

  await test('a doctor signs in and admits a patient with the keyboard alone', async () => {
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/login`);
    await settled(page);
    await tabTo(page, 'User name');
    await page.keyboard.type(people.doctor.username);
    await tabTo(page, 'Password');
    await page.keyboard.type(people.doctor.password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/clinic');
    await settled(page);
    await tabTo(page, 'Admit: Omar');
    await page.keyboard.press('Enter');
    await page.getByText('Nobody else is waiting.').waitFor();
    const now = await api('doctor', 'GET', `/sessions/${family.id}`);
    equal(now.participants.find((one) => one.role === 'patient').admission, 'admitted', 'admission');
    await page.context().close();
  });

  await test('an arrival shows on the doctor\'s page without a reload', async () => {
    const page = await open(browser, base, { lang: 'en', state: states.doctor });
    await page.goto(`${base}/clinic`);
    await settled(page);
    equal(await page.getByText('Nobody else is waiting.').count(), 1, 'waiting room');
    await api('patient2', 'POST', `/sessions/${late.id}/join`, { deviceType: 'web' });
    await page.getByRole('button', { name: 'Admit: Omar Alotaibi' }).waitFor({ timeout: 5_000 });
    await page.getByRole('button', { name: 'Decline: Omar Alotaibi' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('Please come at your time');
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click();
    await page.getByText('Nobody else is waiting.').waitFor();
    await page.context().close();
  });

  await test('an emergency rings on the doctor\'s page, and the keyboard takes it', async () => {
    await api('doctor', 'PUT', '/me/presence', { status: 'online' });
    const page = await open(browser, base, { lang: 'en', state: states.doctor });
    await page.goto(`${base}/clinic/availability`);
    await settled(page);
    const called = await api('admin', 'POST', '/sessions', { type: 'emergency_consultation', request: true, patient: id('patient2'), language: 'ar' });
    await page.getByRole('alert').getByText('An emergency is ringing for you').waitFor({ timeout: 5_000 });
    none(await axe(page), 'axe of the ring');
    await page.reload();
    const take = page.getByRole('button', { name: 'Take it' });
    await take.waitFor({ timeout: 5_000 });
    const arabic = await open(browser, base, { lang: 'ar', state: states.doctor });
    await arabic.goto(`${base}/clinic`);
    await arabic.getByRole('button', { name: 'استجب الآن' }).waitFor({ timeout: 5_000 });
    await arabic.context().close();
    await tabTo(page, 'Take it');
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/call/${called.id}`);
    equal((await api('doctor', 'GET', `/sessions/${called.id}`)).provider, id('doctor'), 'provider');
    equal((await api('doctor', 'GET', '/me/rings')).items.length, 0, 'rings');
    await page.context().close();
    await api('admin', 'POST', `/sessions/${called.id}/cancel`, { reason: 'a test' });
  });

  await test('a patient declines reminders, and it is kept', async () => {
    const page = await open(browser, base, { lang: 'en', state: states.patient });
    await page.goto(`${base}/account`);
    const box = page.getByRole('checkbox', { name: /Remind me/ });
    await box.waitFor();
    equal(await box.isChecked(), true, 'reminders at first');
    await box.click();
    await page.getByText('Saved.').waitFor();
    equal((await api('patient', 'GET', `/patients/${id('patient')}`)).reminders, false, 'the record');
    await page.reload();
    await box.waitFor();
    equal(await box.isChecked(), false, 'reminders afterwards');
    await box.click();
    await page.getByText('Saved.').waitFor();
    await page.context().close();
  });

  await test('a patient books a time and cancels it with a reason', async () => {
    const page = await open(browser, base, { lang: 'ar', width: 360, state: states.patient });
    await page.goto(`${base}/clinic/book`);
    await settled(page);
    await page.locator('.slots').last().locator('.slot').last().click();
    await page.getByLabel('ما سبب الاستشارة؟').fill('متابعة الضغط <b>اليوم</b>');
    await page.getByRole('button', { name: 'تأكيد الموعد' }).click();
    const said = page.getByRole('alert').textContent({ timeout: 30_000 }).catch(() => '');
    const went = await Promise.race([page.waitForURL('**/clinic/sessions/01*').then(() => ''), said]);
    equal(went, '', 'what the page says');
    await settled(page);
    equal(await page.locator('dd', { hasText: '<b>اليوم</b>' }).count(), 1, 'the complaint as text');
    await page.getByRole('button', { name: 'إلغاء الموعد' }).click();
    await page.getByLabel('سبب الإلغاء').fill('سفر مفاجئ');
    none(await axe(page), 'axe of the dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'إلغاء الموعد' }).click();
    await page.getByText('ملغاة').first().waitFor();
    await page.context().close();
  });

  await test('two identifiers are checked on the page of a visit, before it starts', async () => {
    const one = await visit('patient', 400);
    for (const [lang, width] of [['ar', 360], ['en', 1280]]) {
      const page = await open(browser, base, { lang, width, height: 1600, state: states.doctor });
      await page.goto(`${base}/clinic/sessions/${one.id}`);
      await settled(page);
      const start = () => page.evaluate(async (id) => {
        const answer = await fetch(`/api/v1/sessions/${id}/start`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }, body: '{}' });
        return [answer.status, (await answer.json()).code ?? ''];
      }, one.id);
      if (lang === 'ar') {
        equal(await start(), [409, 'identity.unconfirmed'], 'a start from a page');
        await page.getByRole('button', { name: 'تحقّق من الهوية' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByText('…0008').waitFor();
        await dialog.getByLabel('تاريخ الميلاد').check();
        await dialog.getByLabel('رقم الملف الطبي').check();
        await pages.judge(page, 'identity', 'ar');
        await dialog.getByRole('button', { name: 'البيانات مطابقة' }).click();
        await dialog.waitFor({ state: 'detached' });
      }
      await page.getByText(lang === 'ar' ? 'تم التحقق من الهوية' : 'Identity checked').first().waitFor();
      await pages.judge(page, `identified ${lang}`, lang);
      if (lang === 'en') equal((await start())[0], 200, 'a start afterwards');
      await page.context().close();
    }
    const kept = await api('doctor', 'GET', `/sessions/${one.id}`);
    equal([kept.identification.identifiers, kept.identification.by, kept.status], [['birth_date', 'record_number'], id('doctor'), 'active'], 'what is kept');
    // Which two, who and when; never the values.
    if (/1990|DEMO-1001/.test(JSON.stringify(kept.identification))) throw new Error(JSON.stringify(kept.identification));
    await api('doctor', 'POST', `/sessions/${one.id}/end`);
  });

  await test('a picture that nobody looked at is marked, and a doctor shows it to the family while the visit runs', async () => {
    const one = await visit('patient', 450);
    const at = `/sessions/${one.id}`;
    const { participant } = await api('patient', 'POST', `${at}/join`, { deviceType: 'web' });
    if (participant.admission !== 'admitted') await api('doctor', 'POST', `${at}/participants/${participant.id}/admit`);
    await api('doctor', 'POST', `${at}/identification`, { identifiers: ['birth_date', 'record_number'] });
    await api('doctor', 'POST', `${at}/start`);
    const data = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1').toString('base64');
    await api('patient', 'POST', `${at}/documents`, { documentType: 'IMAGE', title: 'photo', contentType: 'image/png', data });
    const seen = async (who, lang, width) => {
      const page = await open(browser, base, { lang, width, height: 1600, state: states[who] });
      await page.goto(`${base}/clinic/sessions/${one.id}?tab=documents`);
      await settled(page);
      await page.getByText('photo', { exact: true }).waitFor();
      return page;
    };
    const patient = await seen('patient', 'ar', 360);
    await patient.getByText('يظهر للعائلة بعد اطلاع الطبيب أو التمريض عليه', { exact: true }).waitFor();
    await pages.judge(patient, 'a withheld picture, patient', 'ar');
    const arabic = await seen('doctor', 'ar', 360);
    await arabic.getByText('لم يُفحص: قد تظهر فيه أسماء', { exact: true }).waitFor();
    await arabic.getByRole('button', { name: 'إظهار للعائلة' }).click();
    await pages.judge(arabic, 'a withheld picture, doctor', 'ar');
    await arabic.context().close();
    const page = await seen('doctor', 'en', 1280);
    await page.getByText('Not looked at: may show names', { exact: true }).waitFor();
    await page.getByText('The family does not see it', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Show to the family: photo' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Show to the family' }).press('Enter');
    await page.getByText('The family sees it', { exact: true }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await pages.judge(page, 'a picture that was shown', 'en');
    equal(await page.getByText('photo', { exact: true }).count(), 1, 'rows');
    await page.context().close();
    await patient.reload();
    await settled(patient);
    await patient.getByText('photo', { exact: true }).waitFor();
    equal(await patient.locator('.marks').count(), 0, 'marks for the patient afterwards');
    await patient.context().close();
    const kept = (await api('doctor', 'GET', `${at}/documents`)).items;
    equal(kept.map(({ title, withheld, unscreened }) => [title, withheld, unscreened]).sort(), [['photo', false, true], ['photo', true, true]], 'what the hub keeps');
    equal(new Set(kept.map(({ sha256 }) => sha256)).size, 1, 'the same bytes');
    await api('doctor', 'POST', `${at}/end`);
  });

  await test('a nurse takes vital signs before a visit, and the doctor sees how they went', async () => {
    const one = await visit('patient', 500);
    await api('doctor', 'POST', `/sessions/${one.id}/participants`, { person: id('nurse'), role: 'nurse', bypassWaitingRoom: true });
    const page = await open(browser, base, { lang: 'ar', width: 360, height: 2400, state: states.nurse });
    await page.goto(`${base}/clinic/sessions/${one.id}?tab=vitals`);
    await settled(page);
    const save = page.getByRole('button', { name: 'حفظ العلامات الحيوية' });
    await save.click();
    await page.getByText('اكتب قيمة واحدة على الأقل.').waitFor();
    const fill = async (values) => { for (const [name, text] of Object.entries(values)) await page.locator(`#v-${name}`).fill(text); };
    await fill({ systolic: '92', diastolic: '146', temperatureC: '365', heartRate: '78.5' });
    await save.click();
    equal(await page.locator('#vitals-form .error').count(), 3, 'values out of range');
    equal(await page.evaluate(() => document.activeElement?.id), 'v-diastolic', 'the first one has the focus');
    await pages.judge(page, 'vitals with mistakes', 'ar');
    await fill({ systolic: '١٤٦', diastolic: '٩٢', temperatureC: '٣٧٫٢', heartRate: '78', heightCm: '172' });
    await save.click();
    await page.locator('bdi', { hasText: '146/92' }).waitFor();
    await page.getByText('37.2').waitFor();
    equal(await page.locator('#v-systolic').inputValue(), '', 'the form afterwards');
    await fill({ systolic: '138', diastolic: '88', heartRate: '82' });
    await save.click();
    await page.locator('bdi', { hasText: '138/88' }).waitFor();
    await page.context().close();
    const kept = (await api('doctor', 'GET', `/sessions/${one.id}/vitals`)).items;
    equal(kept.map(({ source, systolic }) => [source, systolic]).sort(), [['manual', 138], ['manual', 146]], 'what the hub keeps');

    const doctor = await open(browser, base, { lang: 'en', state: states.doctor });
    await doctor.goto(`${base}/clinic/patients/${id('patient')}?tab=vitals`);
    await settled(doctor);
    await doctor.getByRole('heading', { name: 'Blood pressure' }).waitFor();
    await doctor.getByLabel('Vital sign', { exact: true }).selectOption({ label: 'Heart rate' });
    await doctor.getByRole('heading', { name: 'Heart rate' }).waitFor();
    const said = await doctor.locator('svg.chart').getAttribute('aria-label');
    if (!/Heart rate/.test(said) || !/82/.test(said)) throw new Error(said);
    equal(await doctor.locator('#vitals-form').count(), 1, 'the same form');
    await pages.judge(doctor, 'trend', 'en');
    await doctor.context().close();
    // A visit that is over takes none, and who takes no part sees no form.
    await api('admin', 'POST', `/sessions/${one.id}/cancel`, { reason: 'test' });
    const after = await open(browser, base, { lang: 'en', state: states.nurse });
    await after.goto(`${base}/clinic/sessions/${one.id}?tab=vitals`);
    await settled(after);
    equal(await after.locator('#vitals-form').count(), 0, 'a form after the visit');
    await after.context().close();
  });

  // Text of the printed page, read from its PDF by pdftotext.
  const onPaper = async (page) => {
    await page.emulateMedia({ media: 'print' });
    const hidden = await page.evaluate(() => ['.paper-bar', '.skip', 'nav', '.dock', '.top'].filter((one) => [...document.querySelectorAll(one)].some((element) => element.checkVisibility())));
    equal(hidden, [], 'navigation on paper');
    const file = join(folder, 'paper.pdf');
    writeFileSync(file, await page.pdf({ preferCSSPageSize: true, printBackground: true }));
    await page.emulateMedia({ media: null });
    const size = /Page size:\s+([\d.]+) x ([\d.]+)/.exec(execFileSync('pdfinfo', [file], { encoding: 'utf8' }));
    equal([Math.round(size[1]), Math.round(size[2])], [595, 842], 'A4');
    return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).normalize('NFKC').replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
  };
  const readsPapers = () => { try { execFileSync('pdftotext', ['-v'], { stdio: 'ignore' }); return true; } catch { return false; } };
  await test('a prescription and the summary of a visit are printed on A4, in both languages', async () => {
    if (!readsPapers()) return 'skipped';
    const one = await visit('patient', 600, { chiefComplaint: 'صداع منذ أسبوع' });
    await api('doctor', 'POST', `/sessions/${one.id}/identification`, { identifiers: ['name', 'national_id'] });
    await api('doctor', 'POST', `/sessions/${one.id}/start`);
    await api('doctor', 'POST', `/sessions/${one.id}/vitals`, { systolic: 146, diastolic: 92 });
    await api('doctor', 'POST', `/sessions/${one.id}/notes`, { kind: 'soap', template: 'soap', sections: { plan: 'Evening dose up; readings in two weeks.' }, status: 'final' });
    const rx = await api('doctor', 'POST', `/sessions/${one.id}/prescriptions`, { items: [{ name: 'Amlodipine', dosage: '5 mg', frequency: 'once daily', duration: '30 days', instructions: 'بعد الأكل' }, { name: 'باراسيتامول', dosage: '500 mg', frequency: 'عند اللزوم' }] });
    await api('doctor', 'POST', `/sessions/${one.id}/end`);
    const wants = {
      ar: { same: ['Demonstration Hospital', '+966112345678', 'Noura Alqahtani', '1990-03-02', 'DEMO-1001', 'DOC-2024-001', rx.prescriptionNumber, '5 mg', '500 mg', 'Amlodipine', 'once daily'], hijri: /14(1\d|4\d)/ },
      en: { same: ['Demonstration Hospital', '+966112345678', 'Noura Alqahtani', '1990-03-02', 'DEMO-1001', 'DOC-2024-001', rx.prescriptionNumber, '5 mg', '500 mg', 'Amlodipine', 'Prescription', 'Licence no.', 'AH'], hijri: /Shaʻban 1410|1410 AH/ },
    };
    for (const lang of ['ar', 'en']) {
      const page = await open(browser, base, { lang, theme: lang === 'ar' ? 'dark' : 'light', state: states.doctor });
      await page.goto(`${base}/clinic/sessions/${one.id}?tab=prescriptions`);
      await settled(page);
      await page.getByRole('link', { name: new RegExp(`${lang === 'ar' ? 'طباعة' : 'Print'}: ${rx.prescriptionNumber}`) }).click();
      await page.waitForURL('**/clinic/prescriptions/*/print');
      await page.waitForSelector('.paper');
      equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light', 'a paper is light, whatever the page was');
      await pages.judge(page, `prescription ${lang}`, lang);
      await page.evaluate(() => (document.documentElement.dataset.theme = 'light'));
      const text = await onPaper(page);
      for (const part of wants[lang].same) if (!text.includes(part)) throw new Error(`${lang}: the prescription has no "${part}":\n${text}`);
      if (!wants[lang].hijri.test(text)) throw new Error(`${lang}: no Hijri date:\n${text}`);
      if (/[٠-٩]/.test(text)) throw new Error(`${lang}: Arabic-Indic digits:\n${text}`);
      if (lang === 'ar') {
        // Programs find the letters of Arabic in one order or the other.
        const both = [text, [...text].reverse().join('')].join('\n');
        for (const part of ['نورة', 'الوصفة', 'باراسيتامول']) if (!both.includes(part)) throw new Error(`the paper has no "${part}":\n${text}`);
      }
      await page.goto(`${base}/clinic/sessions/${one.id}`);
      await settled(page);
      await page.getByRole('link', { name: lang === 'ar' ? 'طباعة الملخص' : 'Print summary' }).click();
      await page.waitForSelector('.paper');
      await pages.judge(page, `summary ${lang}`, lang);
      const summary = await onPaper(page);
      for (const part of ['Noura Alqahtani', '1990-03-02', 'DEMO-1001', 'DOC-2024-001', '146/92', 'Evening dose up', rx.prescriptionNumber])
        if (!summary.includes(part)) throw new Error(`${lang}: the summary has no "${part}":\n${summary}`);
      none(await exposed(page), 'patient data outside of the page');
      await page.context().close();
    }
    // A pharmacy has handed over the first of the two, and took back what it said of the second.
    for (const lang of ['ar', 'en']) {
      const page = await open(browser, base, { lang, state: states.doctor });
      const dispensing = { pharmacist: 'Sara Al-Harbi', pharmacy: 'Outpatient pharmacy', handedOverAt: rx.issuedAt };
      const dispensings = [
        { ...dispensing, id: '1', items: [{ item: 1, quantity: 30, unit: 'tablet' }] },
        { ...dispensing, id: '2', pharmacy: 'Another pharmacy', items: [{ item: 2 }], enteredInError: { at: rx.issuedAt, reason: 'typing' } },
      ];
      await page.route(`**/api/v1/prescriptions/${rx.id}`, (route) => route.fulfill({ json: { ...rx, dispensings } }));
      await page.route(`**/api/v1/sessions/${one.id}/prescriptions`, (route) => route.fulfill({ json: { items: [{ ...rx, dispensings }] } }));
      await page.goto(`${base}/clinic/prescriptions/${rx.id}/print`);
      await page.waitForSelector('.paper');
      const paper = await onPaper(page);
      await page.goto(`${base}/clinic/sessions/${one.id}?tab=prescriptions`);
      await settled(page);
      const shown = await page.locator('main').innerText();
      for (const [where, text] of [['paper', paper], ['page', shown]]) {
        for (const part of ['Sara', 'Outpatient', 'tablet']) if (!text.includes(part)) throw new Error(`${lang}: the ${where} has no "${part}":\n${text}`);
        if (text.includes('Another')) throw new Error(`${lang}: the ${where} has a dispensing in error:\n${text}`);
      }
      equal(shown.split(lang === 'ar' ? 'صُرفت' : 'Dispensed').length - 1, 2, 'one of two medications: its state and its line');
      await pages.judge(page, `dispensed ${lang}`, lang);
      await page.context().close();
    }
    // On a phone, and for the patient, whose own paper it is; another patient reads nothing.
    const own = await open(browser, base, { lang: 'ar', width: 360, height: 4000, state: states.patient });
    await own.goto(`${base}/clinic/prescriptions/${rx.id}/print`);
    await own.waitForSelector('.paper');
    await pages.judge(own, 'prescription of a patient on a phone', 'ar');
    await own.context().close();
    const stranger = await open(browser, base, { lang: 'en' });
    await signIn(stranger, base, people.patient2, '**/clinic');
    await stranger.goto(`${base}/clinic/prescriptions/${rx.id}/print`);
    await stranger.getByRole('alert').waitFor();
    equal(await stranger.locator('.paper').count(), 0, 'a paper of somebody else');
    await stranger.context().close();
  });

  await test('an administrator sees names when he asks, and adds a walk-in', async () => {
    const page = await open(browser, base, { lang: 'en', state: states.admin });
    await page.goto(`${base}/clinic`);
    await settled(page);
    equal(await page.getByText('Noura Alqahtani').count(), 0, 'names before');
    await page.getByRole('button', { name: 'Show names' }).click();
    await page.getByText('Noura Alqahtani').first().waitFor();
    await page.getByLabel('Number').fill('DEMO-1002');
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await page.locator('.found').getByText('Omar Alotaibi').waitFor();
    await page.getByRole('button', { name: 'Add visit now' }).click();
    await page.getByText('has a visit now').waitFor();
    none(await exposed(page), 'patient data outside of the page');
    await page.context().close();
  });

  await test('the desk sees who waits longer than ten minutes, and for how long', async () => {
    for (const [lang, heading, since] of [['ar', 'ينتظرون أكثر من 10 دقائق', '14'], ['en', 'Waiting over 10 minutes', '14']]) {
      const page = await open(browser, base, { lang, state: states.desk });
      // Somebody came a while ago: the clock of the test is the hub's answer.
      await page.route('**/api/v1/sessions?*', async (route) => {
        const answer = await route.fetch();
        const body = await answer.json();
        const one = body.items.find(({ id }) => id === soon.id);
        for (const part of one?.participants ?? []) if (part.role === 'patient') Object.assign(part, { admission: 'waiting', here: true, cameAt: new Date(Date.now() - 14 * 60_000).toISOString() });
        await route.fulfill({ response: answer, json: body });
      });
      await page.goto(`${base}/clinic`);
      await settled(page);
      const card = page.getByRole('region', { name: heading });
      await card.getByText(since).waitFor();
      equal(await card.getByRole('listitem').count(), 1, 'who waits long');
      equal(await page.locator('nav a[href="/clinic/availability"]').count(), 0, 'hours of doctors');
      await pages.judge(page, `desk ${lang}`, lang);
      await page.context().close();
    }
  });

  await test('a nurse cancels nothing that she may not, and reads why', async () => {
    const page = await open(browser, base, { lang: 'en', state: states.nurse });
    await page.route('**/cancel', (route) => route.abort());
    await page.goto(`${base}/clinic/sessions/${dropped.id}`);
    await settled(page);
    const shown = await page.getByRole('button', { name: 'Cancel appointment' }).count();
    if (shown) {
      await page.getByRole('button', { name: 'Cancel appointment' }).click();
      await page.getByLabel('Reason for cancelling').fill('kept');
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel appointment' }).click();
      await page.getByRole('alert').getByText('The hub does not answer.').waitFor();
      equal(await page.getByLabel('Reason for cancelling').inputValue(), 'kept', 'what was typed');
    }
    await page.context().close();
  });

  await test('another person who signs in in a second tab is in all tabs', async () => {
    const first = await open(browser, base, { lang: 'en' });
    await signIn(first, base, people.nurse, '**/clinic');
    const second = await first.context().newPage();
    await signIn(second, base, people.doctor2, '**/clinic');
    await first.waitForURL('**/clinic');
    await settled(first);
    const names = () => first.evaluate(() => document.querySelector('.who')?.textContent ?? '');
    for (let waited = 0; !(await names()).includes(people.doctor2.name ?? 'Mona') && waited < 5_000; waited += 100) await pause(100);
    if (!(await names()).includes(people.doctor2.name ?? 'Mona')) throw new Error(`the first tab shows ${await names()}`);
    await second.goto(`${base}/account`);
    await settled(second);
    await second.getByRole('button', { name: 'Sign out', exact: true }).click();
    await first.waitForURL('**/login');
    await first.context().close();
  });

  await test('a browser that holds the link of a visit shows the sign-in to whoever goes home', async () => {
    const far = await visit('patient2', 900);
    const invited = await api('admin', 'POST', `/sessions/${far.id}/invitations`, { participant: far.participants.find((one) => one.role === 'patient').id });
    const page = await open(browser, base, { lang: 'en' });
    await page.goto(`${base}/i`);
    const status = await page.evaluate(async (code) => (await fetch('/api/v1/invitations/accept', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }) })).status, invited.code);
    equal(status, 200, 'accepted');
    for (const path of ['/', '/clinic', '/account']) {
      await page.goto(`${base}${path}`);
      await page.waitForURL('**/login*');
    }
    await page.context().close();
  });

  // Opens the link of the visit's patient, and presses the button.
  const comeBy = async (page, code) => {
    await page.goto(`${base}/i#${code}`);
    await settled(page);
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Continue to the visit' }).click();
  };
  const linkOf = async (session) => (await api('admin', 'POST', `/sessions/${session.id}/invitations`, { participant: session.participants.find((one) => one.role === 'patient').id })).code;

  await test('whoever comes for a child is told for whom', async () => {
    const child = await api('admin', 'POST', '/patients', { name: 'Salem Test', birthDate: `${new Date().getFullYear() - 8}-01-15`, guardians: [{ name: 'Mona Test', phone: '0559876543', relation: 'mother' }] });
    const booked = await api('admin', 'POST', '/sessions', { type: 'doctor_patient', bookingType: 'direct', provider: id('doctor'), patient: child.id, scheduledStart: inMinutes(1_260), plannedMinutes: 20, organizer: { person: id('doctor'), role: 'doctor' } });
    const page = await open(browser, base, { lang: 'en', width: 360 });
    await comeBy(page, await linkOf(booked));
    await page.getByRole('heading', { name: /You come for .*Salem Test/ }).waitFor();
    none(await axe(page), 'axe');
    await page.getByRole('button', { name: 'Continue to the visit' }).click();
    await page.waitForURL('**/call/**');
    await page.context().close();
  });

  await test('a link opens on a second device after an approval in the Nafath app', async () => {
    const code = await linkOf(await visit('patient2', 960));
    for (const [lang, says] of [
      ['en', { ask: 'Confirm in the Nafath app', pick: /pick this number/, wrong: /This is not right/, on: 'Continue to the visit' }],
      ['ar', { ask: 'التأكيد في تطبيق نفاذ', pick: /اختر هذا الرقم/, wrong: /ما أدخلته غير صحيح/, on: 'متابعة إلى الاستشارة' }],
    ]) {
      const page = await open(browser, base, { lang, width: 360 });
      const refusal = (status, problem) => ({ status, contentType: 'application/problem+json', body: JSON.stringify({ status, code: problem, title: 'Refused', detail: '' }) });
      // No plugin of the demonstration serves the role: the hub's answers are played.
      const said = [refusal(409, 'invitation.second_proof'), refusal(409, 'invitation.identity_pending'), refusal(403, 'invitation.wrong_proof'), refusal(503, 'identity.unavailable'), { json: { session: 'S1', admission: 'waiting' } }];
      const given = [];
      await page.route('**/api/v1/invitations/preview', async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), secondProof: ['code', 'identity'] } });
      });
      await page.route('**/api/v1/invitations/identity', (route) => route.fulfill({ json: { identityRequest: 'R-1', number: '42', expiresAt: inMinutes(3), againAt: inMinutes(1) } }));
      await page.route('**/api/v1/invitations/accept', (route) => {
        given.push(route.request().postDataJSON().identityRequest ?? '-');
        return route.fulfill(said.shift());
      });
      await page.goto(`${base}/i#${code}`);
      await settled(page);
      await page.getByRole('checkbox').check();
      await page.getByRole('button', { name: says.on }).click();
      const ask = page.getByRole('button', { name: says.ask });
      await ask.click();
      await page.getByText(says.pick).waitFor();
      await page.getByText('42', { exact: true }).waitFor();
      none(await axe(page), 'axe');
      await page.getByText(says.wrong).waitFor();
      await ask.click();
      await page.waitForRequest('**/call/S1');
      equal(given.join(' '), '- R-1 R-1 R-1 R-1', 'the page asks until there is an answer');
      await page.context().close();
    }
  });

  await test('a patient sees who read what, and the page checks the proof itself', async () => {
    await fetch(`${base}/api/v1/patients/${id('patient')}`, { headers: { Authorization: `Bearer ${people.admin.token}`, 'X-Rabt-Reason': 'a neighbour asked' } });
    const page = await open(browser, base, { lang: 'en', state: states.patient });
    await page.goto(`${base}/clinic/record?tab=readings`);
    await settled(page);
    const row = page.getByRole('listitem').filter({ hasText: 'Your personal record' }).filter({ hasText: 'Administrator' }).first();
    const check = row.getByRole('button', { name: /^Check/ });
    await check.click();
    // The hub signs every 10 seconds.
    for (let tried = 0; tried < 20 && !(await row.getByText(/^Holds: line/).count()); ++tried) {
      await pause(1_000);
      if (await check.count()) await check.click().catch(() => undefined);
    }
    await row.getByText(/^Holds: line/).waitFor();
    none(await axe(page), 'axe');
    // A proof that was changed on its way does not hold.
    await page.route('**/me/readings/*/proof', async (route) => {
      const answer = await route.fetch();
      const text = await answer.text();
      const line = text.split('\n')[1];
      await route.fulfill({ response: answer, body: text.replace(line, `extra ${Buffer.from(Buffer.from(line.slice(6), 'base64').toString('utf8') + ' ').toString('base64')}`) });
    });
    await page.reload();
    await settled(page);
    await check.click();
    await page.getByText(/^Does not hold: this line is not in the log/).waitFor();
    none(await exposed(page), 'patient data outside of the page');
    none(await page.evaluate(() => window.violations), 'violations of the policy');
    await page.context().close();
  });

  await test('a session that ended elsewhere asks for the password and keeps the page', async () => {
    const other = await open(browser, base, { lang: 'en' });
    await signIn(other, base, people.patient2, '**/clinic');
    await other.goto(`${base}/account`);
    await settled(other);
    const first = await open(browser, base, { lang: 'en' });
    await signIn(first, base, people.patient2, '**/clinic');
    await first.goto(`${base}/account`);
    await settled(first);
    // Each other one: some of another test may still be signed in.
    const there = first.getByRole('button', { name: /^Sign out there/ });
    for (let left = await there.count(); left > 0; left -= 1) {
      await there.first().click();
      await there.nth(left - 1).waitFor({ state: 'detached' });
    }
    await first.getByText('That device is signed out.').waitFor();
    await other.goto(`${base}/clinic`).catch(() => undefined);
    await other.waitForURL('**/login');
    await first.getByRole('button', { name: 'Sign out', exact: true }).click();
    await first.waitForURL('**/login');
    await first.goBack().catch(() => undefined);
    await first.waitForURL('**/login*');
    await other.context().close();
    await first.context().close();
  });

} catch (error) {
  broke(error);
} finally {
  await browser.close();
  await demo.close();
}
ended();
