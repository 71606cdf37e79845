// The levels of the page as the SDK asks for them: its VideoUplinkBandwidthPolicy.
import type TransceiverController from 'amazon-chime-sdk-js/build/transceivercontroller/TransceiverController';
import DefaultVideoCaptureAndEncodeParameter from 'amazon-chime-sdk-js/build/videocaptureandencodeparameter/DefaultVideoCaptureAndEncodeParameter';
import type VideoUplinkBandwidthPolicy from 'amazon-chime-sdk-js/build/videouplinkbandwidthpolicy/VideoUplinkBandwidthPolicy';
import type { Level } from '../client';
import { kLevels } from '../sending';

export class LevelPolicy implements VideoUplinkBandwidthPolicy {
  private controller: TransceiverController | undefined;
  private level: Level = 'high';

  constructor(private readonly track: () => MediaStreamTrack | null) {}

  async set(level: Level): Promise<void> {
    this.level = level;
    // The SDK types this as void; it is a promise.
    await Promise.resolve(this.controller?.setEncodingParameters(this.chooseEncodingParameters())).catch(() => {});
  }
  chooseEncodingParameters(): Map<string, RTCRtpEncodingParameters> {
    const { width, height, kbps, fps } = kLevels[this.level];
    const { width: w = width, height: h = height } = this.track()?.getSettings() ?? {};
    const scale = Math.max(1, w / width, h / height);
    return new Map([['', { maxBitrate: kbps * 1000, maxFramerate: fps, scaleResolutionDownBy: scale }]]);
  }
  chooseCaptureAndEncodeParameters(): DefaultVideoCaptureAndEncodeParameter {
    const { width, height, kbps, fps } = kLevels[this.level];
    return new DefaultVideoCaptureAndEncodeParameter(width, height, fps, kbps, false);
  }
  setTransceiverController(controller: TransceiverController | undefined): void {
    this.controller = controller;
  }
  updateTransceiverController(): void {
    void this.set(this.level);
  }
  maxBandwidthKbps(): number {
    return kLevels[this.level].kbps;
  }
  // The page decides, not the number of those who send pictures.
  wantsResubscribe(): boolean {
    return false;
  }
  chooseMediaTrackConstraints(): MediaTrackConstraints {
    return {};
  }
  updateIndex(): void {}
  updateConnectionMetric(): void {}
  setIdealMaxBandwidthKbps(): void {}
  setHasBandwidthPriority(): void {}
  setHighResolutionFeatureEnabled(): void {}
}
