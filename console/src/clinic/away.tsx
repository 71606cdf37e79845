// A doctor is away: all the open visits of a day are given to another one, moved or cancelled at once.
import { useEffect, useRef, useState } from 'preact/hooks';
import { newKey, post, Problem, problemText } from '../base/api';
import { clock, dayKey, gregorian, noon, weekday } from '../base/dates';
import { has, t, type Key } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { Button, Card, Choices, Empty, Failure, Field, H1, LinkButton, nameOf, Notice, Pill, Select, Skeleton, Table, TextArea } from '../ui';
import { Frame } from './frame';
import { allProviders, nameOfParticipant, type Participant, type Provider } from './model';

type Act = 'give' | 'move' | 'cancel';
type To = 'day' | 'minutes';
interface Visit {
  session: string;
  number?: number;
  version?: number;
  scheduledStart?: string | null;
  newStart?: string;
  linked?: boolean;
  patient?: Participant | null;
  outcome: 'given' | 'moved' | 'cancelled' | 'left';
  code?: string;
  overlap?: boolean;
  taken?: { from: string; to: string };
}
interface Plan { more: boolean; visits: Visit[] }
interface Done { done: number; left: number; visits: Visit[] }

// Why a visit stays as it is.
const why = (code: string) => {
  const key = `away_${code.replaceAll('.', '_')}`;
  return has(key) ? t(key as Key) : problemText(new Problem(409, code, '', '', ''));
};
const span = ({ from, to }: { from: string; to: string }) => `${clock(from)}–${clock(to)}`;

function Outcome({ visit, done }: { visit: Visit; done?: boolean }) {
  const left = visit.outcome === 'left';
  return (
    <div class="stack stack-4">
      <div><Pill tone={left ? 'parked' : done ? 'ok' : 'idle'}>{t((left ? 'away_left' : `${done ? 'away_was_' : 'away_will_'}${visit.outcome}`) as Key)}</Pill></div>
      {visit.code && <span class="small">{why(visit.code)}</span>}
      {visit.taken && <span class="small">{t('away_taken')} <bdi dir="ltr">{span(visit.taken)}</bdi></span>}
      {visit.overlap && <span class="small">{t('move_overlap')}</span>}
      {!left && visit.linked && <span class="small">{t('move_linked')}</span>}
    </div>
  );
}
const When = ({ at }: { at?: string | null }) => (at ? <><span class="nowrap">{weekday(at, 'short')} <bdi dir="ltr" class="strong">{clock(at)}</bdi></span><br /><span class="small muted">{gregorian(at)}</span></> : <>—</>);

export function Away() {
  const providers = useLoad(allProviders);
  return (
    <Frame name="away" wide>
      <div class="page">
        <nav class="crumbs" aria-label={t('crumbs')}><a href="/clinic">{t('today')}</a></nav>
        <div class="page-head"><div class="grow stack stack-8"><H1>{t('away')}</H1><p class="muted">{t('away_more')}</p></div></div>
        {providers.error.value !== undefined && <Failure error={providers.error.value} again={() => void providers.again()} />}
        {providers.data.value ? <Arrange providers={providers.data.value} /> : providers.error.value === undefined && <Skeleton lines={6} />}
      </div>
    </Frame>
  );
}

