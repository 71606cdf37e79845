// Clinical notes of a visit: read, write a draft, sign, add to a signed one, mark one as entered in error. Drafts are bound to their visit.
import { useState } from 'preact/hooks';
import { all, get, newKey, patch, post } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t } from '../base/i18n';
import { useLoad } from '../base/load';
import { hasRole, me } from '../base/me';
import { lang } from '../base/prefs';
import { Button, Dialog, DialogActs, Empty, Failure, Notice, Select, Skeleton, State, TextArea } from '../ui';
import type { Page, Session } from './model';

interface Two { ar: string; en: string }
interface Template { id: string; kind: string; title: Two; sections: { id: string; title: Two; hint: Two }[] }
export interface Note {
  id: string;
  session: string;
  version: number;
  kind: string;
  template?: string;
  content: string;
  sections: Record<string, string>;
  diagnoses?: { code: string; display?: string; rank: number }[];
  addenda: { at: string; text: string }[];
  author: string | null;
  status: 'draft' | 'final' | 'amended' | 'entered_in_error';
  enteredInError?: { by: { role: string }; at: string; reason: string };
  createdAt: string;
}
let templates: Promise<Template[]> | undefined;
export const allTemplates = () => (templates ??= get<Page<Template>>('/api/v1/note-templates').then((page) => page.items, (error) => { templates = undefined; throw error; }));
const in_ = (two: Two | undefined) => two?.[lang.value] ?? '';

// papers: with a link to the note as a PDF.
export function NoteView({ note, templates: all, level: Level = 'h2', papers = false }: { note: Note; templates: Template[]; level?: 'h2' | 'h3'; papers?: boolean }) {
  const template = all.find((one) => one.id === note.template);
  const sections = Object.entries(note.sections ?? {});
  const wrong = note.enteredInError;
  const Words = wrong ? 'del' : 'div';
  const state = wrong ? <State tone="failed">{t('note_in_error')}</State> : note.status === 'draft' ? <State tone="parked">{t('draft')}</State> : <State tone="ok">{t('signed')}</State>;
  return (
    <div class="stack stack-12">
      <div class="row between"><Level class="note-head">{in_(template?.title) || t('note')}</Level>{state}</div>
      {wrong && <Notice tone="failed"><p class="small">{t(`role_${wrong.by.role}` as 'role_doctor')} · {dayAndTime(wrong.at)}</p><p dir="auto" class="pre">{wrong.reason}</p></Notice>}
      <Words class="stack stack-12">
        {sections.map(([id, text]) => <div key={id}><p class="small muted">{in_(template?.sections.find((one) => one.id === id)?.title) || id}</p><p dir="auto" class="pre">{text}</p></div>)}
        {note.content && <p dir="auto" class="pre">{note.content}</p>}
        {!!note.diagnoses?.length && <p><span class="small muted">{t('diagnosis')}</span><br />{note.diagnoses.map((one) => <span key={one.code} class="block"><bdi dir="ltr" class="strong">{one.code}</bdi> <bdi>{one.display}</bdi></span>)}</p>}
        {note.addenda.map((one, i) => <div key={i} class="addendum"><p class="small muted">{t('addendum')} · {dayAndTime(one.at)}</p><p dir="auto" class="pre">{one.text}</p></div>)}
      </Words>
      <p class="small muted">{dayAndTime(note.createdAt)}{papers && <> · <a href={`/api/v1/notes/${note.id}/pdf`} target="_blank" rel="noopener">{t('note_pdf')}</a></>}</p>
    </div>
  );
}

export function Notes({ session }: { session: Session }) {
  const loaded = useLoad(async () => {
    const [notes, templatesOf] = await Promise.all([all<Note>(`/api/v1/sessions/${session.id}/notes`), allTemplates()]);
    return { notes, all: templatesOf };
  }, session.id);
  const data = loaded.data.value;
  const [fresh, setFresh] = useState(false);
  if (loaded.error.value !== undefined) return <Failure error={loaded.error.value} again={() => void loaded.again()} />;
  if (!data) return <Skeleton lines={4} />;
  const writes = hasRole('doctor', 'specialist', 'nurse');
  return (
    <div class="stack stack-24">
      {data.notes.map((note) => (note.status === 'draft' && note.author === me.value?.id
        ? <Editor key={note.id} session={session} note={note} all={data.all} done={loaded.again} />
        : <section key={note.id} class="card stack stack-16" aria-label={t('note')}><NoteView note={note} templates={data.all} papers />{note.status !== 'draft' && !note.enteredInError && <Acts session={session} note={note} done={loaded.again} />}</section>))}
      {!data.notes.length && !fresh && <section class="card"><Empty icon="note" text={t('notes_empty')}>{writes && <Button kind="primary" icon="pen" onPress={() => setFresh(true)}>{t('note_write')}</Button>}</Empty></section>}
      {fresh && <Editor session={session} all={data.all} done={async () => { await loaded.again(); setFresh(false); }} />}
    </div>
  );
}

