// A visit that gets another time: at the front desk, by its doctor, and what stands in the way.
import { open, settled } from './browser.mjs';
import { dayKey, equal, none, tabTo, test } from './steps.mjs';

const kWords = {
  ar: { move: 'تغيير الموعد', done: 'تم تغيير الموعد.', offers: 'أوقات أخرى متاحة', changed: 'عدّل شخص آخر هذا الموعد', past: 'هذا الوقت مضى', begun: 'بدأت الاستشارة', over: 'انتهت هذه الاستشارة', hospital: 'يحدده نظام مواعيد المستشفى', denied: 'يغيّر الموعد موظف الاستقبال', linked: 'نظام آخر للمستشفى', today: 'مواعيد اليوم' },
  en: { move: 'Move the visit', done: 'The visit has a new time.', offers: 'Other times that are free', changed: 'Somebody else changed this visit', past: 'This time is in the past', begun: 'The visit has begun', over: 'This visit is over', hospital: 'The appointment system of the hospital', denied: 'The front desk or the doctor', linked: 'in another system of the hospital', today: "Today's appointments" },
};
const kLooks = [['ar', 360], ['en', 1280]];
const clock = (when) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Riyadh', hour: '2-digit', minute: '2-digit' }).format(new Date(when));

export async function moveTests({ base, api, browser, pages, states, people }) {
  const doctor = people.mover.id;
  const hour = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
  const inHours = (hours) => new Date(hour + hours * 3_600_000).toISOString();
  // Three hours of each of nine days, in slots of twenty minutes.
  const slots = [];
  for (let day = 0; day < 9; ++day)
    for (let part = 0; part < 9; ++part) slots.push({ startsAt: inHours(day * 24 + part / 3 + 1), endsAt: inHours(day * 24 + (part + 1) / 3 + 1) });
  await api('PUT', `/providers/${doctor}/availability`, { slots });
  const patient = (await api('POST', '/patients', { name: 'Noura Alqahtani', nameAr: 'نورة القحطاني', gender: 'female', birthDate: '1990-03-02', mrn: 'DEMO-1001-M' })).id;
  const visit = (at, more) => api('POST', '/sessions', { type: 'doctor_patient', bookingType: 'direct', provider: doctor, patient, scheduledStart: at, plannedMinutes: 20, organizer: { person: doctor, role: 'doctor' }, ...more });
  const startOf = async (id) => new Date((await api('GET', `/sessions/${id}`)).scheduledStart).toISOString();
  const window_ = (lang, width, who = 'desk') => open(browser, base, { lang, width, height: width < 600 ? 6000 : 1400, state: states[who] });
  const at = async (page, id) => {
    await page.goto(`${base}/clinic/sessions/${id}/move`);
    await settled(page);
  };
  const write = async (page, when) => {
    await page.locator('input[type=date]').fill(dayKey(when));
    await page.locator('input[type=time]').fill(clock(when));
  };
  const press = (page, lang) => page.getByRole('button', { name: kWords[lang].move }).click();

  await test('the desk moves a visit of the day to a free time, by the keyboard', async () => {
    for (const [lang, width] of kLooks) {
      const words = kWords[lang];
      const one = await visit(inHours(0));
      const page = await window_(lang, width);
      await page.goto(`${base}/clinic`);
      await settled(page);
      const begun = Date.now();
      await tabTo(page, `${words.move}: `, 90);
      await page.keyboard.press('Enter');
      await page.waitForURL(`**/clinic/sessions/${one.id}/move`);
      await settled(page);
      const chosen = page.locator('.doctors .slot').first();
      await chosen.waitFor();
      const text = (await chosen.textContent()).trim();
      await tabTo(page, text);
      await page.keyboard.press('Enter');
      await page.locator('.doctors .slot[aria-pressed=true]').waitFor();
      await pages.judge(page, `move, chosen ${lang}`, lang);
      await tabTo(page, words.move);
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText(words.done).waitFor();
      if (Date.now() - begun > 20_000) throw new Error(`${Date.now() - begun} ms`);
      const now = await startOf(one.id);
      equal([clock(now), now === inHours(0)], [text, false], 'the time afterwards');
      await pages.judge(page, `moved ${lang}`, lang);
      await page.getByRole('main').getByRole('link', { name: words.today }).click();
      await page.waitForURL('**/clinic');
      await page.context().close();
      await api('POST', `/sessions/${one.id}/cancel`, {});
    }
  });

  await test('a time that is taken is said, and other times are offered', async () => {
    for (const [lang, width] of kLooks) {
      const words = kWords[lang];
      const taken = await visit(inHours(25));
      const one = await visit(inHours(49));
      const page = await window_(lang, width);
      await at(page, one.id);
      await write(page, Date.now() - 3_600_000);
      await page.getByRole('alert').getByText(words.past).waitFor();
      equal(await page.getByRole('button', { name: words.move }).isDisabled(), true, 'a time in the past');
      await write(page, inHours(25));
      await press(page, lang);
      const offers = page.getByRole('group', { name: words.offers });
      await offers.waitFor();
      await pages.judge(page, `busy ${lang}`, lang);
      equal(await startOf(one.id), inHours(49), 'the time before');
      const offer = offers.locator('.slot').first();
      const text = await offer.textContent();
      await offer.click();
      await press(page, lang);
      await page.getByRole('alert').getByText(words.done).waitFor();
      if (!text.includes(clock(await startOf(one.id)))) throw new Error(`${text} was offered`);
      await page.context().close();
      for (const { id } of [taken, one]) await api('POST', `/sessions/${id}/cancel`, {});
    }
  });

  await test('a visit that somebody else changed meanwhile shows its new time, and the choice stays', async () => {
    for (const [lang, width] of kLooks) {
      const words = kWords[lang];
      const one = await visit(inHours(73));
      const page = await window_(lang, width);
      await at(page, one.id);
      await write(page, inHours(74));
      await page.evaluate(([id, to]) => fetch(`/api/v1/sessions/${id}`, { method: 'PATCH', headers: { 'If-Match': '*', 'Content-Type': 'application/merge-patch+json', 'Idempotency-Key': crypto.randomUUID() }, body: JSON.stringify({ scheduledStart: to }) }), [one.id, inHours(73 + 1 / 3)]);
      equal(await startOf(one.id), inHours(73 + 1 / 3), 'the time of somebody else');
      await press(page, lang);
      await page.getByRole('alert').getByText(words.changed).waitFor();
      await page.locator('section', { hasText: words.changed }).locator('bdi', { hasText: clock(inHours(73 + 1 / 3)) }).first().waitFor();
      equal(await startOf(one.id), inHours(73 + 1 / 3), 'before it is looked at');
      await pages.judge(page, `changed ${lang}`, lang);
      await press(page, lang);
      await page.getByRole('alert').getByText(words.done).waitFor();
      equal(await startOf(one.id), inHours(74), 'the time afterwards');
      await page.context().close();
      await api('POST', `/sessions/${one.id}/cancel`, {});
    }
  });

  await test('the doctor moves a visit from its page', async () => {
    const one = await visit(inHours(97));
    const page = await window_('ar', 360, 'mover');
    await page.goto(`${base}/clinic/sessions/${one.id}`);
    await settled(page);
    await page.getByRole('link', { name: kWords.ar.move }).click();
    await page.waitForURL('**/move');
    await settled(page);
    await write(page, inHours(98));
    await press(page, 'ar');
    await page.getByRole('alert').getByText(kWords.ar.done).waitFor();
    equal(await startOf(one.id), inHours(98), 'the time afterwards');
    await page.context().close();
    await api('POST', `/sessions/${one.id}/cancel`, {});
  });

  await test('a visit that does not move says why', async () => {
    const one = await visit(inHours(121), { participants: [{ person: people.nurse.id, role: 'nurse' }] });
    // Changes members of the visit in the hub's answer, if `more` is given.
    const look = async (who, more, wanted) => {
      for (const [lang, width] of kLooks) {
        const page = await window_(lang, width, who);
        if (more) {
          await page.route(`**/api/v1/sessions/${one.id}`, async (route) => {
            const answer = await route.fetch();
            await route.fulfill({ response: answer, json: { ...(await answer.json()), ...more } });
          });
        }
        await at(page, one.id);
        await page.getByText(kWords[lang][wanted]).waitFor();
        equal(await page.getByRole('button', { name: kWords[lang].move }).count(), wanted === 'linked' ? 1 : 0, `${wanted}: the button`);
        await pages.judge(page, `${wanted} ${lang}`, lang);
        await page.goto(`${base}/clinic/sessions/${one.id}`);
        await settled(page);
        equal(await page.locator('main a[href$="/move"]').count(), wanted === 'linked' ? 1 : 0, `${wanted}: the link`);
        if (wanted === 'hospital') await page.getByText(kWords[lang].hospital).waitFor();
        none(await pages.exposed(page), 'patient data outside of the page');
        await page.context().close();
      }
    };
    await look('nurse', undefined, 'denied');
    await look('desk', { status: 'active' }, 'begun');
    await look('desk', { appointment: { system: 'urn:his', value: 'A-1' }, consultation: '01J00000000000000000000000' }, 'hospital');
    await look('desk', { appointment: { system: 'urn:his', value: 'A-1' } }, 'linked');
    await api('POST', `/sessions/${one.id}/cancel`, {});
    await look('desk', undefined, 'over');
  });

  await test('the page of a move: both languages, themes and widths', async () => {
    const one = await visit(inHours(145));
    await pages.everywhere('desk', `/clinic/sessions/${one.id}/move`, (page) => page.locator('.doctors .slot').first().waitFor());
    await pages.everywhere('mover', `/clinic/sessions/${one.id}`, (page) => page.locator('main a[href$="/move"]').waitFor());
    await api('POST', `/sessions/${one.id}/cancel`, {});
  });
}
