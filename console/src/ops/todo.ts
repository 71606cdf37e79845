// A list of all that needs a person now: the hub's own, or, of a hub that has none, the same made of the lists that it has.
import { signal } from '@preact/signals';
import { get } from '../base/api';
import { has, t } from '../base/i18n';
import { hasRole } from '../base/me';
import { lang } from '../base/prefs';
import { health, ifThere, instancesOf, type Approval, type Deliveries } from './model';
import { maySee } from './rights';

export interface Todo {
  kind: string;
  count: number;
  oldest?: string;
  severity: string;
  what: string;
  code?: string;
  role?: string;
  plugin?: string;
  source?: string;
  webhook?: string;
  command?: string;
  link?: string;
  text?: { ar: string; en: string };
}
export interface Todos {
  ok: boolean;
  items: Todo[];
}
export const todos = signal<Todos | undefined>(undefined);
export const todosError = signal<unknown>(undefined);
export const todosAt = signal(0);

const kMost = 200;
const oldestOf = (items: { updated?: string; asked?: string }[]) => items.map((one) => one.updated ?? one.asked ?? '').filter(Boolean).sort()[0];

async function composed(): Promise<Todos> {
  const items: Todo[] = [];
  const work: Promise<void>[] = [];
  if (maySee('/console/instances') && hasRole('engineer', 'operator', 'security_officer', 'auditor'))
    for (const [kind, status] of [['decision', 'parked'], ['faulted', 'faulted']])
      work.push(instancesOf({ status, limit: kMost }).then((page) => {
        if (page.items.length) items.push({ kind, count: page.items.length, oldest: oldestOf(page.items), severity: kind === 'decision' ? 'page' : 'warn', what: '' });
      }));
  if (maySee('/console/approvals'))
    work.push(get<{ items: Approval[] }>('/api/v1/approvals').then(({ items: asked }) => {
      const open = asked.filter((one) => !one.confirmedBy);
      if (open.length) items.push({ kind: 'approval', count: open.length, oldest: oldestOf(open), severity: 'page', what: '' });
    }));
  if (maySee('/console/deliveries'))
    work.push(get<Deliveries>('/api/v1/deliveries?limit=100').then(({ items: came }) => {
      for (const source of new Set(came.map((one) => one.source))) {
        const bad = came.filter((one) => one.source === source && one.outcome !== 'unused');
        if (bad.length) items.push({ kind: 'delivery', count: bad.length, oldest: bad[bad.length - 1].at, severity: 'warn', what: '', source });
      }
    }));
  work.push(health().then((now) => {
    for (const [role, why] of Object.entries(now.rolesUnserved ?? {})) items.push({ kind: 'role', count: 1, severity: 'page', what: why, role });
    for (const one of now.plugins ?? []) if (one.state === 'quarantined' || one.state === 'stopped') items.push({ kind: 'plugin', count: 1, severity: 'page', what: '', plugin: one.id });
    if (now.held) items.push({ kind: 'held', count: 1, severity: 'page', what: '' });
  }));
  await Promise.all(work);
  const order = ['role', 'plugin', 'held', 'decision', 'approval', 'faulted', 'delivery'];
  items.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return { ok: !items.length, items };
}

export async function loadTodos(): Promise<void> {
  try {
    todos.value = (await ifThere(get<Todos>('/api/v1/todo'))) ?? (await composed());
    todosError.value = undefined;
    todosAt.value = Date.now();
  } catch (error) {
    todosError.value = error;
  }
}

// True if it cannot wait until the morning.
export const isUrgent = (one: Todo) => one.severity === 'page';
const kPlaces: Record<string, string> = {
  decision: '/console/tasks', task: '/console/tasks', faulted: '/console/instances?status=faulted', approval: '/console/approvals', delivery: '/console/deliveries', unused: '/console/deliveries', role: '/console/plugins', plugin: '/console/plugins',
  grant: '/console/grants', webhook: '/console/webhooks', audit: '/console/audit', anchor: '/console/audit', held: '/console/plugins',
};
// The page for it, if this person has one: the hub's own link, where it is a page of the console.
export function placeOf(one: Todo): string | undefined {
  const to = one.link?.startsWith('/console') ? one.link : kPlaces[one.kind];
  return to && maySee('/console' + (to.slice('/console'.length).match(/^\/[a-z]+/)?.[0] ?? '')) ? to : undefined;
}
// The item in words: the pages' own, else the hub's.
export function textOf(one: Todo): string {
  if (one.text) return one.text[lang.value];
  if (!has(`todo_${one.kind}`) && !has(`todo_${one.kind}_other`)) return one.what || one.kind;
  return t(`todo_${one.kind}` as 'todo_decision', { n: one.count, role: one.role ?? '', plugin: one.plugin ?? '', source: one.source ?? '', webhook: one.webhook ?? '' });
}
export const countFor = (href: string) => (todos.value?.items ?? []).filter((one) => placeOf(one)?.split('?')[0] === href).reduce((sum, one) => sum + one.count, 0);
