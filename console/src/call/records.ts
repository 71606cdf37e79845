// Entries of a visit: chat, documents, vital signs, notes, prescriptions. Unsent text is kept here.
import { computed, signal } from '@preact/signals';
import { all, call, get, newKey, post, Problem, problemText, query, visitHeader } from '../base/api';
import { base64, isHeld, type SharedDocument } from '../base/documents';
import { t } from '../base/i18n';
import { announce, isClinical, isGuest, kClinical, myId, nameOfPart, onEvent, partOf, path, role, stage } from './visit';
import { isIn } from './panel';
import type { Medication, Message, Note, Prescription, Template, Vitals } from './types';

// ---- Chat

export interface Row extends Partial<Message> {
  text: string;
  from: string;
  clientId: string;
  state: 'sending' | 'sent' | 'failed';
}
export const rows = signal<Row[]>([]);
export const unread = signal(0);
export const typed = signal('');
export const chatProblem = signal('');
export const kMostText = 4000;

const add = (messages: Message[]): void => {
  const rowsByKey = new Map(rows.value.map((row) => [row.clientId, row]));
  for (const one of messages) {
    const key = one.clientId && rowsByKey.has(one.clientId) ? one.clientId : one.id;
    if (!rowsByKey.has(key) && one.from !== myId.value && !isIn('chat')) {
      ++unread.value;
      announce(t('call_said_message', { name: nameOfPart(partOf(one.from)) }));
    }
    rowsByKey.set(key, { ...one, clientId: key, state: 'sent' });
  }
  // Rows that the hub does not have yet stand last.
  rows.value = [...rowsByKey.values()].sort((a, b) => (a.sentAt ?? '9').localeCompare(b.sentAt ?? '9'));
};
async function readMessages(): Promise<void> {
  add(await all<Message>(path('/messages') + query({ cursor: rows.value.filter(({ id }) => id).at(-1)?.id })));
}
export async function send(text: string, clientId: string = newKey()): Promise<void> {
  chatProblem.value = '';
  rows.value = [...rows.value.filter((row) => row.clientId !== clientId), { text, from: myId.value, clientId, state: 'sending' }];
  try {
    add([await post<Message>(path('/messages'), { text, clientId })]);
  } catch (error) {
    // A refusal is the sender's to mend: the text goes back into the box.
    if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) {
      rows.value = rows.value.filter((row) => row.clientId !== clientId);
      typed.value = typed.value || text;
      chatProblem.value = error.code === 'phi.exposed' ? t('call_phi') : problemText(error);
    } else {
      rows.value = rows.value.map((row) => (row.clientId === clientId ? { ...row, state: 'failed' } : row));
    }
  }
}

// ---- Documents

export const docs = signal<SharedDocument[]>([]);
export interface Upload { key: string; name: string; part: number; error: string }
export const uploads = signal<Upload[]>([]);
export const kMostBytes = 10 * 1024 * 1024;
const kTypes: Record<string, string> = { 'application/pdf': 'PDF', 'application/dicom': 'DICOM' };
export const readDocs = async (): Promise<void> => {
  docs.value = await all<SharedDocument>(path('/documents'));
};

// For whom the next document is. A clinician may also leave out the family alone.
export type Audience = 'all' | 'no_family' | 'care';
export const audience = signal<Audience>('all');
export const audiences = (): Audience[] => (isClinical.value ? ['all', 'no_family', 'care'] : ['all', 'care']);
const kShownTo: Record<Audience, string[]> = { all: [], no_family: [...kClinical, 'patient'], care: kClinical };

// A photograph without what the camera wrote into it: place, time, maker.
async function plainPicture(file: File): Promise<Blob> {
  const picture = await createImageBitmap(file);
  const canvas = document.createElement('canvas');
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), 'image/jpeg', 0.9));
}
const change = (key: string, values: Partial<Upload>): void => {
  uploads.value = uploads.value.map((one) => (one.key === key ? { ...one, ...values } : one));
};

