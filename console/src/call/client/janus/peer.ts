// One handle of the VideoRoom with its connection. Candidates of Janus that come before the description they belong
// to wait here: a browser takes none so early.
import type { Message, Signal } from './signal';

export class Peer {
  readonly pc: RTCPeerConnection;
  private early: RTCIceCandidateInit[] | null = [];

  constructor(private readonly signal: Signal, readonly handle: number, iceServers: RTCIceServer[], relayOnly: boolean,
    changed: () => void) {
    this.pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: relayOnly ? 'relay' : 'all' });
    this.pc.onicecandidate = ({ candidate }) => this.signal.trickle(this.handle, candidate);
    this.pc.onconnectionstatechange = changed;
  }
  trickled({ candidate }: Message): void {
    if (!candidate || candidate.completed) return;
    if (this.early) this.early.push(candidate);
    else this.pc.addIceCandidate(candidate).catch(() => {});
  }
  async accept(description: RTCSessionDescriptionInit): Promise<void> {
    await this.pc.setRemoteDescription(description);
    const early = this.early ?? [];
    this.early = null;
    for (const candidate of early) this.pc.addIceCandidate(candidate).catch(() => {});
  }
  close(): void {
    this.pc.onconnectionstatechange = this.pc.onicecandidate = null;
    this.pc.close();
  }
}

// True when nothing can flow, and waiting does not help.
export const broken = (peer: Peer | null): boolean => peer?.pc.connectionState === 'failed' || peer?.pc.connectionState === 'disconnected';
export const flows = (peer: Peer | null): boolean => peer?.pc.connectionState === 'connected';
