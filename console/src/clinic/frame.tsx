// Frame of the pages of the clinic: navigation by role, what stands on every page, the dialogs of the session.
import type { ComponentChildren } from 'preact';
import { signal } from '@preact/signals';
import { t, type Key } from '../base/i18n';
import { channel } from '../base/live';
import { face, hasRole, me } from '../base/me';
import { place } from '../base/router';
import { Avatar, Brand, Icon, LangButton, nameOf, Skip, ThemeButton, usePage } from '../ui';
import { Dialogs } from './dialogs';
import { Rings } from './rings';

interface Item {
  href: string;
  text: Key;
  icon: string;
}
const kNav: Record<string, Item[]> = {
  doctor: [
    { href: '/clinic', text: 'dashboard', icon: 'home' },
    { href: '/clinic/sessions', text: 'visits', icon: 'cal' },
    { href: '/clinic/availability', text: 'availability', icon: 'clock' },
  ],
  nurse: [
    { href: '/clinic', text: 'waiting_room', icon: 'home' },
    { href: '/clinic/sessions', text: 'visits', icon: 'cal' },
  ],
  desk: [
    { href: '/clinic', text: 'desk', icon: 'home' },
    { href: '/clinic/sessions', text: 'visits', icon: 'cal' },
    { href: '/clinic/book', text: 'book', icon: 'cal-plus' },
    { href: '/clinic/availability', text: 'availability', icon: 'clock' },
    { href: '/console', text: 'console', icon: 'building' },
  ],
  patient: [
    { href: '/clinic', text: 'home', icon: 'home' },
    { href: '/clinic/book', text: 'book_short', icon: 'cal-plus' },
    { href: '/clinic/record', text: 'my_record', icon: 'file' },
    { href: '/account', text: 'account', icon: 'user' },
  ],
  other: [{ href: '/clinic', text: 'dashboard', icon: 'home' }, { href: '/console', text: 'console', icon: 'building' }],
};
const current = (href: string) => (place.value.path === href || (href !== '/clinic' && place.value.path.startsWith(href + '/')) ? 'page' : undefined);

const phone = matchMedia('(max-width: 900px)');
const narrow = signal(phone.matches);
phone.addEventListener('change', () => (narrow.value = phone.matches));

export function Frame({ name, children, wide }: { name: Key; children: ComponentChildren; wide?: boolean }) {
  usePage(t(name));
  // Hours of doctors are an administrator's.
  const items = kNav[face.value].filter(({ href }) => href !== '/clinic/availability' || face.value !== 'desk' || hasRole('admin'));
  const patient = face.value === 'patient';
  // Patients read one column, wherever they are; on a phone the ways to other pages stand at the thumb.
  const column = patient && !wide ? 'phone stack stack-24' : wide ? undefined : 'page';
  if (patient && narrow.value) {
    return (
      <>
        <Skip />
        <header class="phone-top">
          <Brand href="/clinic" />
          <span class="push row"><LangButton /><ThemeButton /></span>
        </header>
        <main class={column} id="main"><Stale />{children}</main>
        <nav class="dock" aria-label={t('sections')}>
          {items.map((item) => <a key={item.href} href={item.href} aria-current={current(item.href)}><Icon name={item.icon} /> <span>{t(item.text)}</span></a>)}
        </nav>
        <Dialogs />
      </>
    );
  }
  return (
    <>
      <Skip />
      <header class="top">
        <Brand href="/clinic" />
        <nav class="nav grow" aria-label={t('main_nav')}>
          {items.map((item) => <a key={item.href} href={item.href} aria-current={current(item.href)}>{t(item.text)}</a>)}
        </nav>
        <div class="row row-8">
          <LangButton />
          <ThemeButton />
          <a class="btn btn-plain who" href="/account" aria-current={current('/account')}><Avatar name={nameOf(me.value)} /> <bdi>{nameOf(me.value)}</bdi><span class="hidden"> {t('account')}</span></a>
        </div>
      </header>
      <main class={column} id="main"><Rings /><Stale />{children}</main>
      <Dialogs />
    </>
  );
}

// A grey bar when the live channel is broken: what stands below may be old.
const Stale = () => (channel.value === 'broken' ? <p class="stale" role="status">{t('stale_channel')}</p> : null);
