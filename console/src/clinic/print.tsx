// Papers: a prescription, the summary of a visit and the list of a day, on A4, in the language of the page with words of the other one beside. Digits are
// Latin in both, dates stand in both calendars. Always light.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { all, get, Problem, query } from '../base/api';
import { clock, dayKey, gregorian, hijri, noon, weekday } from '../base/dates';
import { hospital, hospitalIn, phone } from '../base/house';
import { has, otherTexts, t, word, type Key } from '../base/i18n';
import { keepFile } from '../base/keep';
import { useAct, useLoad } from '../base/load';
import { lang } from '../base/prefs';
import { Button, Failure, H1, identifierText, LangButton, LinkButton, Notice, Skeleton, Skip, statusText, usePage } from '../ui';
import { doctorName, nameOfParticipant, patientOf, typeText, type Person, type Provider, type Session } from './model';
import { allTemplates, NoteView, type Note } from './notes';
import { dispensingOf, Handed, VitalsTable, type Dispensing, type Vital } from './records';

interface Medication { name: string; dosage: string; frequency?: string; duration?: string; instructions?: string }
interface Rx { id: string; session: string; prescriptionNumber: string; items: Medication[]; notes?: string; prescriber: string | null; status: string; issuedAt: string; dispensings?: Dispensing[] }
interface FollowUp { id: string; at?: string; scheduledStart?: string; reason?: string; notes?: string }
interface Summary { notes?: Note[]; prescriptions?: Rx[]; vitals?: Vital[]; followUps?: FollowUp[] }

const other = () => (lang.value === 'ar' ? 'en' : 'ar');
type Words = Record<string, string>;
// A word in both languages.
const Two = ({ k, words }: { k: Key; words: Words }) => <>{t(k)} {words[k] && <bdi lang={other()} class="en">{words[k]}</bdi>}</>;

// Leaves out parts that may not be read; the paper says less then.
const quietly = <T,>(asked: Promise<T>): Promise<T | undefined> => asked.catch((error) => {
  if (error instanceof Problem && (error.status === 403 || error.status === 404)) return undefined;
  throw error;
});
interface Data { session: Session; person?: Person; doctor?: Provider & { licenceNumber?: string | null; department?: string | null }; words: Words }
async function around(id: string, doctor?: string | null): Promise<Data> {
  const session = await get<Session>(`/api/v1/sessions/${encodeURIComponent(id)}`);
  const by = doctor ?? session.provider;
  const [person, provider, words] = await Promise.all([
    session.patient ? quietly(get<Person>(`/api/v1/patients/${session.patient}`)) : undefined,
    by ? quietly(get<Data['doctor']>(`/api/v1/providers/${by}`)) : undefined,
    otherTexts(),
  ]);
  return { session, person, doctor: provider, words };
}

function Page({ name, back, error, again, children }: { name: Key; back: string; error: unknown; again: () => void; children?: ComponentChildren }) {
  usePage(t(name));
  // A paper is light, whatever the page was.
  useEffect(() => {
    const root = document.documentElement;
    const was = root.dataset.theme;
    root.dataset.theme = 'light';
    return () => { if (was) root.dataset.theme = was; else delete root.dataset.theme; };
  }, []);
  return (
    <>
      <Skip />
      <header class="paper-bar">
        <LinkButton kind="plain" icon="prev" href={back}>{t('back')}</LinkButton>
        <span class="push row row-8"><LangButton />{!!children && <Button kind="primary" icon="print" onPress={() => window.print()}>{t('print')}</Button>}</span>
      </header>
      {children ? <main class="paper" id="main">{children}</main>
        : <main class="page" id="main"><H1>{t(name)}</H1>{error === undefined ? <Skeleton lines={6} /> : <Failure error={error} again={again} />}</main>}
    </>
  );
}

function Head({ name, words }: { name: Key; words: Words }) {
  return (
    <div class="paper-head">
      <div><H1>{t(name)}</H1><p class="en"><bdi lang={other()}>{words[name]}</bdi></p></div>
      <div class="end-text">
        <p class="strong"><bdi>{hospital()}</bdi></p>
        <p class="en">{hospitalIn(other()) && <bdi lang={other()}>{hospitalIn(other())}</bdi>}{phone && <> <bdi dir="ltr">{phone}</bdi></>}</p>
      </div>
    </div>
  );
}

