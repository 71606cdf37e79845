// Contract of CallClient: one suite against the fake in one page, and against a real Janus with two browsers.
// p2p runs the part without Janus between two browsers; the test hands signals on, as the hub does.
// twilio and chime run the vendors' SDKs in the page, under its policy, against servers of this folder that listen under
// the vendors' names (docs/call.md says what that shows, and what it does not).
//   node contract_test.mjs fake|janus|p2p|twilio|chime
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { context, esbuild, launch, need, root, until } from './browser.mjs';
import { define, sdks } from '../../console/sdks.mjs';
import { ChimeServer } from './chime_server.mjs';
import { Janus, kJanus, ownAddress } from './janus_server.mjs';
import { TwilioServer } from './twilio_server.mjs';

const kind = process.argv[2] ?? 'fake';
const real = kind === 'janus';
const Provider = { janus: Janus, twilio: TwilioServer, chime: ChimeServer }[kind];
const vendor = Provider !== undefined && !real;
need(...(real ? [kJanus] : vendor ? ['/usr/bin/openssl'] : []));
// The policy of the page of a call (hub/pages/pages.cpp), with the sources of the provider (hub/assembly/pages.cpp).
const kSources = { twilio: 'wss://global.vss.twilio.com', chime: 'wss://*.chime.aws' };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; " +
  `connect-src 'self' ${kSources[kind] ?? 'ws:'}; media-src 'self' blob: mediastream:; trusted-types 'none'`;
if (kind !== 'fake' && !ownAddress()) {
  console.log('skipped: this machine has no address but the loopback one, which carries no media');
  process.exit(77);
}

let browser, server, provider, url;

// A person with a client of the kind: functions of the harness, run in the person's page.
class Person {
  constructor(page, at, identity) {
    Object.assign(this, { page, at, identity });
  }
  run(name, ...rest) {
    return this.page.evaluate(([what, values]) => window.harness[what](...values), [name, [this.at, ...rest]]);
  }
  call(name, ...rest) {
    return this.page.evaluate(([at, what, values]) => window.harness.client(at)[what](...values), [this.at, name, rest]);
  }
  look(name) {
    return this.page.evaluate((what) => window.harness[what](), name);
  }
  told(holds) {
    return this.run('told').then((all) => all.find(holds));
  }
  hears(what, holds, ms) {
    return until(`${this.identity} is told: ${what}`, () => this.told(holds), ms);
  }
  sees(key, there = true) {
    return until(`${this.identity} has ${there ? '' : 'no '}${key}`, async () => (await this.run('arrived')).includes(key) === there);
  }
}

async function rooms() {
  const room = provider ? await provider.makeRoom() : randomBytes(8).toString('hex');
  const contexts = [];
  const open = async () => {
    const made = await context(browser);
    contexts.push(made);
    const page = await made.newPage();
    page.on('pageerror', (error) => console.log(`# page: ${error.message}`));
    await page.goto(url);
    return page;
  };
  const first = await open();
  // Pages of the people in the room, by identity; for p2p.
  const inside = new Map();
  const relay = (identity) => async ({ kind: what, to, payload }) => {
    if (what === 'people') {
      const there = [...inside.keys()];
      inside.set(identity, pages.get(identity));
      return there;
    }
    await inside.get(to)?.evaluate(([from, one, value]) => window.harness.heard(from, one, value), [identity, what, payload]);
    return [];
  };
  const pages = new Map();
  const media = (identity, seconds) => (provider ? provider.media(room, identity, seconds) : { provider: 'fake', identity, room });
  const person = async (identity) => {
    const page = kind !== 'fake' && identity !== 'doctor' ? await open() : first;
    pages.set(identity, page);
    if (kind === 'p2p') await page.exposeFunction('relay', relay(identity));
    return new Person(page, await page.evaluate((one) => window.harness.made(one), kind), identity);
  };
  const goes = async (identity) => {
    inside.delete(identity);
    for (const page of inside.values()) await page.evaluate((from) => window.harness.heard(from, 'left', null), identity);
  };
  const close = async () => {
    const broken = (await Promise.all(contexts.flatMap((one) => one.pages()).map((page) => page.evaluate(() => window.harness.violations())))).flat();
    await Promise.all(contexts.map((one) => one.close()));
    assert.deepEqual(broken, [], 'violations of the content security policy');
  };
  return { room, media, person, goes, close };
}

