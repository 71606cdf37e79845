// The hospital, as the shell of the page names it: known also while the hub is gone.
import { lang } from './prefs';

const said = (name: string): string => document.querySelector<HTMLMetaElement>(`meta[name="rabt-${name}"]`)?.content ?? '';
// Telephone number that patients call. May be empty.
export const phone = said('phone');
export const hospitalIn = (language: string): string => said(`hospital-${language}`);
export const hospital = (): string => hospitalIn(lang.value) || hospitalIn('ar') || hospitalIn('en');

// Issuers at which one may sign in, in the order of their buttons.
export interface Issuer {
  name: string;
  ar?: string;
  en?: string;
}
export const issuers: Issuer[] = [...document.querySelectorAll<HTMLMetaElement>('meta[name="rabt-issuer"]')].map(({ content, dataset }) => ({ name: content, ar: dataset.ar, en: dataset.en }));
export const issuerText = (one: Issuer): string => one[lang.value] || one.ar || one.en || one.name;