const Day = ({ at }: { at: string }) => <><bdi dir="ltr" class="nowrap">{dayKey(at)}</bdi><br /><span class="en nowrap">{hijri(at)}</span></>;

// Patient's header of every printed page: name, birth date, file number.
function Whose({ data, date, dated }: { data: Data; date: string; dated: Key }) {
  const { session, person, words } = data;
  const part = patientOf(session);
  const names = [person?.nameAr, person?.name].filter(Boolean) as string[];
  const [first, second] = lang.value === 'ar' ? names : [...names].reverse();
  const birth = person?.birthDate ? `${person.birthDate.slice(0, 10)}T12:00:00Z` : '';
  const nobody = <span class="muted">{t('unknown')}</span>;
  return (
    <dl class="paper-facts">
      <div><dt><Two k="role_patient" words={words} /></dt><dd><bdi>{first || nameOfParticipant(part)}</bdi></dd>{second && second !== first && <dd class="en"><bdi>{second}</bdi></dd>}</div>
      <div><dt><Two k="birth" words={words} /></dt><dd>{birth ? <Day at={birth} /> : nobody}</dd></div>
      <div><dt><Two k="mrn" words={words} /></dt><dd>{person?.mrn ? <bdi dir="ltr">{person.mrn}</bdi> : nobody}</dd></div>
      <div><dt><Two k={dated} words={words} /></dt><dd><Day at={date} /></dd></div>
    </dl>
  );
}

function Signed({ data, at, children }: { data: Data; at: string; children?: ComponentChildren }) {
  const { doctor, session, words } = data;
  const names = [doctor?.nameAr, doctor?.name].filter(Boolean) as string[];
  const [first, second] = lang.value === 'ar' ? names : [...names].reverse();
  return (
    <div class="row between row-top sign-row">
      <div class="signature">
        <p class="line-sign" />
        <p class="strong"><bdi>{first || doctorName(session)}</bdi>{second && second !== first && <> <bdi class="en">{second}</bdi></>}</p>
        <p class="en">{doctor?.specialty && <><bdi>{word('specialty', doctor.specialty)}</bdi> · </>}<Two k="print_licence" words={words} /> <bdi dir="ltr">{doctor?.licenceNumber || '—'}</bdi></p>
      </div>
      <div class="end-text">{children}<p class="en">{gregorian(at)} <bdi dir="ltr">{clock(at)}</bdi></p></div>
    </div>
  );
}
const Foot = ({ children }: { children: ComponentChildren }) => <div class="paper-foot"><div>{children}</div><p class="end-text">{t('print_made')} <bdi dir="ltr">{dayKey(Date.now())} {clock(Date.now())}</bdi></p></div>;

function Medications({ rx, words }: { rx: Rx; words: Words }) {
  const handed = rx.items.map((_, i) => dispensingOf(rx, i));
  return (
    <table class="table paper-table">
      <caption class="hidden">{t('prescriptions')}</caption>
      <thead><tr>{(['call_drug', 'call_dose', 'call_freq', 'call_dur'] as Key[]).map((key) => <th key={key} scope="col"><Two k={key} words={words} /></th>)}</tr></thead>
      <tbody>{rx.items.map((one, i) => (
        <tr key={i}>
          <th scope="row"><bdi>{one.name}</bdi>{one.instructions && <p class="en"><bdi>{one.instructions}</bdi></p>}{handed[i] && <p class="en"><Handed dispensing={handed[i]} place={i} /></p>}</th>
          <td><bdi class="num">{one.dosage}</bdi></td><td><bdi>{one.frequency ?? '—'}</bdi></td><td><bdi>{one.duration ?? '—'}</bdi></td>
        </tr>))}</tbody>
    </table>
  );
}

export function PrintPrescription({ id }: { id: string }) {
  const loaded = useLoad(async () => {
    const rx = await get<Rx>(`/api/v1/prescriptions/${encodeURIComponent(id)}`);
    return { rx, ...(await around(rx.session, rx.prescriber)) };
  }, id);
  const data = loaded.data.value;
  const back = data ? `/clinic/sessions/${data.session.id}?tab=prescriptions` : '/clinic';
  if (!data) return <Page name="call_rx" back={back} error={loaded.error.value} again={() => void loaded.again()} />;
  const { rx, words } = data;
  return (
    <Page name="call_rx" back={back} error={undefined} again={() => undefined}>
      <Head name="call_rx" words={words} />
      <Whose data={data} date={rx.issuedAt} dated="print_issued" />
      {rx.status === 'cancelled' && <p class="allergy-box"><Two k="print_cancelled" words={words} /></p>}
      {rx.status === 'dispensed' && <p class="allergy-box"><Two k="print_dispensed" words={words} /></p>}
      <Medications rx={rx} words={words} />
      {rx.notes && <p class="pre"><bdi>{rx.notes}</bdi></p>}
      <Signed data={data} at={rx.issuedAt}><p class="strong"><Two k="print_electronic" words={words} /></p></Signed>
      <Foot><p><Two k="print_number" words={words} /> <code dir="ltr">{rx.prescriptionNumber}</code></p></Foot>
    </Page>
  );
}

