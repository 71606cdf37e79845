import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { setLang, t } from '../base/i18n';
import { isDark, lang, setTheme } from '../base/prefs';
import { title } from '../base/router';
import { Button } from './Button';
import { BrandMark } from './Icon';

export const Skip = () => <a class="skip" href="#main">{t('skip')}</a>;
export function LangButton() {
  const other = lang.value === 'ar' ? 'en' : 'ar';
  return <span lang={other}><Button kind="plain" icon="globe" onPress={() => void setLang(other)}>{other === 'ar' ? 'العربية' : 'English'}</Button></span>;
}
export const ThemeButton = () => <Button kind="plain" icon="moon" label={t('theme_switch')} class="theme-switch" onPress={() => setTheme(isDark() ? 'light' : 'dark')} />;
export function Brand({ href, place }: { href?: string; place?: string }) {
  const inside = <><BrandMark /> <span>{t('brand')}</span>{place && <small><bdi>{place}</bdi></small>}</>;
  return href ? <a class="brand" href={href}>{inside}</a> : <span class="brand">{inside}</span>;
}
// usePage: the title of the page. It names the page, never a person.
export function usePage(name: string): void {
  const language = lang.value;
  useEffect(() => title(name, t('brand')), [name, language]);
}
// The one h1 of a page; takes the focus when the page opens without a load.
export const H1 = ({ children, class: more }: { children: ComponentChildren; class?: string }) => <h1 tabIndex={-1} class={more}>{children}</h1>;
// A page on a phone: brand and language on top, content, the act at the thumb.
export function PhonePage({ children, home, below, acts }: { children: ComponentChildren; home?: string; below?: ComponentChildren; acts?: ComponentChildren }) {
  return (
    <>
      <Skip />
      <header class="phone-top">
        <Brand href={home} />
        <span class="push row row-8">{acts}<LangButton /><ThemeButton /></span>
      </header>
      <main class="phone stack stack-24" id="main">{children}</main>
      {below}
    </>
  );
}