function Editor({ session, note, all, done }: { session: Session; note?: Note; all: Template[]; done: () => Promise<void> }) {
  const [template, setTemplate] = useState(note?.template ?? 'soap');
  const [sections, setSections] = useState<Record<string, string>>(note?.sections ?? {});
  const [content, setContent] = useState(note?.content ?? '');
  const [code, setCode] = useState(note?.diagnoses?.[0]?.code ?? '');
  const [display, setDisplay] = useState(note?.diagnoses?.[0]?.display ?? '');
  const [busy, setBusy] = useState<'' | 'draft' | 'final'>('');
  const [error, setError] = useState<unknown>();
  const [key] = useState(newKey);
  const chosen = all.find((one) => one.id === template);
  const codes = hasRole('doctor', 'specialist');
  const save = async (status: 'draft' | 'final') => {
    setBusy(status);
    setError(undefined);
    const diagnoses = code.trim() ? [{ code: code.trim().toUpperCase(), ...(display.trim() ? { display: display.trim() } : {}), rank: 1 }] : undefined;
    const filled = Object.fromEntries(Object.entries(sections).filter(([, text]) => text.trim()));
    const body = { sections: filled, ...(content.trim() ? { content: content.trim() } : {}), ...(codes && diagnoses ? { diagnoses } : {}), status };
    try {
      if (note) await patch(`/api/v1/notes/${note.id}`, body, { etag: `"${note.version}"` });
      else await post(`/api/v1/sessions/${session.id}/notes`, { ...body, template }, { key: `${key}-${status}` });
      await done();
    } catch (failed) { setError(failed); } finally { setBusy(''); }
  };
  return (
    <section class="card stack stack-16" aria-labelledby="edit-h">
      <div class="row between"><h2 id="edit-h">{t('note')}</h2><State tone="parked">{t('draft')}</State></div>
      {!note && <Select label={t('template')} value={template} onText={setTemplate} options={all.map((one) => ({ value: one.id, text: in_(one.title) }))} />}
      {chosen?.sections.length ? chosen.sections.map((one) => <TextArea key={one.id} label={in_(one.title)} hint={in_(one.hint)} value={sections[one.id] ?? ''} onText={(value: string) => setSections({ ...sections, [one.id]: value })} maxLength={4000} rows={2} />)
        : <TextArea label={t('note')} value={content} onText={setContent} rows={6} maxLength={4000} />}
      {codes && <div class="pair-fields">
        <TextArea label={t('diagnosis_code')} value={code} onText={setCode} rows={1} maxLength={8} />
        <TextArea label={t('diagnosis')} value={display} onText={setDisplay} rows={1} maxLength={200} />
      </div>}
      {error !== undefined && <Failure error={error} />}
      <Notice>{t('sign_more')}</Notice>
      <div class="dialog-acts">
        <Button busy={busy === 'draft'} onPress={() => void save('draft')}>{t('save_draft')}</Button>
        {codes && <Button kind="primary" icon="pen" busy={busy === 'final'} onPress={() => void save('final')}>{t('sign_note')}</Button>}
      </div>
    </section>
  );
}

function Acts({ session, note, done }: { session: Session; note: Note; done: () => Promise<void> }) {
  const own = note.author === me.value?.id;
  return <>{own && <Addendum note={note} done={done} />}{hasRole('doctor', 'specialist') && (own || session.provider === me.value?.id) && <InError note={note} done={done} />}</>;
}

function InError({ note, done }: { note: Note; done: () => Promise<void> }) {
  const [asks, setAsks] = useState(false);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const mark = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await post(`/api/v1/notes/${note.id}/entered-in-error`, { reason: reason.trim() });
      setAsks(false);
      await done();
    } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  return (
    <>
      <p><Button kind="quiet" size="small" icon="x" onPress={() => setAsks(true)}>{t('note_in_error_mark')}</Button></p>
      <Dialog title={t('note_in_error_q')} open={asks} onClose={() => setAsks(false)}>
        <p>{t('note_in_error_more')}</p>
        <TextArea label={t('note_in_error_why')} value={reason} onText={setReason} rows={2} maxLength={500} />
        {error !== undefined && <Failure error={error} />}
        <DialogActs>
          <Button onPress={() => setAsks(false)}>{t('cancel')}</Button>
          <Button kind="primary" busy={busy} disabled={!reason.trim()} onPress={() => void mark()}>{t('note_in_error_mark')}</Button>
        </DialogActs>
      </Dialog>
    </>
  );
}

function Addendum({ note, done }: { note: Note; done: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await post(`/api/v1/notes/${note.id}/addenda`, { text: text.trim() });
      setOpen(false);
      setText('');
      await done();
    } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  if (!open) return <p><Button kind="quiet" size="small" icon="plus" onPress={() => setOpen(true)}>{t('addendum_add')}</Button></p>;
  return (
    <div class="stack stack-12">
      <TextArea label={t('addendum')} value={text} onText={setText} maxLength={4000} />
      {error !== undefined && <Failure error={error} />}
      <div class="dialog-acts"><Button onPress={() => setOpen(false)}>{t('cancel')}</Button><Button kind="primary" busy={busy} disabled={!text.trim()} onPress={() => void save()}>{t('addendum_save')}</Button></div>
    </div>
  );
}
