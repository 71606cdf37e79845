// A session of Amazon Chime, put together of parts of the SDK. Its own DefaultMeetingSession always makes a
// DefaultEncodedTransformWorkerManager, whose `new Worker(<address of a blob>)` needs `worker-src blob:` and a policy of
// trusted types. The controller takes none, too: what is lost is redundant sound (RED) and numbers for Amazon.
//
// Files of the SDK are named one by one, so that what a call does not need (backgrounds, Voice Focus, messaging) is not in
// the bundle. They are CommonJS with a `default`, which package.json in this folder makes esbuild take as such.
import AudioProfile from 'amazon-chime-sdk-js/build/audioprofile/AudioProfile';
import DefaultAudioVideoController from 'amazon-chime-sdk-js/build/audiovideocontroller/DefaultAudioVideoController';
import FullJitterBackoff from 'amazon-chime-sdk-js/build/backoff/FullJitterBackoff';
import ContentShareMediaStreamBroker from 'amazon-chime-sdk-js/build/contentsharecontroller/ContentShareMediaStreamBroker';
import DefaultContentShareController from 'amazon-chime-sdk-js/build/contentsharecontroller/DefaultContentShareController';
import NoOpLogger from 'amazon-chime-sdk-js/build/logger/NoOpLogger';
import MeetingSessionConfiguration from 'amazon-chime-sdk-js/build/meetingsession/MeetingSessionConfiguration';
import DefaultReconnectController from 'amazon-chime-sdk-js/build/reconnectcontroller/DefaultReconnectController';
import DefaultWebSocketAdapter from 'amazon-chime-sdk-js/build/websocketadapter/DefaultWebSocketAdapter';
import type { Media } from '../client';
import type { Broker } from './broker';
import type { LevelPolicy } from './level';

const kGiveUpMs = 60_000;

export interface Session {
  readonly ownId: string;
  readonly controller: DefaultAudioVideoController;
  readonly share: DefaultContentShareController;
}

export function sessionOf(media: Media, broker: Broker, level: LevelPolicy): Session {
  const meeting = structuredClone(media.meeting ?? {}) as { MediaPlacement?: { EventIngestionUrl?: string } };
  // No telemetry of a visit goes to the vendor.
  delete meeting.MediaPlacement?.EventIngestionUrl;
  const configuration = new MeetingSessionConfiguration(meeting, media.attendee);
  configuration.videoUplinkBandwidthPolicy = level;
  configuration.reconnectTimeoutMs = kGiveUpMs;
  const logger = new NoOpLogger();
  const patience = (): DefaultReconnectController => new DefaultReconnectController(kGiveUpMs, new FullJitterBackoff(
    configuration.reconnectFixedWaitMs, configuration.reconnectShortBackOffMs, configuration.reconnectLongBackOffMs));
  const controller = new DefaultAudioVideoController(configuration, logger, new DefaultWebSocketAdapter(logger), broker, patience());
  controller.setAudioProfile(AudioProfile.fullbandSpeechMono(false));
  const screens = new ContentShareMediaStreamBroker(logger);
  const content = new DefaultAudioVideoController(DefaultContentShareController.createContentShareMeetingSessionConfigure(configuration),
    logger, new DefaultWebSocketAdapter(logger), screens, patience());
  content.setAudioProfile(AudioProfile.fullbandSpeechMono(false));
  return {
    ownId: configuration.credentials?.attendeeId ?? '', controller, share: new DefaultContentShareController(screens, content, controller),
  };
}
