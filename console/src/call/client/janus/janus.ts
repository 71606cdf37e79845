// CallClient for a Janus VideoRoom: one publisher, one subscriber for everybody, one more publisher for a screen.
//
// One supervisor repairs the connection, in this order: new socket with `claim` (media go on meanwhile), ICE restart,
// and where the session is gone, fresh credentials and a new join.
import { Listeners, Refused } from '../client';
import type { CallClient, Can, Level, Media, Sample, State, Tracks, Why } from '../client';
import { Meter } from '../meter';
import { limit } from '../sending';
import { displayOf, Feeds, kScreen, ownerOf } from './feeds';
import type { Arriving, Publisher } from './feeds';
import { broken, flows, Peer } from './peer';
import { JanusError, kGone, Signal } from './signal';
import type { Message } from './signal';

const kIdTaken = 436;
const kRefusals: Record<number, Why> = { 426: 'ended', 433: 'refused', 432: 'refused', [kIdTaken]: 'duplicate' };
const kBackoffMs = [500, 1000, 2000, 4000, 8000];
// A connection that comes back by itself within this time is left alone.
const kPatienceMs = 2000;
const kGiveUpMs = 60_000;
const kConnectMs = 20_000;
const kSpeakingMs = 500;
const kLoud = 0.02;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const jitter = (ms: number): number => ms * (0.75 + Math.random() / 2);
const pauseOf = (turn: number): number => jitter(kBackoffMs[Math.min(turn, kBackoffMs.length - 1)] as number);

type Data = Record<string, unknown> & { publishers?: Publisher[]; streams?: Arriving[] };
const dataOf = (message: Message): Data => (message.plugindata?.data ?? {}) as Data;

export class JanusClient implements CallClient {
  readonly can: Can = { share: true, captions: 'hub', speaker: true, serverMute: false };
  private readonly listeners = new Listeners();
  private readonly meter = new Meter();
  private media: Media | null = null;
  private signal: Signal | null = null;
  private out: Peer | null = null;
  private down: Peer | null = null;
  private screen: Peer | null = null;
  private feeds: Feeds | null = null;
  private privateId: unknown = 0;
  private audio: MediaStreamTrack | null = null;
  private video: MediaStreamTrack | null = null;
  private shared: MediaStreamTrack | null = null;
  private muted = false;
  private pictures = true;
  private level: Level = 'high';
  private state: State | null = null;
  // Set while the page is asked for fresh credentials.
  private asked = false;
  private repairing: Promise<void> | null = null;
  private patience = 0;
  private clock = 0;
  private loud = '';
  // Set when the machine came to another network.
  private moved = false;
  // Requests of the subscriber, one at a time: a second offer must not overtake the first.
  private line: Promise<unknown> = Promise.resolve();

  // relayOnly: media pass a TURN server, as behind a strict firewall.
  constructor(private readonly options: { relayOnly?: boolean } = {}) {}

  on(listener: Parameters<Listeners['on']>[0]): () => void {
    return this.listeners.on(listener);
  }

  async join(media: Media, tracks: Tracks): Promise<void> {
    this.media = media;
    this.audio = tracks.audio ?? null;
    this.video = tracks.video ?? null;
    this.to('joining');
    window.addEventListener('online', this.online);
    this.clock = setInterval(() => this.listen(), kSpeakingMs) as unknown as number;
    try {
      await this.enter();
    } catch (error) {
      const why = error instanceof Refused ? error.why : 'network';
      this.close();
      this.to('failed', why);
      throw error instanceof Refused ? error : new Refused('network', String(error));
    }
    this.to('connected');
  }

  async leave(): Promise<void> {
    if (this.over()) return;
    this.close();
    this.to('left', 'left');
  }

  async setAudio(track: MediaStreamTrack | null): Promise<void> {
    this.audio = track;
    if (track) track.enabled = !this.muted;
    await this.sender(0)?.replaceTrack(track);
    this.announce();
  }
  async setVideo(track: MediaStreamTrack | null): Promise<void> {
    this.video = track;
    await this.sender(1)?.replaceTrack(track);
    if (track) await this.setLevel(this.level);
    this.announce();
  }
  mute(on: boolean): void {
    this.muted = on;
    if (this.audio) this.audio.enabled = !on;
    this.announce();
  }
  async setLevel(level: Level): Promise<void> {
    this.level = level;
    const sender = this.sender(1);
    if (sender?.track) await limit(sender, level).catch(() => {});
  }
  wish(level: Level | 'none'): void {
    if (this.pictures === (level !== 'none')) return;
    this.pictures = level !== 'none';
    this.queue(() => this.pause());
  }

