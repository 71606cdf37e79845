// Tests of what a patient asks about his own record: he writes on a phone, the desk answers with its task, he reads the answer.
import { axe, open, settled } from './browser.mjs';
import { equal, none, signIn, test } from './steps.mjs';

export async function requestTests({ browser, base, states, people, pages, api }) {
  const away = '/clinic/record?tab=requests';
  const window = async (who, path, more = {}) => {
    const page = await open(browser, base, { lang: 'en', state: states[who], ...more });
    await page.goto(`${base}${path}`);
    await settled(page);
    return page;
  };
  await test('a patient asks for a correction, the desk answers, and the patient reads the answer', async () => {
    const page = await window('patient', away, { lang: 'ar', width: 360, height: 3000 });
    await page.getByText('لم تقدّم أي طلب بعد.').waitFor();
    await page.getByRole('button', { name: 'إرسال', exact: true }).click();
    await page.getByText('اختر نوع الطلب أولًا.').waitFor();
    await page.getByText('تصحيح معلومة', { exact: true }).click();
    await page.getByRole('button', { name: 'إرسال', exact: true }).click();
    await page.getByText('اكتب طلبك أولًا.').waitFor();
    await pages.judge(page, 'a request with mistakes', 'ar');
    await page.getByLabel('ما الخطأ؟ وما الصواب؟').fill('مكتوب أن لدى Noura حساسية من البنسلين، وهذا <b>غير</b> صحيح.');
    await page.getByRole('button', { name: 'إرسال', exact: true }).click();
    await page.getByText('وصلنا طلبك').waitFor();
    await page.getByText('تم الاستلام').waitFor();
    await page.getByText('<b>غير</b> صحيح').waitFor();
    await pages.judge(page, 'a request that is sent', 'ar');
    none(await pages.exposed(page), 'patient data outside of the page');

    const desk = await window('desk', '/console/tasks', { height: 2000 });
    equal(await desk.getByText('Noura').count(), 0, 'words in the list');
    await desk.getByRole('link', { name: /A patient asks to correct the record/ }).click();
    await desk.getByText('حساسية من البنسلين').waitFor();
    await desk.getByRole('button', { name: 'Take it' }).click();
    await desk.getByText('Corrected', { exact: true }).click();
    await desk.getByLabel('Answer, as the patient reads it').fill('صحّحنا ملفك:\nلا توجد حساسية من البنسلين.');
    await desk.getByLabel('Reason (kept in the audit log)').fill('asked the doctor');
    none(await axe(desk), 'axe of the task');
    await desk.getByRole('button', { name: 'Decide…' }).click();
    await desk.getByRole('dialog').getByRole('button', { name: 'Decide', exact: true }).click();
    await desk.locator('.state-ok', { hasText: 'Decided' }).waitFor();
    none(await pages.exposed(desk), 'patient data outside of the page');
    await desk.context().close();

    await page.reload();
    await settled(page);
    await page.getByText('لا توجد حساسية من البنسلين.').waitFor();
    await page.getByText('تم التصحيح').waitFor();
    await page.getByText('تم الرد').waitFor();
    await pages.judge(page, 'a request with its answer', 'ar');
    await page.context().close();

    const other = await open(browser, base, { lang: 'en' });
    await signIn(other, base, people.patient2, '**/clinic');
    await other.goto(`${base}${away}`);
    await settled(other);
    await other.getByText('You have not asked for anything yet.').waitFor();
    equal(await other.getByText('البنسلين').count(), 0, 'a request of somebody else');
    await other.context().close();
  });
  await test('what a patient wrote stays when the hub does not answer, and is sent once', async () => {
    const before = (await api('patient', 'GET', '/me/requests')).items.length;
    const page = await window('patient', away);
    let fails = 2;
    await page.route('**/api/v1/me/requests', async (route) => {
      if (route.request().method() !== 'POST' || fails-- <= 0) return route.continue();
      // The first one reaches the hub, and its answer is lost.
      if (fails === 1) await route.fetch();
      return route.abort();
    });
    await page.getByText('A complaint', { exact: true }).click();
    await page.getByLabel('What happened?').fill('I waited for an hour.');
    for (let tries = 0; tries < 2; ++tries) {
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.getByRole('alert').waitFor();
      equal(await page.getByLabel('What happened?').inputValue(), 'I waited for an hour.', 'what was written');
    }
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('We have received your request').waitFor();
    equal((await api('patient', 'GET', '/me/requests')).items.length, before + 1, 'requests');
    await page.context().close();
  });
}
