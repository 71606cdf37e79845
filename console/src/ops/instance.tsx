// One instance: what it does and whether it needs somebody, its timeline beside its graph, events, children, and its data for a reason.
import { useEffect, useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { ltr, t, word } from '../base/i18n';
import { useAct, useEvery, useLoad } from '../base/load';
import { Button, Empty, Failure, H1, Icon, Notice, Skeleton, Tabs } from '../ui';
import { Frame } from './frame';
import { Graph } from './graph';
import { GrantedDialog } from './granted';
import { codeOf, ifThere, whereOf, type Entry, type Graph as Drawn, type Instance, type Page } from './model';
import { mayAct, mayReadData } from './rights';
import { RestartDialog, StartDialog } from './restart';
import { Detail } from './tasks';
import { isOpen, Timeline } from './timeline';
import { age, Code, Facts, Id, InstanceState, Json, length, moment, Old, Pane, ReasonDialog, seconds } from './widgets';

const kOver = ['completed', 'faulted', 'cancelled'];
const kHideAfter = 5 * 60_000;

// One line: nobody is needed, or what is. Then each thing that is open, with its next moment.
function Now({ one, deciding, onDecide }: { one: Instance; deciding: boolean; onDecide: () => void }) {
  const open = one.timeline.filter(isOpen);
  const asks = one.status === 'parked';
  const failed = one.status === 'faulted';
  return (
    <ul class="pane nowlist" aria-label={t('now')}>
      <li class={asks ? 'parked' : failed ? 'failed' : 'ok'}><Icon name={asks ? 'decide' : failed ? 'fail' : 'ok'} /><b>{t(asks ? 'somebody_needed' : failed ? 'ended_failed' : kOver.includes(one.status) ? 'is_over' : 'nobody_needed')}</b></li>
      {asks && <li><span>{t('waits_decision')}</span> <Code>{one.parked}</Code>{mayAct() && <Button kind="primary" size="small" aria-expanded={deciding} onPress={onDecide}>{t('decide')}</Button>}</li>}
      {failed && <li><Code class="failed">{codeOf(one.error)}</Code>{one.error?.status !== undefined && <Code soft>{one.error.status}</Code>}{whereOf(one.error) && <span>{t('in_task')} <Code>{whereOf(one.error)}</Code></span>}</li>}
      {!asks && !kOver.includes(one.status) && open.map((entry) => <li key={entry.reference}><span class="waits"><Icon name={entry.state === 'retried' ? 'retry' : 'listen'} /></span><Code>{entry.task}</Code><span>{t('since_age', { time: age(entry.started) })}</span></li>)}
      {one.held && <li><Icon name="pause" />{word('held', one.held)}</li>}
    </ul>
  );
}

// The call that waits for a person, with the form of its answer: the task that the page of decisions has, too.
function Parked({ id, onChange }: { id: string; onChange: () => void }) {
  const found = useLoad(async () => (await get<Page<{ id: string }>>(`/api/v1/tasks${query({ kind: 'parked', object: id })}`)).items[0]?.id ?? '', id);
  const task = found.data.value;
  if (task === undefined) return found.error.value !== undefined ? <Failure error={found.error.value} again={() => void found.again()} detail /> : <Skeleton lines={4} />;
  return task ? <Detail id={task} onChange={onChange} /> : <Notice tone="parked" alert>{t('decided_meanwhile')}</Notice>;
}

function Events({ id }: { id: string }) {
  const loaded = useLoad(async () => (await get<{ items: { id: string; type: string; time: string; data?: { task?: string } }[] }>(`/api/v1/instances/${id}/events`)).items, id);
  const rows = loaded.data.value;
  if (loaded.error.value !== undefined) return <Failure error={loaded.error.value} again={() => void loaded.again()} detail />;
  if (!rows) return <Skeleton />;
  return (
    <Pane title={t('events')} id="events" count={rows.length}>
      <ul class="lines">{rows.map((one) => <li key={one.id}><span class="muted nums">{ltr(seconds(one.time))}</span><Code>{one.type.replace('io.serverlessworkflow.', '')}</Code>{one.data?.task && <Code soft>{one.data.task}</Code>}</li>)}</ul>
    </Pane>
  );
}

// Data of a person that the instance holds: locked until a reason is given, and locked again after five minutes.
function Data({ id }: { id: string }) {
  const [shown, setShown] = useState<{ context: unknown; output: unknown; until: number }>();
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => setShown(undefined), shown.until - Date.now());
    return () => clearTimeout(timer);
  }, [shown]);
  const read = async (reason: string) => {
    const got = await get<Instance>(`/api/v1/instances/${id}?data=true`, { reason });
    setShown({ context: got.context, output: got.output, until: Date.now() + kHideAfter });
  };
  if (!mayReadData()) return <section class="pane pane-body"><Notice icon="lock">{t('data_not_yours')}</Notice></section>;
  return (
    <Pane title={t('data')} id="data" body acts={shown && <Button size="small" icon="lock" onPress={() => setShown(undefined)}>{t('hide')}</Button>}>
      {shown ? <>
        <Notice tone="parked" icon="eye">{t('data_hides', { time: ltr(seconds(shown.until)) })}</Notice>
        <h3>{t('context')}</h3><Json value={shown.context ?? null} />
        {shown.output !== undefined && <><h3>{t('output')}</h3><Json value={shown.output} /></>}
      </> : <>
        <p class="row row-8"><Icon name="lock" />{t('data_locked')}</p>
        <p><Button icon="eye" onPress={() => setAsking(true)}>{t('show_with_reason')}</Button></p>
      </>}
      {asking && <GrantedDialog title={t('data_title')} text={t('data_text')} act={t('show')} of={() => ({ instance: id })} onClose={() => setAsking(false)} onRead={read} />}
    </Pane>
  );
}

