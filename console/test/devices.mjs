// The link of a visit on a second device: a code to the telephone of the record, or the birth date.
import { setTimeout as pause } from 'node:timers/promises';
import { open, settled } from './browser.mjs';
import { equal, tabTo, test } from './steps.mjs';

const kText = {
  ar: { go: 'متابعة إلى الاستشارة', asks: 'التحقق من هويتك', send: 'إرسال رمز إلى جوالي', code: 'الرمز الوارد في الرسالة', birth: 'تاريخ ميلاد المريض' },
  en: { go: 'Continue to the visit', asks: 'Is it you?', send: 'Send me a code', code: 'Code from the message', birth: 'Date of birth of the patient' },
};
const arabicDigits = (text) => text.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)));

export async function deviceTests({ base, api, browser, pages, sms, doctor }) {
  let day = 1;
  // A visit, and the link of its patient.
  const linked = async (profile) => {
    const patient = await api('POST', '/patients', { name: 'Noura Alqahtani', ...profile });
    const session = await api('POST', '/sessions', { type: 'doctor_patient', bookingType: 'direct', provider: doctor, patient: patient.id, scheduledStart: new Date(Date.now() + day++ * 86_400_000).toISOString(), plannedMinutes: 20, organizer: { person: doctor, role: 'doctor' } });
    const { code } = await api('POST', `/sessions/${session.id}/invitations`, { participant: session.participants.find((one) => one.role === 'patient').id });
    return { code, session: session.id };
  };
  const come = async (code, lang, width = 360) => {
    const page = await open(browser, base, { lang, width, height: 4000 });
    await page.goto(`${base}/i#${code}`);
    await settled(page);
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: kText[lang].go }).click();
    return page;
  };
  // The device that has the visit, and one that wants it.
  const second = async (code, lang) => {
    const first = await come(code, lang);
    await first.waitForURL('**/call/**');
    const page = await come(code, lang);
    await page.getByRole('heading', { level: 2, name: kText[lang].asks }).waitFor();
    return { first, page };
  };
  const close = (...all) => Promise.all(all.map((page) => page.context().close()));
  const message = async (from) => {
    for (let waited = 0; waited < 15_000; waited += 100) {
      if (sms.sent.length > from) return sms.sent[from];
      await pause(100);
    }
    throw new Error('no message was sent');
  };

  await test('a second device opens the visit by the code to the telephone of the record, by the keyboard alone', async () => {
    for (const lang of ['ar', 'en']) {
      const { code, session } = await linked({ phone: '+966500000001' });
      const { first, page } = await second(code, lang);
      await pages.judge(page, `second device ${lang}`, lang);
      const before = sms.sent.length;
      await tabTo(page, kText[lang].send);
      await page.keyboard.press('Enter');
      const { to, text } = await message(before);
      equal(to, '966500000001', 'the telephone');
      const digits = /(?<!\d)\d{6}(?!\d)/.exec(text)[0];
      await page.getByLabel(kText[lang].code).waitFor();
      await pages.judge(page, `code was sent ${lang}`, lang);
      await tabTo(page, kText[lang].code);
      await page.keyboard.type(lang === 'ar' ? arabicDigits(digits) : digits);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${base}/call/${session}`);
      // The visit left the first device.
      await first.goto(`${base}/call/${session}`);
      await first.getByRole('alert').or(first.getByText(lang === 'ar' ? /الرابط/ : /link/i)).first().waitFor();
      await close(first, page);
    }
  });

  await test('five wrong codes lock the link, and each is said', async () => {
    for (const [lang, wrong, locked] of [['ar', 'ما أدخلته غير صحيح', 'محاولات خاطئة كثيرة'], ['en', 'This is not right', 'Too many wrong tries']]) {
      const { code } = await linked({ phone: '+966500000001' });
      const { first, page } = await second(code, lang);
      const before = sms.sent.length;
      await page.getByRole('button', { name: kText[lang].send }).click();
      const digits = /(?<!\d)\d{6}(?!\d)/.exec((await message(before)).text)[0];
      const other = String((Number(digits) + 1) % 1_000_000).padStart(6, '0');
      const enter = async (typed) => {
        for (;;) {
          const answer = page.waitForResponse('**/invitations/accept');
          await page.getByLabel(kText[lang].code).fill(typed);
          await page.getByRole('button', { name: kText[lang].go }).first().click();
          const { status, wait } = await answer.then(async (got) => ({ status: got.status(), wait: await got.headerValue('retry-after') }));
          if (status !== 429) return;
          // A link takes a few tries at once, and says when it takes the next one.
          await page.waitForTimeout(Number(wait) * 1000);
        }
      };
      for (let tried = 1; tried <= 5; ++tried) {
        await enter(other);
        if (tried === 1) {
          await page.getByRole('alert').getByText(wrong).waitFor();
          await pages.judge(page, `wrong code ${lang}`, lang);
        }
      }
      await enter(digits);
      await page.getByRole('alert').getByText(locked).waitFor();
      equal(await page.getByLabel(kText[lang].code).count(), 0, 'ways into a locked link');
      await pages.judge(page, `locked ${lang}`, lang);
      await close(first, page);
    }
  });

  await test('a record without a telephone is said, and the birth date opens the visit', async () => {
    for (const [lang, none] of [['ar', 'لا يوجد رقم جوال'], ['en', 'has no mobile number']]) {
      const { code, session } = await linked({ birthDate: '1990-03-02' });
      const { first, page } = await second(code, lang);
      await page.getByRole('button', { name: kText[lang].send }).click();
      await page.getByRole('alert').getByText(none).waitFor();
      await pages.judge(page, `no telephone ${lang}`, lang);
      await page.getByLabel(kText[lang].birth).fill('1990-03-03');
      await page.getByRole('button', { name: kText[lang].go }).last().click();
      await page.getByRole('alert').getByText(lang === 'ar' ? 'غير صحيح' : 'is not right').waitFor();
      await page.getByLabel(kText[lang].birth).fill('1990-03-02');
      await page.getByRole('button', { name: kText[lang].go }).last().click();
      await page.waitForURL(`${base}/call/${session}`);
      await close(first, page);
    }
  });
}
