// The graph of a workflow: nested boxes, drawn from the hub's list of nodes. A state is a border, a sign and a colour. A list says the
// same in words.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { number, t, word } from '../base/i18n';
import { Button } from '../ui';
import { nodeOf, type Entry, type Graph as Drawn, type Node } from './model';
import { Code } from './widgets';

const kLeaf = { width: 188, height: 34 };
const kGap = 18;
const kPad = 12;
const kHead = 26;
const kSigns: Record<string, string> = {
  completed: 'M3 8.5l3.500 3.500L13 4.500', faulted: 'M4 4l8 8M12 4l-8 8', 'compensation-failed': 'M4 4l8 8M12 4l-8 8', started: 'M5 3l8 5-8 5z', retried: 'M13 8a5 5 0 1 1-1.600-3.700M13 2.500v3h-3', waiting: 'M8 4v4l2.500 2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0',
  parked: 'M8 1.500L14.500 8 8 14.500 1.500 8zM8 5.500v3M8 10.800v.1', cancelled: 'M3.500 3.500l9 9M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0', skipped: 'M3 8h10', compensated: 'M6 4L3 7l3 3M3 7h7a3 3 0 0 1 0 6H8', todo: '',
  resolved: 'M8 7a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2.500 14.500a5.500 5.500 0 0 1 11 0',
};
const kClasses: Record<string, string> = {
  completed: 'done', compensated: 'done', faulted: 'broken', 'compensation-failed': 'broken', started: 'runs', retried: 'retry', waiting: 'wait', parked: 'ask', cancelled: 'todo', skipped: 'todo', todo: 'todo',
};
const kSideways = ['fork', 'parallel', 'branches'];

interface Box {
  node: Node;
  x: number;
  y: number;
  width: number;
  height: number;
  children: Box[];
}
// Sizes from the inside to the outside; branches of a fork stand beside each other.
function boxOf(node: Node, inside: Map<string, Node[]>): Box {
  const children = (inside.get(node.id) ?? []).map((one) => boxOf(one, inside));
  if (!children.length) return { node, x: 0, y: 0, ...kLeaf, children };
  const { width, height } = place(children, kPad, kHead, kSideways.includes(node.kind));
  return { node, x: 0, y: 0, width: width + 2 * kPad, height: height + kHead + kPad, children };
}
function place(boxes: Box[], left: number, top: number, sideways: boolean): { width: number; height: number } {
  const width = sideways ? boxes.reduce((sum, one) => sum + one.width + kGap, -kGap) : Math.max(...boxes.map((one) => one.width));
  const height = sideways ? Math.max(...boxes.map((one) => one.height)) : boxes.reduce((sum, one) => sum + one.height + kGap, -kGap);
  let at = sideways ? left : top;
  for (const one of boxes) {
    one.x = sideways ? at : left + (width - one.width) / 2;
    one.y = sideways ? top : at;
    at += (sideways ? one.width : one.height) + kGap;
  }
  return { width, height };
}
interface Placed extends Box {
  ax: number;
  ay: number;
}
function flat(boxes: Box[], x = 0, y = 0, out: Placed[] = []): Placed[] {
  for (const one of boxes) {
    const placed = { ...one, ax: x + one.x, ay: y + one.y };
    out.push(placed);
    flat(one.children, placed.ax, placed.ay, out);
  }
  return out;
}
export const stateOf = (node: Node, entries: Entry[]): string => node.state ?? entries.filter((one) => nodeOf(one) === node.id).pop()?.state ?? 'todo';

