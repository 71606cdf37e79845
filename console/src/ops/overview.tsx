// The first page: what needs somebody, most urgent first; the health of the hub; what fails, by cause.
import { useEffect } from 'preact/hooks';
import { query } from '../base/api';
import { has, number, t, word, type Key } from '../base/i18n';
import { useEvery, useLoad } from '../base/load';
import { hasRole } from '../base/me';
import { Empty, Failure, H1, LinkButton, Skeleton, State, type Tone } from '../ui';
import { Frame } from './frame';
import { codeOf, counts, health, instancesOf, whereOf, type Counts, type Health, type Summary } from './model';
import { maySee } from './rights';
import { isUrgent, loadTodos, placeOf, textOf, todos, todosAt, todosError, type Todo } from './todo';
import { age, Ago, Code, Grid, Id, Old, Pane } from './widgets';

// One thing to do: count, what, how old, the way there.
function Need({ one, first }: { one: Todo; first: boolean }) {
  const to = placeOf(one);
  return (
    <li class={first ? 'first' : undefined}>
      <span class="n nums">{number(one.count)}</span>
      <div class="what"><b>{textOf(one)}</b>
        <span>{one.code && <Code>{one.code}</Code>} {has(`todo_more_${one.kind}`) && word('todo_more', one.kind)}</span></div>
      <div class="when nums">{one.oldest && <><span>{t('oldest', { age: age(one.oldest) })}</span></>}</div>
      {to ? <LinkButton kind={first ? 'primary' : 'outlined'} href={to}>{t(first ? 'look_now' : 'look')}</LinkButton> : <span />}
    </li>
  );
}
export function Needs() {
  const now = todos.value;
  return (
    <Pane title={t('needs_you')} id="needs" count={now?.items.reduce((sum, one) => sum + one.count, 0)} more={t('urgent_first')}>
      <div class="pane-flush"><Old at={todosAt.value} error={todosError.value} again={() => void loadTodos()} /></div>
      {!now ? (todosError.value !== undefined ? <div class="pane-body"><Failure error={todosError.value} again={() => void loadTodos()} detail /></div> : <div class="pane-body"><Skeleton lines={3} /></div>)
        : !now.items.length ? <Empty icon="ok" text={t('needs_none')} />
        : <ul class="needs">{now.items.map((one, i) => <Need key={`${one.kind} ${one.code ?? ''}${one.role ?? ''}${one.plugin ?? ''}${one.source ?? ''}`} one={one} first={i === 0 && isUrgent(one)} />)}</ul>}
    </Pane>
  );
}

interface Part {
  name: string;
  tone: Tone;
  says: string;
  icon?: string;
  code?: boolean;
}
// Each part of the hub, the ill ones first.
export function partsOf(now: Health): Part[] {
  const parts: Part[] = [];
  const part = (name: Key, well: boolean, says: string, tone: Tone = 'failed') => parts.push({ name: t(name), tone: well ? 'ok' : tone, says: well ? t('good') : says });
  if (now.store) part('part_store', !now.store.diskFull, t('disk_full'));
  if (now.keys) part('keys', now.keys.available, now.keys.code ?? t('not_there'));
  if (now.audit) {
    part('audit', now.audit.appendable && now.audit.signing, now.audit.code ?? t('not_there'));
    const failing = now.audit.anchors.filter((one) => one.failing).length;
    if (now.audit.anchors.length) part('anchors', !failing, t('some_of', { some: now.audit.anchors.length - failing, all: now.audit.anchors.length }), 'parked');
    else parts.push({ name: t('anchors'), tone: 'parked', says: t('none_word') });
  }
  for (const [role, why] of Object.entries(now.rolesUnserved ?? {})) parts.push({ name: role, tone: 'failed', says: why.split(' ').slice(1).join(' ') || why, code: true });
  for (const one of now.plugins ?? []) {
    const well = one.state === 'up' || one.isolation === 'inline';
    const ill = one.health?.status === 'down' || one.state === 'quarantined' || one.state === 'stopped';
    parts.push({ name: one.id, code: true, tone: ill ? 'failed' : well && one.health?.status !== 'degraded' ? 'ok' : 'waits', says: ill || !well ? word('plugin', one.health?.status === 'down' ? 'down' : one.state) : t('good') });
  }
  const order: Tone[] = ['failed', 'parked', 'waits', 'idle', 'ok'];
  return parts.sort((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone));
}
function Parts({ now }: { now: Health }) {
  return (
    <Pane title={t('health')} id="health" more={word('health', now.status)}>
      <ul class="health">{partsOf(now).map((one) => <li key={one.name}><b>{one.code ? <Code>{one.name}</Code> : one.name}</b><State tone={one.tone} icon={one.icon}>{one.says}</State></li>)}</ul>
      {now.held && <p class="pane-body">{t('hub_held')}</p>}
    </Pane>
  );
}

