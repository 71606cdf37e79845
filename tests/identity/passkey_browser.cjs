// A browser with a virtual authenticator, driven by the DevTools protocol over a pipe. It serves one
// empty page, says its origin, then answers each line {"create": options} or {"get": options} with
// what the page got, as JSON, or {"error": name}.
'use strict';
const { spawn } = require('child_process');
const http = require('http');
const readline = require('readline');

const page = http.createServer((_, answer) => {
  answer.setHeader('Content-Type', 'text/html');
  answer.end('<!doctype html><title>passkeys</title>');
});

function connect(browser) {
  const waiting = new Map();
  let id = 0;
  let rest = '';
  browser.stdio[4].on('data', (data) => {
    rest += data;
    for (let end = rest.indexOf('\0'); end >= 0; end = rest.indexOf('\0')) {
      const message = JSON.parse(rest.slice(0, end));
      rest = rest.slice(end + 1);
      if (!waiting.has(message.id)) continue;
      const [resolve, reject] = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(JSON.stringify(message.error)));
      else resolve(message.result);
    }
  });
  return (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    waiting.set(++id, [resolve, reject]);
    browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
  });
}

async function main() {
  await new Promise((done) => page.listen(0, '127.0.0.1', done));
  const origin = `http://localhost:${page.address().port}`;
  const browser = spawn('/usr/bin/chromium', ['--headless=new', '--no-sandbox', '--disable-gpu',
    `--user-data-dir=${process.argv[2]}`, '--remote-debugging-pipe', 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  process.on('exit', () => browser.kill('SIGKILL'));
  const call = connect(browser);
  const { targetId } = await call('Target.createTarget', { url: origin + '/' });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  const tell = (method, params) => call(method, params, sessionId);
  await tell('WebAuthn.enable');
  await tell('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
    isUserVerified: true, automaticPresenceSimulation: true } });
  for (;;) {
    const ready = await tell('Runtime.evaluate', {
      expression: 'location.origin + " " + document.readyState', returnByValue: true });
    if (ready.result.value === `${origin} complete`) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  console.log(JSON.stringify({ origin }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const ask = JSON.parse(line);
    const kind = ask.create ? 'create' : 'get';
    const parse = ask.create ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON';
    const expression = `navigator.credentials.${kind}({publicKey: PublicKeyCredential.${parse}(` +
      `${JSON.stringify(ask[kind])})}).then((made) => JSON.stringify(made.toJSON()), ` +
      '(error) => JSON.stringify({error: error.name}))';
    const { result } = await tell('Runtime.evaluate', {
      expression, awaitPromise: true, returnByValue: true, userGesture: true });
    console.log(result.value);
  }
  process.exit(0);
}

main().catch((error) => {
  console.log(JSON.stringify({ error: String(error) }));
  process.exit(1);
});
