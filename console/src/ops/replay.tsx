// Past instances on a new file, beside its plan: how many would go the same way, and where the others would leave it.
import { useState } from 'preact/hooks';
import { post, Problem } from '../base/api';
import { list, number, t, word } from '../base/i18n';
import { Button, Notice, State, type Tone } from '../ui';
import { kReaders, mayDeploy, mayReadData } from './rights';
import { Code, Pane, ReasonDialog, shortId } from './widgets';

interface Difference {
  class: string;
  count: number;
  examples: string[];
  reference?: string;
  task?: string;
  role?: string;
  action?: string;
  members?: string[];
  error?: { code: string };
  code?: string;
  then?: string;
  now?: string;
}
interface Replayed { instances: number; more: boolean; classes: { class: string; count: number }[]; differences: Difference[] }

const kWeek = 7 * 86_400_000;
const kMost = 200;
// Classes in the order of the list. Blue: another way to the same end. Amber: a person has to look. Grey: nobody can tell.
const kTones: Record<string, Tone> = {
  faults: 'failed', 'other-end': 'parked', 'not-started': 'parked', 'new-call': 'parked', 'other-arguments': 'parked', unanswered: 'parked',
  'fewer-calls': 'waits', 'other-order': 'waits', 'other-events': 'waits', 'other-output': 'waits', completes: 'ok', same: 'ok', cut: 'idle',
};
const kOrder = Object.keys(kTones);
const toneOf = (name: string) => kTones[name] ?? 'idle';
const iconOf = (name: string) => (toneOf(name) === 'waits' ? 'flow' : name === 'cut' ? 'help' : undefined);

function Verdict({ classes }: Pick<Replayed, 'classes'>) {
  const sum = (...tones: Tone[]) => classes.filter((one) => tones.includes(toneOf(one.class))).reduce((all, one) => all + one.count, 0);
  const [failed, asks] = [sum('failed'), sum('parked', 'idle')];
  if (failed) return <Notice tone="failed" alert>{t('replay_fail', { n: failed })}</Notice>;
  return asks ? <Notice tone="parked" alert>{t('replay_ask', { n: asks })}</Notice> : <Notice tone="ok" alert>{t('replay_well')}</Notice>;
}
// Places and names of the files alone: an answer has no values.
const Where = ({ one, count }: { one: Difference; count: boolean }) => (
  <div class="class-at">
    <p>{count && <b class="nums">{number(one.count)}</b>} {(one.reference ?? one.task) && <Code>{one.reference ?? one.task}</Code>} {one.role && <Code soft>{[one.role, one.action].filter(Boolean).join('/')}</Code>} {one.error && <Code soft>{one.error.code}</Code>} {one.code && <Code soft>{one.code}</Code>}</p>
    {one.members && <p><span class="muted">{t('replay_members')}</span> {one.members.map((name) => <><Code soft>{name}</Code> </>)}</p>}
    {one.then && one.now && <p>{t('replay_ends', { then: word('instance', one.then), now: word('instance', one.now) })}</p>}
    <p><span class="muted">{t('replay_examples')}</span> {one.examples.map((id) => <><a href={`/console/instances/${id}`} target="_blank" rel="noopener"><Code>{shortId(id)}</Code></a> </>)}</p>
  </div>
);

// Roles that a replay needs, and which of them is missing.
const Lacks = () => (
  <Notice icon="lock">
    <p>{t('replay_roles', { engineer: t('may_engineer'), readers: list(kReaders.map((one) => word('may', one))) })}</p>
    <p class="strong">{t(mayDeploy() ? 'replay_lacks_reader' : mayReadData() ? 'replay_lacks_engineer' : 'replay_lacks_both')}</p>
  </Notice>
);

function Result({ got }: { got: Replayed }) {
  if (!got.instances) return <p class="muted">{t('replay_none')}</p>;
  const classes = got.classes.slice().sort((a, b) => kOrder.indexOf(a.class) - kOrder.indexOf(b.class));
  let end = 0;
  const bars = classes.map((one) => {
    const share = (100 * one.count) / got.instances;
    end += share;
    return <rect key={one.class} class={`sb-${toneOf(one.class)}`} x={`${end - share}%`} width={`${Math.max(share - 0.4, 0.4)}%`} height="18" />;
  });
  return (
    <>
      <Verdict classes={classes} />
      <p>{t('replay_of', { n: got.instances })}</p>
      <svg class="stackbar" aria-hidden="true">{bars}</svg>
      <ul class="classes">{classes.map((one) => {
        const places = got.differences.filter((each) => each.class === one.class);
        return (
          <li key={one.class}>
            <b class="nums">{number(one.count)}</b>
            <div><State tone={toneOf(one.class)} icon={iconOf(one.class)}>{word('replay', one.class.replaceAll('-', '_'))}</State>{places.map((each, i) => <Where key={i} one={each} count={places.length > 1} />)}</div>
          </li>
        );
      })}</ul>
    </>
  );
}

// A reading of patient data: each one is asked for, with its reason. `file`: as it would be deployed. `version`: of the file.
export function Replay({ name, version, file }: { name: string; version: string; file: { name: string; source: string } }) {
  const [got, setGot] = useState<Replayed>();
  const [asking, setAsking] = useState(false);
  const [refused, setRefused] = useState(false);
  const may = mayDeploy() && mayReadData();
  const read = async (reason: string) => {
    try {
      setGot(await post<Replayed>('/api/v1/workflows/replay', { file, limit: kMost, since: new Date(Date.now() - kWeek).toISOString() }, { reason }));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'phi.break_glass') throw error;
      setRefused(true);
    }
    setAsking(false);
  };
  return (
    <Pane title={t('replay_title')} id={`r-${name}`} more={<><Code>{name}</Code> <Code soft>{version}</Code></>} body foot={got?.more ? <span class="muted">{t('replay_more', { n: got.instances })}</span> : undefined}>
      {!may ? <Lacks /> : refused ? <Notice icon="lock" alert>{t('replay_grants', { system: t('may_integration') })}</Notice> : <>
        {!got && <p class="muted">{t('replay_asks')}</p>}
        <p><Button icon="eye" onPress={() => setAsking(true)}>{t(got ? 'replay_again' : 'show_with_reason')}</Button></p>
        {got && <Result got={got} />}
      </>}
      {asking && <ReasonDialog title={t('replay_title')} text={t('replay_text')} act={t('show')} onClose={() => setAsking(false)} onAct={read} />}
    </Pane>
  );
}
