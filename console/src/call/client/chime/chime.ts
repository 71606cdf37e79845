// CallClient for Amazon Chime, over parts of the vendor's amazon-chime-sdk-js. The SDK owns signalling, negotiation and
// repair of a line; this adapter hands tracks in and out and comes in anew with fresh credentials.
//
// Chime mixes the sound of all others into one track. It is told of as the sound of the one who is there longest.
import DefaultActiveSpeakerPolicy from 'amazon-chime-sdk-js/build/activespeakerpolicy/DefaultActiveSpeakerPolicy';
import type AudioVideoObserver from 'amazon-chime-sdk-js/build/audiovideoobserver/AudioVideoObserver';
import type MeetingSessionStatus from 'amazon-chime-sdk-js/build/meetingsession/MeetingSessionStatus';
import MeetingSessionStatusCode from 'amazon-chime-sdk-js/build/meetingsession/MeetingSessionStatusCode';
import DefaultModality from 'amazon-chime-sdk-js/build/modality/DefaultModality';
import Transcript from 'amazon-chime-sdk-js/build/transcript/Transcript';
import type TranscriptEvent from 'amazon-chime-sdk-js/build/transcript/TranscriptEvent';
import type VideoTileState from 'amazon-chime-sdk-js/build/videotile/VideoTileState';
import { Listeners, Refused } from '../client';
import type { CallClient, Can, Level, Media, Sample, State, Tracks, Why } from '../client';
import { Meter } from '../meter';
import { Broker } from './broker';
import { LevelPolicy } from './level';
import { sessionOf } from './session';
import type { Session } from './session';

const Code = MeetingSessionStatusCode;
const kWhys = new Map<MeetingSessionStatusCode, Why>([
  [Code.AudioJoinedFromAnotherDevice, 'duplicate'], [Code.MeetingEnded, 'ended'], [Code.AudioAttendeeRemoved, 'removed'],
  [Code.AudioAuthenticationRejected, 'refused'], [Code.AudioCallAtCapacity, 'refused'], [Code.SignalingBadRequest, 'refused'],
  [Code.TURNCredentialsForbidden, 'refused'],
]);
const kConnectMs = 30_000;

// An identity that Chime would not take has a point before it (plugins/chime).
const identityOf = (user: string): string => (user.startsWith('.') ? user.slice(1) : user);
const baseOf = (attendee: string): string => new DefaultModality(attendee).base();
const isContent = (attendee: string): boolean => new DefaultModality(attendee).hasModality(DefaultModality.MODALITY_CONTENT);

type Kind = 'audio' | 'video' | 'screen';

export class ChimeClient implements CallClient {
  readonly can: Can = { share: true, captions: 'provider', speaker: true, serverMute: false };
  private readonly listeners = new Listeners();
  private readonly meter = new Meter();
  private readonly broker = new Broker();
  private readonly policy = new LevelPolicy(() => this.broker.video);
  private media: Media | null = null;
  // Token of the session that runs: the SDK takes no other.
  private used = '';
  private session: Session | null = null;
  // Ends the wait of join().
  private come: ((why: Why | null) => void) | null = null;
  private screen: MediaStreamTrack | null = null;
  // People by the attendee's id, in the order of their coming.
  private readonly people = new Map<string, string>();
  private readonly tiles = new Map<number, { id: string; kind: Kind }>();
  private readonly shown = new Map<string, MediaStreamTrack>();
  private mixed: MediaStreamTrack | null = null;
  private muted = false;
  private pictures = true;
  private state: State | null = null;

  on(listener: Parameters<Listeners['on']>[0]): () => void {
    return this.listeners.on(listener);
  }

  async join(media: Media, tracks: Tracks): Promise<void> {
    this.media = media;
    this.broker.audio = tracks.audio ?? null;
    this.broker.video = tracks.video ?? null;
    this.to('joining');
    const why = await this.enter();
    if (why === null) return this.to('connected');
    if (!this.over()) this.to('failed', why);
    throw new Refused(why, 'Chime did not let the caller in');
  }

  async leave(): Promise<void> {
    if (this.over()) return;
    this.to('left', 'left');
    this.cut();
  }

