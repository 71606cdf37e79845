// Decisions: the list by need, and one decision with what was asked, what is known, the answers, and the sentence for the audit log.
import { useState } from 'preact/hooks';
import { get, post, Problem, query } from '../base/api';
import { has, t, word, type Key } from '../base/i18n';
import { useAct, useEvery, useLoad } from '../base/load';
import { me } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Choices, Dialog, DialogActs, Empty, Failure, H1, Icon, LinkButton, Notice, Select, Skeleton, State, TextArea } from '../ui';
import { complete, type Schema } from './answers';
import { Frame } from './frame';
import { ifThere, instancesOf, type Page } from './model';
import { SchemaFields } from './schema';
import { loadTodos } from './todo';
import { age, Ago, Code, Id, Json, moment, Old, Pane, ReasonDialog } from './widgets';

interface Task {
  id: string;
  kind: string;
  title: string;
  role?: string;
  escalation?: string;
  assignee?: string;
  state: string;
  object: { type: string; id: string };
  opened: string;
  due?: string;
  overdue?: boolean;
  claimedBy?: string;
  claimedAt?: string;
  decidedBy?: string;
  decidedAt?: string;
  workflow?: string;
  call?: { role: string; action: string; version?: string; task?: string; reference?: string; key?: string; effect?: string; code?: string };
  instance?: string;
  question?: string;
  data?: unknown;
  answers?: string[];
  schema?: Schema;
  answer?: unknown;
  withheld?: boolean;
}
// The title is a code; the pages have its words.
const slugOf = (title: string) => title.replaceAll('.', '_').replaceAll('-', '_');
const titleOf = (one: Task) => {
  const key = `task_${slugOf(one.title)}`;
  return has(key) ? t(key as Key) : one.title;
};
// An answer has words of its own for a title, or the same words for each.
const answerKey = (one: Task, name: string) => {
  const own = `outcome_${slugOf(one.title)}_${name}`;
  return has(own) ? own : `outcome_${name}`;
};
const answerText = (one: Task, name: string) => (has(answerKey(one, name)) ? t(answerKey(one, name) as Key) : name);
const answerMore = (one: Task, name: string) => (has(`${answerKey(one, name)}_more`) ? t(`${answerKey(one, name)}_more` as Key) : undefined);
const isMine = (who: string | undefined) => !!who && who === me.value?.actor;

// Of a hub without tasks: its parked instances, which are decided on their own page.
const parkedOnes = async (): Promise<Page<Task>> => {
  const { items, next } = (await ifThere(instancesOf({ status: 'parked', limit: 50 }))) ?? { items: [] };
  return { items: items.map((one) => ({ id: one.id, kind: 'instance', title: 'call.parked', state: 'open', object: { type: 'instance', id: one.id }, opened: one.updated, workflow: `${one.workflow} ${one.version}` })), next };
};

function Queue({ items, current }: { items: Task[]; current?: string }) {
  return (
    <ol class="queue">
      {items.map((one) => (
        <li key={one.id}><a href={one.kind === 'instance' ? `/console/instances/${one.object.id}` : `/console/tasks/${encodeURIComponent(one.id)}${location.search}`} aria-current={one.id === current ? 'true' : undefined}>
          <b>{titleOf(one)}</b>
          <span>{one.call ? <Code>{one.call.action}</Code> : one.workflow ? <Code>{one.workflow}</Code> : one.role && <Code>{one.role}</Code>}</span>
          <span class="muted between"><span>{one.state === 'claimed' ? t(isMine(one.claimedBy) ? 'held_by_you' : 'held_by_somebody') : t('opened_age', { age: age(one.opened) })}</span>
            {one.due && <span class={one.overdue ? 'failed' : 'parked'}>{t(one.overdue ? 'overdue' : 'due_at', { when: moment(one.due) })}</span>}</span>
        </a></li>))}
    </ol>
  );
}

