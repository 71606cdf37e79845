// Pieces of the dense pages: ids, ages, panes, states of the hub as word, shape and colour, an act with its reason.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { clock, gregorian, hijri } from '../base/dates';
import { locale, ltr, t, word } from '../base/i18n';
import { useAct } from '../base/load';
import { Button, Dialog, DialogActs, Failure, Icon, Pill, State, TextArea, type Tone } from '../ui';

// An id is known by its last characters: the first ones are a time.
export const shortId = (id: string) => (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);
export const Code = ({ children, soft, class: more }: { children: ComponentChildren; soft?: boolean; class?: string }) =>
  <code dir="ltr" class={[soft && 'code-soft', more].filter(Boolean).join(' ') || undefined}>{children}</code>;

export function Copy({ value, what }: { value: string; what: string }) {
  const [done, setDone] = useState(false);
  const copy = () => void navigator.clipboard.writeText(value).then(() => setDone(true), () => undefined);
  return (
    <button type="button" class="copy" aria-label={t(done ? 'copied_what' : 'copy_what', { what })} onClick={copy}>
      <Icon name={done ? 'check' : 'copy'} />
    </button>
  );
}
export function Id({ id, href, whole }: { id: string; href?: string; whole?: boolean }) {
  const shown = <Code>{whole ? id : shortId(id)}</Code>;
  return <span class="nowrap">{href ? <a href={href}>{shown}</a> : shown}<Copy value={id} what={ltr(shortId(id))} /></span>;
}