const kLabel = 20;
const cut = (label: string) => (label.length > kLabel ? `${label.slice(0, kLabel - 1)}…` : label);
// A way from one box to another: straight to the next below, else around at the side.
function Way({ from, to, label, side, dotted }: { from: Placed; to: Placed; label?: string; side: number; dotted?: boolean }) {
  const middle = (one: Placed) => one.ax + one.width / 2;
  const below = to.ay >= from.ay + from.height;
  const near = below && to.ay - (from.ay + from.height) <= kGap + kHead + 1 && Math.abs(middle(from) - middle(to)) < 1;
  const [x1, y1, x2, y2] = near ? [middle(from), from.ay + from.height, middle(to), to.ay] : [from.ax + from.width, from.ay + from.height / 2, to.ax + to.width, to.ay + to.height / 2];
  const out = Math.max(x1, x2) + side;
  const path = near ? `M${x1} ${y1}V${y2 - 5}` : `M${x1} ${y1}H${out}V${y2}H${x2 + 6}`;
  return (
    <g>
      <path class={dotted ? 'edge edge-dotted' : 'edge'} d={path} />
      <path class="edge-head" d={near ? `M${x2 - 4} ${y2 - 6}l4 6 4-6z` : `M${x2 + 7} ${y2 - 4}l-6 4 6 4z`} />
      {label && <text class="w" x={near ? x1 + 8 : out + 5} y={near ? (y1 + y2) / 2 + 4 : y2 - 6}>{cut(label)}</text>}
    </g>
  );
}

// The text of a box: the name of the task, without what it does.
const shortOf = (label: string) => {
  const name = label.split(/: | if /)[0];
  return name.length > 18 ? `${name.slice(0, 17)}…` : name;
};
function Shape({ box, state, current, focus, onPick }: { box: Placed; state: string; current: boolean; focus: boolean; onPick: () => void }) {
  const { node, ax, ay, width, height } = box;
  const group = box.children.length > 0;
  const short = shortOf(node.label);
  const sign = kSigns[node.byPerson && state === 'completed' ? 'resolved' : state];
  const name = [short, node.label !== short && node.label.slice(node.label.startsWith(short) ? short.length : 0).replace(/^:? /, ''), word('entry', state), node.byPerson && word('entry', 'resolved'), (node.attempts ?? 1) > 1 && t('attempts', { n: node.attempts! })].filter(Boolean).join(', ');
  return (
    <>
    <g class={`node ${kClasses[state] ?? 'todo'}${group ? ' group' : ''}`} role="button" tabindex={focus ? 0 : -1} aria-label={name} aria-pressed={current} data-node={node.id} onClick={(event) => { event.stopPropagation(); onPick(); }}>
      <rect x={ax} y={ay} width={width} height={height} rx="6" />
      {state === 'parked' && !group && <rect class="second" x={ax + 3} y={ay + 3} width={width - 6} height={height - 6} rx="4" />}
      {current && <rect class="ring" x={ax - 4} y={ay - 4} width={width + 8} height={height + 8} rx="9" />}
      {sign && <g transform={`translate(${ax + 9} ${ay + (group ? 5 : 9)})`}><path class="sign" d={sign} /></g>}
      <text x={ax + (sign ? 31 : 12)} y={ay + (group ? 18 : 22)}>{short}</text>
    </g>
    {(node.attempts ?? 1) > 1 && <text class="w" x={ax + width - 8} y={ay + (group ? 18 : 22)} text-anchor="end" aria-hidden="true">×{number(node.attempts!)}</text>}
    </>
  );
}

const Words = ({ nodes, parent, entries }: { nodes: Node[]; parent?: string; entries: Entry[] }) => {
  const here = nodes.filter((one) => (one.parent || undefined) === parent);
  return here.length ? <ul class="graph-words">{here.map((one) => <li key={one.id}><Code>{one.label}</Code> <span class="muted">{word('task_kind', one.kind)}, {word('entry', stateOf(one, entries))}{one.byPerson && `, ${word('entry', 'resolved')}`}{(one.attempts ?? 1) > 1 && `, ${t('attempts', { n: one.attempts! })}`}</span><Words nodes={nodes} parent={one.id} entries={entries} /></li>)}</ul> : null;
};

