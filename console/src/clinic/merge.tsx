// Two records of one patient: both side by side, which one stays, and why. Nothing of either record is rewritten.
import { useRef, useState } from 'preact/hooks';
import { get, newKey, post, Problem, query } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { hasRole } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Choices, Dates, Failure, H1, Icon, kShapeOf, LinkButton, nameOf, nationalOf, Notice, Skeleton, State, statusText, TextArea, tone } from '../ui';
import { FindPatient } from './booking';
import { Frame } from './frame';
import { Joined, mayMerge, type Merged, type Pointer } from './joined';
import { Pairs } from './pairs';
import { allProviders, doctorName, startOf, type Page, type Person, type Provider, type Session } from './model';

interface Approval { id: string; act: string; confirmedBy: string | null; wish: { patient?: string; into?: string }; asked: string; until: string }

interface Side { person: Merged; sessions: Session[]; more: boolean; providers: Map<string, Provider> }
const load = async (id: string): Promise<Side> => {
  const reason = t('merge_reading');
  const [person, page, providers] = await Promise.all([
    get<Merged>(`/api/v1/patients/${encodeURIComponent(id)}`, { reason }),
    get<Page<Session>>(`/api/v1/patients/${encodeURIComponent(id)}/sessions${query({ limit: 4 })}`, { reason }),
    allProviders(),
  ]);
  return { person, sessions: page.items.sort((a, b) => startOf(b).localeCompare(startOf(a))), more: !!page.next, providers };
};

function Record({ side, other, heading, clear, again }: { side: Side; other?: Side; heading: string; clear: () => void; again: () => void }) {
  const { person, sessions } = side;
  const differs = (name: 'birthDate' | 'gender') => !!other && (person[name] ?? '') !== (other.person[name] ?? '');
  const Differs = ({ of }: { of: 'birthDate' | 'gender' }) => (differs(of) ? <> <State tone="parked">{t('merge_differs')}</State></> : null);
  return (
    <div class="stack stack-16">
      <div class="row between"><h2>{heading}</h2><Button kind="plain" size="small" onPress={clear} aria-label={`${t('other_patient')}: ${heading}`}>{t('other_patient')}</Button></div>
      <Joined person={person} again={again} />
      <dl class="facts">
        <dt>{t('identifier_name')}</dt><dd class="strong"><bdi>{nameOf(person)}</bdi></dd>
        <dt>{t('birth')}</dt><dd>{person.birthDate ? <Dates at={`${person.birthDate}T12:00:00Z`} /> : t('unknown')}<Differs of="birthDate" /></dd>
        <dt>{t('sex')}</dt><dd>{person.gender ? t(person.gender === 'female' ? 'female' : 'male') : t('unknown')}<Differs of="gender" /></dd>
        <dt>{t('mrn')}</dt><dd>{person.mrn ? <bdi dir="ltr">{person.mrn}</bdi> : t('unknown')}</dd>
        <dt>{t('merge_identity')}</dt><dd>{nationalOf(person.identifiers) ? <bdi dir="ltr">…{nationalOf(person.identifiers)}</bdi> : t('unknown')}</dd>
        <dt>{t('mobile')}</dt><dd>{person.phone ? <bdi dir="ltr">{person.phone}</bdi> : t('unknown')}</dd>
      </dl>
      <div class="stack stack-8"><h3>{t('visits')}</h3>
        {sessions.length ? <ul class="rows">{sessions.map((one) => (
          <li key={one.id}><div class="two grow"><a href={`/clinic/sessions/${one.id}`}>{dayAndTime(startOf(one))}</a><span><bdi>{doctorName(one, side.providers)}</bdi></span></div><State tone={tone(one.status)} icon={kShapeOf[one.status]}>{statusText(one.status)}</State></li>))}</ul>
          : <p class="muted">{t('past_none')}</p>}
        {side.more && <p class="small muted">{t('merge_more_visits')}</p>}</div>
    </div>
  );
}

// Approval that a second person must give, and its state. The desk has no list, so it asks again.
function Asked({ merged, into, busy, again }: { merged: string; into: string; busy: boolean; again: () => void }) {
  const loaded = useLoad(async () => {
    if (!hasRole('admin')) return undefined;
    const { items } = await get<Page<Approval>>('/api/v1/approvals');
    return items.find((one) => one.act === 'patient.merge' && one.wish.patient === merged && one.wish.into === into);
  }, `${merged} ${into}`);
  const one = loaded.data.value;
  return (
    <Notice tone="waits" icon="shield" alert>
      <div class="stack stack-12">
        <p class="strong">{t('merge_asked')}</p>
        <p>{t('merge_asked_more')}</p>
        {one && <p>{t(one.confirmedBy ? 'merge_confirmed' : 'merge_unconfirmed', { when: dayAndTime(one.until) })}</p>}
        <p class="row row-8 row-wrap"><Button kind="primary" busy={busy} onPress={() => { void loaded.again(); again(); }}>{t('merge_again')}</Button>
          {hasRole('admin') && <LinkButton href="/console/approvals">{t('merge_requests')}</LinkButton>}</p>
      </div>
    </Notice>
  );
}