function Steps({ one, current, setCurrent }: { one: Instance; current: string; setCurrent: (reference: string) => void }) {
  const drawn = useLoad(() => ifThere(get<Drawn>(`/api/v1/instances/${one.id}/graph`)), one.id);
  const [before, setBefore] = useState<Entry[]>([]);
  const [path, setPath] = useState(one.earlier);
  const more = useAct();
  useEvery(5_000, () => { if (!kOver.includes(one.status)) void drawn.again(); });
  const entries = [...before, ...one.timeline];
  const graph = drawn.data.value;
  const pick = (reference: string) => setCurrent(reference === current ? '' : reference);
  return (
    <div class={graph ? 'split split-run' : 'split'}>
      <Pane title={t('timeline')} id="timeline" count={one.timelineTotal ?? entries.length}>
        {path && <div class="pane-body"><Button size="small" busy={more.busy} onPress={() => void more.run(async () => {
          const got = await get<Instance>(path);
          setBefore([...got.timeline, ...before]);
          setPath(got.earlier);
        })}>{t('earlier')}</Button>{more.error !== undefined && <Failure error={more.error} detail />}</div>}
        {entries.length ? <Timeline entries={entries} current={current} onPick={pick} /> : <Empty icon="clock" text={t('timeline_none')} />}
      </Pane>
      {graph && <Pane title={t('graph')} id="graph" body more={kOver.includes(one.status) ? undefined : t('live')}><Graph drawn={graph} entries={entries} current={current} onPick={pick} /></Pane>}
    </div>
  );
}