const kZooms = [0.6, 0.8, 1, 1.25, 1.6];
export function Graph({ drawn, entries, current, onPick }: { drawn: Drawn; entries: Entry[]; current: string; onPick: (reference: string) => void }) {
  const [zoom, setZoom] = useState(2);
  const [words, setWords] = useState(false);
  const [at, setAt] = useState(0);
  const box = useRef<SVGSVGElement>(null);
  const { placed, width, height } = useMemo(() => {
    const ids = new Set(drawn.nodes.map((one) => one.id));
    const inside = new Map<string, Node[]>();
    // The end is listed beside the start, and stands last.
    for (const one of [...drawn.nodes].sort((a, b) => Number(a.kind === 'end') - Number(b.kind === 'end'))) {
      const parent = one.parent && ids.has(one.parent) ? one.parent : '';
      inside.set(parent, [...(inside.get(parent) ?? []), one]);
    }
    const roots = (inside.get('') ?? []).map((one) => boxOf(one, inside));
    const size = roots.length ? place(roots, 8, 8, false) : kLeaf;
    return { placed: flat(roots), width: size.width + 16, height: size.height + 16 };
  }, [drawn.nodes.map((one) => `${one.id} ${one.parent}`).join('\n')]);
  const by = new Map(placed.map((one) => [one.node.id, one]));
  const ways = drawn.edges.filter((one) => by.has(one.from) && by.has(one.to));
  // Room beside the boxes for ways that go around, and for what is written at them.
  const side = 60 + 7 * Math.max(0, ...ways.map((one) => (one.label ? cut(one.label).length : 0)));
  // A long drawing opens at the task that is open, or the one that is chosen.
  const shown = current || drawn.nodes.find((one) => ['parked', 'faulted', 'started', 'retried', 'waiting'].includes(stateOf(one, entries)) && !drawn.nodes.some((child) => child.parent === one.id))?.id;
  useEffect(() => {
    const one = shown && by.get(shown);
    const around = box.current?.parentElement;
    if (one && around) around.scrollTop = Math.max(0, one.ay * kZooms[zoom] - around.clientHeight / 3);
  }, [shown]);
  const move = (event: KeyboardEvent) => {
    const to = event.key === 'ArrowDown' || event.key === 'ArrowRight' ? at + 1 : event.key === 'ArrowUp' || event.key === 'ArrowLeft' ? at - 1 : -1;
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); onPick(placed[at].node.id); }
    if (to < 0 || to >= placed.length) return;
    event.preventDefault();
    setAt(to);
    [...(box.current?.querySelectorAll<SVGElement>('[data-node]') ?? [])].find((one) => one.dataset.node === placed[to].node.id)?.focus();
  };
  return (
    <div class="stack stack-8">
      <div class="row row-8">
        <Button size="small" icon="minus" label={t('zoom_out')} disabled={zoom === 0} onPress={() => setZoom(zoom - 1)} />
        <Button size="small" icon="plus" label={t('zoom_in')} disabled={zoom === kZooms.length - 1} onPress={() => setZoom(zoom + 1)} />
        <span class="push"><Button size="small" aria-pressed={words} onPress={() => setWords(!words)}>{t('as_list')}</Button></span>
      </div>
      {words ? <Words nodes={drawn.nodes} entries={entries} /> : (
        <div class="graphbox" role="group" aria-label={t('graph')} tabIndex={0}>
          <svg ref={box} class="graph" role="group" aria-label={t('graph_says')} width={Math.round((width + side) * kZooms[zoom])} height={Math.round(height * kZooms[zoom])} viewBox={`0 0 ${width + side} ${height}`} onKeyDown={move}>
            {placed.filter((one) => one.children.length).map((one) => <Shape key={one.node.id} box={one} state={stateOf(one.node, entries)} current={one.node.id === current} focus={placed.indexOf(one) === at} onPick={() => onPick(one.node.id)} />)}
            {ways.map((one, i) => <Way key={`${one.from} ${one.to} ${i}`} from={by.get(one.from)!} to={by.get(one.to)!} label={one.label} dotted={one.dotted} side={14 + (i % 4) * 10} />)}
            {placed.filter((one) => !one.children.length).map((one) => <Shape key={one.node.id} box={one} state={stateOf(one.node, entries)} current={one.node.id === current} focus={placed.indexOf(one) === at} onPick={() => onPick(one.node.id)} />)}
          </svg>
        </div>)}
      <ul class="clegend" aria-label={t('legend')}>{['completed', 'started', 'retried', 'waiting', 'parked', 'faulted', 'todo'].map((one) => <li key={one}><svg viewBox="0 0 22 14" aria-hidden="true" class="graph-key"><g class={`node ${kClasses[one]}`}><rect x="1.500" y="1.500" width="19" height="11" rx="3" /></g></svg>{word('entry', one)}</li>)}</ul>
    </div>
  );
}
