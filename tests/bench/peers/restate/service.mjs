// Ten durable steps, as ./dev bench engine has them: each step takes 1 KB and gives 1 KB, and its
// result is durable before the next step begins. Prints its port when it listens.
import http2 from "node:http2";
import * as restate from "@restatedev/restate-sdk";

// The SDK asks for Node 22; Debian has an older one, which lacks only this.
Promise.withResolvers ??= function () {
  const deferred = {};
  deferred.promise = new this((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};

const bench = restate.service({
  name: "bench",
  handlers: {
    tenSteps: async (ctx, input) => {
      let value = input;
      for (let step = 0; step < 10; ++step) {
        const before = value;
        value = await ctx.run(`step${step}`, async () => ({ ...before }));
      }
      return value;
    },
  },
});

const server = http2.createServer(restate.createEndpointHandler({ services: [bench] }));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
