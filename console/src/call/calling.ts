// The connection of this page's person: which client, what it told, what is sent, and how the line is.
import { computed, signal } from '@preact/signals';
import { all, post } from '../base/api';
import { t } from '../base/i18n';
import { follow, say } from '../base/live';
import type { CallClient, CallEvent, Level, Media } from './client/client';
import * as devices from './devices';
import { isLevel, Ladder, reported, Shown, Windows, wordOf, type Word } from './quality';
import * as visit from './visit';

export interface Remote {
  audio?: MediaStreamTrack | null;
  video?: MediaStreamTrack | null;
  screen?: MediaStreamTrack | null;
  muted?: boolean;
}
export interface Caption { id: string; text: string; final: boolean; lang: string; at: number }

export const link = signal<'off' | 'joining' | 'connected' | 'reconnecting' | 'failed'>('off');
export const client = signal<CallClient | null>(null);
// By the identity at the provider.
export const remotes = signal<Record<string, Remote>>({});
export const speaking = signal<string[]>([]);
export const micOn = signal(true);
export const camOn = signal(true);
export const shared = signal<MediaStreamTrack | null>(null);
export const captions = signal<Caption[]>([]);
export const captionsOn = signal(true);
export const word = signal<Word>('good');
// Pictures that were switched off to keep the sound.
export const saved = signal(false);
// Sound waits for a press: the browser lets no page speak by itself.
export const silent = signal(false);
export const since = signal(0);
export const grants = signal<string[]>([]);
// Grants say what may be sent; a provider that says nothing lets everything through.
const may = (what: string): boolean => !grants.value.length || grants.value.includes(what);
const isPhone = (): boolean => matchMedia('(pointer: coarse) and (max-width: 900px)').matches;
export const canShare = computed(() => !!client.value?.can.share && may('screen') && 'getDisplayMedia' in (navigator.mediaDevices ?? {}) && !isPhone());

// Clients by provider; tests put their own here.
export const kClients: Record<string, () => Promise<CallClient>> = {
  'plugin://janus': async () => new (await import('./client/janus/janus')).JanusClient(),
  'plugin://twilio': async () => new (await import('./client/twilio')).TwilioClient(),
  'plugin://chime': async () => new (await import('./client/chime/chime')).ChimeClient(),
  'hub://p2p': async () => new (await import('./client/p2p')).P2pClient(hubSignals()),
};

// A plugin may have a name of the clinic's own in the configuration; what it hands out says whose it is.
export function adapterOf({ provider, meeting, url, room }: Media): string {
  if (kClients[provider]) return provider;
  return meeting ? 'plugin://chime' : url ? 'plugin://janus' : /^RM[0-9a-f]{32}$/.test(room ?? '') ? 'plugin://twilio' : '';
}

// Signals of p2p go over the live channel, between the ids of participants.
function hubSignals(): import('./client/p2p').Signalling {
  return {
    people: async () => {
      await visit.reread();
      return visit.others.value.filter(({ here }) => here).map(({ id }) => id);
    },
    send: async (signal, to, payload) => {
      await say(visit.id.value, 'signal', { signal, to, payload });
    },
    on: (heard) => follow(`session:${visit.id.value}`, (event) => {
      if (event.type !== 'ev') return;
      const data = event.data as { signal?: 'offer' | 'answer' | 'candidate'; payload?: unknown; participant?: string };
      const from = event.from ?? data.participant ?? '';
      if (event.kind === 'signal' && data.signal) heard(from, data.signal, data.payload);
      if (event.kind === 'left' || event.kind === 'disconnected') heard(from, 'left', null);
    }),
  };
}

let shown = new Shown();
let ladder = new Ladder();
let windows = new Windows();
let timer = 0;
let renewal = 0;
// Level that the hub or a host told last for this person, over breaks and new joins; and how often one was told.
let asked: Level | null = null;
let tellings = 0;
let lock: { release: () => Promise<void> } | null = null;
const kSampleMs = 2000;
const kRenewAt = 0.8;

export async function connect(media: Media): Promise<void> {
  if (client.value) return;
  visit.stage.value = 'joining';
  link.value = 'joining';
  grants.value = media.grants ?? [];
  // A client that does not load is like a provider that nobody knows: the page says so, and offers to try again.
  const callClient = await kClients[adapterOf(media)]?.().catch(() => undefined);
  if (!callClient) {
    link.value = 'failed';
    visit.stage.value = 'failed';
    return;
  }
  client.value = callClient;
  callClient.on(told);
  const own = media.provider === 'hub://p2p' ? { ...media, identity: visit.myId.value } : media;
  try {
    await callClient.join(own, {
      audio: may('microphone') ? devices.audio.value : null, video: may('camera') && camOn.value ? devices.video.value : null,
    });
  } catch {
    // The state that the client told says why.
    return;
  }
  callClient.mute(!micOn.value);
  renewLater(media);
  watch();
}

