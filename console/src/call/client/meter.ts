// Reads getStats() of the caller's connections and makes one Sample of the differences since the last time.
import type { Line, Sample } from './client';

interface Count { packets: number; lost: number; bytes: number; frames: number; frozen: number }
export type Counted = Pick<RTCPeerConnection, 'getStats'>;
type Report = Record<string, number | string | undefined>;

const zero = (): Count => ({ packets: 0, lost: 0, bytes: 0, frames: 0, frozen: 0 });
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

export class Meter {
  private before = new Map<string, Count>();
  private at = 0;

  async sample(up: Counted | null, down: Counted | null, now = performance.now()): Promise<Sample> {
    const over = this.at ? now - this.at : 0;
    this.at = now;
    const seen = new Map<string, Count>();
    const lines = {
      up: up ? this.line(await up.getStats(), 'outbound-rtp', over, seen) : null,
      down: down ? this.line(await down.getStats(), 'inbound-rtp', over, seen) : null,
    };
    this.before = seen;
    return { over, ...lines };
  }

  private line(reports: RTCStatsReport, type: string, over: number, seen: Map<string, Count>): Line | null {
    const sum = zero();
    const line: Line = { lossPercent: 0, jitterMs: 0, rttMs: 0, kbps: 0, packets: 0 };
    let any = false;
    const all = [...reports.values()] as Report[];
    const remotes = new Map(all.filter((r) => r.type === 'remote-inbound-rtp').map((r) => [r.localId, r]));
    for (const r of all) {
      if (r.type === 'candidate-pair' && r.nominated && r.state === 'succeeded') {
        line.rttMs = Math.max(line.rttMs, number(r.currentRoundTripTime) * 1000);
        if (r.availableOutgoingBitrate) line.availableKbps = number(r.availableOutgoingBitrate) / 1000;
      }
      if (r.type !== type) continue;
      any = true;
      const out = type === 'outbound-rtp';
      const report = (out ? remotes.get(r.id as string) : r) ?? {};
      const now: Count = {
        packets: number(out ? r.packetsSent : r.packetsReceived), lost: number(report.packetsLost),
        bytes: number(out ? r.bytesSent : r.bytesReceived), frames: number(out ? r.framesEncoded : r.framesDecoded),
        frozen: number(r.totalFreezesDuration) * 1000,
      };
      const key = String(r.id);
      // A counter that falls is that of a new stream.
      const last = this.before.get(key);
      const from = last && last.packets <= now.packets ? last : zero();
      seen.set(key, now);
      // Sound says how the line is; pictures only how much it carries.
      if (r.kind === 'audio') {
        sum.packets += now.packets - from.packets;
        sum.lost += Math.max(0, now.lost - from.lost);
        line.jitterMs = Math.max(line.jitterMs, number(report.jitter) * 1000);
        line.rttMs = Math.max(line.rttMs, number(report.roundTripTime) * 1000);
      } else {
        sum.frames += now.frames - from.frames;
        sum.frozen += Math.max(0, now.frozen - from.frozen);
        line.width = Math.max(line.width ?? 0, number(r.frameWidth));
        line.height = Math.max(line.height ?? 0, number(r.frameHeight));
        line.fps = Math.max(line.fps ?? 0, number(r.framesPerSecond));
      }
      sum.bytes += now.bytes - from.bytes;
    }
    if (!any) return null;
    const expected = type === 'outbound-rtp' ? sum.packets : sum.packets + sum.lost;
    line.packets = sum.packets;
    line.frames = sum.frames;
    line.frozenMs = sum.frozen;
    line.lossPercent = expected > 0 ? Math.min(100, (100 * sum.lost) / expected) : 0;
    line.kbps = over > 0 ? (sum.bytes * 8) / over : 0;
    return line;
  }
}
