// One interface to whatever carries sound and pictures. The page owns devices, elements, names and layout;
// an adapter owns one connection and holds no DOM.

// Boxes of 320x240, 640x480, 1280x720 and 1920x1080.
export type Level = 'low' | 'standard' | 'high' | 'hd';

// Credentials as the hub hands them out when somebody is admitted. `identity` is the caller's name at the provider.
export interface Media {
  provider: string;
  identity: string;
  token?: string | undefined;
  expiresAt?: string | undefined;
  url?: string | undefined;
  room?: string | undefined;
  roomName?: string | undefined;
  iceServers?: RTCIceServer[] | undefined;
  // Meeting and Attendee of Amazon Chime.
  meeting?: object | null | undefined;
  attendee?: object | null | undefined;
  grants?: string[] | undefined;
}

export interface Tracks {
  audio?: MediaStreamTrack | null | undefined;
  video?: MediaStreamTrack | null | undefined;
}

// One direction of the caller's line, over the time since the last sample. Absent where the browser does not say.
export interface Line {
  lossPercent: number;
  jitterMs: number;
  rttMs: number;
  kbps: number;
  packets: number;
  availableKbps?: number;
  width?: number;
  height?: number;
  fps?: number;
  frozenMs?: number;
  frames?: number;
}
export interface Sample {
  // Milliseconds that the sample covers.
  over: number;
  up: Line | null;
  down: Line | null;
}

export type Why = 'left' | 'removed' | 'ended' | 'duplicate' | 'expired' | 'network' | 'refused';
export type State = 'joining' | 'connected' | 'reconnecting' | 'left' | 'failed';

export type CallEvent =
  // `reconnecting` with why `expired` asks the page for fresh credentials: it answers with renew().
  | { t: 'state'; to: State; why?: Why }
  // `id` is the identity that the hub gave, never a name.
  | { t: 'person'; id: string; in: boolean }
  | { t: 'track'; id: string; kind: 'audio' | 'video' | 'screen'; track: MediaStreamTrack | null }
  | { t: 'muted'; id: string; on: boolean }
  | { t: 'speaking'; ids: string[] }
  | { t: 'caption'; id: string; text: string; final: boolean; lang: string }
  | { t: 'advice'; stopVideo: boolean };

export interface Can {
  share: boolean;
  captions: 'provider' | 'hub' | 'none';
  speaker: boolean;
  serverMute: boolean;
}

export interface CallClient {
  readonly can: Can;
  // Resolves when media can flow; rejects with a Refused when the provider does not let the caller in.
  join(media: Media, tracks: Tracks): Promise<void>;
  // Safe twice, and from pagehide.
  leave(): Promise<void>;
  // Replaces a track without a new negotiation. null: nothing is sent.
  setAudio(track: MediaStreamTrack | null): Promise<void>;
  setVideo(track: MediaStreamTrack | null): Promise<void>;
  // Keeps the track, sends silence, tells the others.
  mute(on: boolean): void;
  // A second picture beside the camera's. null ends it.
  share(track: MediaStreamTrack | null): Promise<void>;
  // The numbers of sending.
  setLevel(level: Level): Promise<void>;
  // The numbers of receiving. none: no pictures.
  wish(level: Level | 'none'): void;
  // Fresh credentials, after `expired` or before the old ones expire.
  renew(media: Media): Promise<void>;
  stats(): Promise<Sample>;
  // Subscribes; the function that comes back ends the subscription.
  on(listener: (event: CallEvent) => void): () => void;
}

// Error of a join: why nobody came in.
export class Refused extends Error {
  constructor(readonly why: Why, message: string) {
    super(message);
  }
}

export class Listeners {
  private readonly all = new Set<(event: CallEvent) => void>();
  on(listener: (event: CallEvent) => void): () => void {
    this.all.add(listener);
    return () => this.all.delete(listener);
  }
  tell(event: CallEvent): void {
    for (const listener of [...this.all]) listener(event);
  }
}
