// The page behind a link: who invites, privacy before the first entry, then the visit. The code stands behind #, so that no server,
// no log and no referrer has it; it leaves the address at once.
import { useEffect, useRef, useState } from 'preact/hooks';
import { newKey, post, Problem } from '../base/api';
import { dayAndTime, hijri } from '../base/dates';
import { hospital } from '../base/house';
import { t } from '../base/i18n';
import { useAct, useEvery } from '../base/load';
import { lang } from '../base/prefs';
import { Button, ClinicPhone, Failure, Field, H1, Icon, Notice, PhonePage, Skeleton, usePage } from '../ui';
import { Emergency } from './home';

interface Shown {
  hospital: Record<string, string> | null;
  provider: string | null;
  type: string;
  scheduledStart: string | null;
  needsAccount: boolean;
  // Names of the proofs that open a link which another browser holds.
  secondProof: string[];
}
type Proof = { oneTimeCode: string } | { birthDate: string } | { identityRequest: string };
// A request in the app of an identity provider.
interface Asked {
  identityRequest: string;
  // The person picks it in the app; null where the app shows none.
  number: string | null;
}

const codeOf = (error: unknown) => (error instanceof Problem ? error.code : '');
// Refusals of a link that another browser holds. No proof opens a locked one.
const kAsks = ['invitation.second_proof', 'invitation.wrong_proof', 'invitation.no_code', 'invitation.locked'];
// The person has not answered in the app, or the hub cannot tell now.
const isOpen = (error: unknown) => !(error instanceof Problem) || !error.status || error.status === 429 || error.status === 503 || error.code === 'invitation.identity_pending';
const kAskAgainMs = 5_000;

// The person approves in the app of an identity provider. `give` answers whether the request is still open.
function InApp({ code, give }: { code: string; give: (proof: Proof) => Promise<boolean> }) {
  const [asked, setAsked] = useState<Asked>();
  const asking = useAct();
  const giving = useRef(false);
  const ask = () => asking.run(async () => setAsked(await post<Asked>('/api/v1/invitations/identity', { code })));
  useEvery(kAskAgainMs, () => {
    if (!asked || giving.current) return;
    giving.current = true;
    void give({ identityRequest: asked.identityRequest }).then((open) => {
      giving.current = false;
      if (!open) setAsked(undefined);
    });
  });
  return (
    <div class="stack stack-12">
      {asking.error !== undefined && <Failure error={asking.error} />}
      {!asked && <p><Button busy={asking.busy} onPress={() => void ask()}>{t('guest_proof_app')}</Button></p>}
      {asked && <Notice tone="waits" icon="shield" alert>{t(asked.number ? 'guest_proof_app_pick' : 'guest_proof_app_open')}</Notice>}
      {asked?.number && <p class="t36 strong"><bdi dir="ltr">{asked.number}</bdi></p>}
    </div>
  );
}

// The visit is held by another browser: a code to the telephone of the record, an approval in an app, or a birth date, brings it here.
function SecondProof({ code, ways, busy, give }: { code: string; ways: string[]; busy: boolean; give: (proof: Proof) => Promise<boolean> }) {
  const [sent, setSent] = useState(false);
  const [digits, setDigits] = useState('');
  const [birth, setBirth] = useState('');
  const sending = useAct();
  const send = () => sending.run(async () => {
    await post('/api/v1/invitations/code', { code });
    setSent(true);
  });
  return (
    <section class="card stack stack-16" aria-labelledby="proof-h">
      <h2 id="proof-h">{t('guest_proof_title')}</h2>
      <p>{t('guest_proof_text')}</p>
      {sending.error !== undefined && <Failure error={sending.error} />}
      {ways.includes('code') && <form class="stack stack-12" onSubmit={(event) => { event.preventDefault(); void give({ oneTimeCode: digits.trim() }); }}>
        {sent && <Notice tone="ok" alert>{t('guest_proof_sent')} {t('guest_proof_wait')}</Notice>}
        <p><Button kind={sent ? undefined : 'primary'} busy={sending.busy} onPress={() => void send()}>{t(sent ? 'guest_proof_again' : 'guest_proof_send')}</Button></p>
        {sent && <>
          <Field label={t('guest_proof_code')} value={digits} onText={setDigits} digits autocomplete="one-time-code" inputMode="numeric" maxLength={6} required />
          <p><Button kind="primary" submit busy={busy} disabled={digits.trim().length !== 6}>{t('guest_go')}</Button></p>
        </>}
      </form>}
      {ways.includes('identity') && <InApp code={code} give={give} />}
      {ways.includes('birth_date') && <form class="stack stack-12" onSubmit={(event) => { event.preventDefault(); void give({ birthDate: birth }); }}>
        <Field label={t('guest_proof_birth')} type="date" value={birth} onText={setBirth} required />
        <p><Button kind="primary" submit busy={busy} disabled={!birth}>{t('guest_go')}</Button></p>
      </form>}
    </section>
  );
}

export function Guest() {
  usePage(t('guest_title'));
  const code = useRef(location.hash.slice(1));
  const key = useRef(newKey());
  const [shown, setShown] = useState<Shown>();
  const [read, setRead] = useState(false);
  // Another browser has the visit.
  const [held, setHeld] = useState(false);
  // The patient is a child, and the guardian has accepted.
  const [child, setChild] = useState<{ name: string; session: string }>();
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
  // True while the request in the app is open.
  const accept = async (proof?: Proof): Promise<boolean> => {
    const inApp = proof !== undefined && 'identityRequest' in proof;
    if (!inApp) {
      setBusy(true);
      setError(undefined);
    }
    try {
      const { session, comesFor } = await post<{ session: string; comesFor?: string }>('/api/v1/invitations/accept', { code: code.current, ...proof }, { key: key.current });
      if (comesFor) setChild({ name: comesFor, session });
      else location.assign(`/call/${session}`);
    } catch (failed) {
      // A lost answer is asked for under the same key; a refusal is one.
      if (failed instanceof Problem && failed.status) key.current = newKey();
      if (inApp && isOpen(failed)) {
        setError(undefined);
        return true;
      }
      if (kAsks.includes(codeOf(failed))) setHeld(true);
      setError(codeOf(failed) === kAsks[0] ? undefined : failed);
      setBusy(false);
    }
    return false;
  };
  if (child) return (
    <PhonePage below={<footer class="thumb"><Button kind="primary" size="large" block onPress={() => location.assign(`/call/${child.session}`)}>{t('guest_go')}</Button></footer>}>
      <H1 class="t22">{t('guest_for', { name: child.name })}</H1>
      <Notice tone="waits" icon="shield">{t('guest_for_text', { name: child.name })}</Notice>
      <ClinicPhone block />
    </PhonePage>
  );
  const doctor = shown?.provider;
  const name = shown?.hospital?.[lang.value] ?? shown?.hospital?.en ?? hospital();
  return (
    <PhonePage below={shown && !shown.needsAccount && !held && (
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
      {held && codeOf(error) !== 'invitation.locked' && <SecondProof code={code.current} ways={shown?.secondProof ?? []} busy={busy} give={accept} />}
      {!shown ? (error === undefined && <Skeleton lines={5} />) : !held && <>
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