export function PrintSummary({ id }: { id: string }) {
  const loaded = useLoad(async () => {
    const [data, summary, templates] = await Promise.all([around(id), get<Summary>(`/api/v1/sessions/${encodeURIComponent(id)}/summary`), quietly(allTemplates())]);
    return { ...data, summary, templates: templates ?? [] };
  }, id);
  const data = loaded.data.value;
  const back = `/clinic/sessions/${id}`;
  if (!data) return <Page name="print_visit" back={back} error={loaded.error.value} again={() => void loaded.again()} />;
  const { session, summary, words } = data;
  const signed = (summary.notes ?? []).filter((one) => one.status !== 'draft' && !one.enteredInError);
  const drafts = (summary.notes ?? []).filter((one) => one.status === 'draft').length;
  const issued = (summary.prescriptions ?? []).filter((one) => one.status !== 'cancelled');
  const vitals = summary.vitals ?? [];
  const coming = (summary.followUps ?? []).map((one) => one.scheduledStart ?? one.at).filter(Boolean) as string[];
  const date = session.startedAt ?? session.scheduledStart ?? session.createdAt;
  return (
    <Page name="print_visit" back={back} error={undefined} again={() => undefined}>
      {drafts > 0 && <div class="no-print"><Notice tone="parked">{t('print_drafts')}</Notice></div>}
      <Head name="print_visit" words={words} />
      <Whose data={data} date={date} dated="print_date" />
      <p>{typeText(session.type)} · <bdi dir="ltr">{session.number}</bdi>{session.durationMinutes !== null && <> · {t('minutes', { n: session.durationMinutes })}</>}
        {session.identification && <> · {t('identified')}: {session.identification.identifiers.map(identifierText).join(' · ')}</>}</p>
      {session.chiefComplaint && <section class="paper-part"><h2><Two k="complaint" words={words} /></h2><p class="pre" dir="auto">{session.chiefComplaint}</p></section>}
      {vitals.length > 0 && <section class="paper-part"><h2><Two k="vitals" words={words} /></h2><VitalsTable vitals={vitals} plain /></section>}
      {signed.length > 0 && <section class="paper-part"><h2><Two k="notes" words={words} /></h2>{signed.map((one) => <NoteView key={one.id} note={one} templates={data.templates} level="h3" />)}</section>}
      {issued.length > 0 && <section class="paper-part"><h2><Two k="prescriptions" words={words} /></h2>{issued.map((one) => <div key={one.id}><Medications rx={one} words={words} /><p class="en"><code dir="ltr">{one.prescriptionNumber}</code></p></div>)}</section>}
      {coming.length > 0 && <section class="paper-part"><h2><Two k="follow_up" words={words} /></h2>{coming.map((at) => <p key={at}>{gregorian(at)} · {hijri(at)} · <bdi dir="ltr">{clock(at)}</bdi></p>)}</section>}
      <Signed data={data} at={session.endedAt ?? date} />
      <Foot><p><Two k="visit" words={words} /> <bdi dir="ltr">{session.number}</bdi></p></Foot>
    </Page>
  );
}

interface Named { name?: string | null; nameAr?: string | null }
interface Listed {
  session: string; number: number; status: string; doctor: Named | null; clinic: Named | null; scheduledStart: string | null; moved: boolean; plannedMinutes: number;
  language: string; told: { kind: string; outcome: string; channel: string; at: string } | null; link: string | null;
  patient: (Named & { mrn?: string | null; phone?: string | null; guardian?: { name: string; phone: string } | null }) | null;
}
const kOff = ['cancelled', 'no_show', 'failed'];
// A word of the hub; one without a text stays as it is.
const wordOf = (key: string, name: string) => (has(key) ? t(key as Key) : name);

