// The doctor's and the nurse's page: whom do I see now, who waits, what is to be signed.
import { useState } from 'preact/hooks';
import { all, get, newKey, post, put, query } from '../base/api';
import { age, clock, duration, gregorian, hijri, weekday } from '../base/dates';
import { t } from '../base/i18n';
import { useEvery, useLoad } from '../base/load';
import { face, me } from '../base/me';
import { lang } from '../base/prefs';
import { Avatar, Button, Card, Dialog, DialogActs, Empty, Failure, H1, kShapeOf, LinkButton, nameOf, Pill, Segment, Skeleton, State, statusText, TextArea, Time, tone, useAnnounce } from '../ui';
import { Frame } from './frame';
import { isOver, mayJoin, nameOfParticipant, patientOf, startOf, typeText, useToday, waitingIn, type Page, type Participant, type Person, type Session } from './model';

export function greeting(): string {
  const hour = Number(clock(Date.now()).slice(0, 2));
  const name = nameOf(me.value);
  return t(hour < 12 ? 'good_morning' : hour < 17 ? 'good_afternoon' : 'good_evening', { name });
}

// Admits or declines who waits, in rows of a waiting room.
export function useWaitingActs(again: () => Promise<void>) {
  const [busy, setBusy] = useState('');
  const [error, setError] = useState<unknown>();
  const [denying, deny] = useState<{ session: Session; who: Participant }>();
  const [said, say] = useAnnounce();
  const act = async (session: Session, who: Participant, verb: 'admit' | 'deny', body: unknown = {}) => {
    setBusy(who.id);
    setError(undefined);
    try {
      await post(`/api/v1/sessions/${session.id}/participants/${who.id}/${verb}`, body);
      say(t(verb === 'admit' ? 'admitted_said' : 'declined_said', { name: nameOfParticipant(who) }));
      deny(undefined);
      await again();
      return true;
    } catch (failed) {
      setError(failed);
      return false;
    } finally {
      setBusy('');
    }
  };
  const dialog = denying && <Deny name={nameOfParticipant(denying.who)} busy={busy !== ''} error={error} onClose={() => deny(undefined)} onDeny={(reason) => void act(denying.session, denying.who, 'deny', { reason })} />;
  return { busy, error, admit: (session: Session, who: Participant) => act(session, who, 'admit'), ask: (session: Session, who: Participant) => { setError(undefined); deny({ session, who }); }, parts: <>{said}{dialog}{error !== undefined && !denying && <Failure error={error} />}</> };
}
function Deny({ name, busy, error, onClose, onDeny }: { name: string; busy: boolean; error: unknown; onClose: () => void; onDeny: (reason: string) => void }) {
  const [reason, setReason] = useState('');
  return (
    <Dialog title={t('decline_title')} open onClose={onClose}>
      <p>{t('decline_more', { name })}</p>
      {error !== undefined && <Failure error={error} />}
      <TextArea label={t('decline_reason')} value={reason} onText={setReason} maxLength={500} />
      <DialogActs><Button onPress={onClose}>{t('cancel')}</Button><Button kind="danger" busy={busy} onPress={() => onDeny(reason.trim())}>{t('decline')}</Button></DialogActs>
    </Dialog>
  );
}

export function WaitingRows({ rows, acts, mayAdmit }: { rows: { session: Session; who: Participant }[]; acts: ReturnType<typeof useWaitingActs>; mayAdmit: (session: Session) => boolean }) {
  if (!rows.length) return <Empty icon="clock" text={t('waiting_nobody')} />;
  return (
    <ul class="rows waiting">
      {rows.map(({ session, who }, i) => (
        <li key={who.id}>
          <Avatar name={nameOfParticipant(who)} tint={((i % 2) + 2) as 2 | 3} />
          <div class="two grow">
            <a class="cover" href={`/clinic/sessions/${session.id}`}><bdi>{nameOfParticipant(who)}</bdi></a>
            <span>{typeText(session.type)} · {t('waiting_for', { time: duration(Date.now() - Date.parse(who.cameAt!)) })}</span>
          </div>
          {who.role !== 'patient' && <State tone="idle" icon="people">{t(`role_${who.role}` as 'role_patient')}</State>}
          {mayAdmit(session) && <div class="row row-8">
            <Button size="small" kind="plain" onPress={() => acts.ask(session, who)} aria-label={`${t('decline')}: ${nameOfParticipant(who)}`}>{t('decline')}</Button>
            <Button size="small" busy={acts.busy === who.id} onPress={() => void acts.admit(session, who)} aria-label={`${t('admit')}: ${nameOfParticipant(who)}`}>{t('admit')}</Button>
          </div>}
        </li>
      ))}
    </ul>
  );
}

