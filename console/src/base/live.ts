// The live channel: one WebSocket for all topics of a page (docs/stream.md). After a break it goes on where it was, by itself.
import { signal } from '@preact/signals';
import { post, Problem, signedOut } from './api';

export interface LiveEvent {
  type: 'ev';
  topic: string;
  seq?: number;
  id?: string;
  kind: string;
  at: string;
  from?: string;
  data: Record<string, unknown>;
}
export type Told = LiveEvent | { type: 'live'; topic: string } | { type: 'bye'; topic: string; code: string };
interface Following {
  heard: Set<(event: Told) => void>;
  after?: number | string;
  // Ids of events, by which one that comes twice is known.
  seen: Set<string>;
}

// `on` while the channel is open; `broken` while it is being opened again. Pages then say how old their data are.
export const channel = signal<'off' | 'on' | 'broken'>('off');

const followed = new Map<string, Following>();
const asked = new Map<number, { resolve: (said: Record<string, unknown>) => void; reject: (error: unknown) => void }>();
let socket: WebSocket | null = null;
let opening = false;
let next = 1;
let tries = 0;
let timer = 0;
const kWaits = [500, 1_000, 2_000, 4_000, 8_000];

function later() {
  clearTimeout(timer);
  if (!followed.size) return;
  channel.value = 'broken';
  const wait = kWaits[Math.min(tries++, kWaits.length - 1)];
  timer = window.setTimeout(open, wait * (0.75 + Math.random() / 2));
}

async function open() {
  if (socket || opening || !followed.size) return;
  opening = true;
  let ticket: string;
  try {
    ticket = (await post<{ ticket: string }>('/api/v1/tickets')).ticket;
  } catch (error) {
    opening = false;
    if (error instanceof Problem && error.status === 401) {
      channel.value = 'off';
      return;
    }
    later();
    return;
  }
  const stream = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/stream`, ['rabt.v1', ticket]);
  opening = false;
  socket = stream;
  stream.onopen = () => {
    tries = 0;
    channel.value = 'on';
    for (const topic of followed.keys()) subscribe(topic);
  };
  stream.onmessage = ({ data }) => hear(JSON.parse(data as string) as Record<string, unknown>);
  stream.onclose = ({ code }) => {
    if (socket !== stream) return;
    socket = null;
    for (const { reject } of asked.values()) reject(new Problem(0, 'page.unreachable', '', '', ''));
    asked.clear();
    if (code === 4401) signedOut.value = true;
    if (code === 4401 || code === 4403 || !followed.size) channel.value = 'off';
    else later();
  };
}

function hear(message: Record<string, unknown>) {
  const id = message.id as number;
  if (message.type === 'ok' || message.type === 'no') {
    const waiting = asked.get(id);
    asked.delete(id);
    if (message.type === 'ok') waiting?.resolve(message);
    else waiting?.reject(new Problem(400, String(message.code ?? ''), '', String(message.detail ?? ''), ''));
    return;
  }
  const following = followed.get(message.topic as string);
  if (!following) return;
  if (message.type === 'ev') {
    const event = message as unknown as LiveEvent;
    if (event.seq !== undefined) following.after = event.seq;
    else if (event.id) {
      if (following.seen.has(event.id)) return;
      following.seen.add(event.id);
      following.after = event.id;
    }
  }
  for (const each of [...following.heard]) each(message as unknown as Told);
}

function send(message: Record<string, unknown>): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      reject(new Problem(0, 'page.unreachable', '', '', ''));
      return;
    }
    const id = next++;
    asked.set(id, { resolve, reject });
    socket.send(JSON.stringify({ ...message, id }));
  });
}

async function subscribe(topic: string) {
  const following = followed.get(topic);
  if (!following) return;
  try {
    const said = await send({ type: 'sub', topic, ...(following.after !== undefined ? { after: following.after } : {}) });
    if (following.after === undefined && typeof said.seq === 'number') following.after = said.seq;
  } catch (error) {
    if (!(error instanceof Problem)) return;
    if (error.code === 'stream.after') {
      following.after = undefined;
      void subscribe(topic);
    } else if (error.status) {
      for (const each of [...following.heard]) each({ type: 'bye', topic, code: error.code });
    }
  }
}

// follow: calls `heard` with each event of a topic ("session:<id>", "hub") until the returned function is called. Events that come
// during a break are told afterwards; `live` says that the past is told.
export function follow(topic: string, heard: (event: Told) => void): () => void {
  let following = followed.get(topic);
  if (!following) {
    followed.set(topic, (following = { heard: new Set(), seen: new Set() }));
    if (socket?.readyState === WebSocket.OPEN) void subscribe(topic);
    else void open();
  }
  following.heard.add(heard);
  return () => {
    following.heard.delete(heard);
    if (following.heard.size || followed.get(topic) !== following) return;
    followed.delete(topic);
    if (socket?.readyState === WebSocket.OPEN) send({ type: 'unsub', topic }).catch(() => undefined);
    if (!followed.size) close();
  };
}
// say: speaks in a session that is followed: chat, status, signal, hand, typing, quality.
export const say = (session: string, kind: string, values: Record<string, unknown> = {}) =>
  send({ type: 'say', topic: `session:${session}`, kind, ...values });

// close: ends the channel and forgets what was followed, as after signing out.
export function close(): void {
  clearTimeout(timer);
  followed.clear();
  const was = socket;
  socket = null;
  was?.close(1000);
  channel.value = 'off';
}
addEventListener('online', () => {
  clearTimeout(timer);
  tries = 0;
  void open();
});
