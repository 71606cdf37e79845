// One visit as this page knows it: the session, who takes part, and where the person stands on the way from the device check to the end.
import { computed, signal } from '@preact/signals';
import { call, get, post, Problem } from '../base/api';
import { t } from '../base/i18n';
import { follow, type LiveEvent, type Told } from '../base/live';
import { me } from '../base/me';
import { lang } from '../base/prefs';
import type { Media } from './client/client';
import { plainName, type Joined, type Participant, type PatientRecord, type Session, type Waiting } from './types';

export type Stage = 'loading' | 'gone' | 'before' | 'check' | 'waiting' | 'joining' | 'in' | 'after' | 'failed';
// Why the call is over for this person.
export type Ended = 'left' | 'ended' | 'removed' | 'denied' | 'moved' | 'cancelled' | 'missed';

export const kClinical = ['doctor', 'specialist', 'nurse'];
const kOver = ['completed', 'cancelled', 'no_show', 'failed'];
const kEnded: Record<string, Ended> = { cancelled: 'cancelled', no_show: 'missed', failed: 'missed' };

export const stage = signal<Stage>('loading');
export const ended = signal<Ended>('left');
export const problem = signal<unknown>(null);
export const id = signal('');
export const session = signal<Session | null>(null);
export const myId = signal('');
export const waiting = signal<Waiting[]>([]);
export const patient = signal<PatientRecord | null>(null);
// A sentence for screen readers; `loud` interrupts.
export const said = signal<{ text: string; loud: boolean }>({ text: '', loud: false });
export const announce = (text: string, loud = false): void => {
  said.value = { text, loud };
};
// Answers given before waiting; kept in this page alone until join sends them.
export const before = signal<{ location: string; phone: string; recording: '' | 'yes' | 'no' }>({ location: '', phone: '', recording: '' });

export const participants = computed<Participant[]>(() => session.value?.participants ?? []);
export const mine = computed<Participant | undefined>(() => participants.value.find((one) => one.id === myId.value));
export const role = computed(() => mine.value?.role ?? '');
export const isHost = computed(() => mine.value?.host === true);
export const isClinical = computed(() => kClinical.includes(role.value));
export const others = computed(() => participants.value.filter((one) => one.id !== myId.value && one.admission === 'admitted'));
export const patientPart = computed(() => participants.value.find((one) => one.role === 'patient'));
export const doctorPart = computed(() => participants.value.find((one) => one.role === 'doctor' || one.role === 'specialist'));

// The name in the language of the page; what was posted of a participant goes before his record. Without a name, the role.
export function nameOfPart(one: Participant | undefined): string {
  if (!one) return '';
  const posted = one.name !== one.record?.name;
  const name = (!posted && lang.value === 'ar' && one.record?.nameAr) || one.name;
  return name ? plainName(name) : t(`call_role_${one.role}` as 'call_role_patient');
}
export const partOf = (idOrIdentity: string | null | undefined): Participant | undefined =>
  participants.value.find((one) => one.id === idOrIdentity || one.identity === idOrIdentity || (one.person !== null && one.person === idOrIdentity));

export const path = (rest = ''): string => `/api/v1/sessions/${encodeURIComponent(id.value)}${rest}`;

// Called with each event of the session, and with credentials when the person is admitted.
type Heard = (event: LiveEvent) => void;
const heard = new Set<Heard>();
export function onEvent(act: Heard): () => void {
  heard.add(act);
  return () => heard.delete(act);
}
export const onMedia = { act: (_: Media): void => {} };

let unfollow: () => void = () => {};
let reading: Promise<void> | null = null;

// Reads the session again; several wishes at once are one request.
export function reread(): Promise<void> {
  reading ??= (async () => {
    try {
      session.value = await get<Session>(path());
      if (!myId.value) myId.value = ownId();
      if (kOver.includes(session.value.status)) finish(kEnded[session.value.status] ?? 'ended');
      if (isClinical.value) await readWaiting();
    } finally {
      reading = null;
    }
  })();
  return reading;
}
// Guests have no account: a single one is the participant without a person; else join() names it.
function ownId(): string {
  if (me.value) return participants.value.find((one) => one.person !== null && one.person === me.value?.id)?.id ?? '';
  const guests = participants.value.filter(({ person }) => person === null);
  return guests.length === 1 ? (guests[0]?.id ?? '') : '';
}
export const isGuest = (): boolean => me.value === null;
async function readWaiting(): Promise<void> {
  waiting.value = (await get<{ items: Waiting[] }>(path('/waiting-room')).catch(() => ({ items: [] }))).items.filter(({ here }) => here);
}

