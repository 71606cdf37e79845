// Hospital systems that others have written: node-hl7-client and node-hl7-server, from npm. A line in, a line out.
// {"listen": port}: takes messages and acknowledges them. {"taken": n}: their texts, once there are n.
// {"send": {port, texts}}: sends messages over one connection; the code of each acknowledgement, in order.
import { createInterface } from 'node:readline';
import { Client, Message } from 'node-hl7-client';
import { Server } from 'node-hl7-server';

const taken = [];
let heard = () => {};

function listen(port) {
  return new Promise((done) => {
    const inbound = new Server({ bindAddress: '127.0.0.1' }).createInbound({ port }, async (request, response) => {
      taken.push(request.getMessage().toString());
      await response.sendResponse('AA');
      heard();
    });
    inbound.on('listen', () => done({ ok: true }));
  });
}

function enough(count) {
  return new Promise((done) => {
    heard = () => {
      if (taken.length >= count) done({ texts: taken });
    };
    heard();
  });
}

async function send({ port, texts }) {
  const codes = [];
  const connection = new Client({ host: '127.0.0.1', version: '2.5.1' }).createConnection({ port }, async (answer) => {
    codes.push(answer.getMessage().get('MSA.1').toString());
    heard();
  });
  for (const text of texts) await connection.sendMessage(new Message({ text }));
  await new Promise((done) => {
    heard = () => {
      if (codes.length >= texts.length) done();
    };
    heard();
  });
  await connection.close();
  return { codes };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [[name, argument]] = Object.entries(JSON.parse(line));
  const answer = await { listen, taken: enough, send }[name](argument);
  console.log(JSON.stringify(answer));
}
process.exit(0);
