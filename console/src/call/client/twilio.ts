// CallClient for Twilio Video, over the vendor's twilio-video. The SDK owns signalling, negotiation and repair of a line;
// this adapter hands tracks in and out, keeps to the levels of the page, and comes in anew with fresh credentials.
import { connect, LocalAudioTrack, LocalVideoTrack, Logger } from 'twilio-video';
import type {
  ConnectOptions, RemoteParticipant, RemoteTrack, RemoteTrackPublication, RemoteVideoTrack, Room, TranscriptionEvent, TwilioError,
} from 'twilio-video';
import { Listeners, Refused } from './client';
import type { CallClient, Can, Level, Media, Sample, State, Tracks, Why } from './client';
import { Meter } from './meter';
import { kLevels, limit } from './sending';

type Kind = 'audio' | 'video' | 'screen';

// Codes of Twilio (console/node_modules/twilio-video/lib/util/twilio-video-errors.js). A code that stands here in no
// list is a fault of the line.
const kExpired = 20104;
const kWhys: [Why, number[]][] = [
  ['expired', [kExpired]],
  ['refused', [20101, 20102, 20103, 20105, 20106, 20107, 53100, 53101, 53102, 53103, 53104, 53105, 53119, 53200, 53201, 53202, 53206]],
  ['ended', [53106, 53112, 53118, 53216]],
  ['removed', [53204]],
  ['duplicate', [53205]],
];
const whyOf = (error: unknown): Why => {
  const code = Number((error as { code?: unknown } | null)?.code ?? 0);
  return kWhys.find(([, codes]) => codes.includes(code))?.[0] ?? 'network';
};

// Twilio's word for a line that carries sound at most.
const kBroken = 1;
// The SDK takes the limit of the bits away when it has negotiated; the limit is set again after that.
const kSettleMs = 100;

const kindOf = (name: string, of: string): Kind => (name.startsWith('screen') ? 'screen' : of === 'audio' ? 'audio' : 'video');
// A track of a screen says which surface it shows.
const isScreen = (track: MediaStreamTrack): boolean =>
  track.contentHint === 'detail' || (track.getSettings() as { displaySurface?: string }).displaySurface !== undefined;

export class TwilioClient implements CallClient {
  readonly can: Can = { share: true, captions: 'provider', speaker: true, serverMute: false };
  private readonly listeners = new Listeners();
  private readonly meter = new Meter();
  private media: Media | null = null;
  // Token of the room that is connected: the SDK takes no other.
  private used = '';
  private room: Room | null = null;
  private coming: ReturnType<typeof connect> | null = null;
  private readonly tracks: Record<Kind, MediaStreamTrack | null> = { audio: null, video: null, screen: null };
  private readonly sent = new Map<Kind, LocalAudioTrack | LocalVideoTrack>();
  private named = 0;
  private connection: RTCPeerConnection | null = null;
  private settle = 0;
  private readonly people = new Map<string, RemoteParticipant>();
  private readonly shown = new Map<string, MediaStreamTrack>();
  private muted = false;
  private pictures = true;
  private level: Level = 'high';
  private state: State | null = null;

  constructor() {
    // The SDK would write identities into the console, and keep the level in the browser's storage.
    (Logger.getLogger('twilio-video') as { setLevel: (level: string, persist: boolean) => void }).setLevel('silent', false);
  }

  on(listener: Parameters<Listeners['on']>[0]): () => void {
    return this.listeners.on(listener);
  }

  async join(media: Media, tracks: Tracks): Promise<void> {
    this.media = media;
    this.tracks.audio = tracks.audio ?? null;
    this.tracks.video = tracks.video ?? null;
    this.to('joining');
    try {
      await this.enter();
    } catch (error) {
      const why = whyOf(error);
      if (!this.over()) this.to('failed', why);
      throw new Refused(why, String(error));
    }
    this.to('connected');
  }

  async leave(): Promise<void> {
    if (this.over()) return;
    this.to('left', 'left');
    this.cut();
  }

  async setAudio(track: MediaStreamTrack | null): Promise<void> {
    this.put('audio', track);
  }
  async setVideo(track: MediaStreamTrack | null): Promise<void> {
    this.put('video', track);
  }
  async share(track: MediaStreamTrack | null): Promise<void> {
    this.put('screen', track);
  }
  mute(on: boolean): void {
    this.muted = on;
    this.sent.get('audio')?.enable(!on);
  }
  async setLevel(level: Level): Promise<void> {
    this.level = level;
    await this.keepLevel();
  }
  wish(level: Level | 'none'): void {
    this.pictures = level !== 'none';
    for (const person of this.people.values())
      for (const { track } of person.videoTracks.values()) if (track) this.hint(track, level);
  }

