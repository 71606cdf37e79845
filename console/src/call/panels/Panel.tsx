// The panel: the patient's identity on top of everything that writes into the record, tabs at the edge.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { age, gregorian } from '../../base/dates';
import { t } from '../../base/i18n';
import { nameOf } from '../../ui';
import { Button, Icon } from '../../ui';
import { Changed, Identify } from '../Identify';
import { hide, panel, type Part } from '../panel';
import { unread } from '../records';
import { plainName } from '../types';
import * as visit from '../visit';
import { Chat } from './Chat';
import { Documents } from './Documents';
import { Notes } from './Notes';
import { More, People } from './People';
import { Prescription } from './Prescription';
import { Transcript } from './Transcript';
import { VitalSigns } from './VitalSigns';

interface Tab { part: Part; icon: string; text: string; count?: number }
function tabs(): Tab[] {
  const chat: Tab = { part: 'chat', icon: 'chat', text: t('call_chat'), count: unread.value };
  const documents: Tab = { part: 'documents', icon: 'file', text: t('call_documents') };
  const transcript: Tab = { part: 'transcript', icon: 'text', text: t('call_transcript') };
  if (visit.isClinical.value) {
    return [
      { part: 'notes', icon: 'note', text: t('call_notes') }, { part: 'vitals', icon: 'vitals', text: t('call_vitals') },
      ...(visit.role.value === 'nurse' ? [] : [{ part: 'prescription', icon: 'rx', text: t('call_rx') } as Tab]), chat, documents, transcript,
    ];
  }
  const own = visit.role.value === 'patient' && !visit.isGuest() ? [{ part: 'vitals', icon: 'vitals', text: t('call_vitals') } as Tab] : [];
  return visit.role.value === 'observer' ? [chat] : [chat, documents, ...own, transcript];
}
const kParts: Record<Part, () => ComponentChildren> = {
  chat: () => <Chat />, documents: () => <Documents />, vitals: () => <VitalSigns />, notes: () => <Notes />,
  prescription: () => <Prescription />, transcript: () => <Transcript />, people: () => <People />, more: () => <More />,
};

// Name, birth date, file number: who this is, on every panel that writes.
export function Identity() {
  const record = visit.patient.value;
  const part = visit.patientPart.value;
  const name = record ? plainName(nameOf(record)) : visit.nameOfPart(part);
  const mrn = record?.mrn || record?.identifiers?.find(({ kind }) => kind === 'mrn')?.value || visit.session.value?.context?.medicalRecordNumber;
  return (
    <header class="panel-head stack stack-8">
      <h2 class="wraps"><bdi class="long">{name}</bdi></h2>
      <p class="small muted">
        {record?.birthDate
          ? <><bdi>{t('call_years', { n: age(record.birthDate) })}</bdi> · <bdi>{gregorian(record.birthDate)}</bdi></>
          : t('call_no_birth')}
        {' · '}{mrn ? <>{t('call_file')} <bdi dir="ltr">{mrn}</bdi></> : t('call_no_file')}
      </p>
      {(part?.location || part?.callbackPhone) && (
        <p class="row row-8 row-wrap small muted">
          {part.location && <><Icon name="pin" /> <bdi class="long">{part.location}</bdi></>}
          {part.callbackPhone && <><Icon name="phone" /> <a href={`tel:${part.callbackPhone}`}><bdi dir="ltr">{part.callbackPhone}</bdi></a></>}
        </p>
      )}
    </header>
  );
}

export function Panel() {
  const rail = useRef<HTMLDivElement>(null);
  const all = tabs();
  const clinical = visit.isClinical.value;
  useEffect(() => {
    if (clinical && panel.value === null) panel.value = 'notes';
  }, [clinical, panel.value]);
  const part = panel.value ?? (clinical ? 'notes' : 'chat');
  const move = (event: KeyboardEvent) => {
    const step = ['ArrowDown', document.documentElement.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight'].includes(event.key) ? 1
      : ['ArrowUp', document.documentElement.dir === 'rtl' ? 'ArrowRight' : 'ArrowLeft'].includes(event.key) ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const at = all.findIndex((one) => one.part === part);
    const to = (at + step + all.length) % all.length;
    panel.value = all[to]!.part;
    rail.current?.querySelectorAll('button')[to]?.focus();
  };
  const title = all.find((one) => one.part === part)?.text ?? t(part === 'people' ? 'call_people' : 'call_more');
  return (
    <aside class="panel" id="panel" aria-label={title}>
      <div class="panel-body" role={all.some((one) => one.part === part) ? 'tabpanel' : undefined} id="panel-part"
        aria-labelledby={all.some((one) => one.part === part) ? `tab-${part}` : undefined}>
        {clinical && <Identity />}
        {clinical && <Identify />}
        {clinical && <Changed />}
        <div class="panel-title row between">
          {clinical ? <h3 id="panel-h" tabIndex={-1}>{title}</h3> : <h2 id="panel-h" tabIndex={-1}>{title}</h2>}
          {!(clinical && part === 'notes') && <Button kind="plain" icon="x" label={t('close')} onPress={() => (clinical ? (panel.value = 'notes') : hide())} />}
        </div>
        {kParts[part]()}
      </div>
      <div class="rail" role="tablist" aria-orientation="vertical" aria-label={t('call_sections')} ref={rail} onKeyDown={move}>
        {all.map((one, i) => (
          <button key={one.part} type="button" role="tab" id={`tab-${one.part}`} aria-selected={one.part === part} aria-controls="panel-part"
            tabIndex={one.part === part || (i === 0 && !all.some((each) => each.part === part)) ? 0 : -1} onClick={() => (panel.value = one.part)}>
            <Icon name={one.icon} /> <span>{one.text}</span>
            {!!one.count && <> <span class="badge badge-strong"><span aria-hidden="true">{one.count}</span><span class="hidden">{t('call_unread', { n: one.count })}</span></span></>}
          </button>
        ))}
      </div>
    </aside>
  );
}