// A try from the beginning, with fresh credentials.
export async function again(): Promise<void> {
  await client.value?.leave();
  client.value = null;
  remotes.value = {};
  const media = await visit.credentials();
  if (media) await connect(media);
}

function renewLater({ expiresAt }: Media): void {
  clearTimeout(renewal);
  if (!expiresAt) return;
  const left = new Date(expiresAt).getTime() - Date.now();
  if (left > 0) renewal = window.setTimeout(() => void renew(), Math.min(left * kRenewAt, 2 ** 30));
}
async function renew(): Promise<void> {
  for (const pause of [500, 1000, 2000, 4000, 8000, 8000, 8000]) {
    try {
      const media = await visit.credentials();
      if (media) {
        await client.value?.renew(media);
        renewLater(media);
      }
      return;
    } catch (error) {
      if ((error as { status?: number }).status === 403) return visit.finish('removed');
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

function put(id: string, change: Remote): void {
  remotes.value = { ...remotes.value, [id]: { ...remotes.value[id], ...change } };
}

function told(event: CallEvent): void {
  switch (event.t) {
    case 'state':
      return stateIs(event.to, event.why);
    case 'person':
      if (event.in) put(event.id, {});
      else remotes.value = Object.fromEntries(Object.entries(remotes.value).filter(([id]) => id !== event.id));
      return;
    case 'track':
      return put(event.id, { [event.kind]: event.track });
    case 'muted':
      return put(event.id, { muted: event.on });
    case 'speaking':
      speaking.value = event.ids;
      return;
    case 'caption': {
      const rest = captions.value.filter((one) => one.id !== event.id || one.final);
      captions.value = [...rest, { ...event, at: Date.now() }].slice(-200);
      return;
    }
    case 'advice':
      if (event.stopVideo) void keep(ladder.soundOnly());
  }
}

function stateIs(to: Extract<CallEvent, { t: 'state' }>['to'], why?: string): void {
  if (to === 'connected') {
    if (link.value === 'reconnecting') visit.announce(t('call_back'));
    link.value = 'connected';
    since.value ||= Date.now();
    visit.stage.value = 'in';
    void awake();
    return;
  }
  if (to === 'reconnecting') {
    if (link.value !== 'reconnecting') visit.announce(t('call_reconnecting'), true);
    link.value = 'reconnecting';
    if (why === 'expired') void renew();
    return;
  }
  if (to === 'failed') {
    link.value = 'failed';
    if (visit.stage.value === 'joining') visit.stage.value = 'failed';
    return;
  }
  if (to === 'left' && (why === 'removed' || why === 'ended' || why === 'duplicate')) {
    stop();
    if (why === 'ended') void visit.reread().finally(() => visit.finish('ended'));
    else visit.finish(why === 'removed' ? 'removed' : 'moved');
  }
}

// ---- What is sent

export function toggleMic(on = !micOn.value): void {
  if (!devices.audio.value) return;
  micOn.value = on;
  client.value?.mute(!on);
}
export async function toggleCam(on = !camOn.value): Promise<void> {
  camOn.value = on;
  if (!on) devices.cameraOff();
  else await devices.cameraOn();
  if (on && !devices.video.value) camOn.value = false;
  if (on) saved.value = false;
  await client.value?.setVideo(devices.video.value);
}
export async function toggleShare(): Promise<void> {
  if (shared.value) {
    shared.value.stop();
    shared.value = null;
    await client.value?.share(null);
    return;
  }
  let track: MediaStreamTrack | undefined;
  try {
    track = (await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 12 } })).getVideoTracks()[0];
  } catch {
    // The person chose nothing.
    return;
  }
  if (!track) return;
  shared.value = track;
  const own = track;
  own.onended = () => {
    if (shared.value === own) void toggleShare();
  };
  await client.value?.share(track);
}
// A device that changes during a call is sent without a new negotiation.
devices.audio.subscribe((track) => void client.value?.setAudio(track));
devices.video.subscribe((track) => {
  if (camOn.value && !saved.value) void client.value?.setVideo(track);
});

