// Janus' protocol over a WebSocket: one session, requests matched with answers by transaction, events by handle.

export interface Message {
  janus: string;
  session_id?: number;
  sender?: number;
  transaction?: string;
  data?: { id: number };
  error?: { code: number; reason: string };
  plugindata?: { data: Record<string, unknown> };
  jsep?: RTCSessionDescriptionInit;
  candidate?: RTCIceCandidateInit & { completed?: boolean };
}

// Error that Janus or the VideoRoom answered with. 0: no answer came.
export class JanusError extends Error {
  constructor(readonly code: number, reason: string) {
    super(`${code} ${reason}`);
  }
}

// Session unknown, not authorised, token expired: only new credentials help.
export const kGone = [458, 403, 405, 470];

const kKeepAliveMs = 25_000;
const kAnswerMs = 10_000;

interface Asked { resolve: (message: Message) => void; reject: (error: JanusError) => void }

export class Signal {
  private socket: WebSocket | null = null;
  private session = 0;
  private next = 0;
  private readonly asked = new Map<string, Asked>();
  private keepAlive = 0;
  // Of events that belong to a handle.
  readonly handles = new Map<number, (message: Message) => void>();
  // Called when the socket is lost, and not when it is closed from here.
  gone: () => void = () => {};
  // Called when Janus refuses a keep-alive, or ends the session itself.
  refused: (code: number) => void = () => {};

  constructor(private readonly url: string, public token: string) {}

  get open(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  async create(): Promise<void> {
    await this.connect();
    this.session = (await this.send({ janus: 'create' })).data?.id ?? 0;
    this.begin();
  }
  // Takes the session over with a new socket; media are not touched.
  async claim(): Promise<void> {
    await this.connect();
    await this.send({ janus: 'claim' });
    this.begin();
  }
  async attach(identity: string, handler: (message: Message) => void): Promise<number> {
    const { data } = await this.send({ janus: 'attach', plugin: 'janus.plugin.videoroom', opaque_id: identity });
    const id = data?.id ?? 0;
    this.handles.set(id, handler);
    return id;
  }
  // Answer of the VideoRoom, not Janus' `ack`.
  message(handle: number, body: object, jsep?: RTCSessionDescriptionInit | null): Promise<Message> {
    return this.send({ janus: 'message', handle_id: handle, body, ...(jsep ? { jsep } : {}) });
  }
  trickle(handle: number, candidate: RTCIceCandidate | null): void {
    const what = candidate ? candidate.toJSON() : { completed: true };
    this.send({ janus: 'trickle', handle_id: handle, candidate: what }).catch(() => {});
  }
  detach(handle: number): void {
    this.handles.delete(handle);
    this.send({ janus: 'detach', handle_id: handle }).catch(() => {});
  }
  keep(): Promise<Message> {
    return this.send({ janus: 'keepalive' });
  }
  // Ends the session at once, also while the page goes away.
  close(): void {
    clearInterval(this.keepAlive);
    if (this.open && this.session) this.post({ janus: 'destroy' }, String(++this.next));
    this.drop();
    this.session = 0;
  }
  // Loses the socket without ending the session.
  drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onclose = socket.onmessage = socket.onerror = socket.onopen = null;
      socket.close();
    }
    this.fail();
  }

  private begin(): void {
    clearInterval(this.keepAlive);
    this.keepAlive = setInterval(() => {
      if (!this.open) return;
      this.keep().catch((error: JanusError) => {
        if (error.code) this.refused(error.code);
        else this.lost();
      });
    }, kKeepAliveMs) as unknown as number;
  }
  private fail(): void {
    for (const one of this.asked.values()) one.reject(new JanusError(0, 'the connection is gone'));
    this.asked.clear();
  }
  private lost(): void {
    this.drop();
    this.gone();
  }

  private connect(): Promise<void> {
    this.drop();
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.url, 'janus-protocol');
      this.socket = socket;
      const timer = setTimeout(() => socket.close(), kAnswerMs);
      socket.onopen = () => {
        clearTimeout(timer);
        socket.onclose = () => this.lost();
        resolve();
      };
      socket.onclose = () => {
        clearTimeout(timer);
        this.drop();
        reject(new JanusError(0, 'Janus does not answer'));
      };
      socket.onmessage = ({ data }) => this.received(JSON.parse(String(data)) as Message);
    });
  }

  private received(message: Message): void {
    const asked = message.transaction === undefined ? undefined : this.asked.get(message.transaction);
    if (!asked) {
      if (message.janus === 'timeout') this.refused(458);
      else if (message.sender !== undefined) this.handles.get(message.sender)?.(message);
      return;
    }
    // An `ack` of a message is not yet the answer; of a keep-alive and a trickle it is.
    if (message.janus === 'ack' && message.transaction?.startsWith('m')) return;
    this.asked.delete(message.transaction as string);
    const data = message.plugindata?.data;
    if (message.janus === 'error') asked.reject(new JanusError(message.error?.code ?? 499, message.error?.reason ?? ''));
    else if (data?.error_code) asked.reject(new JanusError(Number(data.error_code), String(data.error)));
    else asked.resolve(message);
  }

  private post(message: Record<string, unknown>, transaction: string): void {
    const session = this.session ? { session_id: this.session } : {};
    this.socket?.send(JSON.stringify({ ...message, ...session, transaction, token: this.token }));
  }
  private send(message: Record<string, unknown>): Promise<Message> {
    if (!this.open) return Promise.reject(new JanusError(0, 'the connection is gone'));
    const transaction = (message.janus === 'message' ? 'm' : 'c') + String(++this.next);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.asked.delete(transaction);
        reject(new JanusError(0, 'no answer came'));
      }, kAnswerMs);
      this.asked.set(transaction, {
        resolve: (answer) => (clearTimeout(timer), resolve(answer)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      this.post(message, transaction);
    });
  }
}