// Another person decided meanwhile: who, and when.
export function Meanwhile({ error }: { error: unknown }) {
  if (!(error instanceof Problem) || error.status !== 409) return <Failure error={error} detail />;
  return <Notice tone="parked" alert><p class="strong">{t('decided_meanwhile')}</p>{error.detail && <p lang="en" dir="auto">{error.detail}</p>}</Notice>;
}

// Titles of tasks that ask for the telephone or the guardian of a patient.
const kContact = ['patient.no-guardian', 'invitation.no-phone', 'patient.other-phone'];
// The visit of a task, and the place of the record where the answer is written.
function Visit({ one }: { one: Task }) {
  const act = useAct();
  const open = () => act.run(async () => {
    const { patient } = await get<{ patient: string | null }>(`/api/v1/sessions/${one.object.id}`);
    location.assign(patient ? `/clinic/patients/${patient}?tab=contact` : `/clinic/sessions/${one.object.id}`);
  });
  return (
    <>
      <p>{t('visit')} <Id id={one.object.id} href={`/clinic/sessions/${one.object.id}`} /></p>
      {kContact.includes(one.title) && <p><Button size="small" icon="pen" busy={act.busy} onPress={() => void open()}>{t('task_contact')}</Button></p>}
      {act.error !== undefined && <Failure error={act.error} detail />}
    </>
  );
}

function Asked({ one, onShow }: { one: Task; onShow: () => void }) {
  return (
    <div class="four">
      <section><h3><span class="qn">1</span>{t('what_asked')}</h3>
        <p>{one.call ? <><Code>{one.call.role}</Code> <Code>{one.call.action}</Code> {one.call.version && <Code soft>{one.call.version}</Code>}</> : one.question ? <span class="pre block" dir="auto">{one.question}</span> : <Code>{one.title}</Code>}</p></section>
      <section><h3><span class="qn">2</span>{t('what_known')}</h3>
        {one.call ? <p>{t(one.call.effect === 'none' ? 'effect_none' : 'effect_unknown')} {one.call.code && <Code class="failed">{one.call.code}</Code>}</p> : one.data !== undefined ? <Json value={one.data} /> : <p class="muted">{t(one.withheld ? 'task_withheld' : 'nothing_more')}</p>}
        {one.withheld && <p><Button size="small" icon="eye" onPress={onShow}>{t('show_with_reason')}</Button></p>}</section>
      <section><h3><span class="qn">3</span>{t('where_look')}</h3>
        {one.call?.key && <p>{t('search_by')} <Id id={one.call.key} whole /></p>}
        {one.object.type === 'session' && <Visit one={one} />}
        {one.object.type === 'person' ? <p>{t('task_patient')} <Id id={one.object.id} href={`/clinic/patients/${one.object.id}`} /></p> : (one.instance || one.object.type === 'instance') && <p>{t('instance')} <Id id={one.instance ?? one.object.id} href={one.object.type === 'instance' || one.instance ? `/console/instances/${one.instance ?? one.object.id}` : undefined} /></p>}</section>
      <section><h3><span class="qn">4</span>{t('what_next')}</h3><p>{t(one.kind === 'request' ? 'task_request_next' : 'next_by_answer')}</p>{one.due && <p class="muted">{t('due_at', { when: moment(one.due) })} {one.escalation && <Code>{one.escalation}</Code>}</p>}</section>
    </div>
  );
}

