// A patient's record: identity on top, then visits, notes, vital signs, prescriptions, documents, consents.
import { useState } from 'preact/hooks';
import { call, get, Problem, query } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t, word } from '../base/i18n';
import { useLoad } from '../base/load';
import { face, me } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Card, Empty, Failure, H1, LinkButton, Skeleton, State, Tabs, TextArea } from '../ui';
import { Contact } from './contact';
import { Frame } from './frame';
import { Joined, type Merged } from './joined';
import { allProviders, isOver, mayJoin, startOf, type Consent, type Page, type Provider, type Session } from './model';
import { allTemplates, NoteView, type Note } from './notes';
import { Banner, Documents, Prescriptions, Recordings, Trend, useList, type Vital } from './records';
import { Readings } from './readings';
import { Requests } from './requests';
import { SessionTable } from './sessions';
import { takesVitals, VitalsForm } from './vitals';

type Tab = 'overview' | 'visits' | 'notes' | 'vitals' | 'prescriptions' | 'documents' | 'consents' | 'recordings' | 'contact' | 'readings' | 'requests';

export function PatientPage({ id }: { id: string }) {
  return <Frame name="record" wide><Record id={id} /></Frame>;
}
export const OwnRecord = () => <Frame name="my_record" wide>{me.value?.id ? <Record id={me.value.id} own /> : null}</Frame>;

// An office opens a record for a reason, which the audit log keeps.
function Why({ open }: { open: (why: string) => void }) {
  const [why, setWhy] = useState(place.value.query.get('tab') === 'contact' ? t('contact_why') : '');
  return (
    <div class="page"><H1>{t('record')}</H1>
      <form class="card stack stack-16" noValidate onSubmit={(event) => { event.preventDefault(); if (why.trim()) open(why.trim()); }}>
        <TextArea label={t('record_why')} hint={t('record_why_more')} value={why} onText={setWhy} rows={2} maxLength={300} required />
        <p><Button kind="primary" submit icon="eye" disabled={!why.trim()}>{t('record_open')}</Button></p>
      </form>
    </div>
  );
}

function Record({ id, own }: { id: string; own?: boolean }) {
  const [why, setWhy] = useState('');
  return !own && face.value === 'desk' && !why ? <Why open={setWhy} /> : <Opened id={id} own={own} reason={why} />;
}
function Opened({ id, own, reason }: { id: string; own?: boolean; reason: string }) {
  const loaded = useLoad(async () => {
    const [{ data: person, etag }, page, providers] = await Promise.all([
      call<Merged>('GET', `/api/v1/patients/${encodeURIComponent(id)}`, { reason }),
      get<Page<Session>>(`/api/v1/patients/${encodeURIComponent(id)}/sessions${query({ limit: 50 })}`, { reason }),
      allProviders(),
    ]);
    return { person, etag, sessions: page.items, providers };
  }, id);
  const data = loaded.data.value;
  const error = loaded.error.value;
  if (!data) {
    return (
      <div class="page"><H1>{t(own ? 'my_record' : 'record')}</H1>
        {error === undefined ? <Skeleton lines={6} />
          : error instanceof Problem && error.status === 403 ? <section class="card"><Empty icon="lock" text={t('record_closed')}><LinkButton href="/clinic">{t('back_home')}</LinkButton></Empty></section>
          : <Failure error={error} again={() => void loaded.again()} />}
      </div>
    );
  }
  const running = data.sessions.find((one) => !isOver(one) && mayJoin(one));
  return (
    <>
      <Banner person={data.person} acts={!own && <>
        <LinkButton icon="cal-plus" href={`/clinic/book?patient=${data.person.id}`}>{t('follow_up')}</LinkButton>
        {running && face.value === 'doctor' && <LinkButton kind="primary" icon="cam" href={`/call/${running.id}`}>{t('start_visit')}</LinkButton>}
      </>} />
      <div class="page record">{!own && <Joined person={data.person} again={() => void loaded.again()} />}<Parts {...data} own={own} reason={reason} again={loaded.again} /></div>
    </>
  );
}

