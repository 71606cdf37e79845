// A gateway for text messages, as the plugin notify has it.
import { createServer } from 'node:http';

export async function gateway() {
  const sent = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', () => {
      const { Recipient, Body } = JSON.parse(body);
      sent.push({ to: Recipient, text: Body });
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ success: true, message: '', errorCode: 'ER-00', data: { MessageID: sent.length, Status: 'Queued' } }));
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, sent, close: () => server.close() };
}
