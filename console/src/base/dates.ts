// Dates in both calendars, in the clinic's time zone. Formatted texts are for people alone: they hold marks that no program compares.
import { lang } from './prefs';
import { ltr, t } from './i18n';

export const kZone = 'Asia/Riyadh';
const kDay = 86_400_000;
const at = (when: string | number | Date) => (when instanceof Date ? when : new Date(when));
const kept = new Map<string, Intl.DateTimeFormat>();

function format(calendar: 'gregory' | 'islamic-umalqura', options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = (lang.value === 'ar' ? 'ar-SA' : 'en-GB') + `-u-ca-${calendar}-nu-latn`;
  const key = name + JSON.stringify(options);
  let formatter = kept.get(key);
  if (!formatter) kept.set(key, (formatter = new Intl.DateTimeFormat(name, { timeZone: kZone, ...options })));
  return formatter;
}

export const gregorian = (when: string | number | Date) => format('gregory', { day: 'numeric', month: 'long', year: 'numeric' }).format(at(when));
// The hub's own date wins: some phones format Umm al-Qura dates wrongly.
export const hijri = (when: string | number | Date, ofHub?: string) =>
  ofHub || format('islamic-umalqura', { day: 'numeric', month: 'long', year: 'numeric' }).format(at(when));
export const weekday = (when: string | number | Date, width: 'long' | 'short' = 'long') => format('gregory', { weekday: width }).format(at(when));
export const dayMonth = (when: string | number | Date) => format('gregory', { day: 'numeric', month: 'long' }).format(at(when));
export const dayNumber = (when: string | number | Date) => format('gregory', { day: 'numeric' }).format(at(when));
export const hijriDay = (when: string | number | Date) => format('islamic-umalqura', { day: 'numeric', month: 'short' }).format(at(when));
// 24 hours, always 10:15: placed in <bdi dir="ltr"> or a text.
export const clock = (when: string | number | Date) =>
  new Intl.DateTimeFormat('en-GB', { timeZone: kZone, hour: '2-digit', minute: '2-digit' }).format(at(when));
const dayParts = new Intl.DateTimeFormat('en-GB', { timeZone: kZone, year: 'numeric', month: '2-digit', day: '2-digit' });
// 2026-11-22 in the clinic's zone, of parts: browsers differ in how a locale joins them.
export const dayKey = (when: string | number | Date) => {
  const of = Object.fromEntries(dayParts.formatToParts(at(when)).map(({ type, value }) => [type, value]));
  return `${of.year}-${of.month}-${of.day}`;
};
// Noon of such a day, as a time.
export const noon = (key: string) => Date.parse(`${key}T12:00:00+03:00`);
export const isToday = (when: string | number | Date) => dayKey(when) === dayKey(Date.now());

export function dayName(when: string | number | Date): string {
  const day = dayKey(when);
  if (day === dayKey(Date.now())) return t('today_word');
  if (day === dayKey(Date.now() + kDay)) return t('tomorrow_word');
  if (day === dayKey(Date.now() - kDay)) return t('yesterday_word');
  return weekday(when);
}
// Day and time in one text: "Today 10:15".
export const dayAndTime = (when: string | number | Date) => {
  const near = Math.abs(at(when).getTime() - Date.now()) < 2 * kDay;
  return `${near ? dayName(when) : gregorian(when)} ${ltr(clock(when))}`;
};

// A length of time in whole words: minutes below two hours, then hours, then days.
export function duration(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000));
  if (minutes < 120) return t('minutes', { n: minutes });
  const hours = Math.round(minutes / 60);
  if (hours < 48) return t('hours', { n: hours });
  return t('days', { n: Math.round(hours / 24) });
}
export const age = (birthDate: string, today = dayKey(Date.now())): number => {
  const years = Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return today.slice(5) < birthDate.slice(5, 10) ? years - 1 : years;
};
