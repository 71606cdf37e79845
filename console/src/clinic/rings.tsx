// An emergency that rings for the doctor who is signed in, and one that waits at the desk: on every page of the clinic, at once.
import { useEffect, useState } from 'preact/hooks';
import { get, post, Problem } from '../base/api';
import { t } from '../base/i18n';
import { follow } from '../base/live';
import { useEvery, useLoad } from '../base/load';
import { face, hasRole } from '../base/me';
import { Button, Failure, Icon, LinkButton, nameOf, Notice } from '../ui';
import { specialtyText } from './home';
import { allProviders, type Page } from './model';

interface Ring { session: string; number: number; specialty: string | null; language: string; until: string }
interface Ended { outcome: string; by?: string }

export function Rings() {
  if (face.value === 'doctor') return <Ringing />;
  return hasRole('desk') ? <AtDesk /> : null;
}

function Ringing() {
  const rings = useLoad(() => get<Page<Ring>>('/api/v1/me/rings').then((page) => page.items));
  const [busy, setBusy] = useState('');
  const [error, setError] = useState<unknown>();
  const [taken, setTaken] = useState<string>();
  const [now, tick] = useState(Date.now());
  useEvery(1_000, () => tick(Date.now()));
  useEffect(() => follow('hub', (message) => {
    if (message.type === 'live') void rings.again();
    if (message.type !== 'ev' || !message.kind.startsWith('provider.ring-') && message.kind !== 'provider.rung') return;
    const { outcome, by } = message.data as unknown as Ended;
    if (message.kind === 'provider.rung') { setTaken(undefined); setError(undefined); }
    else if (outcome === 'taken' && !busy) void allProviders().then((providers) => setTaken(nameOf(providers.get(by ?? ''))), () => setTaken(''));
    void rings.again();
  }), [busy]);
  const take = async (ring: Ring) => {
    setBusy(ring.session);
    setError(undefined);
    try {
      await post(`/api/v1/sessions/${ring.session}/accept`);
      location.assign(`/call/${ring.session}`);
    } catch (failed) {
      if (failed instanceof Problem && failed.code === 'session.already_accepted') setTaken('');
      else setError(failed);
      setBusy('');
      void rings.again();
    }
  };
  const open = (rings.data.value ?? []).filter((one) => Date.parse(one.until) > now);
  return (
    <div class="rings stack stack-8">
      <div role="alert">{open.map((one) => <p key={one.session} class="hidden">{t('ring_title')}</p>)}</div>
      {open.map((one) => (
        <section key={one.session} class="notice notice-failed ring" aria-labelledby={`ring-${one.session}`}>
          <Icon name="phone" />
          <div class="grow">
            <p class="strong" id={`ring-${one.session}`}>{t('ring_title')}</p>
            <p class="small">{one.specialty && <><bdi>{specialtyText(one.specialty)}</bdi> · </>}{t(one.language === 'ar' ? 'speaks_ar' : 'speaks_en')} · <span class="num">{t('ring_left', { n: Math.max(1, Math.ceil((Date.parse(one.until) - now) / 1_000)) })}</span></p>
          </div>
          <Button kind="primary" icon="cam" busy={busy === one.session} onPress={() => void take(one)}>{t('ring_take')}</Button>
        </section>
      ))}
      {taken !== undefined && !open.length && <Notice tone="ok" alert>{taken ? t('ring_taken_by', { name: taken }) : t('ring_taken')}</Notice>}
      {error !== undefined && <Failure error={error} />}
    </div>
  );
}

function AtDesk() {
  const tasks = useLoad(() => get<Page<{ id: string }>>('/api/v1/tasks?kind=emergency&limit=20').then((page) => page.items));
  useEffect(() => follow('hub', (message) => {
    if (message.type === 'live' || (message.type === 'ev' && message.kind.startsWith('task.') && message.data.kind === 'emergency')) void tasks.again();
  }), []);
  useEvery(60_000, () => void tasks.again());
  const open = tasks.data.value ?? [];
  return (
    <div class="rings stack stack-8" role="alert">
      {open.map((one) => (
        <section key={one.id} class="notice notice-failed ring">
          <Icon name="phone" />
          <div class="grow"><p class="strong">{t('ring_desk_title')}</p><p class="small">{t('ring_desk_more')}</p></div>
          <LinkButton kind="primary" href={`/console/tasks/${one.id}`}>{t('ring_desk_open')}</LinkButton>
        </section>
      ))}
    </div>
  );
}
