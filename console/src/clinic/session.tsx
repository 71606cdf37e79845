// One visit: who, when, in which state; who took part, what was written. What may not be seen is not in the answers.
import { useState } from 'preact/hooks';
import { all, get, post, Problem } from '../base/api';
import { dayAndTime, duration } from '../base/dates';
import { number, t, word } from '../base/i18n';
import { useLoad } from '../base/load';
import { follow } from '../base/live';
import { face, hasRole, me } from '../base/me';
import { place, setQuery } from '../base/router';
import { useEffect } from 'preact/hooks';
import { Avatar, Button, Card, DatesLine, Dialog, DialogActs, Empty, Failure, H1, Icon, kShapeOf, LinkButton, Notice, Pill, Skeleton, State, statusText, Tabs, Time, tone } from '../ui';
import { Cancel } from './cancel';
import { useWaitingActs, WaitingRows } from './doctor';
import { Frame } from './frame';
import { Identified, Identify } from './identify';
import { allProviders, doctorName, isOver, mayJoin, mayMove, movedElsewhere, movesVisits, nameOfParticipant, patientOf, startOf, typeText, waitingIn, type Consent, type Page, type Participant, type Person, type Session } from './model';
import { Notes } from './notes';
import { takesVitals, VitalsForm } from './vitals';
import { Banner, Documents, Prescriptions, Recordings, useList, VitalsTable, type Vital } from './records';

type Tab = 'people' | 'notes' | 'vitals' | 'prescriptions' | 'documents' | 'recordings' | 'consents' | 'history';

export function SessionPage({ id }: { id: string }) {
  const loaded = useLoad(async () => {
    const [session, providers] = await Promise.all([get<Session>(`/api/v1/sessions/${encodeURIComponent(id)}`), allProviders()]);
    const treats = face.value === 'doctor' || face.value === 'nurse';
    const person = session.patient && (treats || session.patient === me.value?.id)
      ? await get<Person>(`/api/v1/patients/${session.patient}`).catch((error) => { if (error instanceof Problem) return undefined; throw error; }) : undefined;
    return { session, providers, person };
  }, id);
  useEffect(() => {
    let timer = 0;
    const end = follow(`session:${id}`, (message) => {
      if (message.type !== 'ev') return;
      clearTimeout(timer);
      timer = window.setTimeout(() => void loaded.again(), 200);
    });
    return () => { clearTimeout(timer); end(); };
  }, [id]);
  const data = loaded.data.value;
  return (
    <Frame name="visit" wide>
      {data?.person && face.value !== 'patient' && <Banner person={data.person} heading="p" link />}
      <div class="page">
        <nav class="crumbs" aria-label={t('crumbs')}><a href="/clinic/sessions">{t('visits')}</a> <Icon name="next" flip /> <span>{t('visit')}{data && <> <bdi dir="ltr">{data.session.number}</bdi></>}</span></nav>
        {!data ? <H1>{t('visit')}</H1> : null}
        {loaded.error.value !== undefined && <Failure error={loaded.error.value} again={() => void loaded.again()} />}
        {!data ? (loaded.error.value === undefined && <Skeleton lines={6} />) : <Loaded {...data} again={loaded.again} />}
      </div>
    </Frame>
  );
}

