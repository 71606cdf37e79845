// The budget of a sender of pictures at each level: the box, bits and pictures a second.
import type { Level } from './client';

export const kLevels: Record<Level, { width: number; height: number; kbps: number; fps: number }> = {
  low: { width: 320, height: 240, kbps: 150, fps: 12 },
  standard: { width: 640, height: 480, kbps: 500, fps: 20 },
  high: { width: 1280, height: 720, kbps: 1200, fps: 30 },
  hd: { width: 1920, height: 1080, kbps: 2500, fps: 30 },
};

// Senders take one change at a time: a second one that overtakes it would be refused.
const changes = new WeakMap<RTCRtpSender, Promise<void>>();

// Scales in the sender, so that neither the camera nor the negotiation is touched. The last call counts.
export function limit(sender: RTCRtpSender, level: Level): Promise<void> {
  const change = (changes.get(sender) ?? Promise.resolve()).catch(() => {}).then(() => put(sender, level));
  changes.set(sender, change);
  return change;
}
async function put(sender: RTCRtpSender, level: Level): Promise<void> {
  const { width, height, kbps, fps } = kLevels[level];
  const { width: w = width, height: h = height } = sender.track?.getSettings() ?? {};
  const parameters = sender.getParameters();
  const encoding = parameters.encodings?.[0];
  if (!encoding) return;
  encoding.maxBitrate = kbps * 1000;
  encoding.maxFramerate = fps;
  encoding.scaleResolutionDownBy = Math.max(1, w / width, h / height);
  await sender.setParameters(parameters);
}