// Doctor and patient in one room; both have sound and pictures.
async function met() {
  const house = await rooms();
  const doctor = await house.person('doctor');
  const patient = await house.person('patient');
  assert.equal(await doctor.run('join', await house.media('doctor')), 'in');
  assert.equal(await patient.run('join', await house.media('patient')), 'in');
  for (const [one, other] of [[doctor, 'patient'], [patient, 'doctor']]) {
    await one.sees(`audio ${other}`);
    await one.sees(`video ${other}`);
  }
  return { ...house, doctor, patient };
}

// True when sound and pictures arrive anew within the time.
async function flows(person) {
  let frames = 0;
  let packets = 0;
  await person.run('stats');
  await until(`sound and pictures arrive at ${person.identity}`, async () => {
    const { down } = await person.run('stats');
    frames += down?.frames ?? 0;
    packets += down?.packets ?? 0;
    return frames > 3 && packets > 10;
  }).catch((error) => {
    throw new Error(`${error.message}; there were ${frames} pictures and ${packets} packets of sound`);
  });
}
async function silent(person) {
  await new Promise((resolve) => setTimeout(resolve, 700));
  await person.run('stats');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { down } = await person.run('stats');
  // Chime sends one mixed sound to everybody, also when nobody else is there.
  const packets = kind === 'chime' && person.identity === 'doctor' ? 0 : (down?.packets ?? 0);
  assert.equal(packets + (down?.frames ?? 0), 0, `media still arrive at ${person.identity}`);
}

