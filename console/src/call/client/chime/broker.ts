// Tracks of the page as the SDK asks for them: its MediaStreamBroker. The page opens and closes devices; nothing here does.
import type MediaStreamBroker from 'amazon-chime-sdk-js/build/mediastreambroker/MediaStreamBroker';
import type MediaStreamBrokerObserver from 'amazon-chime-sdk-js/build/mediastreambrokerobserver/MediaStreamBrokerObserver';

const streamOf = (track: MediaStreamTrack): MediaStream => new MediaStream([track]);

export class Broker implements MediaStreamBroker {
  private readonly observers = new Set<MediaStreamBrokerObserver>();
  private silence: { context: AudioContext; track: MediaStreamTrack } | null = null;
  private muted = false;
  audio: MediaStreamTrack | null = null;
  video: MediaStreamTrack | null = null;

  setAudio(track: MediaStreamTrack | null): void {
    this.audio = track;
    this.keepMuted();
    for (const one of this.observers) one.audioInputDidChange?.(streamOf(this.heard()));
  }
  setVideo(track: MediaStreamTrack): void {
    this.video = track;
    for (const one of this.observers) one.videoInputDidChange?.(streamOf(track));
  }
  close(): void {
    this.silence?.track.stop();
    void this.silence?.context.close();
    this.silence = null;
  }

  async acquireAudioInputStream(): Promise<MediaStream> {
    return streamOf(this.heard());
  }
  async acquireVideoInputStream(): Promise<MediaStream> {
    if (!this.video) throw new Error('no picture');
    return streamOf(this.video);
  }
  acquireDisplayInputStream(): Promise<MediaStream> {
    return Promise.reject(new Error('the page shares a screen'));
  }
  muteLocalAudioInputStream(): void {
    this.muted = true;
    this.keepMuted();
  }
  unmuteLocalAudioInputStream(): void {
    this.muted = false;
    this.keepMuted();
  }
  addMediaStreamBrokerObserver(observer: MediaStreamBrokerObserver): void {
    this.observers.add(observer);
  }
  removeMediaStreamBrokerObserver(observer: MediaStreamBrokerObserver): void {
    this.observers.delete(observer);
  }

  private keepMuted(): void {
    if (this.audio) this.audio.enabled = !this.muted;
  }
  // Chime lets in only those who send sound: without a microphone it is silence.
  private heard(): MediaStreamTrack {
    if (this.audio) return this.audio;
    if (!this.silence) {
      const context = new AudioContext();
      const destination = context.createMediaStreamDestination();
      const source = context.createConstantSource();
      const nothing = context.createGain();
      nothing.gain.value = 0;
      source.connect(nothing).connect(destination);
      source.start();
      this.silence = { context, track: destination.stream.getAudioTracks()[0] as MediaStreamTrack };
    }
    return this.silence.track;
  }
}