function Loaded({ session, providers, person, again }: { session: Session; providers: Parameters<typeof doctorName>[1]; person?: Person; again: () => Promise<void> }) {
  const acts = useWaitingActs(again);
  const patient = face.value === 'patient';
  const other = patient ? doctorName(session, providers) : nameOfParticipant(patientOf(session));
  const waiting = waitingIn(session).map((who) => ({ session, who }));
  const treats = face.value === 'doctor' || face.value === 'nurse';
  const tabs: { name: Tab; text: string }[] = [
    { name: 'people', text: t('people') },
    ...(!isOver(session) && session.status !== 'active' ? (takesVitals(session) ? [{ name: 'vitals' as Tab, text: t('vitals') }] : []) : [
      ...(treats ? [{ name: 'notes' as Tab, text: t('notes') }] : []),
      ...(treats || patient ? [{ name: 'vitals' as Tab, text: t('vitals') }, { name: 'prescriptions' as Tab, text: t('prescriptions') }, { name: 'documents' as Tab, text: t('documents') }] : []),
      { name: 'recordings' as Tab, text: t('recordings') },
    ]),
    { name: 'consents', text: t('consents') },
    { name: 'history', text: t('history') },
  ];
  const wanted = place.value.query.get('tab') as Tab;
  const tab = tabs.some((one) => one.name === wanted) ? wanted : 'people';
  return (
    <>
      <div class="page-head">
        <div class="grow stack stack-8">
          <div class="row row-wrap row-12"><H1>{typeText(session.type)}</H1><Pill tone={tone(session.status)} icon={kShapeOf[session.status]}>{statusText(session.status)}</Pill></div>
          <p class="muted"><DatesLine at={startOf(session)} day /> · <Time at={startOf(session)} />{other && <> · <bdi>{other}</bdi></>}</p>
        </div>
        <div class="row row-8 row-wrap">
          {mayMove(session) && <LinkButton icon="cal" href={`/clinic/sessions/${session.id}/move`}>{t('move')}</LinkButton>}
          {['scheduled', 'requested', 'waiting'].includes(session.status) && <Cancel session={session} done={again} />}
          {['scheduled', 'waiting'].includes(session.status) && (hasRole('admin') || session.provider === me.value?.id) && patientOf(session) && <InviteAgain session={session} />}
          {session.status === 'completed' && (treats || patient) && <LinkButton icon="print" href={`/clinic/sessions/${session.id}/print`}>{t('print_summary')}</LinkButton>}
          <Identify session={session} person={person} done={again} />
          {mayJoin(session) && !hasRole('admin') && <LinkButton kind="primary" icon="cam" href={`/call/${session.id}`}>{t(patient ? 'go_waiting' : 'join_call')}</LinkButton>}
        </div>
      </div>
      {acts.parts}
      {!isOver(session) && session.status !== 'active' && movesVisits(session) && movedElsewhere(session) && <div class="gap-below"><Notice>{t('move_hospital')}</Notice></div>}
      {treats && waiting.length > 0 && <div class="gap-below"><Card title={t('waiting_room')} count={waiting.length} id="wait-h"><WaitingRows rows={waiting} acts={acts} mayAdmit={() => true} /></Card></div>}
      <Summary session={session} providers={providers} />
      <Tabs label={t('visit_parts')} tabs={tabs} current={tab} onTab={(name) => setQuery({ tab: name })}>
        {tab === 'people' && <People session={session} />}
        {tab === 'notes' && <Notes session={session} />}
        {tab === 'vitals' && <SessionVitals session={session} />}
        {tab === 'prescriptions' && <Prescriptions sessions={[session]} />}
        {tab === 'documents' && <Documents sessions={[session]} />}
        {tab === 'recordings' && <Recordings sessions={[session]} />}
        {tab === 'consents' && <Consents session={session} />}
        {tab === 'history' && <History session={session} />}
      </Tabs>
    </>
  );
}

function Summary({ session, providers }: { session: Session; providers: Parameters<typeof doctorName>[1] }) {
  return (
    <section class="card gap-below" aria-label={t('summary')}>
      <dl class="facts-line">
        <div><dt>{t('role_doctor')}</dt><dd><bdi>{doctorName(session, providers) || '—'}</bdi></dd></div>
        <div><dt>{t('planned')}</dt><dd>{t('minutes', { n: session.plannedMinutes })}</dd></div>
        {session.durationMinutes !== null && <div><dt>{t('lasted')}</dt><dd>{t('minutes', { n: session.durationMinutes })}</dd></div>}
        {session.insurance?.status && session.insurance.status !== 'unknown' && <div><dt>{t('insurance')}</dt><dd>{t(session.insurance.status === 'eligible' ? 'covered' : 'cover_open')}</dd></div>}
        <Identified session={session} />
        {session.chiefComplaint && <div><dt>{t('complaint')}</dt><dd dir="auto">{session.chiefComplaint}</dd></div>}
        {session.cancellation?.reason && <div><dt>{t('cancel_reason')}</dt><dd dir="auto">{session.cancellation.reason}</dd></div>}
      </dl>
    </section>
  );
}

const admissionTone = { waiting: 'waits', admitted: 'ok', denied: 'failed', removed: 'idle' } as const;
function People({ session }: { session: Session }) {
  return (
    <section class="card card-flush" aria-label={t('people')}>
      <ul class="rows">{(session.participants ?? []).map((one: Participant) => (
        <li key={one.id}><Avatar name={nameOfParticipant(one)} />
          <div class="two grow"><span class="strong"><bdi>{nameOfParticipant(one)}</bdi></span>
            <span>{t(`role_${one.role}` as 'role_patient')}{one.joinedAt && <> · {t('came', { when: dayAndTime(one.joinedAt) })}</>}{!!one.durationMinutes && <> · {duration(one.durationMinutes * 60_000)}</>}</span></div>
          {one.here ? <State tone="ok" icon="live">{t('here')}</State> : !isOver(session) && <State tone={admissionTone[one.admission]}>{t(`admission_${one.admission}` as 'admission_waiting')}</State>}
        </li>))}</ul>
    </section>
  );
}

