// Systems of a hospital that others have written: node-hl7-client books, node-hl7-server keeps the record. A line in, a
// line out. {"listen": {tls}}: a server; gives its port. {"taken": n}: the first n messages that it took, once they are
// there. {"send": {port, text, tls}}: sends a message over the one connection to this port; gives its acknowledgement.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { Client, Message } from 'node-hl7-client';
import { Server } from 'node-hl7-server';

const taken = [];
let heard = () => {};

function read(files) {
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readFileSync(file)]));
}

// Code and value of each segment: DG1-3 or OBX-3 and OBX-5.
function entriesOf(message, name) {
  if (!message.exists(name)) return [];
  return message.get(name).toArray().map((one) => [one.get('3.1').toString(), name === 'OBX' ? one.get('5').toString() : '']);
}

function listen({ tls }) {
  const server = new Server({ bindAddress: '127.0.0.1', ...(tls ? { tls: read(tls) } : {}) });
  return new Promise((done) => {
    const inbound = server.createInbound({ port: 0 }, async (request, response) => {
      const message = request.getMessage();
      taken.push({
        type: message.get('MSH.9').toRaw(),
        control: message.get('MSH.10').toString(),
        family: message.get('PID.5.1').toString(),
        visit: message.get('PV1.19').toString(),
        text: message.exists('OBX.5') ? message.get('OBX.5').toString() : '',
        entries: ['DG1', 'OBX'].flatMap((name) => entriesOf(message, name)),
      });
      await response.sendResponse('AA');
      heard();
    });
    inbound.on('listen', () => done({ port: inbound._socket.address().port }));
    inbound.on('client.error', () => {});
  });
}

async function waited(count) {
  while (taken.length < count) await new Promise((again) => (heard = again));
  return taken.slice(0, count);
}

// It sends nothing before it is connected, and one message at a time: while an answer is awaited, or no connection
// stands, it would open another one.
const lines = new Map();

async function send({ port, text, tls }) {
  let line = lines.get(port);
  if (line === undefined) {
    const client = new Client({ host: '127.0.0.1', ...(tls ? { tls: read(tls) } : {}) });
    line = { answered: () => {} };
    line.connection = client.createConnection({ port }, async (response) => {
      const message = response.getMessage();
      line.answered({
        type: message.get('MSH.9.1').toString(),
        code: message.get('MSA.1').toString(),
        control: message.get('MSA.2').toString(),
        error: message.exists('ERR.3') ? message.get('ERR.3.1').toString() : '',
      });
    });
    lines.set(port, line);
    const up = await new Promise((done) => {
      line.connection.on('connect', () => done(true));
      line.connection.on('client.error', () => done(false));
    });
    if (!up) return { error: 'no connection' };
  }
  return new Promise((done) => {
    line.answered = done;
    line.connection.sendMessage(new Message({ text }));
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer = asked.listen ? await listen(asked.listen)
    : asked.send ? await send(asked.send) : await waited(asked.taken);
  console.log(JSON.stringify(answer));
}
process.exit(0);
