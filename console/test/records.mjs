// Records of patients at the front desk: two of one patient, the telephone, the guardians of a child.
import { open, settled } from './browser.mjs';
import { equal, none, tabTo, test, totp } from './steps.mjs';

const kWords = {
  ar: { open: 'مقارنة ملفين', number: 'الرقم', find: 'بحث', differs: 'مختلف', second: 'الملف الثاني', reason: 'كيف عرفت أنهما لمريض واحد؟', join: 'ضم الملفين', again: 'إعادة المحاولة', joined: 'ضُمّ الملفان', holds: 'يعرض هذا الملف مواعيد ملف ثانٍ أيضًا', undo: 'فصل الملفين', why: 'لماذا هما مريضان مختلفان؟', undone: 'فُصل الملفان.' },
  en: { open: 'Compare two records', number: 'Number', find: 'Find', differs: 'Differs', second: 'Second record', reason: 'How do you know that it is one patient?', join: 'Join the records', again: 'Try again', joined: 'The records are joined', holds: 'also shows the visits of a second record', undo: 'Separate the records', why: 'Why are they two patients?', undone: 'The records are separate again.' },
};

export async function recordTests({ base, api, browser, pages, states, people, doctor }) {
  let made = 0;
  // A patient with one visit.
  const patient = async (profile) => {
    const mrn = `DEMO-1001-${++made}`;
    const one = await api('POST', '/patients', { name: 'Noura Alqahtani', nameAr: 'نورة القحطاني', gender: 'female', birthDate: '1990-03-02', mrn, ...profile });
    const session = await api('POST', '/sessions', { type: 'doctor_patient', bookingType: 'direct', provider: doctor, patient: one.id, scheduledStart: new Date(Date.now() + (made + 40) * 86_400_000).toISOString(), plannedMinutes: 20, organizer: { person: doctor, role: 'doctor' } });
    return { id: one.id, mrn, session: session.id };
  };
  const read = async (id) => {
    const answer = await fetch(`${base}/api/v1/patients/${id}`, { headers: { Authorization: `Bearer ${await token('admin')}`, 'X-Rabt-Reason': 'a test' } });
    return answer.json();
  };
  // Sessions of people with two factors, which were shown just now. A code counts once.
  const tokens = {};
  async function token(who) {
    const { username, password, totp: secret } = people[who];
    return (tokens[who] ??= (await api('POST', '/auth/login', { username, password, otp: totp(secret, -1) }, '')).accessToken);
  }
  const find = async (page, lang, side, mrn) => {
    const card = page.locator('.cols-even > section').nth(side);
    await card.getByLabel(kWords[lang].number).fill(mrn);
    await card.getByRole('button', { name: kWords[lang].find }).click();
    await card.getByText(mrn).waitFor();
  };

  // An administrator confirms that the record is merged.
  const confirm = async (merged) => {
    const bearer = await token('admin');
    const { items } = await api('GET', '/approvals', undefined, bearer);
    await api('POST', `/approvals/${items.find((one) => one.act === 'patient.merge' && one.wish.patient === merged.id).id}/confirm`, {}, bearer);
  };

  await test('the desk compares two records, joins them with a reason, and separates them', async () => {
    for (const lang of ['ar', 'en']) {
      const words = kWords[lang];
      const [a, b] = [await patient(), await patient()];
      const page = await open(browser, base, { lang, state: states.desk, width: 360, height: 6000 });
      await page.goto(`${base}/clinic`);
      await settled(page);
      await page.getByRole('link', { name: words.open }).click();
      await page.waitForURL('**/clinic/merge');
      await settled(page);
      await pages.judge(page, `merge, nobody chosen ${lang}`, lang);
      await find(page, lang, 0, a.mrn);
      await find(page, lang, 1, b.mrn);
      equal(await page.locator(`a[href="/clinic/sessions/${a.session}"], a[href="/clinic/sessions/${b.session}"]`).count(), 2, 'visits of both');
      equal(await page.getByText(words.differs, { exact: true }).count(), 0, 'what differs');
      await pages.judge(page, `merge, both chosen ${lang}`, lang);
      // By the keyboard, and incomplete at first.
      await tabTo(page, words.reason);
      await page.keyboard.type('هوية وإقامة لشخص واحد');
      await tabTo(page, words.join);
      await page.keyboard.press('Enter');
      await page.locator('p.error').waitFor();
      await page.getByRole('radio', { name: new RegExp(words.second) }).focus();
      await page.keyboard.press('Space');
      await tabTo(page, words.join);
      await page.keyboard.press('Enter');
      const again = page.getByRole('alert').getByRole('button', { name: words.again });
      await again.waitFor();
      await confirm(a);
      await again.click();
      await page.getByRole('alert').getByText(words.joined).waitFor();
      equal((await read(a.id)).id, b.id, 'the record that stays');
      await page.getByText(words.holds).first().waitFor();
      await pages.judge(page, `merge, joined ${lang}`, lang);
      // The record itself says so, too, and there it is taken back.
      await page.goto(`${base}/clinic/patients/${a.id}`);
      await page.getByRole('textbox').fill('مراجعة الملفين');
      await page.getByRole('textbox').press('Tab');
      await page.keyboard.press('Enter');
      await page.getByText(words.holds).waitFor();
      await pages.judge(page, `record that is joined ${lang}`, lang);
      await page.getByRole('button', { name: words.undo }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(words.why).fill('توأم');
      await dialog.getByRole('button', { name: words.undo }).click();
      await page.getByText(words.undone).waitFor();
      equal((await read(a.id)).id, a.id, 'the record after that');
      await page.context().close();
    }
  });

  await test('a second person confirms first, and the page says what differs and where that stands', async () => {
    const [a, b] = [await patient(), await patient({ birthDate: '1990-02-03' })];
    const page = await open(browser, base, { lang: 'en', state: states.desk });
    await page.goto(`${base}/clinic/merge?a=${a.id}&b=${b.id}`);
    await settled(page);
    equal(await page.getByText('Differs', { exact: true }).count(), 2, 'what differs');
    await page.getByText('a second person has to confirm').waitFor();
    await page.getByRole('radio', { name: /First record/ }).check();
    await page.getByLabel(kWords.en.reason).fill('A wrong month on the old form');
    await page.getByRole('button', { name: 'Join the records' }).click();
    const asked = page.getByRole('alert').filter({ hasText: 'A second person has to confirm' });
    await asked.waitFor();
    await pages.judge(page, 'merge, asked en', 'en');
    const again = asked.getByRole('button', { name: 'Try again' });
    const refused = page.waitForResponse('**/merge');
    await again.click();
    equal((await refused).status(), 403, 'before it is confirmed');
    equal((await read(b.id)).id, b.id, 'the record before it is confirmed');
    await confirm(b);
    await again.click();
    await page.getByRole('alert').getByText('The records are joined').waitFor();
    equal((await read(b.id)).id, a.id, 'the record that stays');
    await page.context().close();
  });

  await test('records that may be one patient stand side by side; the desk joins them, or says that they are two people', async () => {
    const words = {
      ar: { show: 'عرض الملفات', differs: 'مختلف', shares: 'الجوال وتاريخ الميلاد', two: 'شخصان مختلفان', done: 'لن يظهر هذان الملفان', one: 'مريض واحد: ضم الملفين', join: 'ضم الملفين', back: 'العودة إلى القائمة', never: 'لا توجد' },
      en: { show: 'Show the records', differs: 'Differs', shares: 'Mobile and date of birth', two: 'Two people', done: 'are not shown here again', one: 'One patient: join', join: 'Join the records', back: 'Back to the list', never: 'None yet' },
    };
    for (const [lang, phone] of [['ar', '+966500000011'], ['en', '+966500000012']]) {
      const say = words[lang];
      // Twins, and nobody else of the hub.
      const born = { birthDate: `2011-05-0${phone.at(-1)}`, phone };
      const [older, newer] = [await patient({ name: 'Huda Test', nameAr: 'هدى تجربة', ...born }), await patient({ name: 'Nada Test', nameAr: 'ندى تجربة', ...born, phone: phone.replace('+966', '0') })];
      const page = await open(browser, base, { lang, state: states.desk, width: 360, height: 6000 });
      const asked = [];
      page.on('request', (one) => one.url().includes('/patient-pairs') && asked.push(one.url()));
      await page.goto(`${base}/clinic`);
      await settled(page);
      await page.getByRole('link', { name: kWords[lang].open }).click();
      await page.waitForURL('**/clinic/merge');
      await settled(page);
      equal(asked, [], 'what is read before it is asked for');
      await page.getByRole('button', { name: say.show }).click();
      const pair = page.getByRole('article').filter({ hasText: newer.mrn });
      await pair.getByText(older.mrn).waitFor();
      equal(await pair.getByText(say.shares, { exact: true }).count(), 1, 'what both have');
      // Name and file number; one telephone in two ways of writing is one.
      equal(await pair.getByRole('row').filter({ hasText: say.differs }).count(), 2, 'what differs');
      equal(await pair.getByText(say.never, { exact: true }).count(), 2, 'last visits');
      await pages.judge(page, `pairs ${lang}`, lang);
      // Compared as any two records are, and back.
      await pair.getByRole('button', { name: say.one }).click();
      await page.getByRole('button', { name: say.join, exact: true }).waitFor();
      equal(new URL(page.url()).searchParams.get('b'), newer.id, 'the second record');
      await page.getByRole('button', { name: say.back }).click();
      await pair.getByText(older.mrn).waitFor();
      await pair.getByRole('button', { name: say.two }).click();
      await page.getByRole('dialog').getByRole('button', { name: say.two }).click();
      await page.getByRole('alert').getByText(say.done).waitFor();
      equal(await pair.count(), 0, 'the pair after that');
      const listed = page.waitForResponse('**/patient-pairs**');
      await page.reload();
      equal((await listed).status(), 200, 'the list');
      await settled(page);
      equal(await pair.count(), 0, 'the pair when the list is read again');
      await page.context().close();
    }
  });

  await test('the task of a child without a guardian leads the desk to the place where he is entered', async () => {
    for (const lang of ['ar', 'en']) {
      const child = await patient({ name: 'Salem Test', birthDate: `${new Date().getFullYear() - 8}-01-15` });
      const session = await api('GET', `/sessions/${child.session}`);
      // Somebody opens the link twice: the code of the second device goes to no guardian.
      const { code } = await api('POST', `/sessions/${child.session}/invitations`, { participant: session.participants.find((one) => one.role === 'patient').id });
      const tell = (path, cookie) => fetch(`${base}/api/v1/invitations/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin', Origin: base, ...cookie }, body: JSON.stringify({ code }) });
      equal([(await tell('accept')).status, (await tell('accept')).status, (await tell('code')).status], [200, 409, 409], 'the link on two devices');
      const page = await open(browser, base, { lang, state: states.desk });
      const task = (await api('GET', '/tasks?role=desk')).items.find((one) => one.object.id === child.session);
      await page.goto(`${base}/console/tasks/${task.id}`);
      await settled(page);
      await pages.judge(page, `task ${lang}`, lang);
      await page.getByRole('button', { name: lang === 'ar' ? 'إدخال الجوال أو ولي الأمر' : 'Enter mobile or guardian' }).click();
      await page.waitForURL(`**/clinic/patients/${child.id}?tab=contact`);
      await page.getByRole('button', { name: lang === 'ar' ? 'فتح الملف' : 'Open the record' }).click();
      await page.getByText(lang === 'ar' ? 'لا يوجد ولي أمر في الملف.' : 'The record names no guardian.').waitFor();
      await page.getByRole('button', { name: lang === 'ar' ? 'تعديل' : 'Change', exact: true }).click();
      await page.getByRole('button', { name: lang === 'ar' ? 'إضافة ولي أمر' : 'Add a guardian' }).click();
      const save = page.getByRole('button', { name: lang === 'ar' ? 'حفظ' : 'Save', exact: true });
      await save.click();
      await page.getByText(lang === 'ar' ? 'أدخل اسم ولي الأمر.' : 'Enter the name of the guardian.').waitFor();
      await page.getByRole('group').getByRole('textbox').first().fill('Mona Test');
      await page.getByRole('group').getByRole('textbox').nth(1).fill(lang === 'ar' ? '٠٥٥٩٨٧٦٥٤٣' : '0559876543');
      await page.getByRole('group').getByRole('combobox').selectOption('mother');
      await save.click();
      await page.getByText(lang === 'ar' ? 'حُفظت التغييرات.' : 'Saved.').waitFor();
      equal((await read(child.id)).guardians.map(({ name, relation }) => [name, relation]), [['Mona Test', 'mother']], 'guardians');
      none(await pages.exposed(page), 'patient data outside of the page');
      await page.context().close();
    }
  });

  await test('the place of telephone and guardians: both languages, themes and widths', async () => {
    const child = await patient({ name: 'Salem Test', birthDate: `${new Date().getFullYear() - 8}-01-15`, phone: '+966500000001', guardians: [{ name: 'Mona Test', phone: '0559876543', relation: 'mother' }, { name: 'Ali Test', phone: '0559876544', relation: 'father' }] });
    const there = async (page) => {
      await page.locator('main form button[type=submit]').click();
      await page.getByText('Mona Test').waitFor();
    };
    await pages.everywhere('desk', `/clinic/patients/${child.id}?tab=contact`, there);
    await pages.everywhere('desk', `/clinic/patients/${child.id}?tab=contact`, async (page) => {
      await there(page);
      await page.locator('.card-head button').click();
      await page.locator('fieldset').nth(1).waitFor();
    });
  });

  await test('the desk changes telephone and guardians of a record, and nothing else of it', async () => {
    const one = await patient();
    const page = await open(browser, base, { lang: 'en', state: states.desk });
    await page.goto(`${base}/clinic`);
    await settled(page);
    const change = (body) => page.evaluate(async ([id, wanted]) => {
      const headers = { 'X-Rabt-Reason': 'a test' };
      const etag = (await fetch(`/api/v1/patients/${id}`, { headers })).headers.get('ETag');
      const answer = await fetch(`/api/v1/patients/${id}`, { method: 'PATCH', headers: { ...headers, 'If-Match': etag, 'Content-Type': 'application/merge-patch+json', 'Idempotency-Key': crypto.randomUUID() }, body: JSON.stringify(wanted) });
      return [answer.status, (await answer.json()).code];
    }, [one.id, body]);
    equal(await change({ phone: '+966500000002' }), [200, null], 'the telephone');
    for (const more of [{ name: 'Somebody Else' }, { phone: '+966500000003', birthDate: '1990-01-01' }, { mrn: 'X-1' }]) equal(await change(more), [403, 'authorisation.denied'], JSON.stringify(more));
    await page.context().close();
  });
}
