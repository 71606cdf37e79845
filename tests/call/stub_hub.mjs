// A hub of one session, as far as the page of a call asks: for the states of the page, which a real hub reaches slowly or never.
// The real hub is in call_test.mjs.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { define, sdks } from '../../console/sdks.mjs';
import { esbuild, root } from './browser.mjs';

const kType = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', woff2: 'font/woff2' };
// As hub/pages/pages.cpp sends it.
const kPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; "
  + "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; connect-src 'self'; "
  + "media-src 'self' blob: mediastream:; trusted-types 'none'";

export const kPatientName = 'سالم ناصر البدر';
export const kSecrets = [kPatientName, '4021-7731', '0550000142', 'حي الياسمين', '1972-03-14'];
const kStart = '2026-11-26T07:15:00Z';

export class StubHub {
  constructor() {
    this.reset();
  }
  // who: doctor or patient, the one whose browser asks.
  reset(who = 'patient', change = {}) {
    this.who = who;
    this.log = [];
    this.refuse = {};
    this.messages = [];
    this.docs = [];
    this.contents = new Map();
    this.notes = [];
    this.vitals = [];
    this.events = [];
    this.level = 'high';
    this.sockets = new Set();
    this.admitted = { doctor: true, patient: false };
    this.names = { doctor: 'د. هند الفارس', patient: kPatientName };
    this.session = {
      id: 's1', version: 1, type: 'doctor_patient', status: 'scheduled', provider: 'person-doctor', patient: 'person-patient',
      scheduledStart: kStart, scheduledStartHijri: '', startedAt: null, endedAt: null, waitingRoom: true, recording: 'on_request', recordingActive: false,
      quality: 'high', context: { medicalRecordNumber: '4021-7731' }, consents: [], ...change,
    };
    this.parts = {};
  }
  part(role) {
    return {
      id: `p-${role}`, person: this.guest && role === 'patient' ? null : `person-${role}`, role, identity: `i-${role}`, admission: this.admitted[role] ? 'admitted' : 'waiting', host: role === 'doctor',
      here: this.parts[role] !== undefined, since: kStart, name: this.names[role], ...this.parts[role],
    };
  }
  now() {
    return { ...this.session, participants: [this.part('doctor'), this.part('patient')] };
  }
  media() {
    return { provider: this.provider, identity: `i-${this.who}`, room: 'r', token: 't', grants: ['camera', 'microphone', 'screen'] };
  }
  async start() {
    this.folder = mkdtempSync(join(tmpdir(), 'rabt-page-'));
    const built = await esbuild().build({
      entryPoints: { page: join(root, 'tests/call/page.tsx'), style: join(root, 'console/src/styles/main.css') }, bundle: true, splitting: true, format: 'esm',
      outdir: this.folder, publicPath: '/assets/', jsx: 'automatic', jsxImportSource: 'preact', minify: true, target: 'es2022', loader: { '.woff2': 'file', '.svg': 'file' }, define, plugins: [sdks],
      nodePaths: [join(root, 'console/node_modules')], logLevel: 'error',
    });
    if (built.errors.length) throw new Error('the page could not be built');
    this.files = new Set(readdirSync(this.folder));
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
  // The live channel of a page; to be called before the page opens. The answer's `heard` waits until the page listens.
  async live(page) {
    let listens;
    const heard = new Promise((resolve) => { listens = resolve; });
    await page.routeWebSocket(/\/api\/v1\/stream$/, (socket) => {
      this.sockets.add(socket);
      socket.onMessage((text) => {
        const { id, type, topic } = JSON.parse(text);
        socket.send(JSON.stringify({ type: 'ok', id, ...(type === 'sub' ? { topic, seq: 0, me: `p-${this.who}` } : {}) }));
        if (type === 'sub') socket.send(JSON.stringify({ type: 'live', topic }));
        if (type === 'sub') listens();
      });
    });
    return { heard };
  }
  tell(kind, data = {}, from) {
    for (const socket of this.sockets) socket.send(JSON.stringify({ type: 'ev', topic: 'session:s1', kind, at: new Date().toISOString(), from, data }));
  }
  admit() {
    this.admitted.patient = true;
    this.tell('admitted', { participant: 'p-patient', media: this.media() });
  }

  // A document as the hub keeps it: pictures are not looked at, and those of a patient are withheld from his family.
  shares(who, { documentType, title, contentType, shownTo = [] }, bytes) {
    const id = `d${this.docs.length + 1}`;
    const at = new Date().toISOString();
    const unscreened = documentType === 'IMAGE';
    this.contents.set(id, bytes);
    this.docs.push({
      id, version: 1, session: 's1', createdAt: at, updatedAt: at, documentType, title, contentType, bytes: 1200, sha256: createHash('sha256').update(bytes).digest('hex'),
      sharedBy: `person-${who}`, shownTo, phi: [], unscreened, withheld: unscreened && who !== 'doctor',
    });
    return this.docs.at(-1);
  }

  async answer(request, response) {
    const path = request.url.split('?')[0];
    if (path.startsWith('/assets/')) {
      const name = path.slice(8);
      if (!this.files.has(name)) return response.writeHead(404).end();
      response.setHeader('Content-Type', kType[name.split('.').at(-1)] ?? 'application/octet-stream');
      return response.end(readFileSync(join(this.folder, name)));
    }
    if (path.startsWith('/call/')) {
      const language = /rabt-lang=en/.test(request.headers.cookie ?? '') ? 'en' : 'ar';
      const theme = /rabt-theme=(light|dark)/.exec(request.headers.cookie ?? '')?.[1];
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.setHeader('Content-Security-Policy', kPolicy);
      return response.end(`<!doctype html><html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}"${theme ? ` data-theme="${theme}"` : ''}><head><meta charset="utf-8">`
        + '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Rabt</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/style.css">'
        + '<meta name="rabt-phone" content="+966 11 234 5678"><meta name="rabt-hospital-ar" content="مستشفى الاختبار">'
        + '<script type="module" src="/assets/page.js"></script></head><body><div id="app"></div></body></html>');
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body = text ? JSON.parse(text) : {};
    const key = `${request.method} ${path.replace('/api/v1', '').replace('/sessions/s1', '')}`;
    this.log.push({ key, body, headers: request.headers });
    const held = this.docs.find(({ id }) => key === `GET /documents/${id}/content`);
    if (held) return response.end(this.contents.get(held.id));
    const refused = this.refuse[key];
    const [status, data] = refused ?? this.api(key, body);
    response.writeHead(status, { 'Content-Type': status < 300 ? 'application/json' : 'application/problem+json', 'X-Request-Id': 'req-1' });
    response.end(data === undefined ? '' : JSON.stringify(data));
  }
  api(key, body) {
    const at = new Date().toISOString();
    const head = (id) => ({ id, version: 1, session: 's1', createdAt: at, updatedAt: at });
    const list = (items) => [200, { items }];
    switch (key) {
      case 'GET /me': return this.guest ? [401, { type: 'x', title: '', status: 401, code: 'http.unauthenticated' }] : [200, { id: `person-${this.who}`, actor: `person:${this.who}`, tenant: 't', roles: [this.who] }];
      case 'GET ': return [200, this.now()];
      case 'POST /tickets': return [201, { ticket: 'rabt.ticket.x', expiresIn: 30 }];
      case 'GET /patients/person-patient': return [200, { id: 'person-patient', name: this.names.patient, birthDate: '1972-03-14', mrn: '4021-7731', identifiers: [{ kind: 'national_id', value: '1000000008' }] }];
      case 'POST /join': {
        this.parts[this.who] = { ...(body.location ? { location: body.location, callbackPhone: body.callbackPhone } : {}) };
        const inside = this.admitted[this.who];
        return [200, { session: this.now(), participant: this.part(this.who), admission: inside ? 'admitted' : 'waiting', media: inside ? this.media() : null }];
      }
      case 'POST /token': return [200, { token: 't', media: this.media() }];
      case 'POST /leave': return [200, this.part(this.who)];
      case 'POST /consents': return [201, { id: 'c1' }];
      case 'GET /waiting-room': return list(this.admitted.patient || !this.parts.patient ? [] : [{ participant: this.part('patient'), role: 'patient', here: true, since: kStart, position: 1 }]);
      case 'POST /participants/p-patient/admit': this.admitted.patient = true; return [200, { admission: 'admitted' }];
      case 'GET /messages': return list(this.messages);
      case 'POST /messages': {
        const made = { ...head(`m${this.messages.length + 1}`), from: `p-${this.who}`, role: this.who, text: body.text, sentAt: at, clientId: body.clientId };
        this.messages.push(made);
        return [201, made];
      }
      case 'GET /documents': return list(this.docs);
      case 'POST /documents': {
        return [201, this.shares(this.who, body, Buffer.from(body.data, 'base64').toString())];
      }
      case 'GET /vitals': return list(this.vitals);
      case 'POST /vitals': this.vitals.push({ ...head('v1'), takenAt: at, recordedBy: null, ...body }); return [201, this.vitals.at(-1)];
      case 'GET /notes': return list(this.notes);
      case 'POST /notes': this.notes.push({ ...head('n1'), content: '', sections: {}, addenda: [], author: 'person-doctor', ...body }); return [201, this.notes.at(-1)];
      case 'PATCH /notes/n1': {
        const one = this.notes.at(-1);
        Object.assign(one, body, { version: one.version + 1 });
        return [200, one];
      }
      case 'GET /prescriptions': return list([]);
      case 'GET /note-templates': return list([{
        id: 'soap', kind: 'soap', title: { en: 'SOAP note', ar: 'ملاحظة سريرية (SOAP)' }, sections: [
          { id: 'subjective', title: { en: 'Subjective', ar: 'الشكوى والأعراض' } }, { id: 'assessment', title: { en: 'Assessment', ar: 'التقييم' } },
          { id: 'plan', title: { en: 'Plan', ar: 'الخطة العلاجية' } }],
      }]);
      case 'POST /quality': return [202, { level: this.level }];
      case 'GET /events': return list(this.events);
      case 'POST /identification':
        Object.assign(this.session, { status: 'active', startedAt: at, warnings: [], identification: { identifiers: body.identifiers, by: 'person-doctor', at } });
        return [200, this.now()];
      case 'POST /end':
        Object.assign(this.session, { status: 'completed', startedAt: '2026-11-26T07:15:00Z', endedAt: '2026-11-26T07:33:00Z' });
        return [200, { status: 'completed' }];
      case 'POST /feedback': return [201, head('f1')];
      default: return [404, { type: 'x', title: 'Not Found', status: 404, code: 'http.not_found', detail: key }];
    }
  }
}