// The day for a spreadsheet, as the hub writes it.
function DayFile({ date }: { date: string }) {
  const act = useAct();
  const keep = () => act.run(async () => {
    const file = await get<string>(`/api/v1/day-list${query({ date, format: 'csv', lang: lang.value })}`, { accept: 'text/csv, application/problem+json', reason: t('paper_day_reason') });
    // Reading the answer as text took the mark of the encoding away; spreadsheets need it.
    keepFile(`visits-${date}.csv`, `\uFEFF${file.replace(/^\uFEFF/, '')}`, 'text/csv');
  });
  return (
    <div class="no-print stack stack-8">
      {act.error !== undefined && <Failure error={act.error} again={() => void keep()} />}
      <p><Button icon="file" busy={act.busy} onPress={() => void keep()}>{t('paper_day_csv')}</Button></p>
    </div>
  );
}

// The visits of a day with telephones, for the desk to work on while the hub is away. Opening it is a reading of each patient.
export function PrintDay({ id }: { id: string }) {
  const loaded = useLoad(async () => {
    const [visits, words] = await Promise.all([all<Listed>(`/api/v1/day-list${query({ date: id })}`, { reason: t('paper_day_reason') }), otherTexts()]);
    return { visits, words };
  }, id);
  const data = loaded.data.value;
  if (!data) return <Page name="paper_day" back="/clinic" error={loaded.error.value} again={() => void loaded.again()} />;
  const { visits, words } = data;
  const date = noon(id);
  const names = (one: Named | null) => {
    const both = [one?.nameAr, one?.name].filter(Boolean) as string[];
    const [first, second] = lang.value === 'ar' ? both : [...both].reverse();
    return <><bdi>{first || t('unknown')}</bdi>{second && second !== first && <p class="en"><bdi>{second}</bdi></p>}</>;
  };
  const clinic = (one: Named) => (lang.value === 'ar' && one.nameAr) || one.name;
  return (
    <Page name="paper_day" back="/clinic" error={undefined} again={() => undefined}>
      <Head name="paper_day" words={words} />
      <DayFile date={id} />
      <p class="strong">{weekday(date)} {gregorian(date)} · {hijri(date)}</p>
      <p>{t('paper_day_hint')}</p>
      {!visits.length ? <p>{t('paper_day_none')}</p> : (
        <table class="table paper-table">
          <caption class="hidden">{t('paper_day')}</caption>
          <thead><tr>{(['time', 'role_patient', 'paper_day_phone', 'role_doctor', 'paper_day_told', 'visit'] as Key[]).map((key) => <th key={key} scope="col"><Two k={key} words={words} /></th>)}</tr></thead>
          <tbody>{visits.map((one) => (
            <tr key={one.session}>
              <td><bdi dir="ltr" class="strong">{one.scheduledStart ? clock(one.scheduledStart) : '—'}</bdi><p class="en">{t('minutes', { n: one.plannedMinutes })}</p></td>
              <th scope="row">{names(one.patient)}{one.patient?.mrn && <p class="en"><bdi dir="ltr">{one.patient.mrn}</bdi></p>}</th>
              <td><bdi dir="ltr" class="nowrap">{one.patient?.guardian?.phone || one.patient?.phone || '—'}</bdi>{one.patient?.guardian && <p class="en"><bdi>{one.patient.guardian.name}</bdi></p>}<p class="en">{wordOf(`speaks_${one.language}`, one.language)}</p></td>
              <td>{one.doctor ? names(one.doctor) : '—'}{one.clinic && <p class="en"><bdi>{clinic(one.clinic)}</bdi></p>}</td>
              <td>{one.told ? <>{wordOf(`paper_told_${one.told.kind}`, one.told.kind)}: {wordOf(`paper_outcome_${one.told.outcome}`, one.told.outcome)}{one.told.channel === 'mail' && <> {t('paper_by_mail')}</>}</> : one.patient ? t('paper_day_untold') : '—'}{one.link && <p class="en">{wordOf(`paper_link_${one.link}`, one.link)}</p>}</td>
              <td><span class={kOff.includes(one.status) ? 'strong' : ''}>{statusText(one.status)}</span>{one.moved && <p class="en">{t('paper_day_moved')}</p>}<p class="en"><bdi dir="ltr" class="num">{one.number}</bdi></p></td>
            </tr>))}</tbody>
        </table>
      )}
      <Foot><p><Two k="paper_day_keep" words={words} /></p></Foot>
    </Page>
  );
}