function Parts({ person, etag, sessions, providers, own, reason, again }: { person: Merged; etag: string; sessions: Session[]; providers: Map<string, Provider>; own?: boolean; reason: string; again: () => Promise<void> }) {
  const treats = face.value === 'doctor' || face.value === 'nurse';
  // The front desk may not read clinical entries.
  const office = face.value === 'desk';
  const held = sessions.filter((one) => ['active', 'completed'].includes(one.status)).slice(0, 12);
  const ids = held.map((one) => one.id);
  // Values may be taken before a visit begins.
  const open = sessions.filter((one) => !isOver(one) && one.status !== 'requested' && one.status !== 'active');
  const measured = [...ids, ...open.map((one) => one.id)].slice(0, 16);
  const takes = [...held, ...open].find(takesVitals);
  const tabs: { name: Tab; text: string }[] = office ? [{ name: 'visits', text: t('visits') }, { name: 'contact', text: t('contact') }] : [
    { name: 'overview', text: t('overview') },
    { name: 'visits', text: t('visits') },
    ...(treats ? [{ name: 'notes' as Tab, text: t('notes') }] : []),
    { name: 'vitals', text: t('vitals') },
    { name: 'prescriptions', text: t('prescriptions') },
    { name: 'documents', text: t('documents') },
    { name: 'consents', text: t('consents') },
    { name: 'recordings', text: t('recordings') },
    { name: 'contact', text: t('contact') },
    ...(own ? [{ name: 'readings' as Tab, text: t('readings') }, { name: 'requests' as Tab, text: t('req_tab') }] : []),
  ];
  const wanted = place.value.query.get('tab') as Tab;
  const tab = tabs.some((one) => one.name === wanted) ? wanted : tabs[0].name;
  const table = (some: Session[]) => (some.length ? <SessionTable sessions={some} providers={providers} caption={t('visits')} patient={false} /> : <Empty text={t('past_none')} />);
  const newest = [...sessions].sort((a, b) => startOf(b).localeCompare(startOf(a)));
  return (
    <Tabs label={t('record_parts')} tabs={tabs} current={tab} onTab={(name) => setQuery({ tab: name === tabs[0].name ? undefined : name })}>
      {tab === 'overview' && (
        <div class="cols">
          <div class="fill"><TrendOf ids={measured} /><Card title={t('visits')} id="v-h">{table(newest.slice(0, 5))}</Card></div>
          <div class="fill">{treats && <LatestNote ids={ids} />}<Prescriptions sessions={held} short /></div>
        </div>
      )}
      {tab === 'visits' && <Card title={t('visits')} count={sessions.length} id="v-h">{table(newest)}</Card>}
      {tab === 'notes' && <AllNotes ids={ids} />}
      {tab === 'vitals' && <TrendOf ids={measured} takes={takes} />}
      {tab === 'prescriptions' && <Prescriptions sessions={held} />}
      {tab === 'documents' && <Documents sessions={held} />}
      {tab === 'consents' && <AllConsents ids={ids} />}
      {tab === 'recordings' && <Recordings sessions={held} />}
      {tab === 'contact' && <Contact person={person} etag={etag} reason={reason} own={own} again={again} />}
      {tab === 'readings' && <Readings />}
      {tab === 'requests' && <Requests />}
    </Tabs>
  );
}

// `takes`: the visit in which whoever reads may write values now.
function TrendOf({ ids, takes }: { ids: string[]; takes?: Session }) {
  const { items, part, again } = useList<Vital>(ids, 'vitals');
  return (
    <>
      {takes && <VitalsForm session={takes} done={again} />}
      {part ? <section class="card" aria-label={t('vitals')}>{part}</section> : <Trend vitals={items} />}
    </>
  );
}
function useNotes(ids: string[]) {
  const { items, part } = useList<Note>(ids, 'notes');
  const templates = useLoad(allTemplates);
  return { notes: items, part, templates: templates.data.value ?? [] };
}
function LatestNote({ ids }: { ids: string[] }) {
  const { notes, part, templates } = useNotes(ids);
  const note = notes.find((one) => one.status !== 'draft' && !one.enteredInError);
  return (
    <section class="card stack stack-12" aria-labelledby="ln-h">
      <h2 id="ln-h">{t('latest_note')}</h2>
      {part ?? (note ? <NoteView note={note} templates={templates} level="h3" /> : <p class="muted">{t('notes_empty')}</p>)}
    </section>
  );
}
function AllNotes({ ids }: { ids: string[] }) {
  const { notes, part, templates } = useNotes(ids);
  if (part) return <section class="card" aria-label={t('notes')}>{part}</section>;
  if (!notes.length) return <section class="card"><Empty icon="note" text={t('notes_empty')} /></section>;
  return <div class="stack stack-24">{notes.map((one) => <section key={one.id} class="card" aria-label={t('note')}><NoteView note={one} templates={templates} papers /></section>)}</div>;
}
function AllConsents({ ids }: { ids: string[] }) {
  const { items, part } = useList<Consent & { createdAt?: string }>(ids, 'consents');
  return (
    <section class="card card-flush" aria-label={t('consents')}>
      {part ?? (!items.length ? <Empty icon="shield" text={t('consents_none')} />
        : <ul class="rows">{items.map((one, i) => <li key={i}><div class="two grow"><span class="strong">{word('consent', one.kind)}</span>{one.at && <span>{dayAndTime(one.at)}</span>}</div><State tone={one.given && !one.ended ? 'ok' : 'idle'}>{t(one.ended ? 'consent_ended' : one.given ? 'consent_given' : 'consent_refused')}</State></li>)}</ul>)}
    </section>
  );
}
