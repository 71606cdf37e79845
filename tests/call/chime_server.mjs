// The side of Amazon Chime in a test: signalling as amazon-chime-sdk-js 3.32.0 speaks it, with its own description of the
// frames (build/signalingprotocol/SignalingProtocol.js), and media that a page forwards. It admits by the attendees that
// plugins/chime hands out.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './browser.mjs';
import { argumentsFor, listen, Sfu } from './provider.mjs';

const protocol = () => createRequire(join(root, 'console/package.json'))('amazon-chime-sdk-js/build/signalingprotocol/SignalingProtocol.js');
const kPath = '/control/';
const kFrameRtc = 5;
const kVideo = 2;
const kGraceMs = 8000;
const kRemoved = 411;
const kEnded = 410;
const kElsewhere = 301;
const kRejected = 403;

class Person {
  constructor(meeting, { id, user }) {
    Object.assign(this, { meeting, id, user, streams: new Map(), audio: ++meeting.next, video: 0, muted: false, here: false });
  }
  get isContent() {
    return this.id.endsWith('#content');
  }
  send(type, more) {
    if (this.socket?.readyState !== 1) return;
    const { SdkSignalFrame } = this.meeting.protocol;
    const frame = SdkSignalFrame.encode(SdkSignalFrame.create({ timestampMs: Date.now(), type: SdkSignalFrame.Type[type], ...more })).finish();
    this.socket.send(Buffer.concat([Buffer.from([kFrameRtc]), frame]));
  }
}

export class ChimeServer {
  // find: attendee of a token, for meetings that somebody else makes.
  constructor({ find = null } = {}) {
    Object.assign(this, { find, meetings: new Map() });
  }
  async start() {
    this.protocol = protocol();
    this.listening = await listen((socket, request) => this.met(socket, request), '_aws_wt_session');
    this.arguments = argumentsFor('*.chime.aws', this.listening.port);
    return this;
  }
  async use(browser) {
    this.sfu = await new Sfu().start(browser);
  }
  async stop() {
    await this.sfu?.stop();
    this.listening.close();
  }

  // ---- As the hub and its plugin