function Arrange({ providers }: { providers: Map<string, Provider> }) {
  const all = [...providers.values()].map((one) => ({ value: one.id, text: nameOf(one) })).sort((a, b) => a.text.localeCompare(b.text));
  const none = { value: '', text: t('away_choose') };
  const [who, setWho] = useState('');
  const [date, setDate] = useState(dayKey(Date.now()));
  const [act, setAct] = useState<Act | ''>('');
  const [other, setOther] = useState('');
  const [to, setTo] = useState<To>('day');
  const [day, setDay] = useState('');
  const [minutes, setMinutes] = useState('');
  const [reason, setReason] = useState('');
  const [plan, setPlan] = useState<Plan>();
  const [done, setDone] = useState<Done>();
  const asks = useAct();
  const acts = useAct();
  const key = useRef(newKey());
  const shown = useRef<HTMLHeadingElement>(null);
  // Readers of the screen begin at the heading of the answer.
  useEffect(() => { if (plan || done) shown.current?.focus(); }, [plan, done]);
  // Another question needs another look.
  const set = <Text extends string>(change: (text: Text) => void) => (text: Text) => { setPlan(undefined); setDone(undefined); change(text); };
  const shift = Number(minutes);
  const ready = who && date && (act === 'give' ? other && other !== who : act === 'move' ? (to === 'day' ? day && day !== date : Number.isInteger(shift) && shift !== 0 && Math.abs(shift) <= 1440) : act);
  const wanted = { date, act, ...(act === 'give' ? { provider: other } : act === 'move' ? (to === 'day' ? { toDate: day } : { minutes: shift }) : {}) };
  const look = () => asks.run(async () => {
    setDone(undefined);
    setPlan(undefined);
    key.current = newKey();
    const got = await post<Plan>(`/api/v1/providers/${who}/day/preview`, wanted);
    got.visits.sort((a, b) => (a.scheduledStart ?? '').localeCompare(b.scheduledStart ?? ''));
    setPlan(got);
  });
  const changes = (plan?.visits ?? []).filter((one) => one.outcome !== 'left');
  const named = new Map((plan?.visits ?? []).map((one) => [one.session, one]));
  const change = () => acts.run(async () => {
    try {
      const got = await post<Done>(`/api/v1/providers/${who}/day`, { ...wanted, reason: reason.trim(), visits: changes.map(({ session, version }) => ({ session, version })) }, { key: key.current });
      setDone(got);
    } catch (failed) {
      // A refusal is another call the next time; a lost answer is asked for again.
      if (failed instanceof Problem && failed.status) key.current = newKey();
      throw failed;
    }
  });
  const patient = (one: Visit) => {
    const of = named.get(one.session) ?? one;
    return <a class="name" href={`/clinic/sessions/${one.session}`}><bdi>{(of.patient?.name || of.patient?.record?.name) ? nameOfParticipant(of.patient!) : t('patient_number', { n: of.number ?? '' })}</bdi></a>;
  };
  const time = { head: t('time'), cell: (one: Visit) => <When at={named.get(one.session)?.scheduledStart ?? one.scheduledStart} /> };
  const name = { head: t('role_patient'), names: true, cell: patient };
  if (done) return (
    <div class="stack stack-24">
      <div class="stack stack-12"><h2 ref={shown} tabIndex={-1}>{t('away_result')}</h2>
        <Notice tone={done.left ? 'parked' : 'ok'} alert>{t('away_done', { done: done.done, left: done.left })}</Notice></div>
      <Card title={t('away_visits')} count={done.visits.length} id="ad-h">
        <Table caption={t('away_visits')} rows={done.visits} rowKey={(one) => one.session} columns={[time, name,
          ...(act === 'move' ? [{ head: t('move_new'), cell: (one: Visit) => <When at={one.outcome === 'left' ? undefined : one.scheduledStart} /> }] : []),
          { head: t('away_outcome'), cell: (one: Visit) => <Outcome visit={one} done /> }]} />
      </Card>
      <div class="row row-8 row-wrap"><Button icon="eye" busy={asks.busy} onPress={() => void look()}>{t('away_again')}</Button><LinkButton kind="primary" href="/clinic">{t('today')}</LinkButton></div>
    </div>
  );
  return (
    <div class="stack stack-24">
      <section class="card stack stack-16" aria-labelledby="aw-h">
        <h2 id="aw-h">{t('away_what')}</h2>
        <div class="pair-fields pair-even"><Select label={t('away_who')} value={who} onText={set(setWho)} options={[none, ...all]} />
          <Field label={t('date')} type="date" value={date} onText={set(setDate)} /></div>
        <Choices legend={t('away_act')} name="act" value={act} onText={set((text) => setAct(text as Act))} options={(['give', 'move', 'cancel'] as Act[]).map((one) => ({ value: one, text: t(`away_${one}` as Key), more: t(`away_${one}_more` as Key) }))} />
        {act === 'give' && <Select label={t('away_taker')} value={other} onText={set(setOther)} options={[none, ...all.filter((one) => one.value !== who)]} />}
        {act === 'move' && <>
          <Choices legend={t('away_to')} name="to" value={to} onText={set((text) => setTo(text as To))} options={[{ value: 'day', text: t('away_to_day') }, { value: 'minutes', text: t('away_to_minutes') }]} />
          {to === 'day' ? <Field label={t('away_day')} type="date" value={day} onText={set(setDay)} />
            : <Field label={t('away_minutes')} hint={t('away_minutes_more')} digits value={minutes} onText={set(setMinutes)} />}
        </>}
        {asks.error !== undefined && <Failure error={asks.error} />}
        <Button kind={plan ? 'outlined' : 'primary'} size="large" block icon="eye" busy={asks.busy} disabled={!ready} onPress={() => void look()}>{t('away_look')}</Button>
      </section>
      {plan && <>
        <h2 class="hidden" ref={shown} tabIndex={-1}>{t('away_preview')}</h2>
        <Card title={t('away_visits')} count={plan.visits.length} id="ap-h">
          {!plan.visits.length ? <Empty text={t('away_none')} /> : <Table caption={t('away_preview')} rows={plan.visits} rowKey={(one) => one.session} columns={[time, name,
            ...(act === 'move' ? [{ head: t('move_new'), cell: (one: Visit) => <When at={one.newStart} /> }] : []),
            { head: t('away_outcome'), cell: (one: Visit) => <Outcome visit={one} /> }]} />}
        </Card>
        {plan.more && <Notice tone="parked">{t('away_over_100')}</Notice>}
        {changes.length > 0 && <section class="card stack stack-16" aria-labelledby="ac-h">
          <h2 id="ac-h">{t('away_confirm', { day: gregorian(noon(date)) })}</h2>
          <ul class="told stack stack-8"><li>{t('away_told')}</li>{act === 'give' && <li>{t('away_told_give')}</li>}<li>{t('away_left_stay')}</li></ul>
          <TextArea label={t('away_reason')} hint={t('away_reason_more')} value={reason} onText={setReason} rows={2} maxLength={500} />
          {acts.error !== undefined && <Failure error={acts.error} />}
          <Button kind={act === 'cancel' ? 'danger' : 'primary'} size="large" block busy={acts.busy} disabled={!reason.trim()} icon="check" onPress={() => void change()}>{t(`away_do_${act}` as Key, { count: changes.length })}</Button>
        </section>}
      </>}
    </div>
  );
}