function Decide({ one, onDone }: { one: Task; onDone: () => void }) {
  const schema = one.schema ?? {};
  const names = one.answers ?? schema.properties?.outcome?.enum?.map(String) ?? [];
  const [outcome, setOutcome] = useState('');
  const [values, setValues] = useState<Record<string, string>>({});
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const [sure, setSure] = useState(false);
  const act = useAct();
  const parked = one.kind === 'parked';
  // Members of the answer beside its outcome: of a parked call, its output, and only if it took effect.
  const own = Object.entries(schema.properties ?? {}).filter(([name]) => name !== 'outcome');
  if (one.kind === 'request') for (const pair of own) pair[1] = { ...pair[1], title: t('task_answer_to_patient') };
  const fields = parked ? (outcome === 'done' ? schema.properties?.output : undefined) : { ...schema, properties: Object.fromEntries(own), required: schema.required?.filter((name) => name !== 'outcome') };
  const { value, missing } = complete(fields, values);
  const answer = { ...(names.length ? { outcome } : {}), ...(parked ? (value !== undefined && fields ? { output: value } : {}) : (value as object | undefined)) };
  const ask = (event: Event) => {
    event.preventDefault();
    const incomplete = (names.length > 0 && !outcome) || !reason.trim() || missing.length > 0;
    setWrong(incomplete);
    if (!incomplete) setSure(true);
  };
  return (
    <form class="pane-body stack stack-16 ask" onSubmit={ask} noValidate>
      {names.length > 0 && <div class="answers"><Choices legend={t('answer')} name="outcome" value={outcome} onText={setOutcome} options={names.map((name) => ({ value: name, text: answerText(one, name), more: answerMore(one, name) }))} /></div>}
      {wrong && names.length > 0 && !outcome && <p class="error" role="alert"><Icon name="alert" /><span>{t('answer_missing')}</span></p>}
      {parked && !names.includes('done') && <Notice icon="lock"><p>{t('answer_not_by_hand')}</p>{schema.properties?.outcome?.description && <p class="small" lang="en" dir="auto">{schema.properties.outcome.description}</p>}</Notice>}
      {fields && <SchemaFields whole={parked} legend={parked ? undefined : t('task_answer_words')} schema={fields} values={values} onValue={(name, text) => setValues({ ...values, [name]: text })} missing={wrong ? missing : []} />}
      <TextArea label={t('reason_kept')} value={reason} onText={setReason} rows={2} error={wrong && !reason.trim() ? t('reason_missing') : undefined} />
      <p><Button kind="primary" submit>{t('decide_dots')}</Button></p>
      {sure && (
        <Dialog title={t('decide_sure')} open onClose={() => setSure(false)}>
          <p>{t('goes_to_log')}</p>
          <blockquote class="notice notice-idle"><div><p class="strong"><bdi>{me.value?.username ?? me.value?.actor}</bdi>: {titleOf(one)} {outcome && <>— {has(`${answerKey(one, outcome)}_log`) ? t(`${answerKey(one, outcome)}_log` as Key) : answerText(one, outcome)}</>}</p><p dir="auto">{reason}</p></div></blockquote>
          {act.error !== undefined && <Meanwhile error={act.error} />}
          <DialogActs>
            <Button onPress={() => setSure(false)}>{t('back')}</Button>
            <Button kind="primary" busy={act.busy} onPress={() => void act.run(async () => { await post(`/api/v1/tasks/${encodeURIComponent(one.id)}/decide`, { answer, reason: reason.trim() }); setSure(false); onDone(); })}>{t('decide')}</Button>
          </DialogActs>
        </Dialog>)}
    </form>
  );
}

