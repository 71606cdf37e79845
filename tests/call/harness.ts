// Page of the contract test: holds clients, what they told, and the tracks that arrived.
import { FakeClient } from '../../console/src/call/client/fake';
import { JanusClient } from '../../console/src/call/client/janus/janus';
import { P2pClient } from '../../console/src/call/client/p2p';
import type { SignalKind } from '../../console/src/call/client/p2p';
import type { CallClient, CallEvent, Media, Sample } from '../../console/src/call/client/client';

interface Person { client: CallClient; told: CallEvent[]; arrived: Map<string, HTMLMediaElement> }

const people: Person[] = [];
const connections: RTCPeerConnection[] = [];
const sockets: WebSocket[] = [];

// Keeps what the clients open, so that the test can look at it and break it.
const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.push(this);
  }
};
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    sockets.push(this);
  }
};

// The relay of the test stands for the hub: the test calls heard() and answers relay().
declare const relay: (message: { kind: 'people' | SignalKind; to?: string; payload?: unknown }) => Promise<string[]>;
const heard = new Set<(from: string, what: SignalKind | 'left', payload: unknown) => void>();
const signalling = {
  people: () => relay({ kind: 'people' }),
  send: async (kind: SignalKind, to: string, payload: unknown) => {
    await relay({ kind, to, payload: JSON.parse(JSON.stringify(payload)) as unknown });
  },
  on: (act: (from: string, what: SignalKind | 'left', payload: unknown) => void) => {
    heard.add(act);
    return () => heard.delete(act);
  },
};
// Copies of tracks: an SDK that keeps one open after a call would leave the light of the camera on.
const copies: MediaStreamTrack[] = [];
const { clone } = MediaStreamTrack.prototype;
MediaStreamTrack.prototype.clone = function (this: MediaStreamTrack): MediaStreamTrack {
  const made = clone.call(this);
  copies.push(made);
  return made;
};
const violations: string[] = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  violations.push(`${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`));
const kMake = {
  fake: async () => new FakeClient(),
  janus: async () => new JanusClient(),
  p2p: async () => new P2pClient(signalling),
  twilio: async () => new (await import('../../console/src/call/client/twilio')).TwilioClient(),
  chime: async () => new (await import('../../console/src/call/client/chime/chime')).ChimeClient(),
};

async function made(kind: keyof typeof kMake): Promise<number> {
  // Waits a turn: until then the page's policy does not restrict code that a test evaluates.
  await new Promise((resolve) => setTimeout(resolve));
  const person: Person = { client: await kMake[kind](), told: [], arrived: new Map() };
  person.client.on((event) => {
    person.told.push(event);
    if (event.t !== 'track') return;
    const key = `${event.kind} ${event.id}`;
    person.arrived.get(key)?.remove();
    person.arrived.delete(key);
    if (!event.track) return;
    const element = document.createElement(event.kind === 'audio' ? 'audio' : 'video');
    element.muted = true;
    element.srcObject = new MediaStream([event.track]);
    document.body.append(element);
    element.play().catch(() => {});
    person.arrived.set(key, element);
  });
  return people.push(person) - 1;
}

const harness = {
  made,
  heard: (from: string, what: SignalKind | 'left', payload: unknown) => heard.forEach((act) => act(from, what, payload)),
  client: (at: number) => people[at]!.client,
  told: (at: number) => people[at]!.told.map((event) => (event.t === 'track' ? { ...event, track: !!event.track } : event)),
  arrived: (at: number) => [...people[at]!.arrived.keys()].sort(),
  size: (at: number, key: string) => {
    const element = people[at]!.arrived.get(key) as HTMLVideoElement | undefined;
    return { width: element?.videoWidth ?? 0, height: element?.videoHeight ?? 0 };
  },
  async join(at: number, media: Media, sound = true, picture = true): Promise<string> {
    const constraints = { audio: sound, video: picture && { width: 640, height: 480 } };
    const stream = sound || picture ? await navigator.mediaDevices.getUserMedia(constraints) : null;
    return people[at]!.client.join(media, { audio: stream?.getAudioTracks()[0], video: stream?.getVideoTracks()[0] })
      .then(() => 'in', (error: { why?: string }) => error.why ?? String(error));
  },
  async microphone(at: number) {
    await people[at]!.client.setAudio((await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0]!);
  },
  async camera(at: number, on: boolean) {
    await people[at]!.client.setVideo(on ? (await navigator.mediaDevices.getUserMedia({ video: true })).getVideoTracks()[0]! : null);
  },
  async share(at: number, on: boolean) {
    await people[at]!.client.share(on ? (await navigator.mediaDevices.getDisplayMedia({ video: true })).getVideoTracks()[0]! : null);
  },
  stats: (at: number): Promise<Sample> => people[at]!.client.stats(),
  // Names of the ways of media: another one after each ICE restart.
  ways: () => connections.filter((one) => one.signalingState !== 'closed')
    .map((one) => /a=ice-ufrag:(\S+)/.exec(one.localDescription?.sdp ?? '')?.[1] ?? ''),
  connections: () => connections.length,
  violations: () => violations,
  captured: () => copies.filter(({ readyState }) => readyState === 'live').map(({ kind, label }) => `${kind} ${label}`),
  killSocket: () => sockets.at(-1)?.close(),
};
export type Harness = typeof harness;
Object.assign(window, { harness });
window.addEventListener('pagehide', () => people.forEach(({ client }) => void client.leave()));
