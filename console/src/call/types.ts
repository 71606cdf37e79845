// Members of a session's answers that the page reads (docs/openapi.yaml).
import type { Media } from './client/client';

export interface Participant {
  id: string;
  person: string | null;
  role: string;
  identity?: string;
  admission: 'waiting' | 'admitted' | 'denied' | 'removed';
  host?: boolean;
  here?: boolean;
  since?: string;
  name?: string | null;
  // Names from the person's record; nameAr is in Arabic letters.
  record?: { name?: string | null; nameAr?: string | null };
  gender?: string;
  deviceType?: string | null;
  location?: string;
  callbackPhone?: string;
}
export interface Session {
  id: string;
  version: number;
  type: string;
  status: string;
  provider: string | null;
  patient: string | null;
  scheduledStart?: string | null;
  scheduledStartHijri?: string | null;
  startedAt?: string | null;
  endedAt?: string | null;
  durationMinutes?: number | null;
  waitingRoom: boolean;
  recording: string;
  recordingActive: boolean;
  quality: string;
  warnings?: string[];
  chiefComplaint?: string | null;
  context?: { specialty?: string; medicalRecordNumber?: string };
  // Visits of the same doctor that come first, for somebody who waits.
  ahead?: number;
  consents?: { kind: string; given: boolean; ended?: boolean; by?: string; at?: string }[];
  participants: Participant[];
}
export interface Joined {
  session: Session;
  participant: Participant;
  admission: string;
  media?: Media | null;
}
export interface Waiting {
  participant: Participant;
  role: string;
  here: boolean;
  since: string;
  position: number;
}
export interface Message {
  id: string;
  from: string;
  role: string;
  to?: string;
  text: string;
  sentAt: string;
  clientId?: string;
}
export interface Vitals {
  id: string;
  takenAt: string;
  source: string;
  [sign: string]: unknown;
}
export interface Note {
  id: string;
  version: number;
  kind: string;
  template?: string;
  content: string;
  sections: Record<string, string>;
  status: 'draft' | 'final' | 'amended' | 'entered_in_error';
  enteredInError?: { at: string; reason: string };
  addenda: { at: string; text: string }[];
  author: string | null;
  updatedAt: string;
}
export interface Medication {
  name: string;
  dosage: string;
  frequency?: string;
  duration?: string;
  instructions?: string;
}
export interface Prescription {
  id: string;
  prescriptionNumber: string;
  status: string;
  items: Medication[];
  createdAt: string;
}
export interface Template {
  id: string;
  kind: string;
  title: Record<string, string>;
  sections: { id: string; title: Record<string, string>; hint?: Record<string, string> }[];
}
export interface PatientRecord {
  id: string;
  name?: string;
  nameAr?: string;
  gender?: string;
  birthDate?: string | null;
  mrn?: string | null;
  phone?: string | null;
  identifiers?: { kind: string; value: string }[] | null;
}

// Marks that turn the direction of text are taken out of names: they could make one name look like another.
export const plainName = (name: string): string => name.replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, '').slice(0, 200);
