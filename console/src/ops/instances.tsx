// The list of instances: filters in the address, counts by state, and "find by person", which is posted with its reason.
import { useEffect, useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { number, t, word } from '../base/i18n';
import { useAct, useEvery, useLoad } from '../base/load';
import { go, place, setQuery } from '../base/router';
import { Button, Empty, Failure, Field, H1, Icon, LinkButton, Notice, Select, Skeleton } from '../ui';
import { Frame, useListKeys } from './frame';
import { GrantedDialog } from './granted';
import { codeOf, counts, instancesOf, whereOf, type Page, type Summary } from './model';
import { mayAct, mayFindByPerson } from './rights';
import { Ago, Code, Grid, iconOf, Id, InstanceState, moment, Old, toneOf } from './widgets';

const kStates = ['parked', 'faulted', 'running', 'waiting', 'completed', 'cancelled'];
const kSince: Record<string, number> = { hour: 1, day: 24, week: 168, month: 720 };
const sinceOf = (name: string) => kSince[name] && new Date(Date.now() - kSince[name] * 3_600_000).toISOString();
const kPage = 50;
// `key`: a business key, which may be a number of a person and is looked for in the same way.
const kKinds = ['identifier', 'mrn', 'phone', 'email', 'name', 'key'];

// The place of an instance, and the cause, in one line.
function Where({ one }: { one: Summary }) {
  if (one.error) return <>{whereOf(one.error) && <Code>{whereOf(one.error)}</Code>} <Code class="failed">{codeOf(one.error)}</Code></>;
  if (!one.waits) return null;
  const { task, events, role, action, timer, until, code, ending, calls } = one.waits;
  return <>{ending && <span class="muted">{word('ending', ending)}</span>} {calls?.map((call) => <Code key={call} soft>{call}</Code>)}{task && <Code>{task}</Code>} {role && <Code soft>{action ? `${role}/${action}` : role}</Code>}{code && <> <Code class="parked">{code}</Code></>}{events?.map((event) => <Code key={event} soft>{event}</Code>)}{timer && <span class="muted">{word('timer', timer)} {until && t('until_age', { when: moment(until) })}</span>}</>;
}
export function InstanceRows({ items, caption, cursor = -1, onKeys }: { items: Summary[]; caption: string; cursor?: number; onKeys?: (event: KeyboardEvent) => void }) {
  return (
    <Grid caption={caption} class="cards" onKeys={onKeys} heads={[{ text: t('id_word') }, { text: t('workflow') }, { text: t('state') }, { text: t('where_why') }, { text: t('changed'), num: true }]}>
      {items.map((one, i) => (
        <tr key={one.id} class={i === cursor ? 'cursor' : undefined}>
          <th scope="row" class="fit"><Id id={one.id} href={`/console/instances/${one.id}`} /></th>
          <td class="fit"><Code>{one.workflow}</Code> <Code soft>{one.version}</Code></td>
          <td class="fit"><InstanceState status={one.status} /></td>
          <td class="cut"><Where one={one} /></td>
          <td class="num muted"><Ago at={one.updated} /></td>
        </tr>))}
    </Grid>
  );
}

// Rows that one search found; they are gone when the page is left, and no address holds them.
function FindByPerson({ onClose, onFound }: { onClose: () => void; onFound: (items: Summary[]) => void }) {
  const [kind, setKind] = useState('identifier');
  const [value, setValue] = useState('');
  const asked: { patient: string } | { key: string } = kind === 'key' ? { key: value.trim() } : { patient: `${kind}:${value.trim()}` };
  return (
    <GrantedDialog title={t('by_person')} text={t('by_person_more')} act={t('find_word')} ready={!!value.trim()} of={'patient' in asked ? () => asked : undefined} onClose={onClose}
      onRead={async (reason) => onFound((await post<Page<Summary>>('/api/v1/instances/search', { ...asked, limit: kPage }, { reason })).items)}>
      <Select label={t('kind')} value={kind} onText={setKind} options={kKinds.map((one) => ({ value: one, text: word('find_by', one) }))} />
      <Field label={t('person_value')} value={value} onText={setValue} autocomplete="off" required />
    </GrantedDialog>
  );
}

function Filters({ chosen, values, figures, onState }: { chosen: string[]; values: Record<string, string>; figures: Awaited<ReturnType<typeof counts>>; onState: (status: string) => void }) {
  const options = (all: string[], first: string) => [{ value: '', text: first }, ...all.map((value) => ({ value, text: value }))];
  const flows = figures ? [...new Set(figures.byWorkflow.map((one) => one.workflow))].sort() : [];
  const versions = figures ? [...new Set(figures.byWorkflow.filter((one) => !values.workflow || one.workflow === values.workflow).map((one) => one.version))].sort() : [];
  return (
    <form class="cfilters" aria-label={t('filter')} onSubmit={(event) => event.preventDefault()}>
      <fieldset><legend>{t('state')}</legend>
        {kStates.map((one) => (
          <label key={one} class="opt"><input class="tick" type="checkbox" checked={chosen.includes(one)} onChange={() => onState(one)} /><span class={toneOf(one)}><Icon name={iconOf(one)} /></span><span>{word('instance', one)}</span>
            {figures && <span class="nums">{number(figures.byStatus[one] ?? 0)}</span>}</label>))}
      </fieldset>
      {figures && <>
        <Select label={t('workflow')} value={values.workflow} onText={(workflow) => setQuery({ workflow, version: '' })} options={options(flows, t('all'))} />
        <Select label={t('version')} value={values.version} onText={(version) => setQuery({ version })} options={options(versions, t('all'))} />
        <Select label={t('code_word')} value={values.code} onText={(code) => setQuery({ code })} options={options([...new Set([...figures.byCode.map((one) => one.code), ...(values.code ? [values.code] : [])])], t('all'))} />
        <Select label={t('changed')} value={values.since} onText={(since) => setQuery({ since })} options={[{ value: '', text: t('any_time') }, ...Object.keys(kSince).map((one) => ({ value: one, text: word('since', one) }))]} />
      </>}
      <Button onPress={() => setQuery({ status: '', workflow: '', version: '', code: '', since: '' })}>{t('filter_clear')}</Button>
    </form>
  );
}

export function Instances() {
  const given = place.value.query;
  const values = Object.fromEntries(['status', 'workflow', 'version', 'code', 'since'].map((name) => [name, given.get(name) ?? ''])) as Record<'status' | 'workflow' | 'version' | 'code' | 'since', string>;
  const key = JSON.stringify(values);
  const figures = useLoad(async () => ({ now: await counts() }));
  const has = figures.data.value?.now;
  const chosen = values.status ? values.status.split(',') : [];
  const [shown, setShown] = useState<Summary[]>();
  const [next, setNext] = useState<string>();
  const [newer, setNewer] = useState<Summary[]>();
  const [found, setFound] = useState<Summary[]>();
  const [finding, setFinding] = useState(false);
  const more = useAct();
  const loaded = useLoad(() => instancesOf({
    status: values.status, workflow: values.workflow, version: values.version, code: values.code, limit: kPage,
    since: sinceOf(values.since),
  }), key);
  useEffect(() => { setShown(undefined); setNewer(undefined); }, [key]);
  const page = loaded.data.value;
  // Rows that are shown change in place; new ones wait until they are asked for.
  useEffect(() => {
    if (!page) return;
    if (!shown || !shown.length) { setShown(page.items); setNext(page.next); return; }
    const now = new Map(page.items.map((one) => [one.id, one]));
    setShown(shown.map((one) => now.get(one.id) ?? one));
    const ids = new Set(shown.map((one) => one.id));
    const fresh = page.items.filter((one) => !ids.has(one.id) && one.created > shown[0].created);
    setNewer(fresh.length ? fresh : undefined);
  }, [page]);
  useEvery(5_000, () => { void loaded.again(); void figures.again(); });
  const rows = shown ?? [];
  const [cursor, onKeys] = useListKeys(rows.length, (at) => go(`/console/instances/${rows[at].id}`));
  const onState = (status: string) => {
    const others = chosen.filter((one) => one !== status);
    const to = chosen.includes(status) ? others : has ? [...others, status] : [status];
    setQuery({ status: to.join(',') });
  };
  const onMore = () => more.run(async () => {
    const got = await get<Page<Summary>>(next!);
    setShown([...rows, ...got.items]);
    setNext(got.next);
  });
  const some = Object.values(values).some(Boolean);
  return (
    <Frame name="instances">
      <div class="chead"><H1>{t('instances')}</H1>{has && <span class="sub">{t('in_all', { n: has.total })}</span>}
        <span class="push row row-8">
          {mayAct() && some && rows.length > 0 && <LinkButton href={`/console/repairs${query({ ...values, since: sinceOf(values.since) })}`}>{t('repair_these')}</LinkButton>}
          {mayFindByPerson() && <Button icon="user" onPress={() => setFinding(true)}>{t('by_person')}</Button>}
        </span></div>
      {found && (
        <section class="pane gap" aria-labelledby="found-h">
          <div class="pane-head"><h2 id="found-h">{t('by_person_found')}</h2><span class="badge nums">{found.length}</span><span class="push"><Button size="small" onPress={() => setFound(undefined)}>{t('close')}</Button></span></div>
          <div class="pane-body"><Notice tone="idle" icon="lock">{t('by_person_audited')}</Notice></div>
          {found.length ? <InstanceRows items={found} caption={t('by_person_found')} /> : <Empty icon="flow" text={t('by_person_none')} />}
        </section>)}
      <div class="split split-start">
        <Filters chosen={chosen} values={values} figures={has} onState={onState} />
        <section class="pane" aria-label={t('instances')}>
          <Old at={loaded.at.value} error={loaded.error.value} again={() => void loaded.again()} />
          {newer && <button type="button" class="newer" onClick={() => { setShown([...newer, ...rows]); setNewer(undefined); }}><Icon name="down" /><span>{t('newer_show', { n: newer.length })}</span></button>}
          {!shown ? (loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : <div class="pane-body"><Skeleton lines={6} /></div>)
            : !rows.length ? <Empty icon="flow" text={t(some ? 'instances_filtered' : 'instances_none')}>{some && <LinkButton href="/console/instances">{t('filter_clear')}</LinkButton>}</Empty>
            : <InstanceRows items={rows} caption={t('instances')} cursor={cursor} onKeys={onKeys} />}
          {more.error !== undefined && <div class="pane-body"><Failure error={more.error} detail /></div>}
          {rows.length > 0 && <div class="pager"><span class="keys"><kbd>j</kbd> <kbd>k</kbd> {t('keys_move')} <kbd>Enter</kbd> {t('keys_open')}</span>{next && <span class="push"><Button size="small" busy={more.busy} onPress={() => void onMore()}>{t('show_more')}</Button></span>}</div>}
        </section>
      </div>
      {finding && <FindByPerson onClose={() => setFinding(false)} onFound={setFound} />}
    </Frame>
  );
}
