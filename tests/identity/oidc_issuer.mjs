// An issuer of OpenID Connect, made with oidc-provider, and a browser that its users sit at. A line in, a line out.
//   node oidc_issuer.mjs [HUB [pages]]
// HUB: the address of the hub, with a slash. With `pages`, whoever comes by a browser of his own chooses who he is, or cancels.
// The first line says the issuer's address, and the key by which its client `rabt-keyed` proves itself. {"browse": url}: the address of the hub that the browser ends at, or the
// status of an answer. {"rotate": true}: another key signs from now on. {"logout": true}: the browser's user signs out;
// gives the logout token that the issuer posts.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

// The provider's own log lines must not mix with the answers on stdout.
console.info = () => {};
console.warn = () => {};

const HUB = process.argv[2] || 'https://hub.example/';
const pages = process.argv[3] === 'pages';
const people = { 'u-1': { name: 'Dr. Ahmad', groups: ['KFH-Doctors'] }, 'u-2': { name: 'Sara', groups: [] }, 'u-3': { name: 'Engineer Fahad', groups: ['KFH-Engineers'] } };
let handler;
let logoutToken;
const server = createServer((request, response) => {
  if (request.url !== '/backchannel') return handler(request, response);
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => {
    logoutToken = new URLSearchParams(body).get('logout_token');
    response.end();
  });
});
await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const issuer = `http://127.0.0.1:${server.address().port}`;

// The hub's own key, for private_key_jwt.
const client = generateKeyPairSync('ec', { namedCurve: 'P-384' });

let keys = 0;
function start() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  keys += 1;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'rabt',
      client_secret: 'a secret of the two of them',
      redirect_uris: [`${HUB}auth/oidc/hospital/callback`],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: 'ES256',
      backchannel_logout_uri: `${issuer}/backchannel`,
      backchannel_logout_session_required: true,
    }, {
      client_id: 'rabt-keyed',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES384',
      jwks: { keys: [{ ...client.publicKey.export({ format: 'jwk' }), kid: 'of-the-hub', use: 'sig', alg: 'ES384' }] },
      redirect_uris: [`${HUB}auth/oidc/keyed/callback`],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: `key-${keys}`, alg: 'ES256', use: 'sig' }] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES384'] },
    cookies: { keys: ['of this test alone'] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['name', 'groups'] },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      // Whoever has not handed his request over beforehand (RFC 9126) gets nowhere.
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    },
    pkce: { required: () => true },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...people[id] }),
    }),
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId,
        accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  handler = async (request, response) => {
    if (!request.url.startsWith('/sign-in/')) return answer(request, response);
    const [, , , chosen] = request.url.split('/');
    if (pages && !chosen) {
      const links = Object.entries(people).map(([id, { name }]) => `<p><a href="${request.url}/${id}">${name}</a></p>`);
      return response.end(`<!doctype html><title>Issuer</title><h1>Who are you?</h1>${links.join('')}<p><a href="${request.url}/cancel">Cancel</a></p>`);
    }
    // Whoever comes without choosing is Dr. Ahmad.
    await provider.interactionFinished(request, response, chosen === 'cancel' ? { error: 'access_denied' } : { login: { accountId: chosen ?? 'u-1' } });
  };
}
start();

const jar = new Map();
async function visit(url, options = {}) {
  const response = await fetch(url, {
    redirect: 'manual',
    ...options,
    headers: { ...options.headers, cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
  });
  // Debian's Node knows the lines of Set-Cookie joined with commas alone.
  for (const line of (response.headers.get('set-cookie') ?? '').split(/,\s*(?=[^;,=\s]+=)/).filter(Boolean)) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (value === '') jar.delete(name); else jar.set(name, value);
  }
  return response;
}

async function browse(url) {
  for (let i = 0; i < 10; i += 1) {
    if (url.startsWith(HUB)) return { location: url };
    const response = await visit(url);
    const next = response.headers.get('location');
    if (!next) return { status: response.status, said: await response.text() };
    url = new URL(next, url).href;
  }
  return { status: 0, said: 'too many redirections' };
}

async function logout() {
  const page = await (await visit(`${issuer}/session/end`)).text();
  const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(page);
  logoutToken = undefined;
  await visit(`${issuer}/session/end/confirm`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
  });
  return { token: logoutToken ?? null };
}

console.log(JSON.stringify({ issuer, key: client.privateKey.export({ type: 'pkcs8', format: 'pem' }) }));
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer = {};
  try {
    if (order.browse) answer = await browse(order.browse);
    if (order.rotate) start();
    if (order.logout) answer = await logout();
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
server.close();
process.exit(0);
