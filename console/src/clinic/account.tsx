// One's own account: language and theme, where one is signed in, passkeys, signing out.
import { useState } from 'preact/hooks';
import { call, del, get, post } from '../base/api';
import { dayAndTime } from '../base/dates';
import { setLang, t, type Key } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { hasRole, me, signOut } from '../base/me';
import { lang, setTheme, theme, type Lang, type Theme } from '../base/prefs';
import { Avatar, Button, Card, Check, Empty, Failure, H1, nameOf, Notice, Pill, Segment, Skeleton } from '../ui';
import { Frame } from './frame';

interface LoginSession { id: string; current?: boolean; factors: string; created: string; lastSeen: string }

function Devices() {
  const loaded = useLoad(async () => (await get<{ items: LoginSession[] }>('/api/v1/me/sessions')).items);
  const [busy, setBusy] = useState('');
  const [error, setError] = useState<unknown>();
  const [ended, setEnded] = useState(false);
  const end = async (id: string) => {
    setBusy(id);
    setError(undefined);
    try {
      await del(`/api/v1/me/sessions/${id}`);
      setEnded(true);
      await loaded.again();
    } catch (failed) { setError(failed); } finally { setBusy(''); }
  };
  const rows = loaded.data.value;
  return (
    <Card title={t('account_sessions')} count={rows?.length} id="dev-h">
      {(error ?? loaded.error.value) !== undefined && <div class="pad"><Failure error={error ?? loaded.error.value} /></div>}
      {ended && <div class="pad"><Notice tone="ok" alert>{t('account_ended')}</Notice></div>}
      {!rows ? <div class="pad"><Skeleton /></div> : <ul class="rows">{rows.map((one) => (
        <li key={one.id}>
          <div class="two grow"><span class="strong">{t(one.current ? 'account_this' : 'account_device')} · {t(`factor_${one.factors.replace(' ', '_')}` as Key)}</span>
            <span>{t('account_since', { when: dayAndTime(one.created), seen: dayAndTime(one.lastSeen) })}</span></div>
          {one.current ? <Pill tone="ok">{t('account_now')}</Pill> : <Button size="small" busy={busy === one.id} onPress={() => void end(one.id)} aria-label={`${t('account_end')}: ${dayAndTime(one.created)}`}>{t('account_end')}</Button>}
        </li>))}</ul>}
    </Card>
  );
}

function Passkeys() {
  const loaded = useLoad(async () => (await get<{ items: { id: string; name: string }[] }>('/api/v1/me/passkeys')).items);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const can = typeof PublicKeyCredential !== 'undefined' && 'parseCreationOptionsFromJSON' in PublicKeyCredential;
  const add = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const asked = await post<{ ceremony: string; publicKey: unknown }>('/api/v1/me/passkeys/options');
      const parse = (PublicKeyCredential as unknown as { parseCreationOptionsFromJSON: (json: unknown) => PublicKeyCredentialCreationOptions }).parseCreationOptionsFromJSON;
      const credential = (await navigator.credentials.create({ publicKey: parse(asked.publicKey) })) as PublicKeyCredential & { toJSON: () => unknown };
      await post('/api/v1/me/passkeys', { ceremony: asked.ceremony, credential: credential.toJSON(), name: t('passkey_name') });
      await loaded.again();
    } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  const rows = loaded.data.value;
  if (loaded.error.value !== undefined) return null;
  return (
    <Card title={t('passkeys')} count={rows?.length} id="key-h" acts={can && <Button size="small" kind="quiet" icon="plus" busy={busy} onPress={() => void add()}>{t('passkey_add')}</Button>}>
      {error !== undefined && <div class="pad"><Failure error={error} /></div>}
      {!rows ? <div class="pad"><Skeleton lines={1} /></div> : !rows.length ? <Empty icon="key" text={t('passkey_none')} />
        : <ul class="rows">{rows.map((one) => <li key={one.id}><bdi class="strong grow">{one.name}</bdi></li>)}</ul>}
    </Card>
  );
}

// A patient says whether he wants reminders: kept in his record.
function Reminders({ id }: { id: string }) {
  const path = `/api/v1/patients/${encodeURIComponent(id)}`;
  const loaded = useLoad(() => call<{ reminders?: boolean | null }>('GET', path), id);
  const act = useAct();
  const [saved, setSaved] = useState(false);
  const got = loaded.data.value;
  const set = (on: boolean) => act.run(async () => {
    setSaved(false);
    try {
      await call('PATCH', path, { body: { reminders: on }, etag: got!.etag });
      setSaved(true);
    } finally { await loaded.again(); }
  });
  return (
    <Card title={t('reminders')} id="rem-h">
      <div class="pad stack stack-8">
        {(act.error ?? loaded.error.value) !== undefined && <Failure error={act.error ?? loaded.error.value} />}
        {got ? <Check text={t('reminders_want')} more={t('reminders_more')} checked={got.data.reminders !== false} onCheck={(on) => { if (!act.busy) void set(on); }} /> : loaded.error.value === undefined && <Skeleton lines={1} />}
        {saved && <Notice tone="ok" alert>{t('reminders_saved')}</Notice>}
      </div>
    </Card>
  );
}

export function Account() {
  const who = me.value;
  return (
    <Frame name="account">
      <H1 class="t22">{t('account')}</H1>
      <section class="card stack stack-16" aria-label={t('account')}>
        <div class="row row-16"><Avatar name={nameOf(who)} large /><div><p class="t18 strong"><bdi>{nameOf(who)}</bdi></p>{who?.username && <p class="muted"><bdi dir="ltr">{who.username}</bdi></p>}</div></div>
        <div class="stack stack-4"><span class="label" id="lang-l">{t('language')}</span>
          <Segment label={t('language')} current={lang.value} onPick={(to: Lang) => void setLang(to)} options={[{ name: 'ar' as Lang, text: 'العربية' }, { name: 'en', text: 'English' }]} /></div>
        <div class="stack stack-4"><span class="label">{t('theme')}</span>
          <Segment label={t('theme')} current={theme.value} onPick={(to: Theme) => setTheme(to)} options={[{ name: 'system' as Theme, text: t('theme_system') }, { name: 'light', text: t('theme_light') }, { name: 'dark', text: t('theme_dark') }]} /></div>
        <p><Button icon="end" onPress={() => void signOut()}>{t('sign_out')}</Button></p>
      </section>
      {hasRole('patient') && who?.id && <Reminders id={who.id} />}
      <Devices />
      <Passkeys />
    </Frame>
  );
}
