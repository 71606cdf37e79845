// One act on many instances: what would be done, run by a person, some first, then by a rate. The hub does it; the page may be closed.
import { useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { number, t, word } from '../base/i18n';
import { useAct, useEvery, useLoad } from '../base/load';
import { go, place, setQuery } from '../base/router';
import { Button, Check, Empty, Failure, Field, H1, Notice, Select, Skeleton, State, type Tone } from '../ui';
import { Frame } from './frame';
import type { Page } from './model';
import { Ago, Code, Facts, Grid, Id, Moment, Old, Pane, ReasonDialog } from './widgets';

interface Repair {
  id: string;
  verb: string;
  state: string;
  digest: string;
  count: number;
  more: boolean;
  oldest: string;
  filter: Record<string, string>;
  sent: { role: string; action: string; count: number; withoutKey: number }[];
  leftOut: { code: string; count: number }[];
  created: string;
  createdBy: string;
  perMinute?: number;
  first?: number;
  why?: string;
  // Version with which a retry goes on.
  version?: string;
  counts?: Record<string, number>;
  // Of a restart: calls that are made anew.
  effects?: number;
}
interface Row { n: number; instance: string; state: string; code?: string; restartedAs?: string; at?: string }

const kVerbs: Record<string, string[]> = { faulted: ['retry', 'restart'], parked: ['cancel'], running: ['cancel'], waiting: ['cancel'], completed: ['restart'], cancelled: ['restart'] };
const kLooks: Record<string, [Tone, string]> = {
  previewed: ['idle', 'eye'], running: ['waits', 'running'], waiting: ['parked', 'decide'], done: ['ok', 'ok'], stopped: ['failed', 'ban'],
  open: ['idle', 'clock'], acted: ['waits', 'running'], well: ['ok', 'ok'], failed: ['failed', 'fail'], goes_on: ['waits', 'clock'], moved: ['idle', 'minus'], refused: ['failed', 'ban'],
};
const kStates = ['open', 'acted', 'well', 'failed', 'goes_on', 'moved', 'refused'];
const Look = ({ of }: { of: string }) => { const [tone, icon] = kLooks[of] ?? ['idle', 'info']; return <State tone={tone} icon={icon}>{word('repair', of)}</State>; };

// A preview of what the filter of the list takes.
function Plan({ filter }: { filter: Record<string, string> }) {
  const verbs = [...new Set(filter.status ? filter.status.split(',').flatMap((one) => kVerbs[one] ?? []) : ['retry', 'restart', 'cancel'])];
  const [verb, setVerb] = useState(verbs[0]);
  const { busy, error, run } = useAct();
  const plan = () => void run(async () => go(`/console/repairs/${(await post<Repair>('/api/v1/repairs', { verb, filter })).id}`));
  return (
    <Pane title={t('repair_new')} id="plan" body>
      <p>{t('repair_new_more')}</p>
      <Facts rows={Object.entries(filter).map(([name, value]) => [name === 'code' ? t('code_word') : name === 'status' ? t('state') : name === 'since' ? t('changed') : t(name === 'version' ? 'version' : 'workflow'), <Code>{value}</Code>])} />
      <Select label={t('act_word')} value={verb} onText={setVerb} options={verbs.map((value) => ({ value, text: word('repair_verb', value) }))} />
      {error !== undefined && <Failure error={error} detail />}
      <p><Button kind="primary" icon="eye" busy={busy} onPress={plan}>{t('repair_preview')}</Button></p>
    </Pane>
  );
}

function Rows({ job }: { job: Repair }) {
  const state = place.value.query.get('state') ?? '';
  const loaded = useLoad(() => get<Page<Row>>(`/api/v1/repairs/${job.id}/items${query({ state, limit: 100 })}`), job.id + state + JSON.stringify(job.counts));
  const rows = loaded.data.value?.items;
  return (
    <section class="pane" aria-label={t('instances')}>
      <div class="pane-body"><Select label={t('state')} value={state} onText={(value) => setQuery({ state: value })} options={[{ value: '', text: t('all') }, ...kStates.map((value) => ({ value, text: `${word('repair', value)} (${number(job.counts?.[value] ?? 0)})` }))]} /></div>
      {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} detail /></div> : !rows ? <div class="pane-body"><Skeleton /></div> : !rows.length ? <Empty icon="flow" text={t('instances_filtered')} /> : (
        <Grid caption={t('instances')} heads={[{ text: t('id_word') }, { text: t('state') }, { text: t('code_word') }]}>
          {rows.map((one) => <tr key={one.n}><th scope="row" class="fit"><Id id={one.instance} href={`/console/instances/${one.instance}`} /></th><td class="fit"><Look of={one.state} /></td><td>{one.code && <Code>{one.code}</Code>}{one.restartedAs && <Id id={one.restartedAs} href={`/console/instances/${one.restartedAs}`} />}</td></tr>)}
        </Grid>)}
    </section>
  );
}

// Pace of the hub: acts a minute, and acts before it waits for somebody to look.
const kPace = { perMinute: '60', first: '3', goOn: false };
const kPerMinute = [1, 1200];
const kFirst = [0, 100];
const within = (text: string, [from, to]: number[]) => /^\d+$/.test(text) && Number(text) >= from && Number(text) <= to;
function Pace({ pace, setPace }: { pace: typeof kPace; setPace: (pace: typeof kPace) => void }) {
  const range = ([from, to]: number[], text: string) => (within(text, [from, to]) ? undefined : t('number_range', { from, to }));
  return (
    <div class="stack stack-12">
      <Field label={t('repair_rate')} value={pace.perMinute} onText={(perMinute) => setPace({ ...pace, perMinute })} digits autocomplete="off" error={range(kPerMinute, pace.perMinute)} />
      <Field label={t('repair_first')} hint={t('repair_first_more')} value={pace.first} onText={(first) => setPace({ ...pace, first })} digits autocomplete="off" error={range(kFirst, pace.first)} />
      {pace.first !== '0' && <Check text={t('repair_go_on')} checked={pace.goOn} onCheck={(goOn) => setPace({ ...pace, goOn })} />}
    </div>
  );
}