export async function upload(file: File): Promise<void> {
  const key = newKey();
  uploads.value = [...uploads.value, { key, name: file.name, part: 0, error: '' }];
  try {
    const content = file.type === 'image/jpeg' ? await plainPicture(file) : file;
    // As base64 in JSON a document grows by a third, and the body has at most 10 MiB.
    if (content.size > kMostBytes * 0.74) return change(key, { error: t('call_doc_large') });
    const type = file.type || 'application/octet-stream';
    const documentType = kTypes[type] ?? (type.startsWith('image/') ? 'IMAGE' : type.startsWith('text/') ? 'TEXT' : 'OTHER');
    const shownTo = kShownTo[audience.value];
    const body = JSON.stringify({
      documentType, title: file.name.slice(0, 500), contentType: type, data: await base64(content), ...(shownTo.length ? { shownTo } : {}),
    });
    const shared = await new Promise<SharedDocument>((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', path('/documents'));
      request.setRequestHeader('Content-Type', 'application/json');
      request.setRequestHeader('Idempotency-Key', key);
      for (const [name, value] of Object.entries(visitHeader())) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => change(key, { part: total ? loaded / total : 0 });
      request.onload = () => {
        let said = {};
        try {
          said = JSON.parse(request.responseText) as object;
        } catch {
          // No problem document: the status says enough.
        }
        if (request.status < 300) return resolve(said as SharedDocument);
        const { code = '' } = said as { code?: string };
        reject(new Problem(request.status, code, '', '', request.getResponseHeader('X-Request-Id') ?? ''));
      };
      request.onerror = () => reject(new Problem(0, 'page.unreachable', '', '', ''));
      request.send(body);
    });
    uploads.value = uploads.value.filter((one) => one.key !== key);
    await readDocs();
    announce(isHeld(shared) ? `${t('call_doc_sent')}. ${t('doc_waits')}.` : t('call_doc_sent'));
  } catch (error) {
    change(key, { error: problemText(error) });
  }
}

// ---- Vital signs

export const vitals = signal<Vitals[]>([]);
const readVitals = async (): Promise<void> => {
  vitals.value = await all<Vitals>(path('/vitals'));
};
export async function recordVitals(signs: Record<string, number>): Promise<void> {
  await post(path('/vitals'), { source: isClinical.value ? 'manual' : 'patient', ...signs });
  await readVitals();
}

// ---- Notes

export const notes = signal<Note[]>([]);
export const templates = signal<Template[]>([]);
// The draft that is being written: what was typed, and what the hub has of it.
export const draft = signal<{ template: string; sections: Record<string, string>; note: Note | null }>({ template: 'soap', sections: {}, note: null });
export const draftState = signal<'clean' | 'typing' | 'saving' | 'saved' | 'failed' | 'conflict'>('clean');
export const draftSaved = signal(0);
export const draftProblem = signal<unknown>(null);
let saving: Promise<void> | null = null;
let timer = 0;
const kSaveMs = 5000;