  async makeRoom(id = randomUUID()) {
    this.meetings.set(id, { id, protocol: this.protocol, attendees: new Map(), people: new Map(), next: 0, over: false });
    return id;
  }
  // CreateAttendee: the same user is the same attendee. Another time of life stands for one that was made anew.
  async media(room, identity, seconds = 3600) {
    const { attendees } = this.meetings.get(room);
    let attendee = [...attendees.values()].findLast((one) => one.user === identity && one.seconds === seconds && !one.void);
    if (!attendee) {
      attendee = { id: randomUUID(), user: identity, token: randomUUID(), seconds, void: seconds < 0 };
      attendees.set(attendee.id, attendee);
    }
    const host = `${room.slice(0, 8)}.m1.ec1.app.chime.aws`;
    return {
      provider: 'plugin://chime', identity, token: attendee.token, url: null, room: null, iceServers: [],
      meeting: {
        MeetingId: room, ExternalMeetingId: room, MediaRegion: 'eu-central-1', MeetingFeatures: { Attendee: { MaxCount: 10 } },
        MediaPlacement: {
          AudioHostUrl: `${host}:3478`, AudioFallbackUrl: `wss://haxrp.${host}/calls/${room}`, SignalingUrl: `wss://signal.${host}${kPath}${room}`,
          TurnControlUrl: `https://ccp.${host}/v2/turn_sessions`, EventIngestionUrl: 'https://data.svc.ec1.ingest.chime.aws/v1/client-events',
        },
      },
      attendee: { AttendeeId: attendee.id, ExternalUserId: identity, JoinToken: attendee.token, Capabilities: { Audio: 'SendReceive', Video: 'SendReceive', Content: 'SendReceive' } },
    };
  }
  // DeleteAttendee.
  async remove(room, identity) {
    for (const person of this.of(room, identity)) {
      this.attendee(person).void = true;
      person.send('AUDIO_STATUS', { audioStatus: { audioStatus: kRemoved } });
      await this.gone(person);
    }
  }
  // DeleteMeeting.
  async end(room) {
    this.meetings.get(room).over = true;
    for (const person of [...this.meetings.get(room).people.values()]) {
      person.send('AUDIO_STATUS', { audioStatus: { audioStatus: kEnded } });
      await this.gone(person);
    }
  }
  // Something that goes wrong.
  drop(room, identity, expired = false) {
    for (const person of this.of(room, identity)) {
      if (expired) this.attendee(person).void = true;
      person.socket.terminate();
    }
  }
  caption(room, from, text, final) {
    const { SdkTranscriptFrame } = this.protocol;
    const [person] = this.of(room, from);
    const item = { content: text, speakerAttendeeId: person.id, speakerExternalUserId: person.user, type: 1, startTime: 0, endTime: 1 };
    const result = { alternatives: [{ transcript: text, items: [item] }], channelId: 'ch_0', isPartial: !final, resultId: 'r', startTime: 0, endTime: 1, languageCode: 'ar-SA' };
    const data = SdkTranscriptFrame.encode(SdkTranscriptFrame.create({ events: [{ transcript: { results: [result] } }] })).finish();
    this.tell(person.meeting, 'DATA_MESSAGE', {
      dataMessage: { messages: [{ topic: 'aws:chime:transcription', data, lifetimeMs: 0, senderAttendeeId: '', ingestTimeNs: 0, senderExternalUserId: '' }] },
    });
  }
  // Sound is lost on the way to somebody.
  poor(room, identity) {
    const [person] = this.of(room, identity);
    return this.sfu.call('pause', person.id, person.sound, '', '', true);
  }
  async speaks(room, identity) {
    const [person] = this.of(room, identity);
    for (let turn = 0; turn < 20; ++turn) {
      this.tell(person.meeting, 'AUDIO_METADATA', { audioMetadata: { attendeeStates: [{ audioStreamId: person.audio, volume: 14, signalStrength: 2 }] } });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  // ---- Signalling

  of(room, identity) {
    return [...this.meetings.get(room).people.values()].filter(({ user, isContent }) => user === identity && !isContent);
  }
  attendee(person) {
    return person.meeting.attendees.get(person.id.replace('#content', ''));
  }
  tell(meeting, type, more, but) {
    for (const one of meeting.people.values()) if (one !== but) one.send(type, more);
  }

  met(socket, request) {
    const of = new URL(request.url, 'wss://chime').pathname.slice(kPath.length);
    const token = (request.headers['sec-websocket-protocol'] ?? '').split(',')[1]?.trim() ?? '';
    const content = token.endsWith('#content');
    let meeting, attendee, person;
    const known = async () => {
      if (this.find && !this.meetings.has(of)) await this.makeRoom(of);
      meeting = this.meetings.get(of);
      attendee = [...(meeting?.attendees.values() ?? [])].find((one) => token === one.token + (content ? '#content' : ''));
      if (!attendee && this.find) {
        attendee = await this.find(token);
        if (attendee) meeting.attendees.set(attendee.id, attendee);
      }
      person = meeting && attendee ? this.personOf(meeting, attendee, content) : null;
    };
    let line = known();
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const frame = this.protocol.SdkSignalFrame.decode(new Uint8Array(data).slice(1));
      line = line.then(() => this.took(socket, meeting, attendee, person, frame)).catch((error) => console.log(`# chime: ${error.stack}`));
    });
    socket.on('close', () => {
      if (person?.socket !== socket) return;
      person.grace = setTimeout(() => void this.gone(person), kGraceMs).unref();
    });
  }
  personOf(meeting, attendee, content) {
    const id = attendee.id + (content ? '#content' : '');
    return meeting.people.get(id) ?? new Person(meeting, { id, user: attendee.user });
  }
  async took(socket, meeting, attendee, person, frame) {
    const { Type } = this.protocol.SdkSignalFrame;
    switch (frame.type) {
      case Type.PING_PONG:
        if (frame.pingPong.type === 1) person?.send('PING_PONG', { pingPong: { type: 2, pingId: frame.pingPong.pingId } });
        return;
      case Type.JOIN:
        if (!person || attendee.void || meeting.over) {
          const stranger = Object.assign(new Person({ next: 0, protocol: this.protocol }, { id: '', user: '' }), { socket });
          return meeting?.over ? stranger.send('AUDIO_STATUS', { audioStatus: { audioStatus: kEnded } }) : stranger.send('JOIN_ACK', { error: { status: kRejected, description: 'Unauthorized' } });
        }
        clearTimeout(person.grace);
        if (person.socket?.readyState === 1 && person.socket !== socket) person.send('AUDIO_STATUS', { audioStatus: { audioStatus: kElsewhere } });
        Object.assign(person, { socket, mid: undefined, video: 0, at: '' });
        meeting.people.set(person.id, person);
        await this.sfu.call('open', person.id);
        person.send('JOIN_ACK', { joinack: { videoSubscriptionLimit: 25, wantsCompressedSdp: false } });
        return person.send('INDEX', { index: this.index(meeting) });
      case Type.SUBSCRIBE:
        if (person?.socket !== socket) return;
        return this.subscribes(person, frame.sub);
      case Type.AUDIO_CONTROL:
        if (person?.socket !== socket) return;
        person.muted = frame.audioControl.muted;
        return this.tell(meeting, 'AUDIO_STREAM_ID_INFO', { audioStreamIdInfo: { streams: [{ audioStreamId: person.audio, muted: person.muted }] } }, person);
      case Type.PAUSE:
      case Type.RESUME:
        for (const stream of frame.pause.streamIds) {
          const { mid, from } = person.streams.get(stream) ?? {};
          if (mid) await this.sfu.call('pause', person.id, mid, from.id, from.mid, frame.type === Type.PAUSE);
        }
        return;
      case Type.LEAVE:
        if (person?.socket !== socket) return;
        person.send('LEAVE_ACK', { leaveAck: {} });
        return this.gone(person);
      default:
    }
  }
  index(meeting) {
    const sources = [...meeting.people.values()].filter(({ video }) => video).map(({ id, user, video }) => ({
      streamId: video, groupId: video, attendeeId: id, externalUserId: user, mediaType: kVideo, maxBitrateKbps: 1200, avgBitrateBps: 800_000, framerate: 15, width: 640, height: 480,
    }));
    return { atCapacity: false, sources, pausedAtSourceIds: [], numParticipants: meeting.people.size };
  }
  async subscribes(person, { sdpOffer, receiveStreamIds, sendStreams, audioMuted }) {
    const { meeting } = person;
    const sections = sdpOffer.split(/^m=/m).slice(1).map((text) => ({ kind: text.split(' ')[0], mid: /^a=mid:(\S+)/m.exec(text)[1], sends: /^a=(sendrecv|sendonly)/m.test(text) }));
    const plan = {};
    const tracks = [];
    person.streams.clear();
    sections.filter(({ kind }) => kind === 'video').forEach(({ mid }, at) => {
      const from = [...meeting.people.values()].find(({ video }) => video && video === receiveStreamIds[at]);
      if (!from?.mid) return;
      plan[mid] = { of: from.id, mid: from.mid };
      person.streams.set(from.video, { mid, from: { id: from.id, mid: from.mid } });
      tracks.push({ streamId: from.video, trackLabel: `v_${mid}`, ssrc: 0 });
    });
    const audio = sections.find(({ kind }) => kind === 'audio')?.mid;
    if (audio && !person.isContent) plan[audio] = 'mix';
    const answer = await this.sfu.call('offered', person.id, sdpOffer, plan);
    // By convention the stream of an m-line is named for it.
    const sdpAnswer = answer.split(/^(?=m=)/m).map((section) => section.replace(/^a=msid:.*$/m, `a=msid:v_${/^a=mid:(\S+)/m.exec(section)?.[1]} t`)).join('');
    const sending = sendStreams.some(({ mediaType, trackLabel }) => mediaType === kVideo || trackLabel === 'AmazonChimeExpressVideo');
    const mid = sending ? sections.find(({ kind, sends }) => kind === 'video' && sends)?.mid : undefined;
    const changed = person.mid !== mid || !person.here;
    if (person.mid !== mid) person.video = mid ? ++meeting.next : 0;
    person.mid = mid;
    person.send('SUBSCRIBE_ACK', { suback: { sdpAnswer, tracks, allocations: person.video ? [{ trackLabel: 'AmazonChimeExpressVideo', streamId: person.video, groupId: person.video }] : [] } });
    if (person.at !== sections[0].mid + answer.slice(0, 60)) await this.wire(person, audio);
    person.at = sections[0].mid + answer.slice(0, 60);
    if (!person.here) person.muted = audioMuted;
    person.here = true;
    this.present(person);
    if (changed) this.tell(meeting, 'INDEX', { index: this.index(meeting) });
  }
  // Sends the list of attendees who are present, and announces this one to the others.
  present(person) {
    const about = ({ audio, id, user, muted }) => ({ audioStreamId: audio, attendeeId: id, externalUserId: user, muted });
    const here = [...person.meeting.people.values()].filter((one) => one.here);
    person.send('AUDIO_STREAM_ID_INFO', { audioStreamIdInfo: { streams: here.map(about) } });
    this.tell(person.meeting, 'AUDIO_STREAM_ID_INFO', { audioStreamIdInfo: { streams: [about(person)] } }, person);
  }
  async wire(person, audio) {
    person.sound = audio;
    if (person.isContent) return;
    for (const other of person.meeting.people.values()) {
      if (other === person || other.isContent || !other.here || !other.sound) continue;
      await this.sfu.call('hear', person.id, other.id, other.sound);
      await this.sfu.call('hear', other.id, person.id, audio);
    }
  }
  async gone(person) {
    clearTimeout(person.grace);
    if (person.meeting.people.get(person.id) !== person) return;
    person.meeting.people.delete(person.id);
    person.here = false;
    const screen = person.meeting.people.get(`${person.id}#content`);
    if (screen) await this.gone(screen);
    this.tell(person.meeting, 'AUDIO_STREAM_ID_INFO', { audioStreamIdInfo: { streams: [{ audioStreamId: person.audio }] } });
    this.tell(person.meeting, 'INDEX', { index: this.index(person.meeting) });
    await this.sfu.call('close', person.id);
  }
}
