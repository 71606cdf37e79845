// node check.js <vendor> <file>: opens a page of Chromium with what the hub hands out, and plays the signalling that the
// vendor's client connects to, as far as its first words. Ends with 1 and says why when they are not the right ones.
const assert = require('node:assert')
const crypto = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { spawn } = require('node:child_process')
const esbuild = require('esbuild')

const [vendor, file] = process.argv.slice(2)
const given = JSON.parse(fs.readFileSync(file, 'utf8'))
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rabt-calls-'))
const kPatienceMs = 120_000

// ---- A WebSocket server for one client; its messages are short

function frameOf (text) {
  const body = Buffer.from(text)
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255])
  return Buffer.concat([head, body])
}
// The first whole frame: {opcode, body, rest}; nothing while it is not whole.
function takeFrame (bytes) {
  if (bytes.length < 2) return null
  let size = bytes[1] & 127
  let at = 2
  if (size === 126) {
    if (bytes.length < 4) return null
    size = bytes.readUInt16BE(2)
    at = 4
  } else if (size === 127) {
    if (bytes.length < 10) return null
    size = Number(bytes.readBigUInt64BE(2))
    at = 10
  }
  if (bytes.length < at + 4 + size) return null
  const mask = bytes.subarray(at, at + 4)
  const body = Buffer.from(bytes.subarray(at + 4, at + 4 + size)).map((byte, i) => byte ^ mask[i % 4])
  return { opcode: bytes[0] & 15, body, rest: bytes.subarray(at + 4 + size) }
}

function signalling (opened, said) {
  const server = http.createServer()
  server.on('upgrade', (request, socket) => {
    const accept = crypto.createHash('sha1')
      .update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
    const protocol = (request.headers['sec-websocket-protocol'] || '').split(',')[0].trim()
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n` + (protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : '') + '\r\n')
    opened(request)
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece])
      for (let frame; (frame = takeFrame(bytes));) {
        bytes = frame.rest
        said(frame, (answer) => socket.write(frameOf(JSON.stringify(answer))))
      }
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

// ---- Chromium

function open (page) {
  const script = path.join(folder, 'page.js')
  esbuild.buildSync({
    entryPoints: [path.join(__dirname, 'page.js')],
    bundle: true,
    outfile: script,
    // As a bundler for browsers takes them, also where a package asks for another by require().
    mainFields: ['browser', 'module', 'main'],
    define: { global: 'window' },
    nodePaths: [process.env.NODE_PATH],
    logLevel: 'error'
  })
  fs.writeFileSync(path.join(folder, 'page.html'), '<!doctype html><meta charset="utf-8"><body></body><script src="page.js"></script>')
  const browser = spawn('/usr/bin/chromium', [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--mute-audio', '--no-first-run',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--enable-logging=stderr',
    '--user-data-dir=' + path.join(folder, 'browser'),
    'file://' + path.join(folder, 'page.html') + '#' + encodeURIComponent(JSON.stringify(page))
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  browser.stderr.on('data', (piece) => { said += piece })
  return {
    browser,
    // Reports of the page, in order.
    told: () => [...said.matchAll(/"RABT (\{.*\})", source/g)].map((one) => JSON.parse(one[1].replaceAll('\\"', '"'))),
    said: () => said
  }
}

async function until (what, holds, page) {
  for (const end = Date.now() + kPatienceMs; Date.now() < end;) {
    const found = holds()
    if (found) return found
    const failed = page.told().find((one) => one.failed)
    assert.ok(!failed, JSON.stringify(failed))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the page did not come to this: ' + what + '; it said ' + JSON.stringify(page.told()) + page.said().split('\n').filter((line) => line.includes('CONSOLE')).slice(-20).join('\n'))
}

async function chime (use) {
  let handshake = null
  let first = null
  const server = await signalling((request) => { handshake = request }, (frame) => { first = first || frame })
  const url = 'ws://127.0.0.1:' + server.address().port + '/control/' + given.meeting.MeetingId
  const page = use(open({ vendor, ...given, signalling: url }))
  const made = await until('a configuration', () => page.told().find((one) => one.meetingId), page)
  assert.strictEqual(made.meetingId, given.meeting.MeetingId)
  assert.strictEqual(made.externalMeetingId, given.meeting.ExternalMeetingId)
  assert.strictEqual(made.attendeeId, given.attendee.AttendeeId)
  assert.strictEqual(made.externalUserId, given.attendee.ExternalUserId)
  assert.strictEqual(made.joinToken, given.attendee.JoinToken)
  assert.ok(made.signalingURL.startsWith('wss://'), made.signalingURL)
  assert.ok(made.audioHostURL && made.turnControlURL)
  await until('its signalling', () => handshake, page)
  assert.ok(handshake.url.startsWith('/control/' + given.meeting.MeetingId), handshake.url)
  const protocols = handshake.headers['sec-websocket-protocol'].split(',').map((one) => one.trim())
  assert.deepStrictEqual(protocols, ['_aws_wt_session', given.attendee.JoinToken])
  // Its first words are a frame of protobuf: it wants to join.
  await until('its first words', () => first, page)
  assert.strictEqual(first.opcode, 2)
}

async function twilio (use) {
  const words = []
  const server = await signalling(() => {}, (frame, answer) => {
    if (frame.opcode !== 1) return
    const said = JSON.parse(frame.body)
    words.push(said)
    if (said.type !== 'hello') return
    answer({ type: 'welcome', negotiatedTimeout: 60000 })
    // With its first words it asks for servers of TURN; then it connects.
    if (said.body.type === 'ice') answer({ type: 'msg', body: { type: 'iced', version: 1, ice_servers: [] } })
  })
  const page = use(open({ vendor, ...given, signalling: 'ws://127.0.0.1:' + server.address().port + '/signaling' }))
  const said = await until('asking to connect',
    () => words.find((one) => one.type === 'msg' && one.body.type === 'connect'), page)
  assert.strictEqual(words[0].body.token, given.token)
  assert.strictEqual(said.body.token, given.token)
  assert.ok(said.body.participant && said.body.publisher, JSON.stringify(said.body).slice(0, 1000))
}

let page = null
const use = (made) => { page = made; return made }
;(vendor === 'chime' ? chime(use) : twilio(use)).then(() => 0, (error) => {
  console.error(error)
  return 1
}).then((code) => {
  if (page) page.browser.kill('SIGKILL')
  setTimeout(() => {
    fs.rmSync(folder, { recursive: true, force: true })
    if (code === 0) console.log('content')
    process.exit(code)
  }, 500)
})