  async share(track: MediaStreamTrack | null): Promise<void> {
    this.shared = track;
    const { signal, screen } = this;
    this.screen = null;
    if (screen) {
      screen.close();
      signal?.detach(screen.handle);
    }
    if (track && signal?.open) await this.publishScreen(signal, track);
  }

  async renew(media: Media): Promise<void> {
    const before = this.media;
    this.media = media;
    this.asked = false;
    const { signal } = this;
    if (this.over()) return;
    // The same room, and a session that is still there: only the token is new.
    if (signal?.open && before?.url === media.url && before?.room === media.room) {
      signal.token = media.token ?? '';
      if (await signal.keep().then(() => true, () => false)) return this.repair();
    }
    await this.again();
  }

  stats(): Promise<Sample> {
    return this.meter.sample(this.out?.pc ?? null, this.down?.pc ?? null);
  }

  // ---- Coming in

  private async enter(): Promise<void> {
    const media = this.media as Media;
    const signal = new Signal(media.url ?? '', media.token ?? '');
    this.signal = signal;
    signal.gone = () => this.repair();
    signal.refused = (code) => (kGone.includes(code) ? this.expired() : this.repair());
    this.feeds ??= new Feeds(media.identity, (event) => this.listeners.tell(event));
    try {
      await signal.create();
      const handle = await signal.attach(media.identity, (message) => this.told(message));
      const joined = await this.joinRoom(signal, handle, media.identity);
      this.privateId = joined.private_id;
      const out = this.peer(signal, handle);
      this.out = out;
      // Both lines exist from the beginning: tracks come and go without a new negotiation.
      const options = { direction: 'sendonly' } as const;
      out.pc.addTransceiver(this.audio ?? 'audio', options);
      out.pc.addTransceiver(this.video ?? 'video', options);
      await out.pc.setLocalDescription(await out.pc.createOffer());
      const display = displayOf(this.sounds(), !!this.video);
      const answer = await signal.message(handle, { request: 'publish', display }, out.pc.localDescription);
      await out.accept(answer.jsep as RTCSessionDescriptionInit);
      await this.setLevel(this.level);
      const publishers = joined.publishers ?? [];
      this.feeds.keep(publishers);
      this.feeds.add(publishers);
      this.queue(() => this.subscribe(this.feeds?.ids() ?? []));
      await this.connected(out);
      if (this.shared) await this.publishScreen(signal, this.shared);
    } catch (error) {
      if (error instanceof JanusError && (kRefusals[error.code] || kGone.includes(error.code)))
        throw new Refused(kRefusals[error.code] ?? 'expired', error.message);
      throw error;
    }
  }

  // The VideoRoom knows somebody whose browser died for a while: a second try waits for that.
  private async joinRoom(signal: Signal, handle: number, id: string): Promise<Data> {
    const body = { request: 'join', ptype: 'publisher', room: this.media?.room, id, token: signal.token };
    for (const pause of [...kBackoffMs, 0]) {
      try {
        return dataOf(await signal.message(handle, body));
      } catch (error) {
        if (!pause || !(error instanceof JanusError) || error.code !== kIdTaken) throw error;
        await wait(jitter(pause));
      }
    }
    throw new JanusError(kIdTaken, '');
  }

  private peer(signal: Signal, handle: number): Peer {
    const peer = new Peer(signal, handle, this.media?.iceServers ?? [], this.options.relayOnly ?? false, () => this.changed());
    const listener = signal.handles.get(handle);
    signal.handles.set(handle, (message) => (message.janus === 'trickle' ? peer.trickled(message) : listener?.(message)));
    return peer;
  }

  private async connected(peer: Peer): Promise<void> {
    for (const end = Date.now() + kConnectMs; !flows(peer);) {
      if (Date.now() > end || peer.pc.connectionState === 'closed') throw new Error('no media connection');
      await wait(20);
    }
  }

