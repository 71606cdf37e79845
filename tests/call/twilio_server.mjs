// The side of Twilio Video in a test: room signalling as twilio-video 2.36.0 speaks it, version 2
// (console/node_modules/twilio-video/lib/twilioconnection.js and lib/signaling/v2). It admits by the access tokens that
// plugins/twilio signs, lists people, negotiates with each, and forwards their media.
import { createHmac, randomBytes } from 'node:crypto';
import { argumentsFor, listen, Sfu } from './provider.mjs';

const kHost = 'global.vss.twilio.com';
const kSecret = 'secret-of-the-api-key-in-this-test';
// Channels beside the media to which the SDK may subscribe.
const kChannels = ['active_speaker', 'network_quality', 'render_hints', 'track_switch_off', 'track_priority', 'extension_transcriptions'];
const kErrors = { token: [20101, 'Invalid Access Token'], signature: [20107, 'Invalid signature'], expired: [20104, 'Access Token expired'], over: [53106, 'Room not found'], twice: [53205, 'Duplicate identity'] };

const sid = (prefix) => prefix + randomBytes(16).toString('hex');
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

class Person {
  constructor(room, identity, token) {
    Object.assign(this, { room, identity, token, sid: sid('PA'), session: sid('SE'), revision: 0, tracks: new Map(), forwarded: new Map() });
    // Numbers of descriptions count up on both sides.
    Object.assign(this, { said: 0, subscribed: 0, published: 0, line: Promise.resolve(), wants: false, off: new Set(), here: true });
  }
  send(body) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify({ type: 'msg', body: { version: 2, ...body } }));
  }
  state() {
    return {
      sid: this.sid, identity: this.identity, revision: ++this.room.revision, state: this.here ? 'connected' : 'disconnected',
      tracks: this.here ? [...this.tracks.values()].map(({ sid: id, kind, name, enabled }) => ({ sid: id, kind, name, enabled, priority: 'standard' })) : [],
    };
  }
  publishedState() {
    return { revision: ++this.published, tracks: [...this.tracks.values()].map(({ id, sid: of }) => ({ id, sid: of, state: 'ready' })) };
  }
}

export class TwilioServer {
  // secret: of the API key that signs tokens. anyRoom: rooms are opened by somebody else, and are known by the tokens.
  constructor({ secret = kSecret, anyRoom = false } = {}) {
    Object.assign(this, { secret, anyRoom, rooms: new Map() });
  }
  async start() {
    this.listening = await listen((socket) => this.met(socket));
    this.arguments = argumentsFor(kHost, this.listening.port);
    return this;
  }
  async use(browser) {
    this.sfu = await new Sfu().start(browser, (id, label, message) => this.hinted(id, label, JSON.parse(message)));
  }
  async stop() {
    await this.sfu?.stop();
    this.listening.close();
  }

  // ---- As the hub and its plugin

  signed(text) {
    return createHmac('sha256', this.secret).update(text).digest('base64url');
  }
  async makeRoom(name = sid('RM')) {
    this.rooms.set(name, { sid: name, people: new Map(), revision: 0, over: false });
    return name;
  }
  async media(room, identity, seconds = 3600) {
    const now = Math.floor(Date.now() / 1000);
    const head = `${encoded({ typ: 'JWT', cty: 'twilio-fpa;v=1', alg: 'HS256' })}.${encoded({ jti: sid('SK'), iss: sid('SK'), sub: sid('AC'), iat: now, exp: now + seconds, grants: { identity, video: { room } } })}`;
    return { provider: 'plugin://twilio', identity, room, roomName: `name of ${room}`, token: `${head}.${this.signed(head)}`, iceServers: [], url: null, meeting: null };
  }
  // POST Participants/{identity} Status=disconnected.
  async remove(room, identity) {
    const person = this.rooms.get(room).people.get(identity);
    person.send({ type: 'disconnected', status: 'disconnected' });
    await this.gone(person);
  }
  // POST Rooms/{sid} Status=completed.
  async end(room) {
    const of = this.rooms.get(room);
    of.over = true;
    for (const person of [...of.people.values()]) {
      person.send({ type: 'disconnected', status: 'completed' });
      await this.gone(person);
    }
  }
  // Something that goes wrong.
  drop(room, identity, expired = false) {
    const person = this.rooms.get(room).people.get(identity);
    if (expired) person.expired = person.token;
    person.socket.terminate();
  }
  // Sends a message of Twilio in a data channel to everybody in the room.
  async says(room, label, message) {
    for (const person of this.rooms.get(room).people.values()) await this.sfu.call('send', person.sid, label, { type: label, ...message });
  }
  sidOf(room, identity) {
    return this.rooms.get(room).people.get(identity).sid;
  }
  caption(room, from, text, final) {
    const participant = this.sidOf(room, from);
    return this.says(room, 'extension_transcriptions', { participant, track: 'MT0', transcription: text, partial_results: !final, language_code: 'ar-SA', sequence_number: 1, timestamp: new Date().toISOString() });
  }
  speaks(room, identity) {
    return this.says(room, 'active_speaker', { participant: this.sidOf(room, identity) });
  }
  poor(room) {
    return this.says(room, 'network_quality', { local: 1, remotes: [] });
  }

