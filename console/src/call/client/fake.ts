// CallClient without a provider, for tests: people of one page meet in a room in memory, and what happens is scripted
// by tell(). The tracks that others see are those that were handed in.
import { Listeners, Refused } from './client';
import type { CallClient, CallEvent, Can, Level, Media, Sample, Tracks, Why } from './client';
import { kLevels } from './sending';

const rooms = new Map<string, Set<FakeClient>>();

export class FakeClient implements CallClient {
  readonly can: Can = { share: true, captions: 'provider', speaker: true, serverMute: false };
  private readonly listeners = new Listeners();
  private id = '';
  private room: Set<FakeClient> | null = null;
  private tracks: Tracks = {};
  private screen: MediaStreamTrack | null = null;
  private muted = false;
  private level: Level = 'high';
  private pictures = true;
  private at = performance.now();
  // Something that join() does instead of succeeding.
  refuse: Why | null = null;
  // The answer of stats() in place of the one that follows from the tracks.
  script: Partial<Sample> = {};
  readonly calls: string[] = [];

  on(listener: (event: CallEvent) => void): () => void {
    return this.listeners.on(listener);
  }
  tell(event: CallEvent): void {
    this.listeners.tell(event);
  }

  async join(media: Media, tracks: Tracks): Promise<void> {
    this.calls.push('join');
    this.tell({ t: 'state', to: 'joining' });
    await Promise.resolve();
    const why = this.refuse ?? (media.token === 'wrong' ? 'refused' : null);
    if (why) {
      this.tell({ t: 'state', to: 'failed', why });
      throw new Refused(why, 'scripted');
    }
    this.id = media.identity;
    this.tracks = tracks;
    const name = media.room ?? '';
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room);
    this.room = room;
    for (const other of room) {
      other.meets(this);
      this.meets(other);
    }
    room.add(this);
    this.tell({ t: 'state', to: 'connected' });
  }
  async leave(): Promise<void> {
    this.calls.push('leave');
    this.end('left');
  }
  async setAudio(track: MediaStreamTrack | null): Promise<void> {
    this.tracks.audio = track;
    this.others((one) => one.shows(this, 'audio', track));
    this.others((one) => one.tell({ t: 'muted', id: this.id, on: !track || this.muted }));
  }
  async setVideo(track: MediaStreamTrack | null): Promise<void> {
    this.tracks.video = track;
    this.others((one) => one.shows(this, 'video', track));
  }
  mute(on: boolean): void {
    this.muted = on;
    if (this.tracks.audio) this.tracks.audio.enabled = !on;
    this.others((one) => one.tell({ t: 'muted', id: this.id, on }));
  }
  async share(track: MediaStreamTrack | null): Promise<void> {
    this.screen = track;
    this.others((one) => one.shows(this, 'screen', track));
  }
  async setLevel(level: Level): Promise<void> {
    this.calls.push(`level ${level}`);
    this.level = level;
  }
  wish(level: Level | 'none'): void {
    this.calls.push(`wish ${level}`);
    this.pictures = level !== 'none';
  }
  async renew(): Promise<void> {
    this.calls.push('renew');
    this.tell({ t: 'state', to: 'connected' });
  }
  async stats(): Promise<Sample> {
    const now = performance.now();
    const over = now - this.at;
    this.at = now;
    const line = (tracks: Tracks, level: Level) => ({
      lossPercent: 0, jitterMs: 4, rttMs: 30, kbps: 900, packets: tracks.audio ? over / 20 : 0,
      frames: tracks.video ? over / 50 : 0, fps: tracks.video ? 20 : 0, frozenMs: 0, width: Math.min(640, kLevels[level].width),
    });
    const other = [...(this.room ?? [])].find((one) => one !== this);
    const seen = other ? { audio: other.tracks.audio, video: this.pictures ? other.tracks.video : null } : {};
    return { over, up: line(this.tracks, this.level), down: line(seen, other?.level ?? 'high'), ...this.script };
  }
  // As a host puts somebody out, or the room ends.
  end(why: Why): void {
    if (!this.room) return;
    this.others((one) => {
      for (const kind of ['audio', 'video', 'screen'] as const) one.shows(this, kind, null);
      one.tell({ t: 'person', id: this.id, in: false });
    });
    this.room.delete(this);
    this.room = null;
    this.tell({ t: 'state', to: 'left', why });
  }

  private others(act: (one: FakeClient) => void): void {
    for (const one of this.room ?? []) if (one !== this) act(one);
  }
  private meets(other: FakeClient): void {
    this.tell({ t: 'person', id: other.id, in: true });
    this.shows(other, 'audio', other.tracks.audio ?? null);
    this.shows(other, 'video', other.tracks.video ?? null);
    this.shows(other, 'screen', other.screen);
    this.tell({ t: 'muted', id: other.id, on: other.muted || !other.tracks.audio });
  }
  private readonly seen = new Map<string, MediaStreamTrack>();
  private shows(other: FakeClient, kind: 'audio' | 'video' | 'screen', track: MediaStreamTrack | null): void {
    const key = kind + other.id;
    if ((this.seen.get(key) ?? null) === track) return;
    if (track) this.seen.set(key, track);
    else this.seen.delete(key);
    this.tell({ t: 'track', id: other.id, kind, track });
  }
}