type Tab = 'steps' | 'events' | 'data';
export function InstancePage({ id }: { id: string }) {
  const loaded = useLoad(() => get<Instance>(`/api/v1/instances/${id}`), id);
  const [tab, setTab] = useState<Tab>('steps');
  const [dialog, setDialog] = useState<'' | 'cancel' | 'retry' | 'restart' | 'start'>('');
  const [deciding, setDeciding] = useState(false);
  const [said, setSaid] = useState('');
  const [current, setCurrent] = useState('');
  const one = loaded.data.value;
  useEvery(3_000, () => { if (!one || !kOver.includes(one.status)) void loaded.again(); });
  const done = (text: string) => { setDialog(''); setSaid(text); void loaded.again(); };
  const act = (verb: 'cancel' | 'retry') => async (reason: string) => { await post(`/api/v1/instances/${id}/${verb}`, { reason }); done(t(verb === 'cancel' ? 'stop_done' : 'retry_done')); };
  const over = one && kOver.includes(one.status);
  return (
    <Frame name="instance">
      <nav class="crumbs" aria-label={t('you_are_here')}><a href="/console/instances">{t('instances')}</a><Icon name="next" flip /><span>{one?.workflow ?? ''}</span></nav>
      {loaded.error.value !== undefined && !one && <><H1 class="t22">{t('instance')}</H1><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></>}
      {!one ? loaded.error.value === undefined && <><H1 class="hidden">{t('instance')}</H1><Skeleton lines={6} /></> : <>
        <div class="runhead">
          <div class="grow">
            <H1 class="metaline"><Id id={one.id} whole /><InstanceState status={one.status} /></H1>
            <div class="metaline muted"><Code>{one.workflow}@{one.version}</Code><span>{t('began', { when: moment(one.created) })}</span><span>{t(over ? 'took' : 'runs_for', { time: length(Date.parse(over ? one.updated : new Date().toISOString()) - Date.parse(one.created)) })}</span>
              {one.parent && <span>{t('parent')} <Id id={one.parent} href={`/console/instances/${one.parent}`} /></span>}</div>
          </div>
          {mayAct() && one.status === 'faulted' && <Button icon="retry" onPress={() => setDialog('retry')}>{t('retry_dots')}</Button>}
          {mayAct() && over && <Button icon="repeat" onPress={() => setDialog('restart')}>{t('restart_dots')}</Button>}
          {mayAct() && <Button icon="plus" onPress={() => setDialog('start')}>{t('start_dots')}</Button>}
          {mayAct() && !over && <Button icon="ban" onPress={() => setDialog('cancel')}>{t('stop_dots')}</Button>}
        </div>
        <Old at={loaded.at.value} error={loaded.error.value} again={() => void loaded.again()} />
        {said && <Notice tone="ok" alert>{said}</Notice>}
        <Now one={one} deciding={deciding} onDecide={() => setDeciding(!deciding)} />
        {deciding && <Parked id={one.id} onChange={() => done(t('decided'))} />}
        {one.children && one.children.length > 0 && <Pane title={t('children')} id="children" count={one.children.length} body><ul class="row row-16">{one.children.map((child) => <li key={child}><Id id={child} href={`/console/instances/${child}`} /></li>)}</ul></Pane>}
        <Tabs label={t('sections')} current={tab} onTab={setTab} tabs={[{ name: 'steps' as Tab, text: t('timeline_graph') }, { name: 'events', text: t('events') }, { name: 'data', text: t('data') }]}>
          {tab === 'steps' ? <Steps key={one.id} one={one} current={current} setCurrent={setCurrent} /> : tab === 'events' ? <Events id={one.id} /> : <Data id={one.id} />}
        </Tabs>
        {one.error && <details class="pane pane-body"><summary>{t('error_whole')}</summary><Facts rows={[[t('code_word'), <Code>{codeOf(one.error)}</Code>], [t('reference'), one.error.instance && <Code>{one.error.instance}</Code>], [t('kind'), one.error.type && <Code>{one.error.type}</Code>], [t('detail'), one.error.detail && <bdi lang="en">{one.error.detail}</bdi>]]} /></details>}
      </>}
      {dialog === 'cancel' && <ReasonDialog title={t('stop_title')} text={t('stop_text')} act={t('stop_act')} danger onClose={() => setDialog('')} onAct={act('cancel')} />}
      {dialog === 'retry' && <ReasonDialog title={t('retry_title')} text={t('retry_text')} act={t('retry_act')} onClose={() => setDialog('')} onAct={act('retry')} />}
      {dialog === 'restart' && <RestartDialog id={id} onClose={() => setDialog('')} />}
      {dialog === 'start' && <StartDialog workflow={one?.workflow} onClose={() => setDialog('')} />}
    </Frame>
  );
}
