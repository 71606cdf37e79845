import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Problem, problemText, problemTrace } from '../base/api';
import { t, type Key } from '../base/i18n';
import { face, me } from '../base/me';
import { Button } from './Button';
import { ClinicPhone } from './Clinic';
import { Icon } from './Icon';

export type Tone = 'ok' | 'waits' | 'parked' | 'failed' | 'idle';
const kShape: Record<Tone, string> = { ok: 'ok', waits: 'clock', parked: 'alert', failed: 'fail', idle: 'idle' };

// A state is a word, a shape and a colour, always the three. Pill: beside a heading. State: in a row.
export function Pill({ tone, icon, children }: { tone: Tone; icon?: string; children: ComponentChildren }) {
  return <span class={`pill pill-${tone}`}><Icon name={icon ?? kShape[tone]} /> <span>{children}</span></span>;
}
export function State({ tone, icon, children }: { tone: Tone; icon?: string; children: ComponentChildren }) {
  return <span class={`state state-${tone}`}><Icon name={icon ?? kShape[tone]} /> <span>{children}</span></span>;
}
// A sentence. With `alert` it is read aloud at once.
export function Notice({ tone = 'idle', icon, alert, children }: { tone?: Tone; icon?: string; alert?: boolean; children: ComponentChildren }) {
  return <div class={`notice notice-${tone}`} role={alert ? 'alert' : undefined}><Icon name={icon ?? (tone === 'idle' ? 'help' : kShape[tone])} /><div>{children}</div></div>;
}
// Patients and guests are told whom to call. The sign-in says that itself.
const calls = () => (me.value === null || face.value === 'patient') && !/^\/(login|activate|bootstrap|console)/.test(location.pathname);
// An error of the API: what happened and what to do, the code and the request below it, and the way to try again. `detail`: with the
// hub's own words, which are written for operators.
export function Failure({ error, again, detail }: { error: unknown; again?: () => void; detail?: boolean }) {
  const trace = problemTrace(error);
  const said = detail && error instanceof Problem ? error.detail : '';
  return (
    <div class="notice notice-failed" role="alert">
      <Icon name="alert" />
      <div class="stack stack-8 grow">
        <p class="strong">{problemText(error)}</p>
        {said && <p lang="en" dir="auto">{said}</p>}
        {trace && <p class="small"><bdi dir="ltr" class="trace">{trace}</bdi></p>}
        {(again || calls()) && <p class="row row-8 row-wrap">{again && <Button size="small" icon="repeat" onPress={again}>{t('retry')}</Button>}{calls() && <ClinicPhone small />}</p>}
      </div>
    </div>
  );
}
export function Empty({ icon = 'cal', text, children }: { icon?: string; text: string; children?: ComponentChildren }) {
  return <div class="empty"><Icon name={icon} /><p>{text}</p>{children}</div>;
}
// Lines in place of data that come; nothing for the first 300 ms.
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="stack stack-12 skeleton-box" role="status">
      <span class="hidden">{t('loading')}</span>
      {Array.from({ length: lines }, (_, i) => <span key={i} class={`skeleton sk-${(i % 3) + 1}`} aria-hidden="true" />)}
    </div>
  );
}

// A native dialog: keeps the focus inside, Escape closes it, the focus goes back to what opened it.
export function Dialog({ title, open, onClose, children, alert }: { title: string; open: boolean; onClose: () => void; children: ComponentChildren; alert?: boolean }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !open) return;
    // The element has left the page when it is closed, so that the browser gives the focus back to nobody.
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, [open]);
  if (!open) return null;
  return (
    <dialog ref={box} aria-labelledby={id} role={alert ? 'alertdialog' : undefined} onCancel={(event) => { event.preventDefault(); onClose(); }}>
      <div class="stack stack-16">
        <h2 id={id} class="t22">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
export const DialogActs = ({ children }: { children: ComponentChildren }) => <div class="dialog-acts">{children}</div>;

// Tabs by WAI-ARIA: arrow keys move, and follow the direction of the page.
export function Tabs<Name extends string>({ label, tabs, current, onTab, children }: { label: string; tabs: { name: Name; text: string; count?: number }[]; current: Name; onTab: (name: Name) => void; children: ComponentChildren }) {
  const id = useId();
  const move = (event: KeyboardEvent) => {
    const forward = document.documentElement.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    const back = forward === 'ArrowLeft' ? 'ArrowRight' : 'ArrowLeft';
    const at = tabs.findIndex((one) => one.name === current);
    const to = event.key === forward ? at + 1 : event.key === back ? at - 1 : event.key === 'Home' ? 0 : event.key === 'End' ? tabs.length - 1 : -2;
    if (to === -2) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    onTab(next.name);
    document.getElementById(`${id}-${next.name}`)?.focus();
  };
  return (
    <div class="tabs-box">
      <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
        {tabs.map((one) => (
          <button key={one.name} type="button" role="tab" id={`${id}-${one.name}`} aria-selected={one.name === current} aria-controls={`${id}-panel`}
            tabIndex={one.name === current ? 0 : -1} onClick={() => onTab(one.name)}>
            {one.text}{one.count !== undefined && <> <span class="badge">{one.count}</span></>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`} tabIndex={0}>{children}</div>
    </div>
  );
}

// One of few: presence, calendar. A radio group with one stop of the Tab key.
export function Segment<Name extends string>({ label, options, current, onPick, wide }: { label: string; options: { name: Name; text: string; icon?: string }[]; current: Name | ''; onPick: (name: Name) => void; wide?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const forward = ['ArrowDown', document.documentElement.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight'].includes(event.key);
    const back = ['ArrowUp', document.documentElement.dir === 'rtl' ? 'ArrowRight' : 'ArrowLeft'].includes(event.key);
    if (!forward && !back) return;
    event.preventDefault();
    const at = Math.max(0, options.findIndex((one) => one.name === current));
    const to = (at + (forward ? 1 : -1) + options.length) % options.length;
    onPick(options[to].name);
    box.current?.querySelectorAll<HTMLElement>('button')[to]?.focus();
  };
  return (
    <div class={`segment${wide ? ' segment-wide' : ''}`} role="radiogroup" aria-label={label} ref={box} onKeyDown={move}>
      {options.map((one, i) => (
        <button key={one.name} type="button" role="radio" aria-checked={one.name === current} tabIndex={one.name === current || (!current && i === 0) ? 0 : -1} onClick={() => onPick(one.name)}>
          {one.icon && <Icon name={one.icon} />} <span>{one.text}</span>
        </button>
      ))}
    </div>
  );
}

// Says one thing to screen readers, politely or at once.
export function useAnnounce(): [ComponentChildren, (text: string) => void] {
  const [text, set] = useState('');
  return [<p class="hidden" role="status" aria-live="polite">{text}</p>, set];
}
export const tone = (status: string): Tone =>
  ({ requested: 'parked', scheduled: 'idle', waiting: 'waits', active: 'ok', completed: 'ok', cancelled: 'idle', no_show: 'idle', failed: 'failed' } as Record<string, Tone>)[status] ?? 'idle';
export const kShapeOf: Record<string, string> = { requested: 'alert', scheduled: 'cal', waiting: 'clock', active: 'live', completed: 'ok', cancelled: 'idle', no_show: 'idle', failed: 'fail' };
export const statusText = (status: string) => t(`status_${status}` as Key);