  // ---- Signalling

  met(socket) {
    let person = null;
    const answer = (message) => socket.send(JSON.stringify(message));
    const beat = setInterval(() => socket.readyState === 1 && answer({ type: 'heartbeat' }), 2000);
    socket.on('error', () => {});
    socket.on('close', () => clearInterval(beat));
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === 'hello') answer({ type: 'welcome', negotiatedTimeout: 5000 });
      const body = message.type === 'hello' || message.type === 'msg' ? message.body : null;
      if (!body) return;
      if (body.type === 'ice') return answer({ type: 'msg', body: { type: 'iced', version: 1, ice_servers: [] } });
      if (body.type === 'connect' || body.type === 'sync') {
        const met = this.admit(body);
        if (typeof met === 'string') return answer({ type: 'msg', body: { type: 'error', version: 2, code: kErrors[met][0], message: kErrors[met][1] } });
        person = met;
        person.socket = socket;
        return void (body.type === 'connect' ? this.comes(person, body) : this.returns(person, body)).catch((error) => console.log(`# twilio: ${error.stack}`));
      }
      if (body.type === 'disconnect') return person && void this.gone(person);
      if (body.type === 'update' && person) void this.updated(person, body).catch((error) => console.log(`# twilio: ${error.stack}`));
    });
  }
  // The person of a token, or why there is none.
  admit({ token, name, session, type }) {
    const [head, claims, signature] = String(token).split('.');
    if (!claims) return 'token';
    if (signature !== this.signed(`${head}.${claims}`)) return 'signature';
    const { exp, grants } = JSON.parse(Buffer.from(claims, 'base64url'));
    if (this.anyRoom && !this.rooms.has(grants.video.room)) void this.makeRoom(grants.video.room);
    const room = this.rooms.get(grants.video.room);
    if (exp * 1000 < Date.now()) return 'expired';
    if (!room || room.over || (name && name !== room.sid)) return 'over';
    const known = room.people.get(grants.identity);
    if (type === 'sync') return known?.session === session ? (known.expired === token ? 'expired' : known) : 'over';
    if (known) {
      known.send({ type: 'error', code: kErrors.twice[0], message: kErrors.twice[1] });
      void this.gone(known);
    }
    const person = new Person(room, grants.identity, token);
    room.people.set(grants.identity, person);
    return person;
  }

  others(person) {
    return [...person.room.people.values()].filter((one) => one !== person);
  }
  tell(person) {
    for (const other of this.others(person)) other.send({ type: 'update', participants: [person.state()] });
  }

  async comes(person, body) {
    this.take(person, body.participant);
    const [{ id, description }] = body.peer_connections;
    person.connection = id;
    person.said = description.revision;
    await this.sfu.call('open', person.sid);
    const asked = Object.keys(body.media_signaling ?? {}).filter((one) => kChannels.includes(one));
    for (const one of asked) await this.sfu.call('channel', person.sid, one);
    const sdp = await this.sfu.call('offered', person.sid, description.sdp);
    person.send({
      type: 'connected', session: person.session, sid: person.room.sid, name: person.room.sid, options: { session_timeout: 8 },
      participant: { ...person.state(), identity: person.identity }, participants: this.others(person).map((one) => one.state()),
      peer_connections: [{ id, description: { type: 'answer', revision: person.said, sdp } }],
      published: person.publishedState(), subscribed: { revision: ++person.subscribed, tracks: [] }, recording: { is_recording: false, revision: 1 },
      media_signaling: Object.fromEntries(asked.map((one) => [one, { transport: { type: 'data-channel', label: one } }])),
    });
    person.joined = true;
    this.tell(person);
    person.wants = true;
    await this.settle(person.room);
  }
  async returns(person, body) {
    this.take(person, body.participant);
    person.send({
      type: 'synced', session: person.session, sid: person.room.sid, name: person.room.sid, participant: { ...person.state(), identity: person.identity },
      participants: this.others(person).map((one) => one.state()), published: person.publishedState(),
      peer_connections: [{ id: person.connection }],
    });
    this.tell(person);
    await this.settle(person.room);
  }
  take(person, { tracks, revision }) {
    if (revision <= person.revision && person.joined) return;
    person.revision = revision;
    const ids = new Set(tracks.map(({ id }) => id));
    for (const id of [...person.tracks.keys()]) if (!ids.has(id)) person.tracks.delete(id);
    for (const one of tracks) person.tracks.set(one.id, { sid: sid('MT'), ...person.tracks.get(one.id), ...one });
  }
  async updated(person, body) {
    if (body.participant && body.participant.revision > person.revision) {
      this.take(person, body.participant);
      person.send({ type: 'update', published: person.publishedState() });
      this.tell(person);
    }
    for (const { description, ice } of body.peer_connections ?? []) {
      if (ice?.candidates) await this.sfu.call('candidates', person.sid, ice.candidates);
      if (description?.type === 'answer') {
        await this.sfu.call('answered', person.sid, description.sdp);
        person.offering = false;
        await this.subscribe(person);
      }
      if (description?.type === 'offer') {
        const sdp = await this.sfu.call('offered', person.sid, description.sdp);
        if (sdp === null) continue;
        person.said = description.revision;
        person.send({ type: 'update', peer_connections: [{ id: person.connection, description: { type: 'answer', revision: description.revision, sdp } }] });
      }
    }
    await this.settle(person.room);
  }

  // Makes everybody's forwarded tracks those that the others publish, one after the other.
  settle(room) {
    room.line = (room.line ?? Promise.resolve()).then(async () => {
      for (const person of [...room.people.values()]) if (person.joined) await this.forwards(person);
    }).catch((error) => console.log(`# twilio: ${error.stack}`));
    return room.line;
  }
  async forwards(person) {
    const want = new Map();
    for (const other of this.others(person)) {
      if (!other.joined) continue;
      const coming = await this.sfu.call('coming', other.sid);
      for (const { id, sid: of } of other.tracks.values()) {
        const section = coming.find(({ track }) => track === id);
        if (section) want.set(of, { from: other.sid, mid: section.mid });
      }
    }
    for (const of of [...person.forwarded.keys()]) {
      if (want.has(of)) continue;
      person.forwarded.delete(of);
      await this.sfu.call('drop', person.sid, of);
      person.wants = true;
    }
    for (const [of, { from, mid }] of want) {
      if (person.forwarded.has(of) || !(await this.sfu.call('forward', person.sid, of, from, mid))) continue;
      person.forwarded.set(of, { from, mid });
      person.wants = true;
    }
    if (!person.wants || person.offering) return;
    person.wants = false;
    person.offering = true;
    const sdp = await this.sfu.call('offer', person.sid);
    person.send({ type: 'update', peer_connections: [{ id: person.connection, description: { type: 'offer', revision: ++person.said, sdp } }] });
  }
  async subscribe(person) {
    const going = await this.sfu.call('going', person.sid);
    person.send({
      type: 'update', participants: this.others(person).map((one) => one.state()),
      subscribed: { revision: ++person.subscribed, tracks: Object.entries(going).map(([of, id]) => ({ sid: of, id })) },
    });
  }
  // Hints of a receiver: which pictures he wants.
  async hinted(id, label, message) {
    if (label !== 'render_hints' || message.type !== 'render_hints') return;
    const person = [...this.rooms.values()].flatMap(({ people }) => [...people.values()]).find((one) => one.sid === id);
    if (!person) return;
    const { id: number, hints } = message.subscriber;
    await this.sfu.call('send', id, label, { type: label, subscriber: { id: number, hints: hints.map(({ track }) => ({ track, result: 'OK' })) } });
    for (const { track, enabled } of hints) {
      const known = person.forwarded.get(track);
      if (!known || enabled === undefined) continue;
      await this.sfu.call('pause', id, track, known.from, known.mid, !enabled);
      await this.sfu.call('send', id, 'track_switch_off', { type: 'track_switch_off', off: enabled ? [] : [track], on: enabled ? [track] : [] });
    }
  }
  async gone(person) {
    if (!person.here) return;
    person.here = false;
    if (person.room.people.get(person.identity) === person) person.room.people.delete(person.identity);
    this.tell(person);
    await this.sfu.call('close', person.sid);
    await this.settle(person.room);
  }
}
