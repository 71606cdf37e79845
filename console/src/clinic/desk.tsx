// The front desk and the administrator: today's visits, who waits, a walk-in, the link of a visit sent again.
import { useRef, useState } from 'preact/hooks';
import { get, newKey, post, Problem } from '../base/api';
import { dayKey, duration, gregorian } from '../base/dates';
import { t } from '../base/i18n';
import { useLoad } from '../base/load';
import { lang } from '../base/prefs';
import { go } from '../base/router';
import { Button, Card, Empty, Failure, H1, Icon, kShapeOf, LinkButton, nameOf, Notice, Pill, Select, Skeleton, statusText, Table, TextArea, Time, tone } from '../ui';
import { FindPatient } from './booking';
import { TodayLine } from './doctor';
import { Frame } from './frame';
import { allProviders, doctorName, isOver, mayMove, nameOfParticipant, patientOf, startOf, useToday, waitingIn, type Person, type Provider, type Session } from './model';
import { InviteAgain } from './session';

interface Usage { attendeeMinutes: number; limit: number; percentage: number; activeSessions: number }

export function Desk() {
  const today = useToday();
  const providers = useLoad(allProviders);
  const usage = useLoad(() => get<Usage>('/api/v1/usage'));
  const sessions = today.data.value;
  const open = (sessions ?? []).filter((one) => !isOver(one));
  const waiting = open.flatMap((session) => waitingIn(session).map((who) => ({ session, who })));
  const long = waiting.filter(({ who }) => Date.now() - Date.parse(who.cameAt!) > 10 * 60_000);
  const used = usage.data.value;
  // An office sees no names unless it says why; each reading is in the audit log.
  const [named, setNamed] = useState<Map<string, string>>(new Map());
  const [naming, setNaming] = useState(false);
  const [failed, setFailed] = useState<unknown>();
  const nameOfPatient = (one: Session) => named.get(one.id) || patientOf(one)?.name || '';
  const showNames = async () => {
    setNaming(true);
    setFailed(undefined);
    try {
      const got = await Promise.all((sessions ?? []).slice(0, 60).map((one) => get<Session>(`/api/v1/sessions/${one.id}`, { reason: t('reason_desk') })));
      setNamed(new Map(got.map((one) => [one.id, nameOfParticipant(patientOf(one))])));
    } catch (error) { setFailed(error); } finally { setNaming(false); }
  };
  const hidden = (sessions ?? []).some((one) => patientOf(one) && !nameOfPatient(one));
  return (
    <Frame name="desk">
      <div class="page-head"><div class="grow"><H1>{sessions ? t('desk_title', { n: waiting.length }) : t('desk')}</H1><TodayLine /></div>
        <LinkButton icon="cal-plus" href="/clinic/book">{t('book')}</LinkButton></div>
      {today.error.value !== undefined && <Failure error={today.error.value} again={() => void today.again()} />}
      {failed !== undefined && <Failure error={failed} />}
      {!sessions ? (today.error.value === undefined && <Skeleton lines={6} />) : (
        <div class="cols">
          <div class="fill">
            {long.length > 0 && (
              <Card title={t('waits_long')} count={long.length} id="long-h">
                <ul class="rows acts">{long.map(({ session, who }) => (
                  <li key={who.id}><span class="kind kind-waits" aria-hidden="true"><Icon name="clock" /></span><div class="two grow"><a class="cover" href={`/clinic/sessions/${session.id}`}><bdi>{nameOfPatient(session) || t('patient_number', { n: session.number })}</bdi></a><span>{t('waiting_since', { time: duration(Date.now() - Date.parse(who.cameAt!)) })} · <bdi>{doctorName(session, providers.data.value)}</bdi></span></div></li>))}</ul>
              </Card>
            )}
            <Card title={t('today')} count={sessions.length} id="today-h" acts={<>{hidden && <Button size="small" icon="eye" busy={naming} onPress={() => void showNames()}>{t('names_show')}</Button>}<LinkButton kind="quiet" size="small" href="/clinic/sessions">{t('show_all')}</LinkButton></>}
              foot={hidden && <p class="card-foot small muted">{t('names_more')}</p>}>
              {!sessions.length ? <Empty text={t('today_none')} /> : (
                <Table caption={t('today')} rows={sessions} rowKey={(one) => one.id} columns={[
                  { head: t('time'), cell: (one) => <Time at={startOf(one)} class="strong" /> },
                  { head: t('role_patient'), names: true, cell: (one) => <a class="name" href={`/clinic/sessions/${one.id}`}><bdi>{nameOfPatient(one) || t('patient_number', { n: one.number })}</bdi></a> },
                  { head: t('role_doctor'), cell: (one) => <bdi>{doctorName(one, providers.data.value)}</bdi> },
                  { head: t('state'), cell: (one) => <Pill tone={tone(one.status)} icon={kShapeOf[one.status]}>{statusText(one.status)}</Pill> },
                  { head: t('link'), quiet: true, end: true, cell: (one) => (['scheduled', 'waiting'].includes(one.status) && patientOf(one) ? (
                    <div class="row row-8 row-wrap row-end">
                      {mayMove(one) && <LinkButton size="small" icon="cal" href={`/clinic/sessions/${one.id}/move`} aria-label={`${t('move')}: ${nameOfPatient(one) || t('patient_number', { n: one.number })}`}>{t('move')}</LinkButton>}
                      <InviteAgain session={one} small />
                    </div>) : null) },
                ]} />
              )}
            </Card>
          </div>
          <div class="fill">
            <WalkIn providers={providers.data.value} again={today.again} />
            <section class="card stack stack-12" aria-labelledby="a-h"><h2 id="a-h">{t('away_open')}</h2><p class="muted">{t('away_open_more')}</p>
              <p><LinkButton icon="cal" href="/clinic/away">{t('away')}</LinkButton></p></section>
            <section class="card stack stack-12" aria-labelledby="pd-h"><h2 id="pd-h">{t('paper_day_open')}</h2><p class="muted">{t('paper_day_more')}</p>
              <p class="row row-8 row-wrap"><LinkButton icon="print" href={`/clinic/days/${dayKey(Date.now())}/print`}>{t('today_word')}</LinkButton><LinkButton icon="print" href={`/clinic/days/${dayKey(Date.now() + 86_400_000)}/print`}>{t('tomorrow_word')}</LinkButton></p></section>
            <section class="card stack stack-12" aria-labelledby="m-h"><h2 id="m-h">{t('merge')}</h2><p class="muted">{t('merge_open_more')}</p>
              <p><LinkButton icon="people" href="/clinic/merge">{t('merge_open')}</LinkButton></p></section>
            {used && <section class="card stack stack-8" aria-labelledby="use-h"><h2 id="use-h">{t('usage')}</h2>
              <p><span class="t28 strong num">{used.attendeeMinutes}</span> <span class="muted">{used.limit ? t('usage_of', { n: used.limit }) : t('usage_minutes')}</span></p>
              <p class="muted small">{t('usage_now', { n: used.activeSessions })}</p></section>}
          </div>
        </div>
      )}
    </Frame>
  );
}

