// A doctor is away: at the front desk all visits of a day are given to another, moved or cancelled; and the list of a day on paper.
import { readFileSync } from 'node:fs';
import { open, settled } from './browser.mjs';
import { dayKey, equal, none, tabTo, test } from './steps.mjs';

const kWords = {
  ar: { open: 'الطبيب غائب', who: 'الطبيب الغائب', other: 'الطبيب البديل', give: 'إحالتها إلى طبيب آخر', move: 'نقلها', cancel: 'إلغاؤها', by: 'وقت أبكر', minutes: 'عدد الدقائق', look: 'عرض ما سيحدث', again: 'مراجعة اليوم من جديد', reason: 'السبب', doGive: 'إحالة', doMove: 'نقل', doCancel: 'إلغاء', busy: 'الطبيب غير متاح', left: 'يبقى كما هو', changed: 'عدّل شخص آخر', done: (done, left) => `تم: ${done}. بقي كما هو: ${left}.`, none: 'لا توجد مواعيد مفتوحة لهذا الطبيب', paper: 'سرّي', csv: 'تنزيل القائمة كجدول' },
  en: { open: 'The doctor is away', who: 'Doctor who is away', other: 'Doctor who takes them', give: 'Give them to another doctor', move: 'Move them', cancel: 'Cancel them', by: 'Earlier or later', minutes: 'Minutes', look: 'Show what happens', again: 'Look at the day again', reason: 'Reason', doGive: 'Give', doMove: 'Move', doCancel: 'Cancel', busy: 'The doctor has no time then', left: 'Stays as it is', changed: 'Somebody changed', done: (done, left) => `Done: ${done}. Left as they are: ${left}.`, none: 'The doctor has no open visits', paper: 'Confidential', csv: 'Download as a table (CSV)' },
};
const kLooks = [['ar', 360], ['en', 1280]];