  async setAudio(track: MediaStreamTrack | null): Promise<void> {
    this.broker.setAudio(track);
    this.keepMuted();
  }
  async setVideo(track: MediaStreamTrack | null): Promise<void> {
    const tiles = this.session?.controller.videoTileController;
    if (track) {
      this.broker.setVideo(track);
      if (tiles && !tiles.hasStartedLocalVideoTile()) tiles.startLocalVideoTile();
    } else {
      this.broker.video = null;
      tiles?.stopLocalVideoTile();
    }
  }
  mute(on: boolean): void {
    this.muted = on;
    this.keepMuted();
  }
  async share(track: MediaStreamTrack | null): Promise<void> {
    this.screen = track;
    if (!track) this.session?.share.stopContentShare();
    else await this.showScreen();
  }
  async setLevel(level: Level): Promise<void> {
    await this.policy.set(level);
  }
  wish(level: Level | 'none'): void {
    this.pictures = level !== 'none';
    for (const tile of this.tiles.keys()) this.pause(tile);
  }

  // The SDK holds on to its token as long as the session lasts. A fresh one waits until the line must be opened again.
  async renew(media: Media): Promise<void> {
    this.media = media;
    if (this.over() || this.session) return;
    await this.again();
  }

  stats(): Promise<Sample> {
    const connection = this.session?.controller.rtcPeerConnection ?? null;
    return this.meter.sample(connection, connection);
  }

  // ---- Coming in

  // null when media can flow, or why not.
  private async enter(): Promise<Why | null> {
    const media = this.media as Media;
    this.used = media.token ?? '';
    let session: Session;
    try {
      session = sessionOf(media, this.broker, this.policy);
    } catch {
      return 'refused';
    }
    this.session = session;
    const { controller } = session;
    const entry = new Promise<Why | null>((resolve) => {
      this.come = resolve;
    });
    controller.addObserver(this.observer(session));
    controller.realtimeController.realtimeSubscribeToAttendeeIdPresence((id, present, user) => {
      if (this.session === session && user) this.meet(session, id, present, user);
    });
    controller.realtimeController.transcriptionController?.subscribeToTranscriptEvent((event) => this.wrote(event));
    controller.activeSpeakerDetector.subscribe(new DefaultActiveSpeakerPolicy(), (ids) => {
      if (this.session === session) this.listeners.tell({ t: 'speaking', ids: ids.flatMap((id) => this.people.get(id) ?? []) });
    });
    this.keepMuted();
    controller.start();
    const patience = setTimeout(() => this.come?.('network'), kConnectMs);
    const why = await entry;
    clearTimeout(patience);
    this.come = null;
    if (why === null && this.session === session) {
      if (this.broker.video) controller.videoTileController.startLocalVideoTile();
      await this.showScreen();
      return null;
    }
    this.cut();
    return why ?? 'network';
  }

  private async again(): Promise<void> {
    const why = await this.enter();
    if (this.over()) return;
    if (why === null) return this.to('connected');
    if (why === 'refused' || why === 'network') return this.to('failed', why);
    this.to('left', why);
  }

  private observer(session: Session): AudioVideoObserver {
    const isCurrent = (): boolean => this.session === session;
    return {
      audioVideoDidStartConnecting: (again) => {
        if (isCurrent() && again) this.to('reconnecting', 'network');
      },
      audioVideoDidStart: () => {
        if (!isCurrent()) return;
        this.hear(session);
        if (this.come) this.come(null);
        else this.to('connected');
      },
      audioVideoDidStop: (status) => {
        if (isCurrent()) this.lost(status);
      },
      videoTileDidUpdate: (tile) => {
        if (isCurrent()) this.arrives(session, tile);
      },
      videoTileWasRemoved: (tile) => {
        const view = this.tiles.get(tile);
        this.tiles.delete(tile);
        if (isCurrent() && view) this.show(view.kind, view.id, null);
      },
      connectionDidSuggestStopVideo: () => {
        if (isCurrent()) this.listeners.tell({ t: 'advice', stopVideo: true });
      },
      connectionDidBecomePoor: () => {
        if (isCurrent()) this.listeners.tell({ t: 'advice', stopVideo: true });
      },
    };
  }

  // ---- Sending

  private keepMuted(): void {
    const realtime = this.session?.controller.realtimeController;
    if (this.muted || !this.broker.audio) realtime?.realtimeMuteLocalAudio();
    else realtime?.realtimeUnmuteLocalAudio();
  }
  // The SDK ends the track that it shares: it gets a copy.
  private async showScreen(): Promise<void> {
    if (!this.session || !this.screen || this.screen.readyState === 'ended') return;
    const track = this.screen.clone();
    track.contentHint = 'detail';
    await this.session.share.startContentShare(new MediaStream([track]));
  }