export async function open(of: string): Promise<void> {
  id.value = of;
  try {
    await reread();
  } catch (error) {
    problem.value = error;
    stage.value = 'gone';
    return;
  }
  const now = session.value;
  if (!now || kOver.includes(now.status)) return;
  if (isClinical.value) void readPatient();
  before.value = { ...before.value, location: mine.value?.location ?? '', phone: mine.value?.callbackPhone ?? '' };
  stage.value = isClinical.value || role.value === 'observer' || mine.value?.location ? 'check' : 'before';
}

async function readPatient(): Promise<void> {
  const of = session.value?.patient;
  if (!of) return;
  patient.value = await get<PatientRecord>(`/api/v1/patients/${encodeURIComponent(of)}`).catch(() => null);
}

// Answers the question of the recording as the person said it: a no is kept, too.
export async function consent(given: boolean): Promise<void> {
  await post(path('/consents'), { kind: 'recording', given, method: 'app' });
}

export async function join(): Promise<void> {
  problem.value = null;
  const { location, phone } = before.value;
  try {
    const joined = await post<Joined>(path('/join'), {
      deviceType: 'web', ...(location.trim() ? { location: location.trim() } : {}), ...(phone.trim() ? { callbackPhone: phone.trim() } : {}),
    });
    session.value = { ...joined.session, participants: joined.session.participants ?? participants.value };
    myId.value = joined.participant.id;
    unfollow();
    unfollow = follow(`session:${id.value}`, (event) => hear(event));
    await reread();
    if (joined.media) onMedia.act(joined.media);
    else stage.value = 'waiting';
  } catch (error) {
    problem.value = error;
    if (error instanceof Problem && error.status === 403) finish(mine.value?.admission === 'denied' ? 'denied' : 'removed');
  }
}

// Fresh credentials, after an event that had none or a break.
export async function credentials(): Promise<Media | null> {
  const { data } = await call<{ media?: Media }>('POST', path('/token'), { body: {} });
  return data.media ?? null;
}

function hear(event: Told): void {
  if (event.type === 'bye') {
    if (event.code.startsWith('participant.') || event.code.startsWith('authorisation.')) finish(stage.value === 'waiting' ? 'denied' : 'removed');
    return;
  }
  if (event.type === 'live') {
    void reread().catch(() => {});
    return;
  }
  const data = event.data as { participant?: string; media?: Media; event?: string };
  for (const act of [...heard]) act(event);
  switch (event.kind) {
    case 'admitted':
      if (data.participant === myId.value || (!data.participant && data.media)) {
        announce(t('call_said_admitted'), true);
        if (data.media) onMedia.act(data.media);
        else void credentials().then((media) => media && onMedia.act(media), () => {});
      }
      break;
    case 'denied':
      if (data.participant === myId.value) finish('denied');
      break;
    case 'joined':
    case 'left': {
      const who = partOf(data.participant ?? event.from);
      if (who && who.id !== myId.value)
        announce(t(event.kind === 'joined' ? 'call_said_joined' : 'call_said_left', { name: nameOfPart(who) }));
      break;
    }
    case 'waiting': {
      if (isClinical.value) announce(t('call_waits', { name: nameOfPart(partOf(data.participant ?? event.from)) }));
      break;
    }
  }
  if (!['chat', 'typing', 'signal', 'transcript', 'quality', 'hand', 'note', 'vitals', 'document'].includes(event.kind)) void reread().catch(() => {});
}

export function finish(why: Ended): void {
  if (stage.value === 'after') return;
  ended.value = why;
  stage.value = 'after';
  unfollow();
}

export async function admit(who: Participant): Promise<void> {
  waiting.value = waiting.value.filter(({ participant }) => participant.id !== who.id);
  try {
    await post(path(`/participants/${who.id}/admit`));
  } finally {
    await reread().catch(() => {});
  }
}
export async function decline(who: Participant, reason: string): Promise<void> {
  await post(path(`/participants/${who.id}/deny`), reason ? { reason } : {});
  await reread();
}
export async function identified(identifiers: string[]): Promise<void> {
  await post(path('/identification'), { identifiers });
  await reread();
  if (session.value?.status === 'active') announce(t('call_said_begun'));
}
export async function leave(): Promise<void> {
  await post(path('/leave')).catch(() => {});
  finish('left');
}
export async function endForAll(): Promise<void> {
  await post(path('/end'), { reason: 'consultation_completed' });
  finish('ended');
}
export const remove = (who: Participant): Promise<void> => call<void>('DELETE', path(`/participants/${who.id}`)).then(() => reread());
export async function record(on: boolean): Promise<void> {
  await post(path(`/recording/${on ? 'start' : 'stop'}`));
  await reread();
}
