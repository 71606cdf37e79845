// People of a room as the VideoRoom lists them, and the tracks that arrive of them.
import type { CallEvent } from '../client';

export interface Stream { type: string; mid: string; disabled?: boolean }
export interface Publisher { id: string; display?: string; streams?: Stream[] }
// Streams of a subscription: which of whose streams arrives at which m-line.
export interface Arriving { mid: string; type: string; active?: boolean; feed_id?: string }

// A screen joins beside its owner, under the owner's identity and this ending.
export const kScreen = '#screen';
export const ownerOf = (feed: string): string => (feed.endsWith(kScreen) ? feed.slice(0, -kScreen.length) : feed);

// Says by `display`, which everybody in the room is told of, whether sound and picture are sent. Names never stand there.
export const displayOf = (sound: boolean, picture: boolean): string => `a${sound ? 1 : 0}v${picture ? 1 : 0}`;

type Kind = 'audio' | 'video' | 'screen';

export class Feeds {
  private readonly all = new Map<string, Publisher>();
  private readonly shown = new Map<string, MediaStreamTrack>();
  private readonly muted = new Map<string, boolean>();
  private arriving: { feed: string; type: string; track: MediaStreamTrack }[] = [];

  constructor(private readonly own: string, private readonly tell: (event: CallEvent) => void) {}

  // The feeds of the list that were not known.
  add(publishers: Publisher[]): string[] {
    const fresh: string[] = [];
    for (const one of publishers) {
      if (ownerOf(one.id) === this.own) continue;
      if (!this.all.has(one.id)) {
        fresh.push(one.id);
        if (!one.id.endsWith(kScreen)) this.tell({ t: 'person', id: one.id, in: true });
      }
      this.all.set(one.id, { ...this.all.get(one.id), ...one });
    }
    this.compare();
    return fresh;
  }
  // Somebody's `display` changed.
  says(id: string, display: string): void {
    const feed = this.all.get(id);
    if (!feed) return;
    this.all.set(id, { ...feed, display });
    this.compare();
  }
  // True when the feed was known.
  remove(id: string): boolean {
    if (!this.all.delete(id)) return false;
    this.arriving = this.arriving.filter(({ feed }) => feed !== id);
    this.compare();
    this.muted.delete(id);
    if (!id.endsWith(kScreen)) this.tell({ t: 'person', id, in: false });
    return true;
  }
  // Forgets everybody; those who come back are told anew.
  clear(): void {
    for (const id of [...this.all.keys()]) this.remove(id);
  }
  // Keeps who is in the list alone.
  keep(publishers: Publisher[]): void {
    const there = new Set(publishers.map(({ id }) => id));
    for (const id of [...this.all.keys()]) if (!there.has(id)) this.remove(id);
  }
  ids(): string[] {
    return [...this.all.keys()];
  }
  arrives(streams: Arriving[], pc: RTCPeerConnection): void {
    const tracks = new Map(pc.getTransceivers().map((one) => [one.mid, one.receiver.track]));
    this.arriving = [];
    for (const { mid, type, active, feed_id: feed } of streams) {
      const track = tracks.get(mid);
      if (track && feed && active !== false && this.all.has(feed)) this.arriving.push({ feed, type, track });
    }
    this.compare();
  }
  // Receivers of sound by identity, to ask who speaks.
  sounds(pc: RTCPeerConnection): [string, RTCRtpReceiver][] {
    const receivers = new Map(pc.getReceivers().map((one) => [one.track, one]));
    return this.arriving.filter(({ type }) => type === 'audio')
      .flatMap(({ feed, track }) => (receivers.has(track) ? [[feed, receivers.get(track)!] as [string, RTCRtpReceiver]] : []));
  }

  private compare(): void {
    const now = new Map<string, MediaStreamTrack>();
    for (const { feed, type, track } of this.arriving) {
      const kind: Kind = feed.endsWith(kScreen) ? 'screen' : type === 'audio' ? 'audio' : 'video';
      if (kind === 'video' && /v0$/.test(this.all.get(feed)?.display ?? '')) continue;
      now.set(`${kind} ${ownerOf(feed)}`, track);
    }
    const event = (key: string, track: MediaStreamTrack | null): CallEvent =>
      ({ t: 'track', id: key.slice(key.indexOf(' ') + 1), kind: key.slice(0, key.indexOf(' ')) as Kind, track });
    for (const key of [...this.shown.keys()]) {
      if (now.has(key)) continue;
      this.shown.delete(key);
      this.tell(event(key, null));
    }
    for (const [key, track] of now) {
      if (this.shown.get(key) === track) continue;
      this.shown.set(key, track);
      this.tell(event(key, track));
    }
    for (const { id, display } of this.all.values()) {
      if (id.endsWith(kScreen) || display === undefined) continue;
      const muted = display.startsWith('a0');
      if (this.muted.get(id) === muted) continue;
      this.muted.set(id, muted);
      this.tell({ t: 'muted', id, on: muted });
    }
  }
}
