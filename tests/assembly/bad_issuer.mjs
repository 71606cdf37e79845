// An issuer of tokens that is wrong in every way that its name says, made with jose. A line in, a line out. The first
// line says its address. Its issuers are folders there: each publishes its keys and what it is, well or badly.
// {"token": {"case", "of", "audience"}}: an access token. {"redeem": {"case", "of", "audience", "nonce"}}: the ID token
// that its token endpoint gives next.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { CompactEncrypt, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

const rsa = await generateKeyPair('RS256', { extractable: true });
const ec = await generateKeyPair('ES256', { extractable: true });
const stranger = await generateKeyPair('RS256', { extractable: true });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const published = async (key, kid, alg) => ({ ...await exportJWK(key), kid, alg, use: 'sig' });
const rsaJwk = await published(rsa.publicKey, 'rsa', 'RS256');
const ecJwk = await published(ec.publicKey, 'ec', 'ES256');
const strangerJwk = await published(stranger.publicKey, 'stranger', 'RS256');
const weakJwk = { ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak', alg: 'RS256', use: 'sig' };
const privateJwk = { ...await exportJWK(rsa.privateKey), kid: 'rsa', alg: 'RS256', use: 'sig' };

// ---- What it publishes

const good = { keys: [rsaJwk, ecJwk] };
const sets = {
  weak: { keys: [weakJwk] },
  private: { keys: [privateJwk] },
  shared: { keys: [rsaJwk, { kty: 'oct', k: 'c2VjcmV0IG9mIHRoZSB0d28gb2YgdGhlbSwgcHVibGlzaGVk', kid: 'oct', alg: 'HS256' }] },
  encryption: { keys: [{ ...rsaJwk, use: 'enc' }] },
  operations: { keys: [{ ...rsaJwk, key_ops: ['encrypt'] }] },
  algorithm: { keys: [{ ...rsaJwk, alg: 'RSA-OAEP-256' }] },
  many: { keys: Array.from({ length: 65 }, (_, i) => ({ ...rsaJwk, kid: i === 0 ? 'rsa' : `k${i}` })) },
  empty: { keys: [] },
  none: {},
};

const server = createServer((request, response) => {
  const [, of, ...rest] = new URL(request.url, address).pathname.split('/');
  const json = (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  switch (rest.join('/')) {
    case '.well-known/openid-configuration': return describe(of, response, json);
    case 'jwks': return publish(of, response, json);
    case 'token':
      request.resume();
      return json({ access_token: 'not kept', token_type: 'Bearer', id_token: redeemed });
    default: return response.writeHead(404).end();
  }
});
await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const address = `http://127.0.0.1:${server.address().port}`;
let redeemed = '';

function describe(of, response, json) {
  const own = {
    issuer: `${address}/${of}`,
    authorization_endpoint: `${address}/${of}/authorize`,
    token_endpoint: `${address}/${of}/token`,
    jwks_uri: `${address}/${of}/jwks`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
  switch (of) {
    case 'renamed': return json({ ...own, issuer: `${address}/good` });
    case 'slashed': return json({ ...own, issuer: `${own.issuer}/` });
    case 'plain': return json({ ...own, code_challenge_methods_supported: ['plain'] });
    case 'insecure': return json({ ...own, token_endpoint: 'http://issuer.example/token' });
    case 'elsewhere': return json({ ...own, jwks_uri: 'https://issuer.example/jwks' });
    case 'keyless': return json({ ...own, jwks_uri: undefined });
    case 'twice': return response.writeHead(200, { 'content-type': 'application/json' })
      .end(`{"issuer": "${address}/good", ${JSON.stringify(own).slice(1)}`);
    case 'broken': return response.writeHead(500).end();
    default: return json(own);
  }
}

function publish(of, response, json) {
  switch (of) {
    case 'failing': return response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(good));
    case 'moved': return response.writeHead(302, { location: `${address}/good/jwks` }).end();
    case 'page': return response.writeHead(200, { 'content-type': 'text/html' }).end(JSON.stringify(good));
    case 'huge': {
      // It goes on as long as somebody reads.
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`${JSON.stringify(good).slice(0, -2)}`);
      const more = () => { while (!response.destroyed && response.write(`,${JSON.stringify(rsaJwk)}`)); };
      response.on('drain', more);
      return more();
    }
    case 'slow': {
      // A byte now and then, and never the last one.
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 200);
      return response.on('close', () => clearInterval(timer));
    }
    default: return json(sets[of] ?? good);
  }
}

