// load.mjs INGRESS AT_ONCE TOTAL: calls the service, prints one line: workflows a second, p50 and
// p99 in milliseconds.
import http from "node:http";

const [ingress, atOnce, total] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
const body = JSON.stringify({ n: 1, text: "x".repeat(1000) });

function call(id) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${ingress}/bench/tenSteps`, {
      method: "POST",
      agent,
      headers: { "content-type": "application/json", "idempotency-key": `${process.pid}-${id}` },
    });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      response.on("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)));
    });
    request.end(body);
  });
}

async function run(count, from) {
  const times = [];
  let next = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) {
      const id = from + next++;
      const sent = performance.now();
      await call(id);
      times.push(performance.now() - sent);
    }
  }));
  return { seconds: (performance.now() - start) / 1000, times: times.sort((a, b) => a - b) };
}

await run(Math.min(total, atOnce), 0);  // the connections, the just-in-time compiler
const { seconds, times } = await run(total, atOnce);
const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(1);
console.log(`${(total / seconds).toFixed(0)} ${at(0.5)} ${at(0.99)}`);
agent.destroy();
