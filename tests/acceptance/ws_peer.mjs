// A WebSocket client that others have written: ws, from npm. A line in, a line out.
// {"open": {url, headers, protocols}}: opens, or gives the status of the refusal. {"say": {...}}: sends an object.
// {"wait": {...}}: the next message with these members. {"ping": text}: the pong. {"flood": bytes}: sends one text of
// so many bytes; gives the code that the connection was closed with.
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

let socket;
let messages = [];
let heard = () => {};
const closed = {};

function open({ url, headers, protocols }) {
  return new Promise((done) => {
    socket = new WebSocket(url, protocols ?? [], { headers });
    messages = [];
    socket.on('message', (data, binary) => {
      messages.push(binary ? { binary: true } : JSON.parse(data.toString()));
      heard();
    });
    closed.code = new Promise((ended) => { socket.on('close', ended); });
    socket.on('error', () => {});
    socket.on('open', () => done({ protocol: socket.protocol, extensions: socket.extensions }));
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      done({ status: response.statusCode });
    });
  });
}

function wait(members) {
  const fits = (message) => Object.entries(members).every(([name, value]) => message[name] === value);
  return new Promise((done) => {
    heard = () => {
      const at = messages.findIndex(fits);
      if (at < 0) return;
      heard = () => {};
      done(messages.splice(0, at + 1).pop());
    };
    heard();
    closed.code.then((code) => done({ closed: code }));
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer = {};
  if (order.open) answer = await open(order.open);
  if (order.say) socket.send(JSON.stringify(order.say));
  if (order.wait) answer = await wait(order.wait);
  if (order.ping) {
    const pong = new Promise((done) => { socket.once('pong', (data) => done({ pong: data.toString() })); });
    socket.ping(order.ping);
    answer = await pong;
  }
  if (order.flood) {
    socket.send('x'.repeat(order.flood));
    answer = { closed: await closed.code };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