function Job({ id, onDone }: { id: string; onDone: () => void }) {
  const loaded = useLoad(() => get<Repair>(`/api/v1/repairs/${id}`), id);
  const [asking, setAsking] = useState<'run' | 'go' | 'stop'>();
  const [pace, setPace] = useState(kPace);
  const job = loaded.data.value;
  const again = async () => { await loaded.again(); onDone(); };
  useEvery(2_000, () => { if (job && ['running', 'waiting'].includes(job.state)) void again(); });
  if (!job) return <Pane title={t('repairs')} id="job" body>{loaded.error.value !== undefined ? <Failure error={loaded.error.value} again={() => void loaded.again()} detail /> : <Skeleton />}</Pane>;
  const ask = async (reason: string) => {
    await post(`/api/v1/repairs/${id}/${asking}`, asking === 'run' ? { digest: job.digest, reason, perMinute: Number(pace.perMinute), first: Number(pace.first), goOn: pace.goOn, ...(job.effects !== undefined && { effects: job.effects }) } : { reason });
    setAsking(undefined);
    await again();
  };
  const acts = { previewed: ['run'], running: ['stop'], waiting: ['go', 'stop'], stopped: ['go'] }[job.state] as ('run' | 'go' | 'stop')[] | undefined;
  return (
    <>
      <Pane title={word('repair_verb', job.verb)} id="job" body more={t('repair_rows', { n: job.count })} acts={acts?.map((one) => <Button key={one} size="small" kind={one === 'stop' ? 'danger' : 'primary'} onPress={() => setAsking(one)}>{word('repair_act', one)}</Button>)}>
        <Old at={loaded.at.value} error={loaded.error.value} again={() => void loaded.again()} />
        <p role="status"><Look of={job.state} />{job.why && <> <Code>{job.why}</Code></>}</p>
        {job.state === 'waiting' && <Notice tone="parked" icon="decide">{t('repair_waits')}</Notice>}
        {job.more && <Notice tone="idle">{t('repair_more')}</Notice>}
        {job.sent.map((one) => <p key={one.role + one.action}>{t('repair_sent', { n: one.count })} <Code>{one.role}/{one.action}</Code>{one.withoutKey > 0 && <>: <strong>{t('repair_keyless', { n: one.withoutKey })}</strong></>}</p>)}
        {job.leftOut.map((one) => <p key={one.code} class="muted">{t('repair_left', { n: one.count })} <Code>{one.code}</Code></p>)}
        <Facts rows={[[t('oldest_head'), <Moment at={job.oldest} />], [t('version'), job.version !== undefined && <Code>{job.version}</Code>], [t('asked_by'), <Code>{job.createdBy}</Code>], [t('repair_pace'), job.perMinute !== undefined && t('repair_pace_of', { rate: job.perMinute, first: job.first ?? 0 })], [t('repair_digest'), <Code>{job.digest.slice(0, 16)}</Code>]]} />
      </Pane>
      <Rows job={job} />
      {asking && <ReasonDialog title={word('repair_act', asking)} text={asking === 'run' ? t('repair_run_more', { n: job.count }) : undefined} act={word('repair_act', asking)} danger={asking === 'stop'} ready={asking !== 'run' || (within(pace.perMinute, kPerMinute) && within(pace.first, kFirst))} onClose={() => setAsking(undefined)} onAct={ask}>{asking === 'run' && <Pace pace={pace} setPace={setPace} />}</ReasonDialog>}
    </>
  );
}

export function Repairs({ id }: { id?: string }) {
  const given = place.value.query;
  const filter = Object.fromEntries(['status', 'workflow', 'version', 'code', 'since'].flatMap((name) => (given.get(name) ? [[name, given.get(name)!]] : [])));
  const loaded = useLoad(() => get<Page<Repair>>('/api/v1/repairs'));
  const rows = loaded.data.value?.items;
  const planning = !id && Object.keys(filter).length > 0;
  return (
    <Frame name="repairs">
      <div class="chead"><H1>{t('repairs')}</H1><span class="sub">{t('repairs_sub')}</span></div>
      <div class={id || planning ? 'split' : undefined}>
        <section class="pane" aria-label={t('repairs')}>
          {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : !rows ? <div class="pane-body"><Skeleton lines={4} /></div> : !rows.length ? <Empty icon="retry" text={t('repairs_none')} /> : (
            <Grid caption={t('repairs')} heads={[{ text: t('act_word') }, { text: t('state') }, { text: t('instances'), num: true }, { text: t('age'), num: true }]}>
              {rows.map((one) => <tr key={one.id} aria-selected={one.id === id ? 'true' : undefined}><th scope="row" class="fit"><a href={`/console/repairs/${one.id}`}>{word('repair_verb', one.verb)}</a></th><td class="fit"><Look of={one.state} /></td><td class="num">{number(one.count)}</td><td class="num muted"><Ago at={one.created} /></td></tr>)}
            </Grid>)}
        </section>
        {id ? <div class="stack stack-12"><Job key={id} id={id} onDone={() => void loaded.again()} /></div> : planning && <Plan key={JSON.stringify(filter)} filter={filter} />}
      </div>
    </Frame>
  );
}
