// CallClient from browser to browser, for two to four people: the hub hands offers, answers and candidates on
// (docs/calls_without_provider.md). One connection for each other person.
//
// The person who came later calls. When two call each other at once, the one with the smaller id gives way and answers.
import { Listeners, Refused } from './client';
import type { CallClient, CallEvent, Can, Level, Media, Sample, Tracks } from './client';
import { Meter } from './meter';
import { limit } from './sending';

export type SignalKind = 'offer' | 'answer' | 'candidate';
// The way to the others, over the hub's live channel.
export interface Signalling {
  // People in the call now, by the ids that signals are sent to.
  people(): Promise<string[]>;
  send(signal: SignalKind, to: string, payload: unknown): Promise<void>;
  // left: the person went.
  on(heard: (from: string, what: SignalKind | 'left', payload: unknown) => void): () => void;
}

interface Flags { audio: boolean; video: boolean; screen: boolean }
interface Other {
  pc: RTCPeerConnection;
  state: RTCDataChannel;
  meter: Meter;
  early: RTCIceCandidateInit[];
  calls: boolean;
  flags: Flags;
  shown: Map<'audio' | 'video' | 'screen', MediaStreamTrack>;
  patience: number;
}

const kKinds = ['audio', 'video', 'screen'] as const;
const kPatienceMs = 2000;
const kGiveUpMs = 60_000;

export class P2pClient implements CallClient {
  readonly can: Can = { share: true, captions: 'hub', speaker: false, serverMute: false };
  private readonly listeners = new Listeners();
  private readonly others = new Map<string, Other>();
  private media: Media | null = null;
  private tracks: Record<(typeof kKinds)[number], MediaStreamTrack | null> = { audio: null, video: null, screen: null };
  private muted = false;
  private pictures = true;
  private level: Level = 'high';
  private state: 'off' | 'on' | 'broken' | 'over' = 'off';
  private unsubscribe: () => void = () => {};

  constructor(private readonly signalling: Signalling) {}

  on(listener: (event: CallEvent) => void): () => void {
    return this.listeners.on(listener);
  }

  async join(media: Media, tracks: Tracks): Promise<void> {
    this.media = media;
    this.tracks = { audio: tracks.audio ?? null, video: tracks.video ?? null, screen: null };
    this.listeners.tell({ t: 'state', to: 'joining' });
    this.unsubscribe = this.signalling.on((from, what, payload) => void this.heard(from, what, payload).catch(() => {}));
    try {
      for (const id of await this.signalling.people()) if (id !== media.identity && !this.others.has(id)) await this.offer(id, true);
    } catch (error) {
      this.end();
      this.listeners.tell({ t: 'state', to: 'failed', why: 'refused' });
      throw new Refused('refused', String(error));
    }
    this.state = 'on';
    this.listeners.tell({ t: 'state', to: 'connected' });
  }
  async leave(): Promise<void> {
    if (this.state === 'over') return;
    this.end();
    this.listeners.tell({ t: 'state', to: 'left', why: 'left' });
  }
  async setAudio(track: MediaStreamTrack | null): Promise<void> {
    if (track) track.enabled = !this.muted;
    await this.put('audio', track);
  }
  async setVideo(track: MediaStreamTrack | null): Promise<void> {
    await this.put('video', track);
  }
  async share(track: MediaStreamTrack | null): Promise<void> {
    if (track) track.contentHint = 'detail';
    await this.put('screen', track);
  }
  mute(on: boolean): void {
    this.muted = on;
    if (this.tracks.audio) this.tracks.audio.enabled = !on;
    this.announce();
  }
  async setLevel(level: Level): Promise<void> {
    this.level = level;
    for (const other of this.others.values()) await this.keepLevel(other);
  }
  // Asks the others to send no pictures.
  wish(level: Level | 'none'): void {
    this.pictures = level !== 'none';
    this.announce();
  }
  async renew(media: Media): Promise<void> {
    this.media = media;
    for (const [id, other] of this.others) {
      other.pc.setConfiguration({ iceServers: media.iceServers ?? [] });
      if (other.calls) await this.restart(id, other);
    }
  }
  async stats(): Promise<Sample> {
    let sum: Sample = { over: 0, up: null, down: null };
    for (const other of this.others.values()) {
      const one = await other.meter.sample(other.pc, other.pc);
      const worse = (a: Sample['up'], b: Sample['up']) => (a && b ? (a.lossPercent >= b.lossPercent ? a : b) : (a ?? b));
      sum = { over: one.over, up: worse(sum.up, one.up), down: worse(sum.down, one.down) };
    }
    return sum;
  }

