// Frame of the pages of the clinic: navigation by role, what stands on every page, the dialogs of the session.
import type { ComponentChildren } from 'preact';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { get, post, signedOut, stepUpNeeded } from '../base/api';
import { duration } from '../base/dates';
import { t, type Key } from '../base/i18n';
import { channel } from '../base/live';
import { useEvery } from '../base/load';
import { face, loadMe, me, signOut } from '../base/me';
import { place } from '../base/router';
import { Avatar, Brand, Button, Dialog, DialogActs, Failure, Field, Icon, LangButton, nameOf, Skip, ThemeButton, usePage } from '../ui';
import { SignInForm } from './signin';

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
  ],
  patient: [
    { href: '/clinic', text: 'home', icon: 'home' },
    { href: '/clinic/book', text: 'book_short', icon: 'cal-plus' },
    { href: '/clinic/record', text: 'my_record', icon: 'file' },
    { href: '/account', text: 'account', icon: 'user' },
  ],
  other: [{ href: '/clinic', text: 'dashboard', icon: 'home' }],
};
const current = (href: string) => (place.value.path === href || (href !== '/clinic' && place.value.path.startsWith(href + '/')) ? 'page' : undefined);

const phone = matchMedia('(max-width: 900px)');
const narrow = signal(phone.matches);
phone.addEventListener('change', () => (narrow.value = phone.matches));

export function Frame({ name, children, wide }: { name: Key; children: ComponentChildren; wide?: boolean }) {
  usePage(t(name));
  const items = kNav[face.value];
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
      <main class={column} id="main"><Stale />{children}</main>
      <Dialogs />
    </>
  );
}

// A grey bar when the live channel is broken: what stands below may be old.
const Stale = () => (channel.value === 'broken' ? <p class="stale" role="status">{t('stale_channel')}</p> : null);

function Dialogs() {
  return signedOut.value ? <Again /> : stepUpNeeded.value ? <StepUp /> : <Expiry />;
}

// The session has ended: the page stays as it is for the same person. Another person gets a new page.
function Again() {
  const was = me.value;
  return (
    <Dialog title={t('again_title')} open onClose={() => undefined} alert>
      <p>{t('again_more')}</p>
      <SignInForm user={was?.username} onDone={async () => {
        const now = await loadMe();
        if (!now || now.id !== was?.id) location.replace('/clinic');
      }} />
      <Button kind="quiet" onPress={() => location.replace('/login')}>{t('sign_out')}</Button>
    </Dialog>
  );
}

function StepUp() {
  const [otp, setOtp] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post('/api/v1/auth/step-up', { otp });
      stepUpNeeded.value = false;
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('stepup_title')} open onClose={() => (stepUpNeeded.value = false)}>
      <form class="stack stack-16" onSubmit={submit} noValidate>
        <p>{t('stepup_more')}</p>
        {error !== undefined && <Failure error={error} />}
        <Field label={t('code')} value={otp} onText={setOtp} digits autocomplete="one-time-code" />
        <DialogActs>
          <Button onPress={() => (stepUpNeeded.value = false)}>{t('cancel')}</Button>
          <Button kind="primary" submit busy={busy}>{t('confirm')}</Button>
        </DialogActs>
      </form>
    </Dialog>
  );
}

const kWarnBefore = 120_000;
// Two minutes before the session ends a dialog asks; any answer of the hub may have moved the end.
function Expiry() {
  const [ends, setEnds] = useState(0);
  const [, tick] = useState(0);
  const look = async () => {
    const { items } = await get<{ items: { current?: boolean; ends?: string }[] }>('/api/v1/me/sessions');
    const mine = items.find((one) => one.current);
    setEnds(mine?.ends ? Date.parse(mine.ends) : 0);
  };
  useEffect(() => void look().catch(() => undefined), []);
  useEvery(15_000, () => tick(Date.now()));
  const left = ends - Date.now();
  if (!ends || left > kWarnBefore) return null;
  return (
    <Dialog title={t('expires_title')} open onClose={() => void look().catch(() => undefined)} alert>
      <p>{t('expires_more', { time: duration(left) })}</p>
      <DialogActs>
        <Button onPress={() => void signOut()}>{t('sign_out')}</Button>
        <Button kind="primary" onPress={() => void look().catch(() => undefined)}>{t('stay')}</Button>
      </DialogActs>
    </Dialog>
  );
}
