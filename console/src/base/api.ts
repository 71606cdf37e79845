// Calls of the hub's API with the browser's session: the cookie proves who calls, and no script ever sees it. Requests are repeated
// by hand only: a lost answer of a POST is asked for again under the same Idempotency-Key.
import { signal } from '@preact/signals';
import { has, isolate, t, type Key } from './i18n';
import { lang } from './prefs';

// A refusal: what the hub said in a problem document, or that it did not answer (status 0).
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly request: string,
    readonly retryAfter = 0,
  ) {
    super(code);
  }
}

export interface Options {
  body?: unknown;
  // Why a record is read or written; goes to the audit log.
  reason?: string;
  // A key that was used before: the same act again after a lost answer.
  key?: string;
  etag?: string;
  signal?: AbortSignal;
  // Media type of the answer, where it is not application/json; a text/... is not parsed.
  accept?: string;
  // A status besides 2xx whose body is an answer, too: 503 of /health.
  takes?: number;
  // The answer is text, not JSON.
  raw?: boolean;
}
export interface Answer<T> {
  data: T;
  etag: string;
  status: number;
}

// Set when the hub says that nobody is signed in. The shell shows the sign-in; pages keep what was typed.
export const signedOut = signal(false);
// Set when the hub says that two factors have to be shown again.
export const stepUpNeeded = signal(false);
// Time of the last answer: the session ends some time after it.
export const lastAnswer = signal(Date.now());

export const newKey = () => crypto.randomUUID();
// RFC 8187: a header of fetch cannot carry Arabic.
const coded = (text: string) => `UTF-8''${encodeURIComponent(text).replace(/['()*!]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase())}`;

// A browser may hold the links of several visits: the call page says which one it shows.
export function visitHeader(): Record<string, string> {
  const visit = /^\/call\/([0-9A-Za-z]+)/.exec(location.pathname)?.[1];
  return visit ? { 'X-Rabt-Visit': visit } : {};
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: options.accept ?? 'application/json', 'Accept-Language': lang.value };
  if (options.body !== undefined) headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  if (method === 'POST') headers['Idempotency-Key'] = options.key ?? newKey();
  Object.assign(headers, visitHeader());
  if (options.reason) headers['X-Rabt-Reason'] = coded(options.reason);
  if (options.etag) headers['If-Match'] = options.etag;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: options.signal,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, navigator.onLine ? 'page.unreachable' : 'page.offline', '', '', '');
  }
  lastAnswer.value = Date.now();
  const text = await response.text();
  let data: unknown;
  try {
    data = options.raw && response.ok ? text : text ? JSON.parse(text) : undefined;
  } catch {
    data = undefined;
  }
  if (response.ok || response.status === options.takes)
    return { data: (options.accept?.startsWith('text/') ? text : data) as T, etag: response.headers.get('ETag') ?? '', status: response.status };
  const said = (data ?? {}) as Record<string, unknown>;
  const problem = new Problem(
    response.status,
    typeof said.code === 'string' ? said.code : 'page.answer',
    typeof said.title === 'string' ? said.title : '',
    typeof said.detail === 'string' ? said.detail : '',
    response.headers.get('X-Request-Id') ?? '',
    Number(response.headers.get('Retry-After') ?? 0),
  );
  if (problem.code === 'http.unauthenticated') signedOut.value = true;
  if (problem.code === 'auth.step_up') stepUpNeeded.value = true;
  throw problem;
}

// textOf: an answer that is no JSON.
export const textOf = async (path: string) => (await call<string>('GET', path, { accept: 'text/plain, application/problem+json' })).data;
export const get = async <T>(path: string, options?: Options) => (await call<T>('GET', path, options)).data;
// All items of a list, from all of its pages.
export async function all<T>(path: string, options?: Options): Promise<T[]> {
  const items: T[] = [];
  for (let next: string | undefined = path; next; ) {
    const page: { items: T[]; next?: string } = await get(next, options);
    items.push(...page.items);
    next = page.next;
  }
  return items;
}
export const post = async <T>(path: string, body: unknown = {}, options?: Options) => (await call<T>('POST', path, { ...options, body })).data;
export const patch = async <T>(path: string, body: unknown, options?: Options) => (await call<T>('PATCH', path, { ...options, body })).data;
export const put = async <T>(path: string, body: unknown, options?: Options) => (await call<T>('PUT', path, { ...options, body })).data;
export const del = async (path: string, options?: Options) => (await call<void>('DELETE', path, options)).data;

// Query of an address; leaves out what is empty.
export function query(values: Record<string, string | number | boolean | undefined | null>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? '?' + new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString() : '';
}

// The text of an error for a person: in his language by code, else by status. The hub's detail is for operators.
export function problemText(error: unknown): string {
  if (!(error instanceof Problem)) return t('problem_page');
  const byCode = `problem_${error.code.replaceAll('.', '_')}`;
  if (has(byCode)) return t(byCode as Key, { seconds: error.retryAfter });
  const byStatus = `problem_${error.status}`;
  return has(byStatus) ? t(byStatus as Key, { seconds: error.retryAfter }) : t('problem_any');
}
// Code and number of the request, which the service desk finds in the log.
export const problemTrace = (error: unknown) =>
  error instanceof Problem && error.status ? `${error.code}${error.request ? ' · ' + error.request : ''}` : '';
export { isolate };
