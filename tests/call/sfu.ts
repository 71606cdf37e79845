// Page of a browser that forwards media between the people of a test, as the media servers of a provider do. Real
// connections carry them; what a provider says in its signalling is the business of the servers beside this file.

interface Peer {
  pc: RTCPeerConnection;
  // Tracks forwarded to this person, by names that the server gives.
  out: Map<string, RTCRtpTransceiver>;
  channels: Map<string, RTCDataChannel>;
  // Sound of all others as one track.
  mix?: { context: AudioContext; to: MediaStreamAudioDestinationNode };
}
declare const heard: (id: string, label: string, message: string) => Promise<void>;

const peers = new Map<string, Peer>();
const elements: HTMLMediaElement[] = [];
const of = (id: string): Peer => peers.get(id) as Peer;
const at = (id: string, mid: string): RTCRtpTransceiver | undefined => of(id).pc.getTransceivers().find((one) => one.mid === mid);

async function gathered(pc: RTCPeerConnection): Promise<string> {
  for (let turn = 0; pc.iceGatheringState !== 'complete' && turn < 100; ++turn) await new Promise((resolve) => setTimeout(resolve, 20));
  return pc.localDescription?.sdp ?? '';
}
const sections = (sdp: string): { mid: string; kind: string; track: string; direction: string }[] =>
  sdp.split(/^m=/m).slice(1).map((section) => ({
    mid: /^a=mid:(\S+)/m.exec(section)?.[1] ?? '', kind: section.split(' ')[0] as string,
    track: /^a=msid:\S+ (\S+)/m.exec(section)?.[1] ?? '', direction: /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(section)?.[1] ?? '',
  }));

const sfu = {
  open(id: string): void {
    sfu.close(id);
    const pc = new RTCPeerConnection();
    peers.set(id, { pc, out: new Map(), channels: new Map() });
    // A browser pulls sound that nobody plays here only where an element does.
    pc.ontrack = ({ track }) => {
      const element = document.createElement(track.kind === 'audio' ? 'audio' : 'video');
      element.muted = true;
      element.srcObject = new MediaStream([track]);
      element.play().catch(() => {});
      elements.push(element);
    };
  },
  close(id: string): void {
    peers.get(id)?.pc.close();
    void peers.get(id)?.mix?.context.close();
    peers.delete(id);
  },
  // The answer to a person's offer; null while an offer of this side is on its way. plan: what is sent at which m-line,
  // of whom; `mix` is the sound of all others.
  async offered(id: string, sdp: string, plan: Record<string, { of: string; mid: string } | 'mix'> = {}): Promise<string | null> {
    const peer = of(id);
    if (peer.pc.signalingState === 'have-local-offer') return null;
    await peer.pc.setRemoteDescription({ type: 'offer', sdp });
    // An SDK may take an m-line at which something was sent to it for what it sends itself.
    for (const { mid, direction } of sections(sdp)) {
      const one = at(id, mid);
      if (!one || !direction.startsWith('send')) continue;
      if (one.direction === 'sendonly') one.direction = 'sendrecv';
      if (one.direction === 'inactive') one.direction = 'recvonly';
    }
    for (const { mid } of sections(sdp)) {
      const one = at(id, mid);
      const what = plan[mid];
      if (!one || !what) continue;
      const track = what === 'mix' ? sfu.mixed(id) : (at(what.of, what.mid)?.receiver.track ?? null);
      await one.sender.replaceTrack(track);
      one.direction = one.direction === 'recvonly' || one.direction === 'sendrecv' ? 'sendrecv' : 'sendonly';
      peer.out.set(mid, one);
    }
    await peer.pc.setLocalDescription(await peer.pc.createAnswer());
    return gathered(peer.pc);
  },
  mixed(id: string): MediaStreamTrack {
    const peer = of(id);
    if (!peer.mix) {
      const context = new AudioContext();
      peer.mix = { context, to: context.createMediaStreamDestination() };
      void context.resume();
    }
    return peer.mix.to.stream.getAudioTracks()[0]!;
  },
  // Adds a person's sound to what another hears.
  hear(id: string, from: string, mid: string): void {
    sfu.mixed(id);
    const { context, to } = of(id).mix!;
    const track = at(from, mid)?.receiver.track;
    if (track) context.createMediaStreamSource(new MediaStream([track])).connect(to);
  },
  async offer(id: string): Promise<string> {
    const { pc } = of(id);
    await pc.setLocalDescription(await pc.createOffer());
    return gathered(pc);
  },
  async answered(id: string, sdp: string): Promise<void> {
    const { pc } = of(id);
    if (pc.signalingState === 'have-local-offer') await pc.setRemoteDescription({ type: 'answer', sdp });
  },
  async candidates(id: string, all: RTCIceCandidateInit[]): Promise<void> {
    for (const one of all) await peers.get(id)?.pc.addIceCandidate(one).catch(() => {});
  },
  // Tracks that a person sends, and tracks that are sent to him: m-line and name of the track, as the SDP says.
  coming: (id: string) => sections(of(id).pc.remoteDescription?.sdp ?? '').filter(({ direction }) => direction.startsWith('send')),
  going(id: string): Record<string, string> {
    const all = new Map(sections(of(id).pc.localDescription?.sdp ?? '').map(({ mid, track }) => [mid, track]));
    return Object.fromEntries([...of(id).out].map(([name, { mid }]) => [name, all.get(mid ?? '') ?? '']));
  },
  forward(id: string, name: string, from: string, mid: string): boolean {
    const track = at(from, mid)?.receiver.track;
    if (!track) return false;
    of(id).out.set(name, of(id).pc.addTransceiver(track, { direction: 'sendonly', streams: [new MediaStream()] }));
    return true;
  },
  async drop(id: string, name: string): Promise<void> {
    const one = of(id).out.get(name);
    of(id).out.delete(name);
    if (!one) return;
    await one.sender.replaceTrack(null);
    one.direction = 'inactive';
  },
  async pause(id: string, name: string, from: string, mid: string, on: boolean): Promise<void> {
    await of(id).out.get(name)?.sender.replaceTrack(on ? null : (at(from, mid)?.receiver.track ?? null));
  },
  channel(id: string, label: string): void {
    const channel = of(id).pc.createDataChannel(label);
    of(id).channels.set(label, channel);
    channel.onmessage = ({ data }) => void heard(id, label, String(data));
  },
  send(id: string, label: string, message: unknown): boolean {
    const channel = of(id).channels.get(label);
    if (channel?.readyState !== 'open') return false;
    channel.send(JSON.stringify(message));
    return true;
  },
};
export type SfuPage = typeof sfu;
Object.assign(window, { sfu });
