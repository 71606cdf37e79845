// The hospital, as the shell of the page names it: known also while the hub is gone.
import { lang } from './prefs';

const said = (name: string): string => document.querySelector<HTMLMetaElement>(`meta[name="rabt-${name}"]`)?.content ?? '';
// Whom a patient calls. May be empty.
export const phone = said('phone');
export const hospitalIn = (language: string): string => said(`hospital-${language}`);
export const hospital = (): string => hospitalIn(lang.value) || hospitalIn('ar') || hospitalIn('en');