  private async publishScreen(signal: Signal, track: MediaStreamTrack): Promise<void> {
    const id = `${this.media?.identity}${kScreen}`;
    const handle = await signal.attach(id, () => {});
    await this.joinRoom(signal, handle, id);
    const screen = this.peer(signal, handle);
    this.screen = screen;
    track.contentHint = 'detail';
    const { sender } = screen.pc.addTransceiver(track, { direction: 'sendonly' });
    await screen.pc.setLocalDescription(await screen.pc.createOffer());
    const answer = await signal.message(handle, { request: 'publish' }, screen.pc.localDescription);
    await screen.accept(answer.jsep as RTCSessionDescriptionInit);
    await limit(sender, 'hd').catch(() => {});
  }

  // ---- Receiving

  private queue(step: () => Promise<unknown>): void {
    this.line = this.line.then(step).catch(() => this.changed());
  }

  private async subscribe(feeds: string[]): Promise<void> {
    const { signal, media } = this;
    if (!feeds.length || !signal?.open) return;
    const streams = feeds.map((feed) => ({ feed }));
    if (this.down) return this.offered(await signal.message(this.down.handle, { request: 'subscribe', streams }));
    const handle = await signal.attach(media?.identity ?? '', (message) => {
      if (message.jsep) this.queue(() => this.offered(message));
    });
    this.down = this.peer(signal, handle);
    const body = { request: 'join', ptype: 'subscriber', room: media?.room, private_id: this.privateId, token: signal.token, streams };
    try {
      await this.offered(await signal.message(handle, body));
    } catch (error) {
      this.down?.close();
      this.down = null;
      signal.detach(handle);
      throw error;
    }
  }

  private async offered(message: Message): Promise<void> {
    const { down, signal } = this;
    if (!down || !signal) return;
    if (message.jsep) {
      await down.accept(message.jsep);
      await down.pc.setLocalDescription(await down.pc.createAnswer());
      await signal.message(down.handle, { request: 'start' }, down.pc.localDescription);
    }
    const { streams } = dataOf(message);
    if (streams) this.feeds?.arrives(streams, down.pc);
    if (!this.pictures) await this.pause();
  }

  private async pause(): Promise<void> {
    const { down, signal } = this;
    if (!down || !signal?.open) return;
    const streams = down.pc.getTransceivers().filter((one) => one.receiver.track.kind === 'video')
      .map(({ mid }) => ({ mid, send: this.pictures }));
    if (streams.length) await signal.message(down.handle, { request: 'configure', streams });
  }

  private told(message: Message): void {
    const data = dataOf(message);
    if (data.videoroom === 'destroyed') return this.ended('ended');
    if (data.leaving === 'ok') return this.ended(data.reason === 'kicked' ? 'removed' : 'left');
    if (data.publishers) {
      const fresh = this.feeds?.add(data.publishers) ?? [];
      if (fresh.length) this.queue(() => this.subscribe(fresh));
    }
    if (typeof data.id === 'string' && typeof data.display === 'string') this.feeds?.says(data.id, data.display);
    const left = data.unpublished ?? data.leaving ?? data.kicked;
    if (typeof left === 'string') {
      if (data.kicked === this.media?.identity) return this.ended('removed');
      this.feeds?.remove(left);
    }
  }

  private listen(): void {
    if (this.state !== 'connected' || !this.down || !this.feeds) return;
    const ids = this.feeds.sounds(this.down.pc)
      .filter(([, receiver]) => receiver.getSynchronizationSources().some(({ audioLevel }) => (audioLevel ?? 0) > kLoud))
      .map(([id]) => ownerOf(id));
    if (this.loud === ids.join()) return;
    this.loud = ids.join();
    this.listeners.tell({ t: 'speaking', ids });
  }

  // ---- Telling

  private sounds(): boolean {
    return !!this.audio && !this.muted;
  }
  private sender(at: number): RTCRtpSender | undefined {
    return this.out?.pc.getTransceivers()[at]?.sender;
  }
  private announce(): void {
    const { out, signal } = this;
    if (!out || !signal?.open) return;
    signal.message(out.handle, { request: 'configure', display: displayOf(this.sounds(), !!this.video) }).catch(() => {});
  }
  private over(): boolean {
    return this.state === 'left' || this.state === 'failed' || this.state === null;
  }
  private to(state: State, why?: Why): void {
    if (this.state === state && state !== 'reconnecting') return;
    this.state = state;
    this.listeners.tell({ t: 'state', to: state, ...(why ? { why } : {}) });
  }
  private ended(why: Why): void {
    if (this.over()) return;
    this.close();
    this.to('left', why);
  }
  private close(): void {
    clearInterval(this.clock);
    clearTimeout(this.patience);
    window.removeEventListener('online', this.online);
    this.cut();
  }
  // Ends the connection, and keeps tracks and people for the next.
  private cut(): void {
    for (const peer of [this.out, this.down, this.screen]) peer?.close();
    this.out = this.down = this.screen = null;
    if (this.signal) this.signal.gone = this.signal.refused = () => {};
    this.signal?.close();
    this.signal = null;
    this.line = Promise.resolve();
    this.feeds?.clear();
  }