  // ---- One other person

  private meet(id: string, calls: boolean): Other {
    const pc = new RTCPeerConnection({ iceServers: this.media?.iceServers ?? [] });
    const state = pc.createDataChannel('state', { negotiated: true, id: 0 });
    const other: Other = {
      pc, state, calls, meter: new Meter(), early: [], shown: new Map(), patience: 0, flags: { audio: false, video: false, screen: false },
    };
    const peer = this.others.get(id);
    this.others.set(id, other);
    if (peer) this.drop(peer);
    else this.listeners.tell({ t: 'person', id, in: true });
    pc.onicecandidate = ({ candidate }) => {
      if (candidate) this.signalling.send('candidate', id, candidate.toJSON()).catch(() => {});
    };
    pc.onconnectionstatechange = () => this.changed(id, other);
    state.onopen = () => this.announce();
    state.onmessage = ({ data }) => {
      const said = JSON.parse(String(data)) as Flags & { muted: boolean; pictures: boolean };
      other.flags = said;
      this.show(id, other);
      this.listeners.tell({ t: 'muted', id, on: said.muted });
      void this.fill(other, said.pictures);
    };
    return other;
  }
  // Senders and receivers stand in the order sound, camera, screen at both ends.
  private async fill(other: Other, pictures = true): Promise<void> {
    const senders = other.pc.getTransceivers().map(({ sender }) => sender);
    await senders[0]?.replaceTrack(this.tracks.audio);
    await senders[1]?.replaceTrack(pictures ? this.tracks.video : null);
    await senders[2]?.replaceTrack(pictures ? this.tracks.screen : null);
    await this.keepLevel(other);
  }
  private async keepLevel(other: Other): Promise<void> {
    const sender = other.pc.getTransceivers()[1]?.sender;
    if (sender?.track) await limit(sender, this.level).catch(() => {});
  }
  private show(id: string, other: Other): void {
    kKinds.forEach((kind, at) => {
      const track = other.flags[kind] ? (other.pc.getTransceivers()[at]?.receiver.track ?? null) : null;
      if ((other.shown.get(kind) ?? null) === track) return;
      if (track) other.shown.set(kind, track);
      else other.shown.delete(kind);
      this.listeners.tell({ t: 'track', id, kind, track });
    });
  }
  private async offer(id: string, fresh: boolean): Promise<void> {
    const other = fresh ? this.meet(id, true) : (this.others.get(id) as Other);
    if (fresh) for (const kind of ['audio', 'video', 'video']) other.pc.addTransceiver(kind, { direction: 'sendrecv' });
    await this.fill(other);
    await other.pc.setLocalDescription(await other.pc.createOffer({ iceRestart: !fresh }));
    await this.signalling.send('offer', id, other.pc.localDescription);
  }
  private async heard(from: string, what: SignalKind | 'left', payload: unknown): Promise<void> {
    if (this.state === 'over' || from === this.media?.identity) return;
    let other = this.others.get(from);
    if (what === 'left') return this.forget(from);
    if (what === 'candidate') {
      const candidate = payload as RTCIceCandidateInit;
      if (other?.pc.remoteDescription) await other.pc.addIceCandidate(candidate).catch(() => {});
      else other?.early.push(candidate);
      return;
    }
    const description = payload as RTCSessionDescriptionInit;
    if (what === 'answer') {
      if (other?.pc.signalingState === 'have-local-offer') await this.take(other, description);
      return;
    }
    if (other?.pc.signalingState === 'have-local-offer' && (this.media?.identity ?? '') > from) return;
    // A first offer begins anew; a later one of the same connection is new ways for it.
    const again = other?.pc.connectionState !== 'closed' && other?.pc.remoteDescription && sameCall(other.pc.remoteDescription, description);
    if (!other || !again) {
      const early = other && !other.pc.remoteDescription ? other.early : [];
      other = this.meet(from, false);
      other.early = early;
    }
    await this.take(other, description);
    for (const one of other.pc.getTransceivers()) one.direction = 'sendrecv';
    await this.fill(other);
    await other.pc.setLocalDescription(await other.pc.createAnswer());
    await this.signalling.send('answer', from, other.pc.localDescription);
  }
  private async take(other: Other, description: RTCSessionDescriptionInit): Promise<void> {
    await other.pc.setRemoteDescription(description);
    for (const candidate of other.early.splice(0)) other.pc.addIceCandidate(candidate).catch(() => {});
  }
  private async put(kind: (typeof kKinds)[number], track: MediaStreamTrack | null): Promise<void> {
    this.tracks[kind] = track;
    for (const other of this.others.values()) await this.fill(other);
    this.announce();
  }
  private announce(): void {
    const { audio, video, screen } = this.tracks;
    const said = { audio: !!audio, video: !!video, screen: !!screen, muted: this.muted || !audio, pictures: this.pictures };
    for (const { state } of this.others.values()) if (state.readyState === 'open') state.send(JSON.stringify(said));
  }

