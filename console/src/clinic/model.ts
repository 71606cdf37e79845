// Members of a visit that the clinic's pages read. The hub decides which are present.
import { useEffect } from 'preact/hooks';
import { get, query } from '../base/api';
import { useLoad, useEvery } from '../base/load';
import { follow } from '../base/live';
import { t, word, type Key } from '../base/i18n';
import { dayKey } from '../base/dates';
import { hasRole, me } from '../base/me';
import { lang } from '../base/prefs';
import { nameOf, type Identification } from '../ui';

export interface Participant {
  id: string;
  person: string | null;
  role: string;
  admission: 'waiting' | 'admitted' | 'denied' | 'removed';
  since: string;
  host: boolean;
  here: boolean;
  cameAt: string | null;
  joinedAt: string | null;
  leftAt: string | null;
  name?: string | null;
  nameAr?: string | null;
  deviceType?: string | null;
  record?: { name?: string | null; nameAr?: string | null };
  genderPreference?: string | null;
  durationMinutes?: number;
}
export interface Session {
  id: string;
  number: number;
  version: number;
  type: string;
  status: string;
  provider: string | null;
  patient: string | null;
  scheduledStart: string | null;
  scheduledStartHijri: string | null;
  plannedMinutes: number;
  startedAt: string | null;
  endedAt: string | null;
  durationMinutes: number | null;
  recording: string;
  language: string;
  chiefComplaint?: string | null;
  insurance?: { status?: string };
  consents?: Consent[];
  identification?: Identification | null;
  warnings?: string[];
  cancellation?: { reason?: string } | null;
  participants?: Participant[];
  createdAt: string;
  appointment?: unknown;
  clinicSession?: string | null;
  consultation?: string | null;
  followUpOf?: string | null;
}
export interface Consent {
  participant?: string;
  kind: string;
  given: boolean;
  // The link by which it was given has ended: it counts no more.
  ended?: boolean;
  by?: string;
  at?: string;
}
export interface Provider {
  id: string;
  name?: string;
  nameAr?: string;
  gender?: string | null;
  specialty?: string | null;
  languages?: string[];
  status: string;
}
export interface Person {
  id: string;
  name?: string;
  nameAr?: string;
  gender?: string;
  birthDate?: string;
  birthDateHijri?: string;
  mrn?: string;
  phone?: string;
  allergies?: string[];
  identifiers?: { kind: string; value: string }[] | null;
  guardians?: Guardian[] | null;
}
// Adult who speaks for a child. Messages go to the first guardian.
export interface Guardian {
  name: string;
  phone: string;
  relation: string;
}
export interface Page<T> {
  items: T[];
  next?: string;
}

export const startOf = (session: Session): string => session.scheduledStart ?? session.startedAt ?? session.createdAt;
const kStaff = ['doctor', 'specialist', 'nurse'];
// True if the person who is signed in takes part in the session as staff.
export const isStaffOf = ({ participants }: Session): boolean =>
  !!participants?.some((one) => one.person === me.value?.id && one.admission === 'admitted' && kStaff.includes(one.role));
export const isOver = (session: Session) => ['completed', 'cancelled', 'no_show', 'failed'].includes(session.status);
export const doctorOf = (session: Session) => session.participants?.find((one) => one.role === 'doctor' && (!session.provider || one.person === session.provider));
export const patientOf = (session: Session) => session.participants?.find((one) => one.role === 'patient');
export const nameOfParticipant = (one: Participant | undefined): string =>
  one ? (lang.value === 'ar' && (one.nameAr || one.record?.nameAr)) || one.name || one.record?.name || word('role', one.role) : '';
// Participants who have arrived and are not admitted, in order of arrival.
export const waitingIn = (session: Session) =>
  isOver(session) ? [] : (session.participants ?? []).filter((one) => one.admission === 'waiting' && one.here && one.cameAt);
export const typeText = (type: string) => t(`type_${type}` as Key);
// A visit opens ten minutes before its time, for whom it is planned.
export const kOpensBefore = 10 * 60_000;
export const mayJoin = (session: Session, now = Date.now()) =>
  ['waiting', 'active'].includes(session.status) ||
  (session.status === 'scheduled' && (!session.scheduledStart || Date.parse(session.scheduledStart) - now <= kOpensBefore));

// Moving a visit: hosts, the front desk and administrators do it, before it begins.
export const movesVisits = (session: Session) =>
  hasRole('desk') || hasRole('admin') || !!session.participants?.some((one) => one.host && one.person === me.value?.id);
// A visit that a workflow keeps at the time of an appointment of the hospital's own system.
export const movedElsewhere = (session: Session) => !!session.appointment && !!session.consultation;
const kMovable = ['requested', 'scheduled', 'waiting'];
export const mayMove = (session: Session) =>
  kMovable.includes(session.status) && !!session.scheduledStart && movesVisits(session) && !movedElsewhere(session);

// Names of providers by id, asked for once.
let providers: Promise<Map<string, Provider>> | undefined;
export const allProviders = () =>
  (providers ??= get<Page<Provider>>('/api/v1/providers').then(
    ({ items }) => new Map(items.map((one) => [one.id, one])),
    (error) => {
      providers = undefined;
      throw error;
    },
  ));
export const doctorName = (session: Session, providers?: Map<string, Provider>): string =>
  nameOf(session.provider ? providers?.get(session.provider) : undefined) || nameOfParticipant(doctorOf(session));

const day = (offset: number) => {
  // Midnight in Riyadh, which has no summer time.
  const key = dayKey(Date.now() + offset * 86_400_000);
  return `${key}T00:00:00+03:00`;
};
const just = (when: string) => new Date(Date.parse(when) - 1).toISOString();
export const todayQuery = () => query({ from: day(0), to: just(day(1)), limit: 200 });

// Visits of today, kept fresh by the live channel of those that are not over, and every half minute.
export function useToday() {
  const loaded = useLoad(async () => {
    const { items } = await get<Page<Session>>(`/api/v1/sessions${todayQuery()}`);
    return items.sort((a, b) => startOf(a).localeCompare(startOf(b)));
  });
  useEvery(30_000, () => void loaded.again());
  const open = (loaded.data.value ?? []).filter((one) => !isOver(one)).slice(0, 24);
  const ids = open.map((one) => one.id).sort().join(' ');
  useEffect(() => {
    let timer = 0;
    const soon = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => void loaded.again(), 150);
    };
    const ends = ids ? ids.split(' ').map((id) => follow(`session:${id}`, (message) => message.type === 'ev' && soon())) : [];
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [ids]);
  return loaded;
}
