// Plugins: which one is ill; release and upgrade. Deploy: files, what they would change and for whom, then apply.
import { useState } from 'preact/hooks';
import { get, post } from '../base/api';
import { number, t, word } from '../base/i18n';
import { useAct, useEvery, useLoad } from '../base/load';
import { Button, Empty, Failure, Field, H1, Icon, Notice, Skeleton, State, TextArea } from '../ui';
import { Frame } from './frame';
import { health, type Plugin } from './model';
import { Replay } from './replay';
import { mayDeploy } from './rights';
import { partsOf } from './overview';
import { loadTodos } from './todo';
import { Ago, Code, Facts, Grid, length, Pane } from './widgets';

const isIll = (one: Plugin) => one.state === 'quarantined' || one.state === 'stopped' || one.health?.status === 'down';
const PluginState = ({ one }: { one: Plugin }) => <State tone={isIll(one) ? 'failed' : one.state === 'up' || one.isolation === 'inline' ? 'ok' : 'waits'}>{word('plugin', one.health?.status === 'down' ? 'down' : one.isolation === 'inline' ? 'inline' : one.state)}</State>;

export function Plugins({ id }: { id?: string }) {
  const loaded = useLoad(health);
  const act = useAct();
  const [said, setSaid] = useState('');
  useEvery(5_000, () => void loaded.again());
  const now = loaded.data.value;
  const items = now?.plugins?.slice().sort((a, b) => Number(isIll(b)) - Number(isIll(a)) || a.id.localeCompare(b.id));
  const chosen = items?.filter((one) => one.id === id) ?? [];
  const run = (verb: 'release' | 'upgrade', name: string) => void act.run(async () => {
    setSaid('');
    const got = await post<{ loaded?: string[]; retired?: string[] }>(`/api/v1/plugins/${encodeURIComponent(name)}/${verb}`);
    setSaid(verb === 'release' ? t('plugin_released') : got.loaded?.length ? t('plugin_loaded', { what: got.loaded.join(', ') }) : t('plugin_newest'));
    await Promise.all([loaded.again(), loadTodos()]);
  });
  return (
    <Frame name="plugins">
      <div class="chead"><H1>{t('plugins')}</H1>{now && <State tone={now.status === 'pass' ? 'ok' : now.status === 'warn' ? 'parked' : 'failed'}>{word('health', now.status)}</State>}</div>
      {act.error !== undefined && <Failure error={act.error} detail />}
      {said && <Notice tone="ok" alert>{said}</Notice>}
      {!now ? (loaded.error.value !== undefined ? <Failure error={loaded.error.value} again={() => void loaded.again()} detail /> : <Skeleton lines={5} />) : <div class="panes">
        {now.rolesUnserved && <Pane title={t('roles_unserved')} id="unserved"><ul class="lines">{Object.entries(now.rolesUnserved).map(([role, why]) => <li key={role}><span class="failed"><Icon name="fail" /></span><Code>{role}</Code><bdi lang="en" class="muted">{why}</bdi></li>)}</ul></Pane>}
        <div class={chosen.length ? 'split split-detail' : 'split'}>
          <section class="pane" aria-label={t('plugins')}>{!items?.length ? <Empty icon="plug" text={t('plugins_none')} /> : (
            <Grid caption={t('plugins')} heads={[{ text: t('plugin_word') }, { text: t('version') }, { text: t('state') }, { text: t('open_calls'), num: true }, { text: t('restarts'), num: true }]}>
              {items.map((one) => <tr key={one.id + one.version} aria-selected={one.id === id ? 'true' : undefined}><th scope="row" class="fit"><a href={`/console/plugins/${encodeURIComponent(one.id)}`}><Code>{one.id}</Code></a></th><td class="fit"><Code soft>{one.version}</Code></td><td><PluginState one={one} /></td><td class="num">{number(one.open ?? 0)}</td><td class="num">{number(one.restarts ?? 0)}</td></tr>)}
            </Grid>)}</section>
          {chosen.map((one) => (
            <Pane key={one.version} title={`${one.id} ${one.version}`} id={`p-${one.version}`} body acts={mayDeploy() && <>{isIll(one) && <Button size="small" kind="primary" busy={act.busy} onPress={() => run('release', one.id)}>{t('plugin_release')}</Button>}<Button size="small" busy={act.busy} onPress={() => run('upgrade', one.id)}>{t('plugin_upgrade')}</Button></>}>
              <p><PluginState one={one} /></p>
              {one.quarantineSeconds !== undefined && <p>{t('quarantine_left', { time: length(one.quarantineSeconds * 1000) })}</p>}
              {one.health?.reason && <p lang="en" dir="auto">{one.health.reason}</p>}
              <Facts rows={[[t('version'), <Code>{one.version}</Code>], [t('isolation'), word('isolation', one.isolation)], [t('process'), one.pid !== undefined && <Code>{one.pid}</Code>], [t('storage'), one.storage && t('bytes_of', { some: number(one.storage.bytes), all: number(one.storage.quota) })], [t('sandbox_lacks'), one.sandboxLacks && <bdi lang="en">{one.sandboxLacks}</bdi>]]} />
            </Pane>))}
        </div>
        <Pane title={t('health')} id="parts"><ul class="health">{partsOf(now).map((one) => <li key={one.name}><b>{one.code ? <Code>{one.name}</Code> : one.name}</b><State tone={one.tone}>{one.says}</State></li>)}</ul></Pane>
        {now.notes?.map((one) => <p key={one} class="muted" lang="en" dir="auto">{one}</p>)}
      </div>}
    </Frame>
  );
}