function Decide({ a, b, done }: { a: Side; b: Side; done: (pointer: Pointer, into: Person) => void }) {
  const [stays, setStays] = useState('');
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const [asked, setAsked] = useState(false);
  const key = useRef(newKey());
  const act = useAct();
  const [into, merged] = stays === b.person.id ? [b.person, a.person] : [a.person, b.person];
  const change = (set: (value: string) => void) => (value: string) => { set(value); setWrong(false); };
  const merge = () => act.run(async () => {
    if (!stays || !reason.trim()) return setWrong(true);
    try {
      done(await post<Pointer>(`/api/v1/patients/${merged.id}/merge`, { into: into.id, reason: reason.trim(), ...(merged.version !== undefined ? { version: merged.version } : {}) }, { key: key.current }), into);
    } catch (failed) {
      // A lost answer is asked for under the same key; after a refusal the next try is another one.
      if (failed instanceof Problem && failed.status) key.current = newKey();
      if (!(failed instanceof Problem) || failed.code !== 'approval.needed') throw failed;
      setAsked(true);
    }
  });
  return (
    <section class="card" aria-labelledby="md-h">
      <form class="stack stack-16" noValidate onSubmit={(event) => { event.preventDefault(); void merge(); }}>
        <h2 id="md-h">{t('merge_decide')}</h2>
        <p>{t('merge_decide_more')}</p>
        {!asked && <Notice>{t('merge_two_persons')}</Notice>}
        <Choices legend={t('merge_stays')} name="stays" value={stays} onText={change(setStays)} options={[a, b].map(({ person }, i) => ({ value: person.id, text: t(i ? 'merge_second' : 'merge_first'), more: [nameOf(person), person.mrn].filter(Boolean).join(' · ') }))} />
        <TextArea label={t('merge_reason')} hint={t('merge_reason_more')} value={reason} onText={change(setReason)} rows={2} maxLength={1000} required />
        {wrong && <p class="error" role="alert"><Icon name="alert" /><span>{t('merge_incomplete')}</span></p>}
        {act.error !== undefined && <Failure error={act.error} />}
        {asked ? <Asked merged={merged.id} into={into.id} busy={act.busy} again={() => void merge()} />
          : <p><Button kind="primary" submit busy={act.busy}>{t('merge_do')}</Button></p>}
      </form>
    </section>
  );
}

function Choose({ heading, name }: { heading: string; name: 'a' | 'b' }) {
  return <div class="stack stack-16"><h2>{heading}</h2><FindPatient plain onFound={(person) => setQuery({ [name]: person.id })} /></div>;
}

export function Merge() {
  const given = place.value.query;
  const [a, b] = [given.get('a') ?? '', given.get('b') ?? ''];
  const first = useLoad(async () => (a ? load(a) : undefined), a);
  const second = useLoad(async () => (b ? load(b) : undefined), b);
  const [merge, setMerge] = useState<{ waits: boolean; name: string }>();
  const sides = [
    { name: 'a' as const, id: a, loaded: first, beside: second, heading: t('merge_first') },
    { name: 'b' as const, id: b, loaded: second, beside: first, heading: t('merge_second') },
  ];
  const [one, two] = [first.data.value, second.data.value];
  const again = () => { void first.again(); void second.again(); };
  const other = (name: 'a' | 'b') => { setMerge(undefined); setQuery({ [name]: undefined }); };
  const same = one && two && one.person.id === two.person.id;
  return (
    <Frame name="merge">
      <div class="page-head"><div class="grow"><H1>{t('merge')}</H1><p class="muted">{t('merge_lead')}</p></div>{(a || b) && given.has('pairs') && <Button onPress={() => { setMerge(undefined); setQuery({ a: undefined, b: undefined }); }}>{t('pairs_back')}</Button>}
        <LinkButton href="/clinic">{t('back_home')}</LinkButton></div>
      {!mayMerge() ? <Failure error={new Problem(403, 'authorisation.denied', '', '', '')} /> : <div class="fill">
        <div class="cols cols-even">{sides.map(({ name, id, loaded, beside, heading }) => (
          <section key={name} class="card" aria-label={heading}>
            {!id ? <Choose heading={heading} name={name} />
              : loaded.data.value ? <Record side={loaded.data.value} other={beside.data.value} heading={heading} again={() => { setMerge(undefined); again(); }} clear={() => other(name)} />
              : loaded.error.value !== undefined ? <div class="stack stack-16"><Failure error={loaded.error.value} again={() => void loaded.again()} /><p><Button onPress={() => other(name)}>{t('other_patient')}</Button></p></div>
              : <Skeleton lines={6} />}
          </section>))}
        </div>
        {merge ? <Notice tone={merge.waits ? 'waits' : 'ok'} alert>{t(merge.waits ? 'merge_waits' : 'merge_done', { name: merge.name })}</Notice>
          : !a && !b ? <Pairs />
          : same ? <Notice>{t('merge_same')}</Notice>
          : one && two && <Decide key={`${a} ${b}`} a={one} b={two} done={(pointer, into) => { setMerge({ waits: pointer.state === 'waiting', name: nameOf(into) }); again(); }} />}
      </div>}
    </Frame>
  );
}
