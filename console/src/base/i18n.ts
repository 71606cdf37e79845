// Texts in both languages. A value that is placed in a text stands between FSI and PDI, so that a name in Latin letters does not
// turn an Arabic sentence round. Plural forms are chosen by the value `n`, and 0 has its own in every language: keys end in _zero, _one, _two, _few, _many, _other.
import { signal } from '@preact/signals';
import type en from '../../strings/en.json';
import type console from '../../strings/console.en.json';
import { lang, rememberLang, type Lang } from './prefs';

type Suffix = 'zero' | 'one' | 'two' | 'few' | 'many' | 'other';
type Raw = keyof typeof en | keyof typeof console;
type Plural<K> = K extends `${infer Stem}_${Suffix}` ? (`${Stem}_other` extends Raw ? Stem : never) : never;
// Key of a text. `Plural` keys are named without the form.
export type Key = Exclude<Raw, `${string}_${Suffix}`> | Plural<Raw>;
export type Values = Record<string, string | number>;

const texts = signal<Record<string, string>>({});
type Load = Record<Lang, () => Promise<{ default: Record<string, string> }>>;
const kLoad: Load = {
  ar: () => import('../../strings/ar.json'),
  en: () => import('../../strings/en.json'),
};
let more: Load | undefined;
let plurals = new Intl.PluralRules('ar');

export const isolate = (value: string | number) => `\u2068${value}\u2069`;
// A value that reads from left to right in any text: times, numbers of phones, file numbers.
export const ltr = (value: string | number) => `\u2066${value}\u2069`;

// loadTexts: fetches the texts of the page's language, with those that only this page has. To be awaited before the first render.
export async function loadTexts(own?: Load): Promise<void> {
  more = own;
  await setLang(lang.value, false);
}

export async function setLang(to: Lang, remember = true): Promise<void> {
  const [loaded, own] = await Promise.all([kLoad[to](), more?.[to]()]);
  plurals = new Intl.PluralRules(to);
  texts.value = own ? { ...loaded.default, ...own.default } : loaded.default;
  if (remember) rememberLang(to);
}

// The texts of the other language, for papers that have both.
export const otherTexts = async (): Promise<Record<string, string>> => (await kLoad[lang.value === 'ar' ? 'en' : 'ar']()).default;

export function t(key: Key, values?: Values): string {
  const all = texts.value;
  let text = all[key];
  if (text === undefined && values && typeof values.n === 'number')
    text = (values.n === 0 ? all[`${key}_zero`] : undefined) ?? all[`${key}_${plurals.select(values.n)}`] ?? all[`${key}_other`];
  if (text === undefined) return key;
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : isolate(typeof value === 'number' ? number(value) : value);
  });
}

// True if there is a text of this name: for words of the hub, such as states.
export const has = (key: string): key is Key => key in texts.value;
// word: the text of a name that comes from the hub; the name itself when the pages have none.
export const word = (prefix: string, name: string): string => (has(`${prefix}_${name}`) ? t(`${prefix}_${name}` as Key) : name);

// Latin digits in both languages.
export const locale = () => (lang.value === 'ar' ? 'ar-SA-u-ca-gregory-nu-latn' : 'en-GB');
export const number = (value: number, options?: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale(), options).format(value);
export const list = (items: string[]) => new Intl.ListFormat(locale(), { type: 'conjunction' }).format(items.map(isolate));