interface Fault { file: string; line?: number; column?: number; code: string; message: string }
interface Plan {
  changes: boolean;
  workflows: { namespace: string; name: string; version: string; change: string; file: string; from?: string; differences?: { change: string; what: string; path: string; from?: string; to?: string }[]; running?: { version: string; instances: number }[] }[];
  errors: Fault[];
  warnings: Fault[];
}
interface File_ { name: string; source: string }
const kMarks: Record<string, string> = { added: '+', removed: '−', changed: '~', moved: '↕' };
const Faults = ({ title, id, items, tone }: { title: string; id: string; items: Fault[]; tone: 'failed' | 'parked' }) => (items.length ? <Pane title={title} id={id} count={items.length}><ul class="lines">{items.map((one, i) => <li key={i}><span class={tone}><Icon name={tone === 'failed' ? 'fail' : 'alert'} /></span><Code>{one.file}{one.line ? `:${one.line}:${one.column ?? 1}` : ''}</Code><bdi lang="en">{one.message}</bdi><Code soft>{one.code}</Code></li>)}</ul></Pane> : null);

// Changes that new instances run instead of a version that is active now.
const kReplaced = ['new-version', 'activated'];
function Changes({ of: one }: { of: Plan['workflows'][number] }) {
  return (
    <Pane title={one.name} id={`w-${one.name}`} more={<span class="row row-8">{one.from && <><Code soft>{one.from}</Code><Icon name="next" flip /></>}<Code>{one.version}</Code> {word('deploying', one.change.replaceAll('-', '_'))}</span>}>
      {(one.differences ?? []).map((each, i) => (
        <div key={i} class="change"><span class={`mark ${each.change}`} aria-hidden="true">{kMarks[each.change] ?? '~'}</span><div><p>{word('differs', each.change)} <Code>{each.path}</Code> <bdi lang="en">{each.what}</bdi></p>
          {(each.from !== undefined || each.to !== undefined) && <div class="oldnew"><div><span class="muted">{t('before_word')}</span><Code>{each.from ?? ''}</Code></div><div><span class="muted">{t('after_word')}</span><Code>{each.to ?? ''}</Code></div></div>}</div></div>))}
      {!one.differences?.length && <p class="pane-body muted">{t('deploy_nothing')}</p>}
      {one.running && one.running.length > 0 && <p class="pane-foot">{one.running.map((each) => <span key={each.version}>{t('stay_on', { n: each.instances, version: each.version })}</span>)}</p>}
    </Pane>
  );
}

