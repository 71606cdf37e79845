// The timeline of an instance: one list for eyes and screen readers. Done stretches fold, long waits take a fixed width on the axis.
import { useState } from 'preact/hooks';
import { clock } from '../base/dates';
import { ltr, t, word } from '../base/i18n';
import { Icon } from '../ui';
import { nodeOf, type Entry } from './model';
import { Code, length, lookOf, seconds } from './widgets';

const kLong = 5 * 60_000;
const kFoldFrom = 4;
const isWait = (one: Entry) => ['wait', 'listen'].includes(one.kind);
export const isOpen = (one: Entry) => ['started', 'waiting', 'retried', 'parked', 'paused'].includes(one.state) && !one.ended;
const startOf = (one: Entry) => Date.parse(one.started);
const endOf = (one: Entry, now: number) => (one.ended ? Date.parse(one.ended) : now);
// Nested tasks stand further in: "/do/2/after/do/0/send" is one deep.
const depthOf = (reference: string) => Math.min(3, Math.max(0, reference.split('/').filter((part) => ['do', 'branches', 'try', 'catch', 'for'].includes(part)).length - 1));

interface Scale {
  at: (ms: number) => number;
  breaks: { from: number; to: number }[];
}
// Stretches in which nothing but one wait happens are cut to a fixed width, so that the rest keeps its size.
function scaleOf(entries: Entry[], now: number): Scale {
  const points = [...new Set(entries.flatMap((one) => [startOf(one), endOf(one, now)]))].sort((a, b) => a - b);
  const spans = points.slice(1).map((to, i) => ({ from: points[i], to, cut: to - points[i] > kLong }));
  const plain = spans.filter((one) => !one.cut).reduce((sum, one) => sum + one.to - one.from, 0);
  const cuts = spans.filter((one) => one.cut).length;
  const each = cuts ? Math.min(0.12, 0.5 / cuts) : 0;
  const rest = 1 - (plain ? each * cuts : 0);
  const weight = (one: (typeof spans)[number]) => (one.cut ? (plain ? each : 1 / cuts) : ((one.to - one.from) / plain) * rest);
  const places = new Map<number, number>();
  let sum = 0;
  if (points.length) places.set(points[0], 0);
  const breaks: Scale['breaks'] = [];
  for (const one of spans) {
    if (one.cut) breaks.push({ from: sum * 100, to: (sum + weight(one)) * 100 });
    sum += weight(one);
    places.set(one.to, sum);
  }
  return { at: (ms) => (places.get(ms) ?? 0) * 100, breaks };
}

function Bar({ one, scale, now }: { one: Entry; scale: Scale; now: number }) {
  const from = scale.at(startOf(one));
  const width = Math.max(0.8, scale.at(endOf(one, now)) - from);
  const kind = one.state === 'faulted' ? 'f' : one.state === 'parked' ? 'p' : isOpen(one) ? (isWait(one) || one.state === 'waiting' ? 'w' : 'r') : 'd';
  return (
    <svg class="bar" aria-hidden="true">
      {scale.breaks.map((cut) => <rect key={cut.from} class="brk" x={`${cut.from}%`} width={`${cut.to - cut.from}%`} height="28" />)}
      <rect class={kind} x={`${Math.min(from, 99)}%`} y="9" width={`${Math.min(width, 100 - Math.min(from, 99))}%`} height="10" />
    </svg>
  );
}

