// The page behind a link: who invites, privacy before the first entry, then the visit. The code stands behind #, so that no server,
// no log and no referrer has it; it leaves the address at once.
import { useEffect, useRef, useState } from 'preact/hooks';
import { newKey, post, Problem } from '../base/api';
import { dayAndTime, hijri } from '../base/dates';
import { hospital } from '../base/house';
import { t } from '../base/i18n';
import { lang } from '../base/prefs';
import { Button, ClinicPhone, Failure, H1, Icon, Notice, PhonePage, Skeleton, usePage } from '../ui';
import { Emergency } from './home';

interface Shown {
  hospital: Record<string, string> | null;
  provider: string | null;
  type: string;
  scheduledStart: string | null;
  needsAccount: boolean;
}

export function Guest() {
  usePage(t('guest_title'));
  const code = useRef(location.hash.slice(1));
  const key = useRef(newKey());
  const [shown, setShown] = useState<Shown>();
  const [read, setRead] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const look = async () => {
    setError(undefined);
    try {
      setShown(await post<Shown>('/api/v1/invitations/preview', { code: code.current }));
    } catch (failed) { setError(failed); }
  };
  useEffect(() => {
    history.replaceState(null, '', '/i');
    if (code.current) void look();
    else setError(new Problem(404, 'invitation.unknown', '', '', ''));
  }, []);
  const accept = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { session } = await post<{ session: string }>('/api/v1/invitations/accept', { code: code.current }, { key: key.current });
      location.assign(`/call/${session}`);
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  const doctor = shown?.provider;
  const name = shown?.hospital?.[lang.value] ?? shown?.hospital?.en ?? hospital();
  return (
    <PhonePage below={shown && !shown.needsAccount && (
      <footer class="thumb">
        <Button kind="primary" size="large" block busy={busy} disabled={!read} onPress={() => void accept()}>{t('guest_go')}</Button>
      </footer>
    )}>
      <div class="stack stack-12">
        <ol class="steps" aria-label={t('guest_step')}><li data-done /><li /><li /></ol>
        <p class="small muted">{t('guest_step')}</p>
        <H1 class="t22">{shown ? (doctor ? t('guest_doctor', { name: doctor }) : t('guest_visit')) : t('guest_title')}</H1>
        {name && <p class="row row-8 muted"><Icon name="building" /> <bdi>{name}</bdi></p>}
        {shown?.scheduledStart && <p class="row row-8 muted"><Icon name="cal" /> <span>{dayAndTime(shown.scheduledStart)} · {hijri(shown.scheduledStart)}</span></p>}
      </div>
      {error !== undefined && <Failure error={error} again={shown || !code.current ? undefined : () => void look()} />}
      {!shown ? (error === undefined && <Skeleton lines={5} />) : <>
        <section class="card privacy" aria-labelledby="p-h">
          <h2 id="p-h" class="row row-8"><Icon name="shield" /> <span>{t('privacy')}</span></h2>
          <dl class="facts">
            <dt>{t('privacy_who')}</dt><dd>{t('privacy_who_text')}</dd>
            <dt>{t('privacy_why')}</dt><dd>{t('privacy_why_text')}</dd>
            <dt>{t('privacy_where')}</dt><dd>{t('privacy_where_text')}</dd>
            <dt>{t('privacy_rights')}</dt><dd>{t('privacy_rights_text')}</dd>
          </dl>
        </section>
        {shown.needsAccount ? <Notice tone="parked">{t('problem_invitation_needs_account')}</Notice> : <label class="choice"><input type="checkbox" checked={read} onChange={(event) => setRead((event.currentTarget as HTMLInputElement).checked)} /><span class="strong">{t('privacy_read')}</span></label>}
        <Notice tone="waits" icon="shield">{t('guest_next')}</Notice>
      </>}
      {shown && error === undefined && <ClinicPhone block />}
      <Emergency />
    </PhonePage>
  );
}