  // ---- Receiving

  private meet(session: Session, attendee: string, present: boolean, user: string): void {
    if (baseOf(attendee) === session.ownId || isContent(attendee)) return;
    if (present === this.people.has(attendee)) return;
    const id = identityOf(user);
    if (!present) return this.forget(attendee);
    this.people.set(attendee, id);
    this.listeners.tell({ t: 'person', id, in: true });
    let last: boolean | null = null;
    session.controller.realtimeController.realtimeSubscribeToVolumeIndicator(attendee, (_, __, muted) => {
      if (this.session !== session || muted === null || muted === last) return;
      last = muted;
      this.listeners.tell({ t: 'muted', id, on: muted });
    });
    this.give();
  }
  private forget(attendee: string): void {
    const id = this.people.get(attendee);
    if (id === undefined) return;
    this.people.delete(attendee);
    this.session?.controller.realtimeController.realtimeUnsubscribeFromVolumeIndicator(attendee);
    for (const kind of ['audio', 'video', 'screen'] as const) this.show(kind, id, null);
    this.listeners.tell({ t: 'person', id, in: false });
    this.give();
  }
  private hear(session: Session): void {
    const receivers = session.controller.rtcPeerConnection?.getReceivers() ?? [];
    this.mixed = receivers.find(({ track }) => track.kind === 'audio')?.track ?? null;
    this.give();
  }
  // Sound of all others, told of as that of the first.
  private give(): void {
    const [first] = this.people.values();
    if (first !== undefined) this.show('audio', first, this.mixed);
  }
  private arrives(session: Session, tile: VideoTileState): void {
    const { tileId, boundAttendeeId: attendee, boundExternalUserId: user, boundVideoStream: stream } = tile;
    if (tile.localTile || tileId === null || !attendee || !user || baseOf(attendee) === session.ownId) return;
    const kind: Kind = isContent(attendee) ? 'screen' : 'video';
    const present = this.tiles.has(tileId);
    this.tiles.set(tileId, { id: identityOf(user), kind });
    if (!present && !this.pictures) this.pause(tileId);
    this.show(kind, identityOf(user), stream?.getVideoTracks()[0] ?? null);
  }
  private pause(tile: number): void {
    const tiles = this.session?.controller.videoTileController;
    if (this.pictures) tiles?.unpauseVideoTile(tile);
    else tiles?.pauseVideoTile(tile);
  }
  private show(kind: Kind, id: string, track: MediaStreamTrack | null): void {
    const key = `${kind} ${id}`;
    if ((this.shown.get(key) ?? null) === track) return;
    if (track) this.shown.set(key, track);
    else this.shown.delete(key);
    this.listeners.tell({ t: 'track', id, kind, track });
  }
  private wrote(event: TranscriptEvent): void {
    if (!(event instanceof Transcript)) return;
    for (const { alternatives, isPartial, languageCode } of event.results) {
      const [first] = alternatives;
      const user = first?.items.find(({ attendee }) => attendee?.externalUserId)?.attendee.externalUserId;
      if (first && user) {
        this.listeners.tell({ t: 'caption', id: identityOf(user), text: first.transcript, final: !isPartial, lang: languageCode ?? '' });
      }
    }
  }

  // ---- The end of a session

  private lost(status: MeetingSessionStatus): void {
    if (this.over()) return;
    const why = kWhys.get(status.statusCode()) ?? 'network';
    if (this.come) return this.come(why);
    this.cut();
    if (why === 'network') return this.to('failed', why);
    if (why !== 'refused') return this.to('left', why);
    // Chime refuses an attendee who was replaced or removed. The hub knows which.
    const fresh = this.media?.token !== this.used;
    this.to('reconnecting', fresh ? 'network' : 'expired');
    if (fresh) void this.again();
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
    const { session } = this;
    for (const attendee of [...this.people.keys()]) this.forget(attendee);
    this.session = null;
    this.mixed = null;
    this.tiles.clear();
    this.come?.('left');
    session?.share.stopContentShare();
    session?.controller.stop();
    if (this.over()) this.broker.close();
  }
}