export function Deploy() {
  const [files, setFiles] = useState<File_[]>([]);
  const [pasted, setPasted] = useState('');
  const [pasteName, setPasteName] = useState('workflow.yaml');
  const [plan, setPlan] = useState<{ plan: Plan; of: string; asked: number }>();
  const [done, setDone] = useState(false);
  const planning = useAct();
  const applying = useAct();
  const stored = useLoad(() => get<{ items: { namespace: string; name: string; version: string; active: boolean; deployed: string; running: number }[] }>('/api/v1/workflows'));
  const all = [...files, ...(pasted.trim() ? [{ name: pasteName.trim(), source: pasted }] : [])];
  const now = JSON.stringify(all);
  const choose = async (event: Event) => {
    const list = [...((event.currentTarget as HTMLInputElement).files ?? [])];
    setFiles(await Promise.all(list.map(async (one) => ({ name: one.name, source: await one.text() }))));
    setPlan(undefined);
  };
  const ask = async () => setPlan({ plan: await post<Plan>('/api/v1/workflows/plan', { files: all }), of: now, asked: Date.now() });
  const step = done ? 3 : plan ? 2 : 1;
  const shown = plan?.of === now ? plan.plan : undefined;
  return (
    <Frame name="deploy">
      <div class="chead"><H1>{t('deploy')}</H1><span class="sub">{t('deploy_step', { n: step })}</span></div>
      <div class="panes">
        <Pane title={t('deploy_files')} id="files" body>
          <div class="field"><label for="deploy-files">{t('deploy_choose')}</label><input id="deploy-files" type="file" accept=".yaml,.yml,.json" multiple onChange={(event) => void choose(event)} /></div>
          <details><summary>{t('deploy_paste')}</summary><div class="stack stack-8"><Field label={t('file_name')} value={pasteName} onText={setPasteName} dir="ltr" autocomplete="off" /><TextArea label={t('file_text')} value={pasted} onText={setPasted} rows={8} dir="ltr" class="mono" spellcheck={false} /></div></details>
          {planning.error !== undefined && <Failure error={planning.error} detail />}
          <p><Button kind={shown ? 'outlined' : 'primary'} busy={planning.busy} disabled={!all.length} onPress={() => { setDone(false); void planning.run(ask); }}>{t('deploy_plan')}</Button></p>
        </Pane>
        {plan && !shown && <Notice tone="parked" alert>{t('deploy_moved')}</Notice>}
        {shown && <>
          <Faults title={t('deploy_errors')} id="errors" items={shown.errors} tone="failed" />
          <Faults title={t('deploy_warnings')} id="warnings" items={shown.warnings} tone="parked" />
          {shown.workflows.map((one) => {
            const file = kReplaced.includes(one.change) && !shown.errors.length ? all.find((each) => each.name === one.file) : undefined;
            return <div key={one.namespace + one.name} class={file ? 'split split-detail' : undefined}><Changes of={one} />{file && <Replay key={plan!.asked} name={one.name} version={one.version} file={file} />}</div>;
          })}
          {applying.error !== undefined && <Failure error={applying.error} detail />}
          {done ? <Notice tone="ok" alert>{t('deployed')}</Notice> : !mayDeploy() ? <Notice icon="lock">{t('deploy_engineers')}</Notice> : shown.errors.length ? <Notice tone="failed">{t('deploy_fix')}</Notice> : !shown.changes ? <Notice>{t('deploy_same')}</Notice>
            : <p><Button kind="primary" icon="deploy" busy={applying.busy} onPress={() => void applying.run(async () => { await post('/api/v1/workflows/apply', { files: all }); setDone(true); await stored.again(); })}>{t('deploy_apply')}</Button> <span class="muted">{t('deploy_apply_more')}</span></p>}
        </>}
        <Pane title={t('stored')} id="stored">
          {stored.error.value !== undefined ? <div class="pane-body"><Failure error={stored.error.value} again={() => void stored.again()} detail /></div> : !stored.data.value ? <div class="pane-body"><Skeleton /></div> : (
            <Grid caption={t('stored')} heads={[{ text: t('workflow') }, { text: t('version') }, { text: t('state') }, { text: t('instances'), num: true }, { text: t('deployed_at') }]}>
              {stored.data.value.items.map((one) => <tr key={one.namespace + one.name + one.version}><th scope="row"><Code>{one.name}</Code></th><td class="fit"><Code soft>{one.version}</Code></td><td><State tone={one.active ? 'ok' : 'idle'}>{t(one.active ? 'active_word' : 'stored_word')}</State></td><td class="num">{number(one.running)}</td><td class="muted"><Ago at={one.deployed} /></td></tr>)}
            </Grid>)}
        </Pane>
      </div>
    </Frame>
  );
}