const unit = (value: number, name: string, digits = 0) => new Intl.NumberFormat(locale(), { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
// A length of time in at most two units: 24 ms, 6.1 s, 1 min 5 s, 2 h 4 min, 3 days.
export function length(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 1000) return unit(Math.max(0, Math.round(ms)), 'millisecond');
  if (ms < 59_500) return unit(ms / 1000, 'second', 1);
  const two = (big: number, bigName: string, small: number, smallName: string) =>
    small ? new Intl.ListFormat(locale(), { type: 'unit', style: 'narrow' }).format([unit(big, bigName), unit(small, smallName)]) : unit(big, bigName);
  if (seconds < 3600) return two(Math.floor(seconds / 60), 'minute', seconds % 60, 'second');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return two(Math.floor(minutes / 60), 'hour', minutes % 60, 'minute');
  return unit(Math.floor(minutes / 1440), 'day');
}
export const seconds = (at: string | number) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Riyadh', hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(at));
// A moment in full, in both calendars.
export const moment = (at: string) => `${gregorian(at)}, ${hijri(at)}, ${ltr(seconds(at))}`;
export const age = (at: string) => {
  const ms = Date.now() - Date.parse(at);
  return ms < 10_000 ? t('just_now') : length(ms < 60_000 ? Math.round(ms / 1000) * 1000 : ms);
};
export const Ago = ({ at }: { at: string }) => <time dateTime={at} title={moment(at)} class="nowrap">{age(at)}</time>;
// Day and time, for a row; both calendars where the pointer rests.
export const When = ({ at }: { at: string }) => <time dateTime={at} title={moment(at)} class="nowrap">{gregorian(at)} <bdi dir="ltr" class="nums">{seconds(at)}</bdi></time>;
export const Moment = ({ at }: { at: string }) => <time dateTime={at} class="nowrap">{gregorian(at)} <bdi dir="ltr" class="nums">{clock(at)}</bdi> <span class="hijri">{hijri(at)}</span></time>;

export function Pane({ title, id, count, more, acts, children, body, foot, class: name = '' }: { title: string; id: string; count?: number; more?: ComponentChildren; acts?: ComponentChildren; children?: ComponentChildren; body?: boolean; foot?: ComponentChildren; class?: string }) {
  return (
    <section class={`pane ${name}`} aria-labelledby={id}>
      <div class="pane-head"><h2 id={id}>{title}</h2>{count !== undefined && <span class="badge nums">{count}</span>}{more && <span class="muted">{more}</span>}<span class="push row row-8">{acts}</span></div>
      {body ? <div class="pane-body stack stack-12">{children}</div> : children}
      {foot && <div class="pane-foot">{foot}</div>}
    </section>
  );
}
// A table whose columns fit its cells; on a phone it scrolls inside itself.
export function Grid({ caption, heads, children, class: name = '', onKeys }: { caption: string; heads: { text: string; num?: boolean; quiet?: boolean }[]; children: ComponentChildren; class?: string; onKeys?: (event: KeyboardEvent) => void }) {
  return (
    <div class="gridbox" role="group" aria-label={caption} tabIndex={0} onKeyDown={onKeys}>
      <table class={`ctable ${name}`}>
        <caption class="hidden">{caption}</caption>
        <thead><tr>{heads.map(({ text, num, quiet }) => <th key={text} scope="col" class={num ? 'num' : undefined}>{quiet ? <span class="hidden">{text}</span> : text}</th>)}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

const kLooks: Record<string, [Tone, string]> = {
  running: ['waits', 'running'], waiting: ['idle', 'clock'], completed: ['ok', 'ok'], faulted: ['failed', 'fail'], cancelled: ['idle', 'ban'], parked: ['parked', 'decide'],
  cancelling: ['idle', 'ban'],
};
// Blue goes on by itself, amber asks a person, red ended badly.
export const InstanceState = ({ status, pill = true }: { status: string; pill?: boolean }) => {
  const [tone, icon] = kLooks[status] ?? ['idle', 'info'];
  const Shape = pill ? Pill : State;
  return <Shape tone={tone} icon={icon}>{word('instance', status)}</Shape>;
};
export const toneOf = (status: string) => kLooks[status]?.[0] ?? 'idle';
export const iconOf = (status: string) => kLooks[status]?.[1] ?? 'info';
const kEntries: Record<string, [string, string]> = {
  started: ['waits', 'running'], waiting: ['waits', 'listen'], completed: ['ok', 'ok'], faulted: ['failed', 'fail'], retried: ['waits', 'retry'], skipped: ['idle', 'minus'], cancelled: ['idle', 'ban'],
  compensated: ['idle', 'retry'], 'compensation-failed': ['failed', 'fail'], parked: ['parked', 'decide'], paused: ['waits', 'pause'], resolved: ['ok', 'personok'], todo: ['idle', 'todo'],
};
export const lookOf = (state: string): [string, string] => kEntries[state] ?? ['idle', 'info'];

// A dialog that asks why, says what follows, and acts.
export function ReasonDialog({ title, text, act, danger, onClose, onAct, children, ready = true, optional }: { title: string; text?: ComponentChildren; act: string; danger?: boolean; onClose: () => void; onAct: (reason: string) => Promise<void>; children?: ComponentChildren; ready?: boolean; optional?: boolean }) {
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const { busy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    if (!reason.trim() && !optional) return setMissing(true);
    if (!ready) return;
    void run(() => onAct(reason.trim()));
  };
  return (
    <Dialog title={title} open onClose={onClose}>
      <form class="stack stack-16" onSubmit={submit} noValidate>
        {text && <p>{text}</p>}
        {children}
        <TextArea label={t('reason_kept')} value={reason} onText={(text) => { setReason(text); setMissing(false); }} rows={2} error={missing ? t('reason_missing') : undefined} />
        {error !== undefined && <Failure error={error} detail />}
        <DialogActs>
          <Button onPress={onClose}>{t('back')}</Button>
          <Button kind={danger ? 'danger' : 'primary'} submit busy={busy}>{act}</Button>
        </DialogActs>
      </form>
    </Dialog>
  );
}
// Names and values, as a list.
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return <dl class="facts">{rows.filter(([, value]) => value !== undefined && value !== '' && value !== false).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}
export const Json = ({ value }: { value: unknown }) => <pre class="json" dir="ltr" tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>;
// Data that are older than the last question: the hub did not answer it.
export function Old({ at, error, again }: { at: number; error: unknown; again: () => void }) {
  if (error === undefined || !at) return null;
  return <p class="stale row row-8" role="status"><Icon name="clock" /><span>{t('stale_since', { time: ltr(seconds(at)) })}</span><Button size="small" onPress={again}>{t('retry')}</Button></p>;
}