before(async () => {
  const { outputFiles } = await esbuild().build({
    entryPoints: [join(root, 'tests/call/harness.ts')], bundle: true, write: false, format: 'iife', target: 'es2022',
    define, plugins: [sdks], nodePaths: [join(root, 'console/node_modules')],
  });
  server = createServer((request, response) => {
    const script = request.url === '/harness.js';
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(script ? outputFiles[0].text : '<!doctype html><title>Contract</title><body></body><script src="/harness.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}/`;
  provider = Provider && (await new Provider().start());
  browser = await launch(provider?.arguments);
  await provider?.use?.(browser);
});
after(async () => {
  await provider?.stop();
  await browser?.close();
  server?.close();
});

describe(`CallClient: ${kind}`, () => {
  test('two people see and hear each other', async () => {
    const { doctor, patient, close } = await met();
    for (const one of [doctor, patient]) {
      await flows(one);
      assert.ok(await one.told((event) => event.t === 'state' && event.to === 'joining'));
      assert.ok(await one.told((event) => event.t === 'state' && event.to === 'connected'));
    }
    assert.ok(await doctor.told((event) => event.t === 'person' && event.id === 'patient' && event.in));
    await close();
  });

  test('a muted microphone and a camera that is off are seen, and come back', async () => {
    const { doctor, patient, close } = await met();
    await patient.call('mute', true);
    await doctor.hears('muted', (event) => event.t === 'muted' && event.id === 'patient' && event.on);
    await patient.call('mute', false);
    await until('the sound is back', async () =>
      (await doctor.run('told')).filter((event) => event.t === 'muted' && event.id === 'patient').at(-1)?.on === false);
    await patient.run('camera', false);
    await doctor.sees('video patient', false);
    await patient.run('camera', true);
    await doctor.sees('video patient');
    await flows(doctor);
    await close();
  });

  test('a shared screen arrives beside the camera, also for those who come later, and ends', async () => {
    const { doctor, patient, person, media, close } = await met();
    await doctor.run('share', true);
    await patient.sees('screen doctor');
    await patient.sees('video doctor');
    if (real) await until('a picture of the screen', async () => (await patient.run('size', 'screen doctor')).width > 600);
    const nurse = await person('nurse');
    assert.equal(await nurse.run('join', await media('nurse')), 'in');
    await nurse.sees('screen doctor');
    assert.ok(!(await doctor.run('arrived')).some((key) => key.startsWith('screen')));
    await doctor.run('share', false);
    await patient.sees('screen doctor', false);
    await patient.sees('video doctor');
    assert.ok(!(await patient.told((event) => event.t === 'person' && !event.in)), 'the end of a screen is nobody\'s leaving');
    await close();
  });

  test('a level is kept to by what is sent', async () => {
    const { doctor, patient, close } = await met();
    await flows(doctor);
    await patient.call('setLevel', 'low');
    await until('a smaller picture', async () => {
      const { down } = await doctor.run('stats');
      return down?.width > 0 && down.width <= 320;
    });
    await doctor.call('wish', 'none');
    await until('no pictures', async () => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      const { down } = await doctor.run('stats');
      return down?.frames === 0 && down.packets > 0;
    });
    await doctor.call('wish', 'high');
    await flows(doctor);
    await close();
  });

  test('who brings neither camera nor microphone sees and hears, and may speak later', async () => {
    const { person, media, close } = await rooms();
    const doctor = await person('doctor');
    const patient = await person('patient');
    assert.equal(await patient.run('join', await media('patient'), false, false), 'in');
    assert.equal(await doctor.run('join', await media('doctor')), 'in');
    await patient.sees('video doctor');
    await flows(patient);
    await doctor.hears('muted', (event) => event.t === 'muted' && event.id === 'patient' && event.on);
    await doctor.sees('video patient', false);
    await patient.run('microphone');
    let packets = 0;
    await until('the patient is heard', async () => (packets += (await doctor.run('stats')).down?.packets ?? 0) > 10);
    await close();
  });

  test('leaving is seen, and may be said twice', async () => {
    const { doctor, patient, goes, close } = await met();
    await patient.call('leave');
    await patient.call('leave');
    await goes('patient');
    await doctor.hears('the patient left', (event) => event.t === 'person' && event.id === 'patient' && !event.in);
    assert.deepEqual(await doctor.run('arrived'), []);
    const ends = (await patient.run('told')).filter((event) => event.t === 'state' && event.to === 'left');
    assert.deepEqual(ends, [{ t: 'state', to: 'left', why: 'left' }]);
    await close();
  });

  test('a token that opens nothing is refused', { skip: kind === 'p2p' && 'the hub decides with each signal' }, async () => {
    const { person, media, close } = await rooms();
    const doctor = await person('doctor');
    const good = await media('doctor');
    const wrong = { ...good, token: 'wrong', ...(good.attendee ? { attendee: { ...good.attendee, JoinToken: 'wrong' } } : {}) };
    assert.match(await doctor.run('join', wrong), /refused|expired/);
    assert.ok(await doctor.told((event) => event.t === 'state' && event.to === 'failed' && event.why !== 'network'));
    await close();
  });

  if (Provider) {
    test('who is put out is told so, and gets nothing more', async () => {
      const { doctor, patient, room, close } = await met();
      await flows(patient);
      await provider.remove(room, 'patient');
      await patient.hears('removed', (event) => event.t === 'state' && event.to === 'left' && event.why === 'removed');
      await doctor.hears('the patient left', (event) => event.t === 'person' && event.id === 'patient' && !event.in);
      await silent(patient);
      await silent(doctor);
      await close();
    });

    test('the end of the room ends the call of everybody', async () => {
      const { doctor, patient, room, close } = await met();
      await provider.end(room);
      for (const one of [doctor, patient]) await one.hears('ended', (event) => event.t === 'state' && event.to === 'left' && event.why === 'ended');
      await close();
    });

    test('a reload of the page comes back at once', async () => {
      const { doctor, patient, media, close } = await met();
      await patient.page.reload();
      const again = new Person(patient.page, await patient.page.evaluate((one) => window.harness.made(one), kind), 'patient');
      assert.equal(await again.run('join', await media('patient')), 'in');
      await again.sees('video doctor');
      await flows(again);
      await flows(doctor);
      await close();
    });
  }

  if (vendor) {
    const last = async (person) => (await person.run('told')).filter((event) => event.t === 'state').at(-1);
    const isBack = (person) => until(`${person.identity} is connected again`, async () => (await last(person)).to === 'connected', 40_000);

    test('a line that broke comes back by itself, and the others saw nobody leave', async () => {
      const { doctor, patient, room, close } = await met();
      await flows(doctor);
      await patient.call('mute', true);
      provider.drop(room, 'patient');
      await patient.hears('reconnecting', (event) => event.t === 'state' && event.to === 'reconnecting' && event.why === 'network');
      await isBack(patient);
      await flows(patient);
      await flows(doctor);
      assert.ok(!(await doctor.told((event) => event.t === 'person' && !event.in)), 'the others saw nobody leave');
      assert.equal((await doctor.run('told')).filter((event) => event.t === 'muted' && event.id === 'patient').at(-1)?.on, true);
      await close();
    });

    test('credentials that expired are asked for anew, and those that came in time are used unasked', async () => {
      const { doctor, patient, room, media, close } = await met();
      provider.drop(room, 'patient', true);
      await patient.hears('fresh credentials are needed', (event) => event.t === 'state' && event.why === 'expired', 40_000);
      await patient.call('renew', await media('patient', 3601));
      await isBack(patient);
      await patient.sees('video doctor');
      await flows(patient);
      await flows(doctor);
      await patient.call('renew', await media('patient', 3602));
      provider.drop(room, 'patient', true);
      await until('another break', async () => (await patient.run('told')).filter((event) => event.to === 'reconnecting').length > 1, 40_000);
      await isBack(patient);
      await flows(doctor);
      assert.equal((await patient.run('told')).filter((event) => event.why === 'expired').length, 1);
      await close();
    });

    test('a token that expired before the call is told so', async () => {
      const { person, media, close } = await rooms();
      const doctor = await person('doctor');
      // A token of Chime has no end of its own; one that is gone opens nothing.
      assert.equal(await doctor.run('join', await media('doctor', -60)), kind === 'chime' ? 'refused' : 'expired');
      await close();
    });

    test('who comes on another device ends the call of the first', async () => {
      const { doctor, patient, person, media, close } = await met();
      const again = await person('patient');
      assert.equal(await again.run('join', await media('patient')), 'in');
      await patient.hears('moved', (event) => event.t === 'state' && event.to === 'left' && event.why === 'duplicate');
      await again.sees('video doctor');
      await flows(again);
      await flows(doctor);
      await close();
    });

    test('captions of the provider, who speaks, and advice to stop the picture', async () => {
      const { doctor, patient, room, close } = await met();
      await flows(doctor);
      await provider.caption(room, 'patient', 'أشعر', false);
      await provider.caption(room, 'patient', 'أشعر بألم', true);
      await doctor.hears('the words', (event) => event.t === 'caption' && event.text === 'أشعر بألم');
      assert.deepEqual((await doctor.run('told')).filter((event) => event.t === 'caption'), [
        { t: 'caption', id: 'patient', text: 'أشعر', final: false, lang: 'ar-SA' }, { t: 'caption', id: 'patient', text: 'أشعر بألم', final: true, lang: 'ar-SA' }]);
      await provider.speaks(room, 'patient');
      await doctor.hears('who speaks', (event) => event.t === 'speaking' && event.ids.includes('patient'));
      await provider.poor(room, 'patient');
      await patient.hears('advice', (event) => event.t === 'advice' && event.stopVideo, 40_000);
      await close();
    });

    test('nothing of camera and microphone is kept open after the call', async () => {
      const { doctor, patient, close } = await met();
      await patient.run('share', true);
      await doctor.sees('screen patient');
      await patient.run('camera', false);
      await patient.run('camera', true);
      await doctor.sees('video patient');
      await patient.call('leave');
      await until('all copies have ended', async () => (await patient.look('captured')).length === 0, 5000)
        .catch(async () => assert.deepEqual(await patient.look('captured'), []));
      await close();
    });

    test('who leaves while he comes in is not in', async () => {
      const { person, media, close } = await rooms();
      const doctor = await person('doctor');
      const coming = doctor.run('join', await media('doctor'));
      await doctor.hears('joining', (event) => event.t === 'state' && event.to === 'joining');
      await doctor.call('leave');
      assert.notEqual(await coming, 'in');
      assert.equal((await last(doctor)).to, 'left');
      await close();
    });
  }

  if (!real) return;

  test('another network: new ways for all media', async () => {
    const { doctor, patient, close } = await met();
    // A screen that came and went leaves a line of its own behind.
    await doctor.run('share', true);
    await patient.sees('screen doctor');
    await doctor.run('share', false);
    await patient.sees('screen doctor', false);
    await flows(patient);
    const before = await patient.look('ways');
    const connections = await patient.look('connections');
    await patient.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until('other ways', async () => {
      const now = await patient.look('ways');
      return now.length === before.length && now.every((one, i) => one && one !== before[i]);
    });
    await until('connected', async () => (await patient.run('told')).filter((event) => event.t === 'state').at(-1).to === 'connected');
    await flows(patient);
    await flows(doctor);
    assert.equal(await patient.look('connections'), connections);
    await close();
  });

  test('a socket that is lost is claimed back, and media go on', async () => {
    const { doctor, patient, person, media, close } = await met();
    await flows(patient);
    const connections = await patient.look('connections');
    const ways = await patient.look('ways');
    await patient.call('mute', true);
    await patient.look('killSocket');
    await patient.hears('reconnecting', (event) => event.t === 'state' && event.to === 'reconnecting');
    await until('connected', async () => (await patient.run('told')).filter((event) => event.t === 'state').at(-1).to === 'connected');
    await flows(patient);
    assert.equal(await patient.look('connections'), connections);
    assert.deepEqual(await patient.look('ways'), ways);
    assert.ok(!(await doctor.told((event) => event.t === 'person' && !event.in)), 'the others saw nobody leave');
    // The session is alive again: it is told of who comes, and is still muted.
    const nurse = await person('nurse');
    assert.equal(await nurse.run('join', await media('nurse')), 'in');
    await patient.sees('video nurse');
    await nurse.hears('muted', (event) => event.t === 'muted' && event.id === 'patient' && event.on);
    await close();
  });

  test('fresh credentials are taken without a break, and after the session is gone with a new one', async () => {
    const { doctor, patient, media, close } = await met();
    await flows(doctor);
    const connections = await patient.look('connections');
    await patient.call('renew', await media('patient'));
    await flows(doctor);
    assert.equal(await patient.look('connections'), connections);

    const { sessions } = await provider.admin({ janus: 'list_sessions' });
    for (const session_id of sessions) {
      const { handles } = await provider.admin({ janus: 'list_handles', session_id });
      for (const handle_id of handles) {
        const { info } = await provider.admin({ janus: 'handle_info', session_id, handle_id });
        if (info?.plugin_specific?.id === 'patient') await provider.admin({ janus: 'destroy_session', session_id });
      }
    }
    await patient.hears('fresh credentials are needed', (event) => event.t === 'state' && event.why === 'expired', 40_000);
    await patient.call('renew', await media('patient'));
    await patient.sees('video doctor');
    await flows(patient);
    await doctor.sees('video patient');
    await flows(doctor);
    await close();
  });
});