// One task by its id: what is asked and known, and its form; who decided it when that is over.
export function Detail({ id, onChange }: { id: string; onChange: () => void }) {
  // An overseer sees what it is about for a reason; each reading is audited, so that it is not repeated.
  const [reason, setReason] = useState('');
  const [asking, setAsking] = useState(false);
  const loaded = useLoad(() => get<Task>(`/api/v1/tasks/${encodeURIComponent(id)}`, { reason }), id + reason);
  const act = useAct();
  const one = loaded.data.value;
  useEvery(15_000, () => { if (!reason) void loaded.again(); });
  if (!one) return loaded.error.value !== undefined ? <Failure error={loaded.error.value} again={() => void loaded.again()} detail /> : <Skeleton lines={6} />;
  const path = `/api/v1/tasks/${encodeURIComponent(id)}`;
  const again = () => { onChange(); void loaded.again(); };
  const open = one.state === 'open' || one.state === 'claimed';
  return (
    <Pane title={titleOf(one)} id="task-h" acts={<>
      {one.state === 'claimed' && <span class="muted">{isMine(one.claimedBy) ? t('held_by_you') : <>{t('held_by_somebody')} <Code soft>{one.claimedBy}</Code></>}</span>}
      {one.state === 'open' && one.kind !== 'parked' && <Button size="small" busy={act.busy} onPress={() => void act.run(async () => { await post(`${path}/claim`); again(); })}>{t('claim')}</Button>}
      {one.state === 'claimed' && <Button size="small" busy={act.busy} onPress={() => void act.run(async () => { await post(`${path}/release`); again(); })}>{t('release')}</Button>}
    </>}>
      <Old at={loaded.at.value} error={loaded.error.value} again={() => void loaded.again()} />
      {act.error !== undefined && <div class="pane-body"><Meanwhile error={act.error} /></div>}
      <Asked one={one} onShow={() => setAsking(true)} />
      {asking && <ReasonDialog title={titleOf(one)} text={t('data_text')} act={t('show')} onClose={() => setAsking(false)} onAct={async (why) => { setReason(why); setAsking(false); }} />}
      {open ? <Decide key={one.id} one={one} onDone={again} /> : (
        <div class="pane-body stack stack-8"><State tone={one.state === 'done' ? 'ok' : 'idle'} icon={one.state === 'done' ? 'personok' : 'ban'}>{word('task_state', one.state)}</State>
          {one.decidedBy && <p>{t('decided_by')} <Code>{one.decidedBy}</Code>, <Ago at={one.decidedAt ?? one.opened} /></p>}
          {one.answer !== undefined && <Json value={one.answer} />}
          {one.instance && <p><LinkButton href={`/console/instances/${one.instance}`}>{t('to_instance')}</LinkButton></p>}
        </div>)}
    </Pane>
  );
}

export function Tasks({ id }: { id?: string }) {
  const given = place.value.query;
  const state = given.get('state') ?? '';
  const mine = given.get('mine') ?? '';
  const loaded = useLoad(async () => (await ifThere(get<Page<Task>>(`/api/v1/tasks${query({ state, mine, limit: 100 })}`))) ?? (await parkedOnes()), state + mine);
  useEvery(10_000, () => void loaded.again());
  const items = loaded.data.value?.items.slice().sort((a, b) => Number(b.kind === 'emergency') - Number(a.kind === 'emergency') || (a.due ?? '9').localeCompare(b.due ?? '9') || a.opened.localeCompare(b.opened));
  const bare = items?.some((one) => one.kind === 'instance');
  const onChange = () => { void loaded.again(); void loadTodos(); };
  return (
    <Frame name="decisions">
      <div class="chead"><H1>{t('decisions')}</H1>{items && <span class="sub">{t('wait_n', { n: items.length })}</span>}</div>
      {!bare && <form class="fbar" aria-label={t('filter')} onSubmit={(event) => event.preventDefault()}>
        <Select label={t('state')} value={state} onText={(value) => setQuery({ state: value })} options={[{ value: '', text: t('task_waiting') }, ...['open', 'claimed', 'done', 'cancelled'].map((one) => ({ value: one, text: word('task_state', one) }))]} />
        <Select label={t('whose')} value={mine} onText={(value) => setQuery({ mine: value })} options={[{ value: '', text: t('all') }, { value: 'true', text: t('whose_mine') }]} />
      </form>}
      <div class={id ? 'split split-list' : 'split'}>
        <section class="pane" aria-label={t('decisions')}>
          <Old at={loaded.at.value} error={loaded.error.value} again={() => void loaded.again()} />
          {!items ? (loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : <div class="pane-body"><Skeleton lines={4} /></div>)
            : !items.length ? <Empty icon="decide" text={t('decisions_none')} /> : <Queue items={items} current={id} />}
        </section>
        {id && <Detail key={id} id={id} onChange={onChange} />}
      </div>
    </Frame>
  );
}