function NextPatient({ session, acts }: { session: Session; acts: ReturnType<typeof useWaitingActs> }) {
  const who = patientOf(session);
  const waits = waitingIn(session).find((one) => one.role === 'patient');
  const record = useLoad(() => (session.patient ? get<Person>(`/api/v1/patients/${session.patient}`) : Promise.resolve(undefined)), session.patient ?? '');
  const [now, tick] = useState(Date.now());
  useEvery(15_000, () => tick(Date.now()));
  const start = Date.parse(startOf(session));
  const person = record.data.value;
  const name = nameOfParticipant(who) || nameOf(person);
  const later = start - now;
  return (
    <section class="card next" aria-labelledby="next-h">
      <div class="stack stack-16">
        <div class="row row-12 row-wrap"><h2 id="next-h" class="muted">{t('next_visit')}</h2>
          {waits ? <Pill tone="waits">{t('waiting_since', { time: duration(now - Date.parse(waits.cameAt!)) })}</Pill>
            : <Pill tone={tone(session.status)} icon={kShapeOf[session.status]}>{statusText(session.status)}</Pill>}</div>
        <div class="row row-16"><Avatar name={name} large />
          <div>
            <p class="t22 strong">{session.patient ? <a class="name" href={`/clinic/patients/${session.patient}`}><bdi>{name}</bdi></a> : <bdi>{name}</bdi>}</p>
            <p class="muted">
              {person?.birthDate && <>{t('years', { n: age(person.birthDate) })} · </>}{typeText(session.type)}
              {person?.mrn && <> · {t('file')} <bdi dir="ltr">{person.mrn}</bdi></>}
            </p>
          </div></div>
        {session.chiefComplaint && <p dir="auto">{session.chiefComplaint}</p>}
        <div class="row row-wrap row-16">
          {session.insurance?.status === 'eligible' ? <State tone="ok">{t('covered')}</State>
            : session.insurance?.status && session.insurance.status !== 'unknown' && <State tone="parked">{t('cover_open')}</State>}
          {session.consents?.some((one) => one.kind === 'recording' && one.given && !one.ended) && <State tone="ok">{t('agrees_recording')}</State>}
          {session.language !== lang.value && <State tone="idle" icon="globe">{t(session.language === 'ar' ? 'speaks_ar' : 'speaks_en')}</State>}
        </div>
      </div>
      <div class="next-when">
        <p><Time at={startOf(session)} class="t36 strong" /><br />
          <span class="muted small">{session.status === 'active' ? t('status_active') : later > 60_000 ? t('in_time', { time: duration(later) }) : later < -60_000 ? t('late_by', { time: duration(-later) }) : t('now')}</span></p>
        {waits ? <Button kind="primary" size="large" icon="cam" busy={acts.busy === waits.id}
            onPress={() => void acts.admit(session, waits).then((done) => done && location.assign(`/call/${session.id}`))}>{t('admit')}</Button>
          : mayJoin(session, now) ? <LinkButton kind="primary" size="large" icon="cam" href={`/call/${session.id}`}>{t('join_call')}</LinkButton>
          : <LinkButton size="large" href={`/clinic/sessions/${session.id}`}>{t('open_visit')}</LinkButton>}
      </div>
    </section>
  );
}