function Row({ one, scale, now, current, onPick }: { one: Entry; scale: Scale; now: number; current: boolean; onPick: (reference: string) => void }) {
  const by = one.call?.decidedBy;
  const [tone, icon] = lookOf(by && one.state === 'completed' ? 'resolved' : one.state);
  const attempts = (one.attempts ?? 1) > 1 ? t('attempts', { n: one.attempts! }) : '';
  const shows = current || one.failure || one.effect || by || one.state === 'faulted' || one.state === 'parked';
  return (
    <li class={`deep-${depthOf(one.reference)}`} aria-current={current ? 'step' : undefined}>
      <button type="button" class="tl-row" aria-pressed={current} onClick={() => onPick(nodeOf(one))}>
        <span class="tl-name"><span class={tone}><Icon name={icon} /></span><Code>{one.task}</Code><span class="muted cut">{word('entry', one.state)}{by && <> · {word('entry', 'resolved')}</>}{one.effect && <> · {word('let_go', one.effect)}</>}{attempts && <> · {attempts}</>}</span></span>
        <Bar one={one} scale={scale} now={now} />
        <span class="tl-len">{length(one.ms ?? endOf(one, now) - startOf(one))}</span>
      </button>
      {shows && (
        <div class="tl-more"><ol>
          <li><span>{ltr(seconds(one.started))}</span><span>{word('task_kind', one.kind)}{one.detail && <> <Code>{one.detail}</Code></>}</span></li>
          {one.failure && <li><span>{one.ended && ltr(seconds(one.ended))}</span><span class="failed"><Code>{one.failure.code}</Code> <bdi lang="en">{one.failure.message}</bdi> ({word('failure', one.failure.outcome)})</span></li>}
          {one.ended && !one.failure && <li><span>{ltr(seconds(one.ended))}</span><span>{word('entry', one.state)}</span></li>}
          {one.call && <li><span>{t('call')}</span><span>{one.call.role && <Code>{`${one.call.role}/${one.call.action ?? ''}`}</Code>}{one.call.key && <> {t('key_word')} <Code soft>{one.call.key}</Code></>}</span></li>}
          {by && <li><span>{t('decided_by')}</span><span><Code>{by}</Code></span></li>}
          {Object.entries(one.codes ?? {}).map(([name, codes]) => <li key={name}><span>{t('codes')}</span><span><Code>{`${name}: ${[codes].flat().join(', ')}`}</Code></span></li>)}
          {one.nextTry && <li><span class="waits">{ltr(seconds(one.nextTry))}</span><span class="waits">{t('next_try')}</span></li>}
          {one.children?.map((child) => <li key={child}><span>{t('child')}</span><span><a href={`/console/instances/${child}`}><Code>{child}</Code></a></span></li>)}
          <li><span>{t('reference')}</span><span><Code soft>{one.reference}</Code></span></li>
        </ol></div>)}
    </li>
  );
}

type Piece = { entry: Entry } | { folded: Entry[] } | { wait: Entry };
// Runs of done tasks become one row; a long wait that is over becomes a labelled break.
function pieces(entries: Entry[], current: string): Piece[] {
  const out: Piece[] = [];
  let run: Entry[] = [];
  const flush = () => {
    if (run.length >= kFoldFrom) out.push({ folded: run });
    else out.push(...run.map((entry) => ({ entry })));
    run = [];
  };
  for (const one of entries) {
    const took = one.ms ?? 0;
    const plain = one.state === 'completed' && !one.failure && !one.call?.decidedBy && nodeOf(one) !== current && (one.attempts ?? 1) === 1;
    if (plain && isWait(one) && took > kLong) { flush(); out.push({ wait: one }); }
    else if (plain && took < kLong) run.push(one);
    else { flush(); out.push({ entry: one }); }
  }
  flush();
  return out;
}

export function Timeline({ entries, current, onPick }: { entries: Entry[]; current: string; onPick: (reference: string) => void }) {
  const [open, setOpen] = useState<string[]>([]);
  const now = Date.now();
  const scale = scaleOf(entries, now);
  const first = entries[0];
  const last = entries.reduce((most, one) => Math.max(most, endOf(one, now)), 0);
  const row = (one: Entry, i: number) => <Row key={`${one.reference} ${i}`} one={one} scale={scale} now={now} current={nodeOf(one) === current} onPick={onPick} />;
  return (
    <>
      <div class="tl tl-axis" aria-hidden="true"><span>{t('task')}</span><span class="axis"><span>{ltr(clock(first.started))}</span><span>{ltr(clock(last))}</span></span><span class="tl-len">{t('length')}</span></div>
      <ol class="tl" aria-label={t('timeline')}>
        {pieces(entries, current).map((piece, i) => {
          if ('entry' in piece) return row(piece.entry, i);
          if ('wait' in piece) return <li key={i} class="tl-fold"><Icon name="fold" /><Code>{piece.wait.task}</Code><span>{t('waited', { time: length(piece.wait.ms ?? 0) })}</span></li>;
          const name = piece.folded[0].reference;
          if (open.includes(name)) return piece.folded.map(row);
          return (
            <li key={i} class="tl-folded"><button type="button" class="tl-row" aria-expanded={false} onClick={() => setOpen([...open, name])}>
              <span class="tl-name"><span class="ok"><Icon name="ok" /></span><Code>{piece.folded[0].task}</Code><span class="muted cut">{t('and_more', { n: piece.folded.length - 1 })}</span></span>
              <Bar one={{ ...piece.folded[0], ended: piece.folded[piece.folded.length - 1].ended }} scale={scale} now={now} />
              <span class="tl-len">{length(piece.folded.reduce((sum, one) => sum + (one.ms ?? 0), 0))}</span></button></li>);
        })}
      </ol>
    </>
  );
}
