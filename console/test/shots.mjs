// The pictures of the documents: of which page, as whom, in which look. `page`: the address as docs/clinic.md names it. `path`: where it
// is, from what stands in the hub. `act`: what is done on the page before the picture. 1280 x 860 where nothing else is said.
const kPhone = { width: 390, height: 844 };
export const kShots = [
  { name: 'login', page: '/login', lang: 'en' },
  { name: 'activate', page: '/activate', lang: 'ar', ...kPhone },
  { name: 'bootstrap', page: '/bootstrap', lang: 'en', ...kPhone },
  { name: 'doctor', page: '/clinic', who: 'doctor', lang: 'ar' },
  { name: 'doctor-en', page: '/clinic', who: 'doctor', lang: 'en' },
  { name: 'nurse', page: '/clinic', who: 'nurse', lang: 'ar' },
  { name: 'patient', page: '/clinic', who: 'patient', lang: 'ar', ...kPhone },
  { name: 'patient-desk', page: '/clinic', who: 'patient', lang: 'en' },
  { name: 'desk', page: '/clinic', who: 'desk', lang: 'ar' },
  { name: 'admin', page: '/clinic', who: 'admin', lang: 'en', theme: 'dark' },
  { name: 'sessions', page: '/clinic/sessions', who: 'doctor', lang: 'ar' },
  { name: 'visit', page: '/clinic/sessions/<id>', who: 'doctor', lang: 'en', path: ({ past }) => `/clinic/sessions/${past.id}?tab=notes` },
  { name: 'summary', page: '/clinic/sessions/<id>/print', who: 'doctor', lang: 'en', path: ({ past }) => `/clinic/sessions/${past.id}/print` },
  { name: 'move', page: '/clinic/sessions/<id>/move', who: 'desk', lang: 'ar', path: ({ late }) => `/clinic/sessions/${late.id}/move` },
  { name: 'booking', page: '/clinic/book', who: 'patient', lang: 'en' },
  { name: 'booking-phone', page: '/clinic/book', who: 'patient', lang: 'ar', ...kPhone },
  { name: 'availability', page: '/clinic/availability', who: 'doctor', lang: 'ar' },
  { name: 'record', page: '/clinic/patients/<id>', who: 'doctor', lang: 'ar', path: ({ id }) => `/clinic/patients/${id('patient')}` },
  { name: 'own-record', page: '/clinic/record', who: 'patient', lang: 'ar', ...kPhone },
  { name: 'readings', page: '/clinic/record', who: 'patient', lang: 'ar', path: () => '/clinic/record?tab=readings', ...kPhone },
  { name: 'prescription', page: '/clinic/prescriptions/<id>/print', who: 'doctor', lang: 'ar', path: ({ prescription }) => `/clinic/prescriptions/${prescription.id}/print` },
  { name: 'day', page: '/clinic/days/<day>/print', who: 'desk', lang: 'ar', path: ({ today }) => `/clinic/days/${today}/print` },
  {
    name: 'away', page: '/clinic/away', who: 'desk', lang: 'en', height: 1340,
    act: async (page, { id }) => {
      await page.getByLabel('Doctor who is away').selectOption(id('doctor'));
      await page.getByRole('radio', { name: 'Give them to another doctor' }).check();
      await page.getByLabel('Doctor who takes them').selectOption(id('doctor2'));
      await page.getByRole('button', { name: 'Show what happens' }).click();
      await page.locator('tbody tr').first().waitFor();
      await page.evaluate(() => scrollTo(0, 0));
    },
  },
  { name: 'merge', page: '/clinic/merge', who: 'desk', lang: 'ar', path: ({ id, twin }) => `/clinic/merge?a=${id('patient')}&b=${twin.id}` },
  { name: 'account', page: '/account', who: 'patient', lang: 'en', theme: 'dark', ...kPhone },
  { name: 'invitation', page: '/i#<code>', lang: 'ar', path: ({ code }) => `/i#${code}`, ...kPhone },
];

// States of the call that tests/call/states_test.mjs draws: tests by name, and name of the picture by that of the state.
export const kCallTests = 'a patient, from the notice to the rating: ar, light, 360|a doctor.*: en, light, 1280';
export const kCallShots = {
  'call-check': 'check-ar-light-360', 'call-waiting': 'waiting-ar-light-360', 'call-patient': 'call-patient-ar-light-360', 'call-doctor': 'call-doctor-en-light-1280',
};
