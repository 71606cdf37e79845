// The pictures of the documents: of which page, as whom, in which look. `page`: the address as docs/clinic.md names it. `path`: where it
// is, from what stands in the hub. 1280 x 860 where nothing else is said.
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
  { name: 'booking', page: '/clinic/book', who: 'patient', lang: 'en' },
  { name: 'booking-phone', page: '/clinic/book', who: 'patient', lang: 'ar', ...kPhone },
  { name: 'availability', page: '/clinic/availability', who: 'doctor', lang: 'ar' },
  { name: 'record', page: '/clinic/patients/<id>', who: 'doctor', lang: 'ar', path: ({ id }) => `/clinic/patients/${id('patient')}` },
  { name: 'own-record', page: '/clinic/record', who: 'patient', lang: 'ar', ...kPhone },
  { name: 'readings', page: '/clinic/record', who: 'patient', lang: 'ar', path: () => '/clinic/record?tab=readings', ...kPhone },
  { name: 'prescription', page: '/clinic/prescriptions/<id>/print', who: 'doctor', lang: 'ar', path: ({ prescription }) => `/clinic/prescriptions/${prescription.id}/print` },
  { name: 'account', page: '/account', who: 'patient', lang: 'en', theme: 'dark', ...kPhone },
  { name: 'invitation', page: '/i#<code>', lang: 'ar', path: ({ code }) => `/i#${code}`, ...kPhone },
];

// States of the call that tests/call/states_test.mjs draws: tests by name, and name of the picture by that of the state.
export const kCallTests = 'a patient, from the notice to the rating: ar, light, 360|a doctor.*: en, light, 1280';
export const kCallShots = {
  'call-check': 'check-ar-light-360', 'call-waiting': 'waiting-ar-light-360', 'call-patient': 'call-patient-ar-light-360', 'call-doctor': 'call-doctor-en-light-1280',
};
