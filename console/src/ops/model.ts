// Answers of the hub that the pages of the console read. Absent members are not shown.
import { call, get, Problem, query } from '../base/api';

export interface Page<T> {
  items: T[];
  next?: string;
}
// `instance`: the reference of the task, by a hub that does not name it apart.
export interface Fault {
  code?: string;
  title?: string;
  status?: number;
  task?: string;
  reference?: string;
  type?: string;
  detail?: string;
  instance?: string;
}
export interface Summary {
  id: string;
  workflow: string;
  version: string;
  status: string;
  created: string;
  updated: string;
  held?: string;
  paused?: string;
  error?: Fault;
  waits?: { role?: string; action?: string; task?: string; reference?: string; since?: string; code?: string; letGo?: boolean; ending?: string; calls?: string[]; events?: string[]; timer?: string; until?: string };
}
export interface Entry {
  task: string;
  kind: string;
  reference: string;
  state: string;
  started: string;
  ended?: string;
  ms?: number;
  attempts?: number;
  detail?: string;
  // Of a call that was let go.
  effect?: string;
  // Of the node in the graph, where that is not the reference.
  node?: string;
  nextTry?: string;
  children?: string[];
  // decidedBy: a person answered in place of the action.
  call?: { role?: string; action?: string; key?: string; outcome?: string; code?: string; status?: number; decidedBy?: string };
  failure?: { outcome: string; code: string; message: string };
  // Of the answer or the event, by member.
  codes?: Record<string, string | string[]>;
}
export interface Instance extends Summary {
  turns: number;
  parent?: string;
  children?: string[];
  parked?: string;
  timeline: Entry[];
  earlier?: string;
  timelineTotal?: number;
  context?: unknown;
  output?: unknown;
}
export interface Counts {
  total: number;
  byStatus: Record<string, number>;
  byWorkflow: { workflow: string; version: string; byStatus: Record<string, number> }[];
  byCode: { status: string; code: string; count: number; oldest: string }[];
}
export interface Node {
  id: string;
  label: string;
  kind: string;
  parent?: string;
  state?: string;
  attempts?: number;
  byPerson?: boolean;
}
export interface Graph {
  workflow: string;
  version: string;
  nodes: Node[];
  // dotted: of an error, a timeout or a skip.
  edges: { from: string; to: string; label?: string; dotted?: boolean }[];
}
export interface Plugin {
  id: string;
  version: string;
  open?: number;
  isolation: string;
  state: string;
  pid?: number;
  restarts?: number;
  quarantineSeconds?: number;
  storage?: { bytes: number; quota: number };
  sandboxLacks?: string;
  health?: { status: string; reason?: string };
}
export interface Health {
  status: 'pass' | 'warn' | 'fail';
  held?: boolean;
  notes?: string[];
  store?: { diskFull: boolean; queued: number };
  keys?: { root: string; available: boolean; code?: string; development?: boolean };
  audit?: { appendable: boolean; signing: boolean; code?: string; entries: number; signed: number; warning?: string; anchors: { name: string; required: boolean; failing: boolean; code?: string }[] };
  rolesUnserved?: Record<string, string>;
  plugins?: Plugin[];
}
export interface Approval {
  id: string;
  act: string;
  askedBy: string;
  confirmedBy?: string | null;
  wish: Record<string, unknown>;
  asked: string;
  until: string;
}
export interface Delivery {
  id: number;
  source: string;
  outcome: string;
  at: string;
  client?: string;
  request?: string;
  code?: string;
  reason?: string;
  length?: number;
  bodyKept?: boolean;
  settled?: string;
}
export interface Deliveries {
  items: Delivery[];
  totals: { source: string; outcome: string; total: number }[];
}

// A hub that is ill answers 503 with the same body.
export const health = async () => (await call<Health>('GET', '/health', { accept: 'application/health+json', takes: 503 })).data;
// Undefined of an operation that the hub does not have, or not for this person.
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Problem && [403, 404].includes(error.status)) return undefined;
    throw error;
  }
}
export const counts = () => ifThere(get<Counts>('/api/v1/instances/counts'));
export const instancesOf = (filters: Record<string, string | number | undefined>) => get<Page<Summary>>(`/api/v1/instances${query(filters)}`);

// The last member of a reference: "/do/3/send" is the task send.
export const taskOf = (reference: string | undefined) => reference?.split('/').pop() ?? '';
// Code of the error of an instance, as problems.md has it.
export const codeOf = (error: Fault | undefined) => error?.code ?? error?.title ?? '';
export const whereOf = (error: Fault | undefined) => error?.task ?? taskOf(error?.reference ?? error?.instance);
export const nodeOf = (one: Entry) => one.node ?? one.reference;
