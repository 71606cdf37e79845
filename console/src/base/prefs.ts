// Language and theme of this device: cookies, so that the hub writes <html lang dir> itself. They say nothing of a person.
import { signal } from '@preact/signals';

export type Lang = 'ar' | 'en';
export type Theme = 'light' | 'dark' | 'system';

const root = document.documentElement;
const kYear = 31_536_000;

export const lang = signal<Lang>(root.lang === 'en' ? 'en' : 'ar');
export const theme = signal<Theme>(root.dataset.theme === 'light' || root.dataset.theme === 'dark' ? root.dataset.theme : 'system');

function keep(name: string, value: string) {
  document.cookie = `${name}=${value}; Path=/; Max-Age=${kYear}; SameSite=Lax; Secure`;
}

// rememberLang: keeps the language. i18n.ts loads its strings first.
export function rememberLang(to: Lang) {
  keep('rabt-lang', to);
  root.lang = to;
  root.dir = to === 'ar' ? 'rtl' : 'ltr';
  lang.value = to;
}

export function setTheme(to: Theme) {
  keep('rabt-theme', to);
  if (to === 'system') delete root.dataset.theme;
  else root.dataset.theme = to;
  theme.value = to;
}

// True if the page is dark now, by choice or by the system.
export function isDark(): boolean {
  return theme.value === 'dark' || (theme.value === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}