function WalkIn({ providers, again }: { providers?: Map<string, Provider>; again: () => Promise<void> }) {
  const [person, setPerson] = useState<Person>();
  const [provider, setProvider] = useState('');
  const [complaint, setComplaint] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [session, setSession] = useState<Session>();
  const key = useRef(newKey());
  const options = [...(providers?.values() ?? [])].sort((a, b) => Number(b.status === 'online') - Number(a.status === 'online'));
  const chosen = provider || options[0]?.id || '';
  const add = async () => {
    setBusy(true);
    setError(undefined);
    try {
      setSession(await post<Session>('/api/v1/sessions', {
        type: 'doctor_patient', bookingType: 'direct', provider: chosen, patient: person!.id, scheduledStart: new Date().toISOString(), plannedMinutes: 20, language: lang.value,
        organizer: { person: chosen, role: 'doctor' }, ...(complaint.trim() ? { chiefComplaint: complaint.trim() } : {}),
      }, { key: key.current }));
      await again();
    } catch (failed) {
      if (failed instanceof Problem && failed.status) key.current = newKey();
      setError(failed);
    } finally { setBusy(false); }
  };
  return (
    <section class="card stack stack-16" aria-labelledby="w-h">
      <h2 id="w-h">{t('walk_in')}</h2>
      {session ? <>
        <Notice tone="ok" alert>{t('walk_in_done', { name: nameOf(person) })}</Notice>
        <div class="row row-8 row-wrap"><Button kind="primary" onPress={() => go(`/clinic/sessions/${session.id}`)}>{t('open_visit')}</Button>
          <Button onPress={() => { setSession(undefined); setPerson(undefined); setComplaint(''); key.current = newKey(); }}>{t('walk_in_next')}</Button></div>
      </> : !person ? <FindPatient plain onFound={setPerson} /> : <>
        <div class="found"><Icon name="ok" /><div class="grow"><p class="strong"><bdi>{nameOf(person)}</bdi></p><p class="small">{person.birthDate && <>{gregorian(`${person.birthDate}T12:00:00Z`)} · </>}{t('file')} <bdi dir="ltr">{person.mrn ?? '—'}</bdi></p></div>
          <Button kind="plain" size="small" onPress={() => setPerson(undefined)}>{t('other_patient')}</Button></div>
        <Select label={t('role_doctor')} value={chosen} onText={setProvider} options={options.map((one) => ({ value: one.id, text: `${nameOf(one)} · ${t(one.status === 'offline' ? 'offline_p' : (one.status as 'online'))}` }))} />
        <TextArea label={t('complaint')} value={complaint} onText={setComplaint} rows={2} maxLength={4000} />
        {error !== undefined && <Failure error={error} />}
        <Button kind="primary" block busy={busy} onPress={() => void add()}>{t('walk_in_add')}</Button>
      </>}
    </section>
  );
}