export async function awayTests({ base, api, browser, pages, states }) {
  const absent = (await api('POST', '/providers', { name: 'Absent Doctor' })).id;
  const taker = (await api('POST', '/providers', { name: 'Taking Doctor' })).id;
  const patient = (await api('POST', '/patients', { name: 'Noura Alqahtani', nameAr: 'نورة القحطاني', gender: 'female', birthDate: '1990-03-02', mrn: 'DEMO-1001-A', phone: '+966500000001' })).id;
  const dayAfter = (days) => dayKey(Date.now() + days * 86_400_000);
  const at = (day, clock) => new Date(`${day}T${clock}:00+03:00`).toISOString();
  const visit = async (day, clock, provider = absent) => (await api('POST', '/sessions', { type: 'doctor_patient', bookingType: 'direct', provider, patient, scheduledStart: at(day, clock), plannedMinutes: 20, organizer: { person: provider, role: 'doctor' } })).id;
  const seen = (id) => api('GET', `/sessions/${id}`);
  const startOf = async (id) => new Date((await seen(id)).scheduledStart).toISOString();
  const page_ = async (lang, width, who = 'desk') => {
    const page = await open(browser, base, { lang, width, height: width < 600 ? 6000 : 1400, state: states[who] });
    await page.goto(`${base}/clinic/away`);
    await settled(page);
    await page.getByLabel(kWords[lang].who).waitFor();
    return page;
  };
  // Fills the form, and looks at what would happen.
  const ask = async (page, lang, day, act) => {
    const words = kWords[lang];
    await page.getByLabel(words.who).selectOption(absent);
    await page.locator('input[type=date]').first().fill(day);
    await page.getByRole('radio', { name: words[act] }).check();
    if (act === 'move') {
      await page.getByRole('radio', { name: words.by }).check();
      await page.getByRole('textbox', { name: words.minutes }).fill('20');
    }
    await page.getByRole('button', { name: words.look }).click();
  };
  // Numbers in a text stand in marks of isolation.
  const said = async (page, wanted) => {
    const alert = page.locator('main .notice[role=alert]');
    await alert.waitFor();
    equal((await alert.innerText()).replace(/[\u2066-\u2069]/g, '').trim(), wanted, 'what is said');
  };
  const outcome = (page, row) => page.locator('tbody tr').nth(row).innerText();

  await test('the desk gives the visits of a day to another doctor, by the keyboard', async () => {
    for (const [i, [lang, width]] of kLooks.entries()) {
      const words = kWords[lang];
      const day = dayAfter(20 + i);
      await api('PUT', `/providers/${taker}/availability`, { slots: [{ startsAt: at(day, '08:00'), endsAt: at(day, '16:00') }], keep: true });
      const [ten, eleven, taken] = [await visit(day, '10:00'), await visit(day, '11:00'), await visit(day, '11:10', taker)];
      const page = await open(browser, base, { lang, width, height: width < 600 ? 6000 : 1400, state: states.desk });
      await page.goto(`${base}/clinic`);
      await settled(page);
      await tabTo(page, words.open, 120);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/clinic/away');
      await settled(page);
      await page.getByLabel(words.who).waitFor();
      await tabTo(page, words.who);
      await page.keyboard.type('Absent');
      await page.locator('input[type=date]').first().fill(day);
      await tabTo(page, words.give);
      await page.keyboard.press('Space');
      await tabTo(page, words.other);
      await page.keyboard.type('Taking');
      await tabTo(page, words.look);
      await page.keyboard.press('Enter');
      await page.locator('tbody tr').nth(1).waitFor();
      equal([(await outcome(page, 0)).includes(words.left), (await outcome(page, 1)).includes(words.busy), (await outcome(page, 1)).includes('11:10–11:30')], [false, true, true], 'the preview');
      equal((await seen(ten)).provider, absent, 'before it is confirmed');
      await pages.judge(page, `away, preview ${lang}`, lang);
      equal(await page.getByRole('button', { name: words.doGive }).last().isDisabled(), true, 'without a reason');
      await tabTo(page, words.reason);
      await page.keyboard.type('The doctor is ill');
      await tabTo(page, words.doGive);
      await page.keyboard.press('Enter');
      await said(page, words.done(1, 0));
      await pages.judge(page, `away, given ${lang}`, lang);
      equal([(await seen(ten)).provider, (await seen(eleven)).provider], [taker, absent], 'the doctors afterwards');
      await page.getByRole('button', { name: words.again }).click();
      await page.locator('tbody tr').first().waitFor();
      equal(await page.locator('tbody tr').count(), 1, 'visits that are still there');
      none(await pages.exposed(page), 'patient data outside of the page');
      await page.context().close();
      for (const id of [ten, eleven, taken]) await api('POST', `/sessions/${id}/cancel`, {});
    }
  });

  await test('visits of a day are moved together, and one that somebody changed meanwhile is left', async () => {
    for (const [i, [lang, width]] of kLooks.entries()) {
      const words = kWords[lang];
      const day = dayAfter(24 + i);
      const all = [await visit(day, '10:00'), await visit(day, '10:20'), await visit(day, '12:00')];
      // An administrator does it, too.
      const page = await page_(lang, width, 'admin');
      await ask(page, lang, day, 'move');
      await page.locator('tbody tr').nth(2).waitFor();
      equal([(await outcome(page, 0)).includes(words.left), (await outcome(page, 0)).includes('10:20')], [false, true], 'the preview');
      await pages.judge(page, `away, moves ${lang}`, lang);
      await page.evaluate(([id, to]) => fetch(`/api/v1/sessions/${id}`, { method: 'PATCH', headers: { 'If-Match': '*', 'Content-Type': 'application/merge-patch+json', 'Idempotency-Key': crypto.randomUUID() }, body: JSON.stringify({ scheduledStart: to }) }), [all[2], at(day, '13:00')]);
      equal(await startOf(all[2]), at(day, '13:00'), 'the time of somebody else');
      await page.getByLabel(words.reason).fill('ill');
      await page.getByRole('button', { name: words.doMove }).last().click();
      await said(page, words.done(2, 1));
      await page.getByText(words.changed).waitFor();
      await pages.judge(page, `away, moved ${lang}`, lang);
      equal([await startOf(all[0]), await startOf(all[1]), await startOf(all[2])], [at(day, '10:20'), at(day, '10:40'), at(day, '13:00')], 'the times afterwards');
      await page.context().close();
      for (const id of all) await api('POST', `/sessions/${id}/cancel`, {});
    }
  });

  await test('visits of a day are cancelled for a reason, and a day without visits says so', async () => {
    for (const [i, [lang, width]] of kLooks.entries()) {
      const words = kWords[lang];
      const day = dayAfter(28 + i);
      const one = await visit(day, '10:00');
      const page = await page_(lang, width);
      await ask(page, lang, day, 'cancel');
      await page.locator('tbody tr').first().waitFor();
      await page.getByLabel(words.reason).fill('ill');
      await page.getByRole('button', { name: words.doCancel }).last().click();
      await said(page, words.done(1, 0));
      equal((await seen(one)).status, 'cancelled', 'the visit afterwards');
      await page.getByRole('button', { name: words.again }).click();
      await page.getByText(words.none).waitFor();
      await pages.judge(page, `away, nothing ${lang}`, lang);
      await page.context().close();
    }
  });

  await test('the list of a day has telephones, and its reading is in the log', async () => {
    const day = dayAfter(32);
    const one = await visit(day, '10:00');
    for (const [lang, width] of kLooks) {
      const page = await open(browser, base, { lang, width, height: width < 600 ? 6000 : 1400, state: states.desk });
      await page.goto(`${base}/clinic/days/${day}/print`);
      await settled(page);
      await page.locator('tbody tr').first().waitFor();
      const text = await page.locator('main').innerText();
      for (const wanted of ['10:00', 'Noura Alqahtani', '966500000001', 'Absent Doctor', kWords[lang].paper])
        if (!text.includes(wanted)) throw new Error(`${lang}: the paper has no ${wanted}`);
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: kWords[lang].csv }).click()]);
      equal(file.suggestedFilename(), `visits-${day}.csv`, 'the name of the table');
      const table = readFileSync(await file.path(), 'utf8');
      for (const wanted of ['\uFEFF"', '"10:00"', '966500000001"'])
        if (!table.includes(wanted)) throw new Error(`${lang}: the table has no ${wanted}`);
      await page.context().close();
    }
    const { items } = await api('GET', '/audit/entries?act=session.read&limit=50');
    equal(items.some((entry) => entry.object === `session:${one}` && entry.detail?.what === 'day_list'), true, 'the reading in the log');
    await pages.everywhere('desk', `/clinic/days/${day}/print`, (page) => page.locator('tbody tr').first().waitFor());
    await api('POST', `/sessions/${one}/cancel`, {});
  });

  await test('the page of a doctor who is away: both languages, themes and widths', async () => {
    await pages.everywhere('desk', '/clinic/away', (page) => page.locator('select').first().waitFor());
  });
}