interface Cause {
  code: string;
  count: number;
  oldest: string;
  where?: string;
}
// Of a hub without counts: the faulted instances of one page, counted here.
function causesOf(items: Summary[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const one of items) {
    const code = codeOf(one.error);
    const was = causes.get(code) ?? { code, count: 0, oldest: one.updated, where: whereOf(one.error) };
    causes.set(code, { ...was, count: was.count + 1, oldest: was.oldest < one.updated ? was.oldest : one.updated });
  }
  return [...causes.values()].sort((a, b) => b.count - a.count);
}
function Failing({ causes }: { causes: Cause[] }) {
  return (
    <Pane title={t('failing')} id="failing" count={causes.reduce((sum, one) => sum + one.count, 0)}>
      {!causes.length ? <Empty icon="ok" text={t('failing_none')} /> : (
        <Grid caption={t('failing')} heads={[{ text: t('count'), num: true }, { text: t('code_word') }, { text: t('oldest_head') }, { text: t('show'), quiet: true }]}>
          {causes.map((one) => (
            <tr key={one.code}><td class="num"><b>{number(one.count)}</b></td><th scope="row">{one.code ? <Code>{one.code}</Code> : t('code_unknown')}{one.where && <> <Code soft>{one.where}</Code></>}</th><td class="muted"><Ago at={one.oldest} /></td>
              <td class="fit"><a href={`/console/instances${query({ status: 'faulted', code: one.code })}`}>{t('show_n', { n: one.count })}</a></td></tr>))}
        </Grid>)}
    </Pane>
  );
}
const kStates = ['parked', 'faulted', 'running', 'waiting', 'completed', 'cancelled'];
function Numbers({ now }: { now: Counts }) {
  return (
    <Pane title={t('instances')} id="numbers" count={now.total}>
      <ul class="totals">{kStates.map((one) => <li key={one}><a href={`/console/instances?status=${one}`}>{word('instance', one)}</a><b class="nums">{number(now.byStatus[one] ?? 0)}</b></li>)}</ul>
    </Pane>
  );
}

export function Overview() {
  const parts = useLoad(health);
  const sees = maySee('/console/instances');
  const run = useLoad(async () => {
    if (!sees) return undefined;
    const now = await counts();
    const faulted = now ? undefined : await instancesOf({ status: 'faulted', limit: 200 });
    return { now, causes: now ? now.byCode.filter((one) => one.status !== 'parked') : causesOf(faulted!.items), newest: (await instancesOf({ limit: 6 })).items };
  });
  useEffect(() => void loadTodos(), []);
  useEvery(10_000, () => { void parts.again(); void run.again(); });
  const got = run.data.value;
  return (
    <Frame name="overview">
      <div class="chead"><H1>{t('overview')}</H1><span class="sub push">{t('else_itself')}</span></div>
      <div class="panes">
        <Needs />
        {parts.data.value ? <Parts now={parts.data.value} /> : parts.error.value !== undefined && <Failure error={parts.error.value} again={() => void parts.again()} detail />}
        {sees && (
          <div class="split split-side">
            {got ? <Failing causes={got.causes} /> : run.error.value !== undefined ? <Failure error={run.error.value} again={() => void run.again()} detail /> : <Skeleton />}
            <div class="panes">
              {got?.now && <Numbers now={got.now} />}
              {got && <Pane title={t('newest')} id="newest">
                {!got.newest.length ? <Empty icon="flow" text={t('instances_none')} /> : <ul class="lines">{got.newest.map((one) => <li key={one.id}><Id id={one.id} href={`/console/instances/${one.id}`} /><span class="muted push"><Ago at={one.updated} /></span></li>)}</ul>}
              </Pane>}
            </div>
          </div>)}
        {hasRole('admin') && !sees && <p class="muted">{t('admin_scope')}</p>}
      </div>
    </Frame>
  );
}