function SessionVitals({ session }: { session: Session }) {
  const loaded = useList<Vital>([session.id], 'vitals');
  return (
    <>
      {takesVitals(session) && <VitalsForm session={session} done={loaded.again} />}
      <section class="card card-flush" aria-label={t('vitals')}>{loaded.part ?? <VitalsTable vitals={loaded.items} />}</section>
    </>
  );
}

function Consents({ session }: { session: Session }) {
  const loaded = useLoad(async () => (await get<Page<Consent>>(`/api/v1/sessions/${session.id}/consents`)).items, session.id);
  const rows = loaded.data.value;
  return (
    <section class="card card-flush" aria-label={t('consents')}>
      {loaded.error.value !== undefined ? <div class="pad"><Failure error={loaded.error.value} /></div> : !rows ? <div class="pad"><Skeleton /></div> : !rows.length ? <Empty icon="shield" text={t('consents_none')} />
        : <ul class="rows">{rows.map((one, i) => <li key={i}><div class="two grow"><span class="strong">{word('consent', one.kind)}</span>{one.at && <span>{dayAndTime(one.at)}</span>}</div><State tone={one.given && !one.ended ? 'ok' : 'idle'}>{t(one.ended ? 'consent_ended' : one.given ? 'consent_given' : 'consent_refused')}</State></li>)}</ul>}
    </section>
  );
}

interface Event { seq: number; type?: string; kind?: string; event?: string; at: string }
function History({ session }: { session: Session }) {
  const loaded = useLoad(() => all<Event>(`/api/v1/sessions/${session.id}/events`), `${session.id} ${session.version}`);
  const rows = loaded.data.value;
  return (
    <section class="card card-flush" aria-label={t('history')}>
      {loaded.error.value !== undefined ? <div class="pad"><Failure error={loaded.error.value} /></div> : !rows ? <div class="pad"><Skeleton /></div> : !rows.length ? <Empty text={t('history_none')} />
        : <ul class="rows dense-rows">{rows.map((one) => {
            const name = (one.type ?? one.event ?? one.kind ?? '').replace(/^.*?(session\.)/, '').replace(/\.v?\d+(\.\d+)*$/, '');
            return <li key={one.seq}><bdi dir="ltr" class="muted num">{number(one.seq)}</bdi><span class="grow">{word('event', name.replace(/\W+/g, '_'))}</span><span class="muted small">{dayAndTime(one.at)}</span></li>;
          })}</ul>}
    </section>
  );
}

// The link of the patient, to be sent again: the same call gives the same link.
export function InviteAgain({ session, small }: { session: Session; small?: boolean }) {
  const [open, setOpen] = useState(false);
  const [link, setLink] = useState('');
  const [copied, setCopied] = useState(false);
  const [error, setError] = useState<unknown>();
  const who = patientOf(session);
  const ask = async (renew: boolean) => {
    setOpen(true);
    setError(undefined);
    setLink('');
    setCopied(false);
    try {
      const invitation = await post<{ code?: string; link?: string }>(`/api/v1/sessions/${session.id}/invitations`, { participant: who!.id, ...(renew ? { renew: true } : {}) });
      setLink(invitation.link ?? `${location.origin}/i#${invitation.code}`);
    } catch (failed) { setError(failed); }
  };
  return (
    <>
      <Button size={small ? 'small' : undefined} icon="send" onPress={() => void ask(false)} aria-label={small ? `${t('invite_again')}: ${nameOfParticipant(who)}` : undefined}>{t('invite_again')}</Button>
      <Dialog title={t('invite_title')} open={open} onClose={() => setOpen(false)}>
        <p>{t('invite_more', { name: nameOfParticipant(who) })}</p>
        {error !== undefined && <Failure error={error} />}
        {link ? <><p class="link-box"><bdi dir="ltr">{link}</bdi></p>
          <div class="row row-8 row-wrap"><Button kind="primary" icon="clip" onPress={() => void navigator.clipboard.writeText(link).then(() => setCopied(true), () => undefined)}>{t('copy')}</Button>
            <Button kind="quiet" onPress={() => void ask(true)}>{t('invite_renew')}</Button>{copied && <span role="status"><State tone="ok">{t('copied')}</State></span>}</div></>
          : error === undefined && <Skeleton lines={1} />}
        <Notice tone="parked">{t('invite_secret')}</Notice>
        <DialogActs><Button onPress={() => setOpen(false)}>{t('close')}</Button></DialogActs>
      </Dialog>
    </>
  );
}