  // ---- Repairing

  // Another network: the socket may be dead without knowing, and all ways of media are new.
  private readonly online = (): void => {
    if (this.over() || this.state === 'joining') return;
    const { signal } = this;
    this.moved = true;
    void Promise.race([signal?.open ? signal.keep() : Promise.reject(), wait(kPatienceMs).then(() => Promise.reject())])
      .catch(() => signal?.drop()).then(() => this.repair());
  };

  private changed(): void {
    clearTimeout(this.patience);
    if (this.over() || this.state === 'joining') return;
    const bad = [this.out, this.down, this.screen].filter(broken);
    if (!bad.length) return;
    const failed = bad.some((peer) => peer?.pc.connectionState === 'failed');
    this.patience = setTimeout(() => void this.repair(), failed ? 0 : kPatienceMs) as unknown as number;
  }

  // Asks the page for fresh credentials, once.
  private expired(): void {
    if (this.asked || this.over()) return;
    this.asked = true;
    this.to('reconnecting', 'expired');
  }

  // Comes in anew with the credentials that there are.
  private async again(): Promise<void> {
    const end = Date.now() + kGiveUpMs;
    let why: Why = 'network';
    for (let turn = 0; why === 'network' && Date.now() < end; ++turn) {
      this.cut();
      try {
        await this.enter();
        return this.to('connected');
      } catch (error) {
        if (this.over()) return;
        if (error instanceof Refused) why = error.why;
        else await wait(pauseOf(turn));
      }
      if (this.over()) return;
    }
    if (why === 'expired') return this.expired();
    this.close();
    this.to('failed', why);
  }

  private repair(): Promise<void> {
    if (this.over() || this.state === 'joining') return Promise.resolve();
    this.repairing ??= this.mend().finally(() => {
      this.repairing = null;
    });
    return this.repairing;
  }

  private async mend(): Promise<void> {
    this.to('reconnecting', 'network');
    const end = Date.now() + kGiveUpMs;
    for (let turn = 0; Date.now() < end && !this.over() && !this.asked; ++turn) {
      try {
        if (!this.signal?.open) await this.signal?.claim();
        await this.restart();
        if (this.over() || this.asked) return;
        return this.to('connected');
      } catch (error) {
        if (error instanceof JanusError && kGone.includes(error.code)) return this.expired();
        await wait(pauseOf(turn));
      }
    }
    if (this.over() || this.asked) return;
    this.close();
    this.to('failed', 'network');
  }

  // New ways for connections that are broken, or for all after a change of networks.
  private async restart(): Promise<void> {
    const { signal, out, down, screen, moved } = this;
    if (!signal || !out) throw new JanusError(458, 'there is no session');
    this.moved = false;
    for (const peer of [out, screen]) {
      if (!peer || !(moved || broken(peer))) continue;
      await peer.pc.setLocalDescription(await peer.pc.createOffer({ iceRestart: true }));
      const answer = await signal.message(peer.handle, { request: 'configure', update: true }, peer.pc.localDescription);
      await peer.accept(answer.jsep as RTCSessionDescriptionInit);
    }
    if (down && (moved || broken(down)))
      await this.offered(await signal.message(down.handle, { request: 'configure', restart: true }));
    for (const peer of [out, screen, down]) if (peer) await this.connected(peer);
    await this.recount(signal, out.handle);
    this.announce();
  }

  // People who came or went while nobody told.
  private async recount(signal: Signal, handle: number): Promise<void> {
    const { participants } = dataOf(await signal.message(handle, { request: 'listparticipants', room: this.media?.room }));
    const there = (participants as (Publisher & { publisher?: boolean })[]).filter(({ publisher }) => publisher);
    this.feeds?.keep(there);
    const fresh = this.feeds?.add(there.map(({ id, display }) => ({ id, ...(display ? { display } : {}) }))) ?? [];
    if (fresh.length) this.queue(() => this.subscribe(fresh));
  }
}