const readNotes = async (): Promise<void> => {
  notes.value = await all<Note>(path('/notes'));
  const own = notes.value.find((one) => one.status === 'draft');
  if (own && !draft.value.note && draftState.value === 'clean')
    draft.value = { template: own.template ?? (own.kind === 'free' ? 'free' : 'soap'), sections: { ...own.sections, ...(own.content ? { content: own.content } : {}) }, note: own };
};
export function write(section: string, text: string): void {
  draft.value = { ...draft.value, sections: { ...draft.value.sections, [section]: text } };
  draftState.value = 'typing';
  clearTimeout(timer);
  timer = window.setTimeout(() => void saveDraft(), kSaveMs);
}
const bodyOf = (): { content?: string; sections?: Record<string, string> } => {
  const { content: free, ...sections } = draft.value.sections;
  return draft.value.template === 'free' ? { content: free ?? '' } : { sections };
};
export function saveDraft(status: 'draft' | 'final' = 'draft'): Promise<void> {
  clearTimeout(timer);
  saving = (saving ?? Promise.resolve()).then(async () => {
    if (status === 'draft' && draftState.value !== 'typing' && draftState.value !== 'failed') return;
    draftState.value = 'saving';
    const { note, template } = draft.value;
    try {
      const kind = templates.value.find((one) => one.id === template)?.kind ?? 'soap';
      const { data } = note
        ? await call<Note>('PATCH', `/api/v1/notes/${note.id}`, { body: { ...bodyOf(), ...(status === 'final' ? { status } : {}) }, etag: `"${note.version}"` })
        : await call<Note>('POST', path('/notes'), { body: { kind, template, ...bodyOf(), status } });
      draftProblem.value = null;
      draftSaved.value = Date.now();
      if (status === 'final') {
        draft.value = { template, sections: {}, note: null };
        draftState.value = 'clean';
        await readNotes();
        announce(t('call_note_signed'));
      } else {
        draft.value = { ...draft.value, note: data };
        if ((draftState.value as string) === 'saving') draftState.value = 'saved';
      }
    } catch (error) {
      draftProblem.value = error;
      draftState.value = error instanceof Problem && error.status === 412 ? 'conflict' : 'failed';
      if (draftState.value === 'failed') timer = window.setTimeout(() => void saveDraft(), kSaveMs);
    }
  });
  return saving;
}
// Another window changed the draft: what was typed here stays, on top of the newer version.
export async function keepMine(): Promise<void> {
  const newer = (await all<Note>(path('/notes'))).find((one) => one.id === draft.value.note?.id);
  if (newer) draft.value = { ...draft.value, note: newer };
  draftState.value = 'typing';
  await saveDraft();
}
export const draftEmpty = computed(() => !Object.values(draft.value.sections).some((text) => text.trim()));

// ---- Prescription

export const prescriptions = signal<Prescription[]>([]);
export const kNoMedication: Medication = { name: '', dosage: '', frequency: '', duration: '', instructions: '' };
export const items = signal<Medication[]>([{ ...kNoMedication }]);
const readPrescriptions = async (): Promise<void> => {
  prescriptions.value = await all<Prescription>(path('/prescriptions'));
};
export async function prescribe(key: string): Promise<void> {
  const filled = items.value.filter(({ name }) => name.trim())
    .map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value.trim())));
  await post(path('/prescriptions'), { items: filled }, { key });
  items.value = [{ ...kNoMedication }];
  await readPrescriptions();
  announce(t('call_rx_issued'));
}

// ---- Reading, and hearing of changes

const quietly = (read: () => Promise<void>): void => void read().catch(() => {});
export function readAll(): void {
  quietly(readMessages);
  if (role.value === 'observer') return;
  if (role.value !== 'family_member' && !isGuest()) quietly(readVitals);
  quietly(readDocs);
  if (!isClinical.value) return;
  quietly(async () => {
    templates.value = (await get<{ items: Template[] }>('/api/v1/note-templates')).items;
  });
  quietly(readNotes);
  if (role.value !== 'nurse') quietly(readPrescriptions);
}
onEvent((event) => {
  const content_ = (event.data as { content?: Message }).content;
  if (event.kind === 'chat') content_?.id ? add([content_]) : quietly(readMessages);
  if (event.kind === 'document') quietly(readDocs);
  if (event.kind === 'vitals') quietly(readVitals);
  if (event.kind === 'note' && draftState.value !== 'typing' && draftState.value !== 'saving') quietly(readNotes);
  if (event.kind === 'prescription') quietly(readPrescriptions);
});
stage.subscribe((now) => {
  if (now === 'in' || now === 'waiting') readAll();
});
// Nothing typed is lost when the page goes.
addEventListener('pagehide', () => {
  if (draftState.value === 'typing') void saveDraft();
});