// ---- How the line is

function watch(): void {
  shown = new Shown();
  ladder = new Ladder();
  windows = new Windows();
  const level = asked ?? visit.session.value?.quality;
  void keep(isLevel(level) ? ladder.ceiling(level) : ladder.step);
  if (!asked && visit.isGuest()) void readAsked();
  clearInterval(timer);
  timer = window.setInterval(() => void sample(), kSampleMs);
}
async function obey(level: unknown): Promise<void> {
  if (!isLevel(level)) return;
  asked = level;
  await keep(ladder.ceiling(level));
}
// Without a participant it is for everybody.
interface QualityChange { participant?: string; to?: string }
const isMine = ({ participant }: QualityChange): boolean => !participant || participant === visit.myId.value;
visit.onEvent(({ kind, data }) => {
  const change = data as QualityChange;
  if (kind !== 'quality' || !isMine(change)) return;
  ++tellings;
  void obey(change.to);
});
// Reads the level that was told before a guest came. Others get it with the answer to what they measured; a guest reports nothing.
async function readAsked(): Promise<void> {
  const events = await all<{ type: string; data?: QualityChange }>(visit.path('/events')).catch(() => []);
  const last = events.filter(({ type, data }) => type === 'quality-changed' && !!data && isMine(data)).at(-1);
  if (!asked) await obey(last?.data?.to);
}
export async function sample(): Promise<void> {
  const callClient = client.value;
  if (!callClient || link.value !== 'connected') return;
  const window_ = windows.add(await callClient.stats());
  if (!window_) return;
  const words = [window_.up, window_.down].flatMap((line) => (line ? [wordOf(line, window_.over)] : []));
  if (!words.length) return;
  const order: Word[] = ['bad', 'poor', 'fair', 'good', 'excellent'];
  const worst = order.find((one) => words.includes(one)) as Word;
  word.value = shown.add(worst);
  await keep(ladder.add(worst, Date.now()));
  const samples = reported(window_, new Date());
  if (!samples.length || visit.isGuest()) return;
  const before = tellings;
  const answer = await post<{ level?: string; audioOnly?: boolean }>(visit.path('/quality'), { samples }).catch(() => null);
  // An answer that was under way when a level was told is older than that.
  if (before === tellings) await obey(answer?.level);
  if (answer?.audioOnly) await keep(ladder.soundOnly());
}
async function keep({ level, own, others }: typeof ladder.step): Promise<void> {
  await client.value?.setLevel(level);
  client.value?.wish(others ? level : 'none');
  if (saved.value === !own) return;
  saved.value = !own;
  if (!camOn.value) return;
  visit.announce(t(own ? 'call_video_back' : 'call_video_saved'));
  await client.value?.setVideo(own ? devices.video.value : null);
}

// ---- The screen stays on, and the end

async function awake(): Promise<void> {
  const wake = (navigator as { wakeLock?: { request: (kind: 'screen') => Promise<{ release: () => Promise<void> }> } }).wakeLock;
  lock = (await wake?.request('screen').catch(() => null)) ?? null;
}
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && link.value === 'connected') void awake();
});

export function stop(): void {
  clearInterval(timer);
  clearTimeout(renewal);
  void lock?.release().catch(() => {});
  lock = null;
  shared.value?.stop();
  shared.value = null;
  void client.value?.leave();
  client.value = null;
  link.value = 'off';
  remotes.value = {};
  devices.release();
}

const isIn = (): boolean => visit.stage.value === 'in' || visit.stage.value === 'joining';
addEventListener('beforeunload', (event) => {
  if (isIn()) event.preventDefault();
});
addEventListener('pagehide', () => {
  if (!isIn() && visit.stage.value !== 'waiting') return;
  void client.value?.leave();
  navigator.sendBeacon(visit.path('/leave'), new Blob(['{}'], { type: 'application/json' }));
});

// One tab for a session: who joins last tells the others to leave.
const tabs = new BroadcastChannel('rabt-call');
const tab = crypto.randomUUID();
export const claimTab = (): void => tabs.postMessage({ session: visit.id.value, tab });
tabs.onmessage = ({ data }: MessageEvent<{ session: string; tab: string }>) => {
  if (data.session !== visit.id.value || data.tab === tab || !['in', 'joining', 'waiting'].includes(visit.stage.value)) return;
  stop();
  visit.finish('moved');
};
visit.onMedia.act = (media) => void connect(media);