export function TodayCard({ sessions, nextId }: { sessions: Session[]; nextId?: string }) {
  return (
    <Card title={t('today')} id="today-h" acts={<LinkButton kind="quiet" size="small" href="/clinic/sessions">{t('show_all')}</LinkButton>}>
      {!sessions.length ? <Empty text={t('today_none')} /> : (
        <ul class="rows today">
          {sessions.map((one) => (
            <li key={one.id} aria-current={one.id === nextId ? 'true' : undefined}>
              <Time at={startOf(one)} />
              <a class={`grow cover${isOver(one) ? ' done' : ''}`} href={`/clinic/sessions/${one.id}`}><bdi>{nameOfParticipant(patientOf(one)) || typeText(one.type)}</bdi></a>
              <State tone={tone(one.status)} icon={kShapeOf[one.status]}>{statusText(one.status)}</State>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

interface Note { id: string; status: string; author: string | null }
// Visits of the last two weeks whose notes nobody signed.
function NotesToSign() {
  const loaded = useLoad(async () => {
    const from = new Date(Date.now() - 14 * 86_400_000).toISOString();
    const { items } = await get<Page<Session>>(`/api/v1/sessions${query({ status: 'completed', from, limit: 12 })}`);
    const mine = items.filter((one) => one.provider === me.value?.id);
    const notes = await Promise.all(mine.map((one) => all<Note>(`/api/v1/sessions/${one.id}/notes`).catch(() => undefined)));
    return mine.map((session, i) => ({ session, notes: notes[i] }))
      .filter(({ notes: of }) => of && (!of.length || of.some((one) => one.status === 'draft')));
  });
  const rows = loaded.data.value;
  return (
    <Card title={t('notes_to_sign')} count={rows?.length} id="notes-h">
      {loaded.error.value !== undefined ? <div class="pad"><Failure error={loaded.error.value} again={() => void loaded.again()} /></div> : !rows ? <div class="pad"><Skeleton lines={2} /></div>
        : !rows.length ? <Empty icon="ok" text={t('notes_none')} />
        : <ul class="rows acts">{rows.map(({ session, notes }) => (
            <li key={session.id}>
              <div class="two grow"><a class="cover" href={`/clinic/sessions/${session.id}?tab=notes`}><bdi>{nameOfParticipant(patientOf(session))}</bdi></a>
                <span>{gregorian(startOf(session))} · {t(notes!.length ? 'note_draft' : 'note_missing')}</span></div>
              <LinkButton size="small" icon="pen" href={`/clinic/sessions/${session.id}?tab=notes`} aria-label={`${t('note_complete')}: ${nameOfParticipant(patientOf(session))}`}>{t('note_complete')}</LinkButton>
            </li>))}</ul>}
    </Card>
  );
}

export function Presence() {
  const mine = useLoad(async () => (await get<Page<{ id: string; status: string }>>('/api/v1/providers')).items.find((one) => one.id === me.value?.id)?.status ?? 'offline');
  const [error, setError] = useState<unknown>();
  const set = async (status: 'online' | 'busy' | 'offline') => {
    const was = mine.data.value;
    mine.data.value = status;
    setError(undefined);
    try {
      await put('/api/v1/me/presence', { status }, { key: newKey() });
    } catch (failed) {
      mine.data.value = was;
      setError(failed);
    }
  };
  return (
    <div class="stack stack-8">
      <Segment label={t('presence')} current={(mine.data.value ?? '') as 'online' | ''} onPick={set}
        options={[{ name: 'online' as string, text: t('online'), icon: 'online' }, { name: 'busy', text: t('busy'), icon: 'busy' }, { name: 'offline', text: t('offline_p'), icon: 'off' }] as { name: 'online'; text: string; icon: string }[]} />
      {error !== undefined && <Failure error={error} />}
    </div>
  );
}

export const TodayLine = () => <p class="muted"><span>{weekday(Date.now())} {gregorian(Date.now())}</span> · <span>{hijri(Date.now())}</span></p>;

export function DoctorHome() {
  const today = useToday();
  const acts = useWaitingActs(today.again);
  const sessions = today.data.value;
  const doctor = face.value === 'doctor';
  const mine = (sessions ?? []).filter((one) => !doctor || one.provider === me.value?.id || one.participants?.some((p) => p.person === me.value?.id));
  const waiting = mine.flatMap((session) => waitingIn(session).map((who) => ({ session, who }))).sort((a, b) => a.who.cameAt!.localeCompare(b.who.cameAt!));
  const first = waiting.find(({ who }) => who.role === 'patient')?.session;
  const next = doctor ? mine.find((one) => one.status === 'active') ?? first ?? mine.find((one) => !isOver(one) && one.status !== 'requested') : undefined;
  const rest = waiting.filter(({ session, who }) => !(next && session.id === next.id && who.role === 'patient'));
  const asked = mine.filter((one) => one.status === 'requested');
  return (
    <Frame name={doctor ? 'dashboard' : 'waiting_room'}>
      <div class="page-head">
        <div class="grow"><H1>{doctor ? greeting() : t('waiting_room')}</H1><TodayLine /></div>
        {doctor && <Presence />}
      </div>
      {today.error.value !== undefined && <Failure error={today.error.value} again={() => void today.again()} />}
      {acts.parts}
      {!sessions ? (today.error.value === undefined && <Skeleton lines={6} />) : (
        <div class="cols">
          <div class="fill">
            {doctor && (next ? <NextPatient session={next} acts={acts} /> : <section class="card"><Empty text={t('next_none')}><LinkButton href="/clinic/availability">{t('availability')}</LinkButton></Empty></section>)}
            <Card title={t('waiting_room')} count={rest.length} id="wait-h"><WaitingRows rows={rest} acts={acts} mayAdmit={() => true} /></Card>
            {asked.length > 0 && <Requests sessions={asked} again={today.again} />}
            {doctor && <NotesToSign />}
          </div>
          <TodayCard sessions={mine} nextId={next?.id} />
        </div>
      )}
    </Frame>
  );
}

// Visits requested by patients: a doctor accepts or declines.
function Requests({ sessions, again }: { sessions: Session[]; again: () => Promise<void> }) {
  const [busy, setBusy] = useState('');
  const [error, setError] = useState<unknown>();
  const act = async (id: string, verb: string) => {
    setBusy(id);
    setError(undefined);
    try { await post(`/api/v1/sessions/${id}/${verb}`); await again(); } catch (failed) { setError(failed); } finally { setBusy(''); }
  };
  return (
    <Card title={t('requests')} count={sessions.length} id="ask-h">
      {error !== undefined && <div class="pad"><Failure error={error} /></div>}
      <ul class="rows acts">{sessions.map((one) => (
        <li key={one.id}><div class="two grow"><a class="cover" href={`/clinic/sessions/${one.id}`}><bdi>{nameOfParticipant(patientOf(one))}</bdi></a><span>{typeText(one.type)}</span></div>
          <div class="row row-8"><Button size="small" kind="plain" busy={busy === one.id} onPress={() => void act(one.id, 'decline')}>{t('decline_request')}</Button>
            <Button size="small" busy={busy === one.id} onPress={() => void act(one.id, 'accept')}>{t('accept')}</Button></div></li>))}</ul>
    </Card>
  );
}