// ---- Its tokens

const encoded = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
// Signs tokens that jose refuses to sign.
const signed = (header, payload, key, algorithm = 'sha256') => {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${sign(algorithm, Buffer.from(input), key).toString('base64url')}`;
};
const mac = (header, payload, secret) => {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};
const jose = (claims, header = {}, key = rsa.privateKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'rsa', typ: 'JWT', ...header }).sign(key);
const without = (claims, ...names) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));

const now = () => Math.floor(Date.now() / 1000);
const cases = {
  good: (c) => jose(c),
  'good, ES256': (c) => jose(c, { alg: 'ES256', kid: 'ec' }, ec.privateKey),
  // The signature
  'alg none': (c) => new UnsecuredJWT(c).encode(),
  'alg None with a kid': (c) => `${encoded({ alg: 'None', kid: 'rsa' })}.${encoded(c)}.`,
  'no alg': (c) => signed({ kid: 'rsa' }, c, rsa.privateKey),
  'no signature': async (c) => (await jose(c)).replace(/[^.]+$/, ''),
  'a signature of other claims': async (c) => {
    const [header, , signature] = (await jose(c)).split('.');
    return `${header}.${encoded({ ...c, sub: 'somebody else' })}.${signature}`;
  },
  'HS256 with the public key': async (c) =>
    mac({ alg: 'HS256', kid: 'rsa', typ: 'JWT' }, c, await exportSPKI(rsa.publicKey)),
  'HS256 with the modulus': (c) =>
    mac({ alg: 'HS256', kid: 'rsa', typ: 'JWT' }, c, Buffer.from(rsaJwk.n, 'base64url')),
  'PS256 where the key is for RS256': async (c) => {
    const pss = await crypto.subtle.importKey('jwk', { ...privateJwk, alg: undefined, use: undefined },
      { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign']);
    return jose(c, { alg: 'PS256' }, pss);
  },
  'ES256 in DER': (c) => signed({ alg: 'ES256', kid: 'ec', typ: 'JWT' }, c, ec.privateKey),
  'a weak key': (c) => signed({ alg: 'RS256', kid: 'weak', typ: 'JWT' }, c, weak.privateKey),
  'an unknown kid': (c) => jose(c, { kid: 'nobody knows it' }),
  'kid of another key': (c) => jose(c, { kid: 'ec' }),
  'a key of its own under a known kid': (c) => jose(c, {}, stranger.privateKey),
  'a key of its own under none': (c) => jose(c, { kid: undefined }, stranger.privateKey),
  // The header
  'an embedded jwk': (c) => jose(c, { jwk: strangerJwk }, stranger.privateKey),
  'its own jku': (c) => jose(c, { jku: `${address}/stranger/jwks` }, stranger.privateKey),
  'its own x5u': (c) => jose(c, { x5u: `${address}/stranger/x5u` }, stranger.privateKey),
  'a jku, rightly signed': (c) => jose(c, { jku: `${address}/good/jwks` }),
  'an unknown crit': (c) => new SignJWT(c)
    .setProtectedHeader({ alg: 'RS256', kid: 'rsa', crit: ['http://hub.example/new'], 'http://hub.example/new': true })
    .sign(rsa.privateKey, { crit: { 'http://hub.example/new': true } }),
  'an empty crit': (c) => signed({ alg: 'RS256', kid: 'rsa', crit: [] }, c, rsa.privateKey),
  // RFC 7797: what is signed is not what stands there.
  'b64 false': (c) => {
    const header = encoded({ alg: 'RS256', kid: 'rsa', b64: false, crit: ['b64'] });
    const made = sign('sha256', Buffer.from(`${header}.${JSON.stringify(c)}`), rsa.privateKey);
    return `${header}.${encoded(c)}.${made.toString('base64url')}`;
  },
  'b64 false without crit': (c) => signed({ alg: 'RS256', kid: 'rsa', b64: false }, c, rsa.privateKey),
  'a header that names alg twice': (c) =>
    signed('{"alg":"none","alg":"RS256","kid":"rsa"}', c, rsa.privateKey),
  'a kid of 300 bytes': (c) => jose(c, { kid: 'k'.repeat(300) }),
  'a kid that is a number': (c) => signed({ alg: 'RS256', kid: 1 }, c, rsa.privateKey),
  // The form
  'JWE': (c) => new CompactEncrypt(Buffer.from(JSON.stringify(c)))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'rsa' }).encrypt(strangerOaep),
  'a long one': (c) => jose({ ...c, more: 'x'.repeat(7_000) }),
  'a very long one': (c) => jose({ ...c, more: 'x'.repeat(20_000) }),
  padded: async (c) => `${await jose(c)}==`,
  'standard base64': async (c) => {
    const [header, , signature] = (await jose(c)).split('.');
    return `${header}.${Buffer.from(`${JSON.stringify(c)}  `).toString('base64')}.${signature}`;
  },
  'four parts': async (c) => `${await jose(c)}.e30`,
  'claims that are a list': (c) => signed({ alg: 'RS256', kid: 'rsa' }, JSON.stringify([c]), rsa.privateKey),
  'claims that are no JSON': () => signed({ alg: 'RS256', kid: 'rsa' }, '{"sub":', rsa.privateKey),
  'a claim twice': (c) =>
    signed({ alg: 'RS256', kid: 'rsa' }, `{"sub":"somebody else",${JSON.stringify(c).slice(1)}`, rsa.privateKey),
  // The claims
  'another iss': (c) => jose({ ...c, iss: `${c.iss}/` }),
  'no iss': (c) => jose(without(c, 'iss')),
  'iss that is a list': (c) => jose({ ...c, iss: [c.iss] }),
  'another aud': (c) => jose({ ...c, aud: 'another' }),
  'no aud': (c) => jose(without(c, 'aud')),
  'aud that begins like ours': (c) => jose({ ...c, aud: `${c.aud}.example` }),
  'another azp': (c) => jose({ ...c, azp: 'another' }),
  'several aud without azp': (c) => jose({ ...c, aud: [c.aud, 'another'] }),
  expired: (c) => jose({ ...c, iat: now() - 700, exp: now() - 100 }),
  'no exp': (c) => jose(without(c, 'exp')),
  'exp that is a text': (c) => jose({ ...c, exp: String(c.exp) }),
  'exp far beyond all dates': (c) => signed({ alg: 'RS256', kid: 'rsa', typ: 'JWT' },
    JSON.stringify(c).replace(/"exp":\d+/, '"exp":1e300'), rsa.privateKey),
  'not good yet': (c) => jose({ ...c, nbf: now() + 600 }),
  'made in the future': (c) => jose({ ...c, iat: now() + 600, exp: now() + 900 }),
  'made long ago': (c) => jose({ ...c, iat: now() - 6 * 3600 }),
  'no sub': (c) => jose(without(c, 'sub')),
  'sub that is a list': (c) => jose({ ...c, sub: ['u-1'] }),
  'no nonce': (c) => jose(without(c, 'nonce')),
  'another nonce': (c) => jose({ ...c, nonce: 'of another sign-in' }),
  'an ID token': (c) => jose({ ...c, nonce: 'n', at_hash: 'aGFzaA' }),
  'a logout token': (c) => jose({ ...c, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    { typ: 'logout+jwt' }),
  'typ of a logout token': (c) => jose(c, { typ: 'logout+jwt' }),
  'typ of a DPoP proof': (c) => jose(c, { typ: 'dpop+jwt' }),
  'for the holder of a key': (c) => jose({ ...c, cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }),
};
const strangerOaep = await crypto.subtle.importKey('jwk', { ...rsaJwk, alg: undefined, use: undefined },
  { name: 'RSA-OAEP', hash: 'SHA-256' }, false, ['encrypt']);

function claims({ of, audience, nonce }) {
  return {
    iss: `${address}/${of}`,
    aud: audience,
    sub: 'u-1',
    name: 'Dr. Ahmad',
    role: 'doctor',
    groups: ['KFH-Doctors'],
    iat: now(),
    exp: now() + 300,
    ...(nonce ? { nonce } : {}),
  };
}

console.log(JSON.stringify({ issuer: address }));
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer = {};
  try {
    const wanted = order.token ?? order.redeem;
    const token = await cases[wanted.case](claims(wanted));
    if (order.token) answer = { token };
    if (order.redeem) redeemed = token;
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
server.closeAllConnections();
process.exit(0);