  // The SDK holds on to its token as long as the room lasts. A fresh one waits until the line must be opened again.
  async renew(media: Media): Promise<void> {
    this.media = media;
    if (this.over() || this.room || this.coming) return;
    await this.again();
  }

  stats(): Promise<Sample> {
    return this.meter.sample(this.connection, this.connection);
  }

  // ---- Coming in

  private async enter(): Promise<void> {
    const media = this.media as Media;
    this.used = media.token ?? '';
    const keep = (connection: RTCPeerConnection): void => this.hold(connection);
    const options: ConnectOptions = {
      name: media.room || media.roomName || null,
      tracks: (['audio', 'video', 'screen'] as const).flatMap((kind) => this.made(kind) ?? []),
      // No telemetry of a visit goes to the vendor.
      insights: false,
      dominantSpeaker: true,
      networkQuality: { local: 1, remote: 0 },
      receiveTranscriptions: true,
      preferredVideoCodecs: ['VP8'],
      bandwidthProfile: { video: { clientTrackSwitchOffControl: 'manual', contentPreferencesMode: 'manual' } },
      RTCPeerConnection: class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super(configuration);
          keep(this);
        }
      },
    };
    this.coming = connect(this.used, options);
    const room = await this.coming.finally(() => {
      this.coming = null;
    });
    if (this.over()) {
      room.disconnect();
      throw new Error('left meanwhile');
    }
    this.room = room;
    this.hear(room);
    room.participants.forEach((person) => this.meet(person));
    await this.keepLevel();
  }

  // Comes in with credentials that the last room did not have.
  private async again(): Promise<void> {
    try {
      await this.enter();
    } catch (error) {
      if (this.over()) return;
      const why = whyOf(error);
      return why === 'expired' ? this.to('reconnecting', 'expired') : this.to('failed', why);
    }
    this.to('connected');
  }

  private hold(connection: RTCPeerConnection): void {
    this.connection = connection;
    connection.addEventListener('signalingstatechange', () => {
      if (connection.signalingState !== 'stable') return;
      clearTimeout(this.settle);
      this.settle = setTimeout(() => void this.keepLevel(), kSettleMs) as unknown as number;
    });
  }

  // ---- Sending

  // A copy is published, since the SDK ends what it publishes: the page's own track stays. Names are unique in a room.
  private made(kind: Kind): LocalAudioTrack | LocalVideoTrack | null {
    const original = this.tracks[kind];
    if (!original || original.readyState === 'ended') return null;
    const track = original.clone();
    if (kind === 'screen') track.contentHint = 'detail';
    const name = `${kind}-${++this.named}`;
    if (kind !== 'audio') {
      const localTrack = new LocalVideoTrack(track, { name });
      this.sent.set(kind, localTrack);
      return localTrack;
    }
    track.enabled = true;
    const localTrack = new LocalAudioTrack(track, { name });
    if (this.muted) localTrack.disable();
    this.sent.set(kind, localTrack);
    return localTrack;
  }
  private put(kind: Kind, track: MediaStreamTrack | null): void {
    if (this.tracks[kind] === track && (track === null) === !this.sent.has(kind)) return;
    this.tracks[kind] = track;
    const here = this.room?.localParticipant;
    if (!here) return;
    const before = this.sent.get(kind);
    this.sent.delete(kind);
    const now = this.made(kind);
    // The new one first: the others see no gap. It is told of when it is published, which may be after a break.
    if (now) here.publishTrack(now).catch(() => {});
    if (!before) return;
    before.stop();
    here.unpublishTrack(before);
  }
  private async keepLevel(): Promise<void> {
    const senders = this.connection?.getSenders() ?? [];
    for (const sender of senders) {
      if (sender.track?.kind !== 'video') continue;
      await limit(sender, isScreen(sender.track) ? 'hd' : this.level).catch(() => {});
    }
  }

  // ---- Receiving

  private hear(room: Room): void {
    room.on('participantConnected', (person) => this.meet(person));
    room.on('participantDisconnected', (person) => this.forget(person));
    room.on('trackSubscribed', (track, publication, person) => this.arrives(track, publication, person));
    room.on('trackUnsubscribed', (track, publication, person) => this.goes(track, publication, person));
    room.on('trackSwitchedOff', (track, publication, person) => this.goes(track, publication, person));
    room.on('trackSwitchedOn', (track, publication, person) => this.arrives(track, publication, person));
    const says = (_: RemoteTrackPublication, person: RemoteParticipant): void => this.says(person);
    room.on('trackPublished', says).on('trackUnpublished', says).on('trackEnabled', says).on('trackDisabled', says);
    room.on('dominantSpeakerChanged', (person: RemoteParticipant | null) =>
      this.listeners.tell({ t: 'speaking', ids: person ? [person.identity] : [] }));
    room.on('transcription', (event) => this.wrote(room, event));
    room.on('reconnecting', () => this.to('reconnecting', 'network'));
    room.on('reconnected', () => this.to('connected'));
    room.on('disconnected', (_, error: TwilioError | undefined) => this.lost(room, error));
    room.localParticipant.on('networkQualityLevelChanged', (level: number) => {
      if (level <= kBroken) this.listeners.tell({ t: 'advice', stopVideo: true });
    });
  }

  private meet(person: RemoteParticipant): void {
    // A browser that reconnects is the same person with another connection.
    if (!this.people.has(person.identity)) this.listeners.tell({ t: 'person', id: person.identity, in: true });
    this.people.set(person.identity, person);
    for (const publication of person.tracks.values()) if (publication.track) this.arrives(publication.track, publication, person);
    this.says(person);
  }
  private forget(person: RemoteParticipant): void {
    if (this.people.get(person.identity) !== person) return;
    this.people.delete(person.identity);
    for (const kind of ['audio', 'video', 'screen'] as const) this.show(kind, person.identity, null);
    this.listeners.tell({ t: 'person', id: person.identity, in: false });
  }
  private arrives(track: RemoteTrack, { trackName }: { trackName: string }, { identity }: RemoteParticipant): void {
    if (track.kind === 'data') return;
    if (track.kind === 'video' && !this.pictures) this.hint(track as RemoteVideoTrack, 'none');
    const { mediaStreamTrack } = track as { mediaStreamTrack: MediaStreamTrack | null };
    if (mediaStreamTrack) this.show(kindOf(trackName, track.kind), identity, mediaStreamTrack);
  }
  private goes(track: RemoteTrack, { trackName }: { trackName: string }, { identity }: RemoteParticipant): void {
    if (track.kind === 'data') return;
    const kind = kindOf(trackName, track.kind);
    const { mediaStreamTrack } = track as { mediaStreamTrack: MediaStreamTrack | null };
    // Another track of this kind may have taken its place.
    if (!mediaStreamTrack || this.shown.get(`${kind} ${identity}`) === mediaStreamTrack) this.show(kind, identity, null);
  }
  private show(kind: Kind, id: string, track: MediaStreamTrack | null): void {
    const key = `${kind} ${id}`;
    if ((this.shown.get(key) ?? null) === track) return;
    if (track) this.shown.set(key, track);
    else this.shown.delete(key);
    this.listeners.tell({ t: 'track', id, kind, track });
  }
  private says(person: RemoteParticipant): void {
    const on = ![...person.audioTracks.values()].some(({ isTrackEnabled }) => isTrackEnabled);
    this.listeners.tell({ t: 'muted', id: person.identity, on });
  }
  private hint(track: RemoteVideoTrack, level: Level | 'none'): void {
    if (level === 'none') {
      track.switchOff();
      return;
    }
    track.switchOn();
    const { width, height } = kLevels[level];
    track.setContentPreferences({ renderDimensions: { width, height } });
  }
  private wrote(room: Room, { participant: sid, transcription, partial_results: partial, language_code: lang }: TranscriptionEvent): void {
    const own = sid === room.localParticipant.sid;
    const id = own ? this.media?.identity : room.participants.get(sid)?.identity;
    if (id && transcription) this.listeners.tell({ t: 'caption', id, text: transcription, final: !partial, lang });
  }

  // ---- The end of a room

  private lost(room: Room, error: TwilioError | undefined): void {
    if (this.over() || this.room !== room) return;
    this.cut();
    // Without a word of why, the clinic put this person out.
    const why = error ? whyOf(error) : 'removed';
    if (why === 'network' || why === 'refused') return this.to('failed', why);
    if (why !== 'expired') return this.to('left', why);
    this.to('reconnecting', this.media?.token === this.used ? 'expired' : 'network');
    if (this.media?.token !== this.used) void this.again();
  }
  private over(): boolean {
    return this.state === 'left' || this.state === 'failed';
  }
  private to(state: State, why?: Why): void {
    if (this.state === state && state !== 'reconnecting') return;
    this.state = state;
    this.listeners.tell({ t: 'state', to: state, ...(why ? { why } : {}) });
  }
  private cut(): void {
    clearTimeout(this.settle);
    this.coming?.cancel();
    for (const track of this.sent.values()) track.stop();
    this.sent.clear();
    const { room } = this;
    this.room = null;
    room?.disconnect();
    this.connection = null;
    for (const person of [...this.people.values()]) this.forget(person);
  }
}