  // ---- Breaks

  private changed(id: string, other: Other): void {
    clearTimeout(other.patience);
    if (this.state === 'over' || this.others.get(id) !== other) return;
    const at = other.pc.connectionState;
    const all = [...this.others.values()].map(({ pc }) => pc.connectionState);
    if (at === 'connected' && this.state === 'broken' && all.every((one) => one === 'connected')) {
      this.state = 'on';
      this.listeners.tell({ t: 'state', to: 'connected' });
    }
    if (at !== 'disconnected' && at !== 'failed') return;
    if (this.state === 'on') {
      this.state = 'broken';
      this.listeners.tell({ t: 'state', to: 'reconnecting', why: 'network' });
    }
    const began = Date.now();
    const again = (): void => {
      if (this.others.get(id) !== other || other.pc.connectionState === 'connected') return;
      if (Date.now() - began > kGiveUpMs) return this.forget(id);
      if (other.calls) void this.restart(id, other);
      other.patience = setTimeout(again, 2 * kPatienceMs) as unknown as number;
    };
    other.patience = setTimeout(again, at === 'failed' ? 0 : kPatienceMs) as unknown as number;
  }
  private restart(id: string, other: Other): Promise<void> {
    return other.pc.signalingState === 'stable' ? this.offer(id, false).catch(() => {}) : Promise.resolve();
  }
  private drop(other: Other): void {
    clearTimeout(other.patience);
    other.pc.onconnectionstatechange = other.pc.onicecandidate = other.state.onmessage = other.state.onopen = null;
    other.pc.close();
  }
  private forget(id: string): void {
    const other = this.others.get(id);
    if (!other) return;
    other.flags = { audio: false, video: false, screen: false };
    this.show(id, other);
    this.others.delete(id);
    this.drop(other);
    this.listeners.tell({ t: 'person', id, in: false });
    if (this.state === 'broken' && [...this.others.values()].every(({ pc }) => pc.connectionState === 'connected')) {
      this.state = 'on';
      this.listeners.tell({ t: 'state', to: 'connected' });
    }
  }
  private end(): void {
    this.state = 'over';
    this.unsubscribe();
    for (const id of [...this.others.keys()]) this.forget(id);
  }
}

// The first m-line's fingerprint tells connections apart.
function sameCall(a: RTCSessionDescriptionInit, b: RTCSessionDescriptionInit): boolean {
  const mark = ({ sdp }: RTCSessionDescriptionInit) => /a=fingerprint:(.*)/.exec(sdp ?? '')?.[1];
  return mark(a) === mark(b);
}
