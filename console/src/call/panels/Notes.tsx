import { useState } from 'preact/hooks';
import { problemText } from '../../base/api';
import { t } from '../../base/i18n';
import { lang } from '../../base/prefs';
import { Button, Dialog, DialogActs, Icon, Notice, State, TextArea, Time } from '../../ui';
import { draft, draftEmpty, draftProblem, draftSaved, draftState, keepMine, notes, saveDraft, templates, vitals, write } from '../records';
import { role } from '../visit';
import type { Note } from '../types';

const inLang = (text: Record<string, string> | undefined): string => text?.[lang.value] ?? text?.en ?? '';
const sectionsOf = (template: string) => {
  const sections = templates.value.find((one) => one.id === template)?.sections ?? [];
  return sections.length ? sections : [{ id: 'content', title: { en: t('call_note_free'), ar: t('call_note_free') }, hint: undefined }];
};

function Signed({ note }: { note: Note }) {
  const titles = new Map(sectionsOf(note.template ?? 'soap').map((one) => [one.id, inLang(one.title)]));
  const wrong = note.enteredInError;
  const Words = wrong ? 'del' : 'div';
  return (
    <article class="signed stack stack-8">
      <p class="row between">{wrong ? <State tone="failed">{t('note_in_error')}</State> : <State tone="ok">{t('call_note_is_signed')}</State>}<Time at={note.updatedAt} /></p>
      {wrong && <p dir="auto" class="wraps small">{wrong.reason}</p>}
      <Words class="stack stack-8">
        {note.content && <p dir="auto" class="wraps">{note.content}</p>}
        {Object.entries(note.sections ?? {}).filter(([, text]) => text).map(([id, text]) => <div key={id}><h4 class="small muted">{titles.get(id) ?? id}</h4><p dir="auto" class="wraps">{text}</p></div>)}
        {note.addenda.map((one) => <p key={one.at} dir="auto" class="wraps small">{one.text}</p>)}
      </Words>
    </article>
  );
}

function LastVitals() {
  const last = vitals.value.at(-1);
  if (!last) return null;
  const shown = [
    last.systolic && last.diastolic ? [t('call_bp'), `${String(last.systolic)}/${String(last.diastolic)}`, 'mmHg'] : null,
    last.heartRate ? [t('call_pulse'), String(last.heartRate), '/min'] : null,
    last.glucoseMmol ? [t('call_glucose'), String(last.glucoseMmol), 'mmol/L'] : null,
    last.temperatureC ? [t('call_temp'), String(last.temperatureC), '°C'] : null,
  ].filter((one) => one !== null);
  return <dl class="vitals">{shown.map(([text, value, unit]) => <div key={text} class="vital"><dt>{text}</dt><dd><bdi dir="ltr">{value}</bdi> <small dir="ltr">{unit}</small></dd></div>)}</dl>;
}

// Drafts are kept by the hub every few seconds; signing makes the note final, and is asked once.
export function Notes() {
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const { template, sections, note } = draft.value;
  const sign = async () => {
    setBusy(true);
    await saveDraft('final');
    setBusy(false);
    setAsks(false);
  };
  const state = draftState.value;
  return (
    <>
      <div class="panel-scroll stack stack-16" tabIndex={0}>
        <LastVitals />
        {notes.value.filter((one) => one.status !== 'draft').map((one) => <Signed key={one.id} note={one} />)}
        <label class="row row-8 small"><span class="muted">{t('call_template')}</span>
          <select class="input select-small" value={template} disabled={!!note} onChange={(event) => (draft.value = { ...draft.value, template: event.currentTarget.value })}>
            {(templates.value.length ? templates.value : [{ id: 'soap', title: { en: 'SOAP', ar: 'SOAP' } }]).map((one) => <option key={one.id} value={one.id}>{inLang(one.title)}</option>)}
          </select></label>
        {sectionsOf(template).map((one) => (
          <TextArea key={one.id} label={inLang(one.title)} hint={inLang(one.hint)} rows={2} maxLength={4000} value={sections[one.id] ?? ''} onText={(text: string) => write(one.id, text)} />
        ))}
        {state === 'conflict' && <Notice tone="parked" alert><div class="stack stack-8"><p class="strong">{t('call_note_conflict')}</p><p><Button size="small" onPress={() => void keepMine()}>{t('call_keep_mine')}</Button></p></div></Notice>}
        {state === 'failed' && <Notice tone="failed" alert><p>{problemText(draftProblem.value)} {t('call_kept_here')}</p></Notice>}
      </div>
      <footer class="panel-foot">
        <span class="grow">
          {(state === 'saved' || (state === 'clean' && note)) && <State tone="ok">{t('call_draft_saved')} {draftSaved.value > 0 && <Time at={draftSaved.value} class="muted" />}</State>}
          {(state === 'typing' || state === 'saving') && <State tone="idle" icon="clock">{t('call_draft_saving')}</State>}
        </span>
        {role.value !== 'nurse' && <Button kind="primary" icon="pen" disabled={draftEmpty.value} onPress={() => setAsks(true)}>{t('call_sign')}</Button>}
      </footer>
      <Dialog title={t('call_sign_q')} open={asks} onClose={() => setAsks(false)}>
        <p>{t('call_sign_text')}</p>
        <DialogActs>
          <Button onPress={() => setAsks(false)}>{t('cancel')}</Button>
          <Button kind="primary" busy={busy} onPress={() => void sign()}><Icon name="pen" /> {t('call_sign')}</Button>
        </DialogActs>
      </Dialog>
    </>
  );
}
