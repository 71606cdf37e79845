// Entries of visits: vital signs with trend, prescriptions, documents, recordings; patient banner.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { get, Problem } from '../base/api';
import { rowsOf, type SharedDocument } from '../base/documents';
import { age, clock, dayAndTime, dayMonth, gregorian, hijri } from '../base/dates';
import { isolate, ltr, number, t, type Key } from '../base/i18n';
import { useLoad } from '../base/load';
import { face, me } from '../base/me';
import { Avatar, Dates, DocumentMarks, Empty, Failure, Icon, nameOf, LinkButton, Pill, Segment, Select, Skeleton, State, Table } from '../ui';
import { isOver, isStaffOf, type Page, type Person, type Session } from './model';
import { Player, playsRecordings } from './player';

// Items of a kind in several visits, newest first. Visits whose items may not be seen are left out.
export function useList<T extends { createdAt?: string }>(ids: string[], kind: string): { items: T[]; part?: ComponentChildren; again: () => Promise<void> } {
  const loaded = useLoad(async () => {
    const pages = await Promise.all(ids.map((id) => get<Page<T>>(`/api/v1/sessions/${id}/${kind}`).then((page) => page.items, (error) => {
      if (error instanceof Problem && error.status === 403 && ids.length > 1) return [];
      throw error;
    })));
    return pages.flat().sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''));
  }, ids.join(' ') + kind);
  if (loaded.error.value !== undefined) return { items: [], again: loaded.again, part: <div class="pad"><Failure error={loaded.error.value} again={() => void loaded.again()} /></div> };
  if (!loaded.data.value) return { items: [], again: loaded.again, part: <div class="pad"><Skeleton lines={3} /></div> };
  return { items: loaded.data.value, again: loaded.again };
}

// Name, birth date and file number: above everything that writes into a record.
export function Banner({ person, heading = 'h1', link, acts }: { person: Person; heading?: 'h1' | 'p'; link?: boolean; acts?: ComponentChildren }) {
  const name = <bdi>{nameOf(person)}</bdi>;
  return (
    <div class="banner"><div class="banner-in">
      <Avatar name={nameOf(person)} large />
      <div class="grow stack stack-8">
        <div class="row row-16 row-wrap">
          {heading === 'h1' ? <h1 tabIndex={-1}>{name}</h1> : <p class="t22 strong">{link ? <a class="name" href={`/clinic/patients/${person.id}`}>{name}</a> : name}</p>}
          {!!person.allergies?.length && <Pill tone="parked">{t('allergies')}: <bdi>{person.allergies.join(', ')}</bdi></Pill>}
        </div>
        <dl class="facts-line">
          <div><dt>{t('birth')}</dt><dd>{person.birthDate ? <>{gregorian(`${person.birthDate.slice(0, 10)}T12:00:00Z`)} <span class="hijri">{hijri(`${person.birthDate.slice(0, 10)}T12:00:00Z`)}</span></> : t('unknown')}</dd></div>
          <div><dt>{t('age_sex')}</dt><dd>{[person.birthDate && t('years', { n: age(person.birthDate) }), person.gender && t(person.gender === 'female' ? 'female' : 'male')].filter(Boolean).join(' · ') || t('unknown')}</dd></div>
          <div><dt>{t('mrn')}</dt><dd>{person.mrn ? <bdi dir="ltr">{person.mrn}</bdi> : t('unknown')}</dd></div>
          {person.phone && <div><dt>{t('mobile')}</dt><dd><bdi dir="ltr">{person.phone}</bdi></dd></div>}
        </dl>
      </div>
      {acts}
    </div></div>
  );
}

export interface Vital {
  id: string; createdAt: string; takenAt: string; source: string;
  heartRate?: number; systolic?: number; diastolic?: number; temperatureC?: number; respiratoryRate?: number; oxygenSaturation?: number;
  weightKg?: number; heightCm?: number; glucoseMmol?: number; painScale?: number;
}
const kSigns: [keyof Vital, Key, string][] = [
  ['heartRate', 'pulse', '/min'], ['temperatureC', 'temp', '°C'], ['respiratoryRate', 'resp', '/min'], ['oxygenSaturation', 'spo2', '%'],
  ['glucoseMmol', 'glucose', 'mmol/L'], ['weightKg', 'weight', 'kg'], ['heightCm', 'height', 'cm'], ['painScale', 'pain', '/10'],
];
// `plain`: for a paper, which does not scroll.
export function VitalsTable({ vitals, plain }: { vitals: Vital[]; plain?: boolean }) {
  if (!vitals.length) return <Empty icon="vitals" text={t('vitals_none')} />;
  const shown = kSigns.filter(([name]) => vitals.some((one) => one[name] !== undefined));
  const value = (one: number | undefined, unit: string) => (one === undefined ? <span class="muted">—</span> : <bdi dir="ltr" class="num">{number(one)} <small class="muted">{unit}</small></bdi>);
  const table = (
    <Table caption={t('vitals')} rows={vitals} rowKey={(one) => one.id} columns={[
      { head: t('date'), names: true, cell: (one) => <Dates at={one.takenAt} /> },
      { head: t('bp'), cell: (one) => (one.systolic ? <bdi dir="ltr" class="num strong">{one.systolic}/{one.diastolic ?? '—'} <small class="muted">mmHg</small></bdi> : <span class="muted">—</span>) },
      ...shown.map(([name, key, unit]) => ({ head: t(key), cell: (one: Vital) => value(one[name] as number | undefined, unit) })),
    ]} />
  );
  return plain ? table : <div class="scroll-x" tabIndex={0} role="group" aria-label={t('vitals')}>{table}</div>;
}

// Values that are drawn over time: blood pressure has two lines, everything else one.
interface Course { name: string; text: Key; unit: string; of: ((one: Vital) => number | undefined)[]; step: number; from?: number; to?: number }
const kSteps: Partial<Record<keyof Vital, number>> = { temperatureC: 1, oxygenSaturation: 5, glucoseMmol: 2, weightKg: 5, painScale: 2, respiratoryRate: 5 };
const kCourses: Course[] = [
  { name: 'bp', text: 'bp', unit: 'mmHg', of: [(one) => one.systolic, (one) => one.diastolic], step: 20, from: 80, to: 140 },
  ...kSigns.map(([name, text, unit]) => ({ name, text, unit, of: [(one: Vital) => one[name] as number | undefined], step: kSteps[name] ?? 20 })),
];
const has = (course: Course, one: Vital) => course.of.every((of) => of(one) !== undefined);

// One sign over time: lines, the last values written out; a table is one press away. Time runs from left to right in both languages.
export function Trend({ vitals }: { vitals: Vital[] }) {
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const [picked, pick] = useState('');
  const courses = kCourses.filter((course) => vitals.some((one) => has(course, one)));
  const course = courses.find(({ name }) => name === picked) ?? courses[0];
  if (!course) return <section class="card card-flush" aria-label={t('vitals')}><VitalsTable vitals={vitals} /></section>;
  const points = vitals.filter((one) => has(course, one)).sort((a, b) => b.takenAt.localeCompare(a.takenAt)).slice(0, 7).reverse();
  const { step } = course;
  const values = points.flatMap((one) => course.of.map((of) => of(one)!));
  const low = Math.floor((Math.min(...values, course.from ?? Infinity) - step / 4) / step) * step;
  const high = Math.ceil((Math.max(...values, course.to ?? -Infinity) + step / 4) / step) * step;
  const y = (v: number) => 26 + ((high - v) / (high - low)) * 170;
  // On a phone the drawing is narrower, so that its words stay as large as other words.
  const width = matchMedia('(max-width: 900px)').matches ? 330 : 660;
  const x = (i: number) => (points.length === 1 ? width / 2 : 60 + (i * (width - 132)) / (points.length - 1));
  const path = (of: (one: Vital) => number | undefined) => points.map((one, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(of(one)!).toFixed(1)}`).join(' ');
  const lines: number[] = [];
  const every = step * Math.max(1, Math.ceil((high - low) / step / 8));
  for (let v = low; v <= high; v += every) lines.push(v);
  const last = points[points.length - 1];
  const said = (one: Vital) => ltr(course.of.map((of) => number(of(one)!)).join('/'));
  const title = t(course.text);
  return (
    <section class="card stack stack-16" aria-labelledby="bp-h">
      <div class="row row-wrap row-16"><div class="grow"><h2 id="bp-h">{title}</h2><p class="small muted"><bdi dir="ltr">{course.unit}</bdi> · {t('last_values', { n: points.length })}</p></div>
        {courses.length > 1 && <Select label={t('sign_shown')} quiet value={course.name} onText={pick} options={courses.map((one) => ({ value: one.name, text: t(one.text) }))} />}
        <Segment label={t('view')} current={view} onPick={setView} options={[{ name: 'chart' as 'chart' | 'table', text: t('chart') }, { name: 'table', text: t('table') }]} /></div>
      {view === 'table' ? <VitalsTable vitals={vitals} /> : <>
        <svg class="chart" viewBox={`0 0 ${width} 232`} role="img" aria-label={t('trend_said', { what: title, first: said(points[0]), last: said(last), n: points.length })}>
          {lines.map((v) => <g key={v}><path class="grid" d={`M44 ${y(v)}h${width - 100}`} /><text x="36" y={y(v) + 5} text-anchor="end">{number(v)}</text></g>)}
          {course.of.map((of, i) => <path key={i} class={i ? 's2' : 's1'} d={path(of)} />)}
          {points.map((one, i) => <g key={one.id}>{course.of.map((of, line) => (line
              ? <rect key={line} class="m2" x={x(i) - 4} y={y(of(one)!) - 4} width="8" height="8" /> : <circle key={line} class="m1" cx={x(i)} cy={y(of(one)!)} r="4.5" />))}
            {(i === 0 || i === points.length - 1 || points.length < 5) && <text x={x(i)} y="224" text-anchor="middle">{isolate(dayMonth(one.takenAt))}</text>}</g>)}
          {course.of.map((of, i) => <text key={i} class={i ? 'v2' : 'v1'} x={x(points.length - 1) + 12} y={y(of(last)!) + 5}>{number(of(last)!)}</text>)}
        </svg>
        {course.of.length > 1 && <p class="legend-line">
          <span class="row row-8"><svg class="key" viewBox="0 0 28 14" aria-hidden="true"><path class="s1" d="M0 7h28" /><circle class="m1" cx="14" cy="7" r="4.5" /></svg> {t('sys')}</span>
          <span class="row row-8"><svg class="key" viewBox="0 0 28 14" aria-hidden="true"><path class="s2" d="M0 7h28" /><rect class="m2" x="10" y="3" width="8" height="8" /></svg> {t('dia')}</span>
        </p>}
      </>}
    </section>
  );
}

export interface Dispensing { id: string; pharmacist: string; pharmacy: string; handedOverAt: string; items: { item: number; quantity?: number; unit?: string }[]; notes?: string; enteredInError?: { at: string; reason: string } }
// The dispensing of a medication that holds, if there is one. place: in the prescription, from 0.
export const dispensingOf = (rx: { dispensings?: Dispensing[] }, place: number): Dispensing | undefined =>
  rx.dispensings?.find((one) => !one.enteredInError && one.items.some((each) => each.item === place + 1));
// Amount of a drug that was handed over, with pharmacist, pharmacy and time.
export function Handed({ dispensing, place }: { dispensing: Dispensing; place: number }) {
  const item = dispensing.items.find((each) => each.item === place + 1);
  return <span>{t('rx_dispensed')}: {item?.quantity !== undefined && <><bdi>{number(item.quantity)} {item.unit}</bdi> · </>}<bdi>{dispensing.pharmacist}</bdi> · <bdi>{dispensing.pharmacy}</bdi> · {gregorian(dispensing.handedOverAt)} <bdi dir="ltr">{clock(dispensing.handedOverAt)}</bdi></span>;
}

interface Rx { id: string; createdAt: string; issuedAt: string; prescriptionNumber: string; status: string; dispensings?: Dispensing[]; items: { name: string; dosage: string; frequency?: string; duration?: string; instructions?: string }[] }
export function Prescriptions({ sessions, short }: { sessions: Session[]; short?: boolean }) {
  const { items, part } = useList<Rx>(sessions.map((one) => one.id), 'prescriptions');
  return (
    <section class="card card-flush" aria-label={t('prescriptions')}>
      {short && <div class="card-head"><h2 class="grow">{t('prescriptions')}</h2></div>}
      {part ?? (!items.length ? <Empty icon="rx" text={t('rx_none')} /> : (
        <ul class="rows">{items.flatMap((rx) => rx.items.map((one, i) => {
          const handed = dispensingOf(rx, i);
          return <li key={rx.id + i}><div class="two grow"><span class="strong"><bdi>{one.name}</bdi></span><span><bdi>{[one.dosage, one.frequency, one.duration].filter(Boolean).join(' · ')}</bdi></span><span><bdi dir="ltr">{rx.prescriptionNumber}</bdi> · {gregorian(rx.issuedAt)}</span>{handed && <Handed dispensing={handed} place={i} />}</div>
            <State tone={rx.status === 'cancelled' && !handed ? 'idle' : 'ok'}>{t(`rx_${handed ? 'dispensed' : rx.status}` as 'rx_issued')}</State>
            {i === 0 && !short && <LinkButton size="small" icon="print" href={`/clinic/prescriptions/${rx.id}/print`} aria-label={`${t('print')}: ${rx.prescriptionNumber}`}>{t('print')}</LinkButton>}</li>;
        }))}</ul>
      ))}
    </section>
  );
}

const size = (bytes: number) => (bytes < 1_000_000 ? `${number(Math.ceil(bytes / 1000))} kB` : `${number(bytes / 1_000_000, { maximumFractionDigits: 1 })} MB`);
export function Documents({ sessions }: { sessions: Session[] }) {
  const { items, part, again } = useList<SharedDocument>(sessions.map((one) => one.id), 'documents');
  const clinical = face.value === 'doctor' || face.value === 'nurse';
  const open = (id: string) => sessions.find((one) => one.id === id && !isOver(one));
  const shares = (id: string) => clinical && sessions.some((one) => one === open(id) && isStaffOf(one));
  return (
    <section class="card card-flush" aria-label={t('documents')}>
      {part ?? (!items.length ? <Empty icon="file" text={t('documents_none')} /> : (
        <ul class="rows">{rowsOf(items).map((one) => (
          <li key={one.id}><Icon name="file" /><div class="two grow"><span class="strong"><bdi>{one.title || t('document')}</bdi></span><span class="small muted">{dayAndTime(one.createdAt)} · <bdi dir="ltr">{size(one.bytes)}</bdi></span>
            <DocumentMarks doc={one} clinical={clinical} own={one.sharedBy === me.value?.id} acts={shares(one.session)} over={!open(one.session)} done={again} /></div>
            <a class="btn btn-small" href={`/api/v1/documents/${one.id}/content`} target="_blank" rel="noopener">{t('open')}</a></li>))}</ul>
      ))}
    </section>
  );
}

interface Recording { id: string; createdAt: string; status: string; kind: string | null; startedAt: string | null; durationSeconds: number | null; bytes: number | null }
export function Recordings({ sessions }: { sessions: Session[] }) {
  const { items, part } = useList<Recording>(sessions.map((one) => one.id), 'recordings');
  return (
    <section class="card card-flush" aria-label={t('recordings')}>
      {part ?? (!items.length ? <Empty icon="rec" text={t('recordings_none')} /> : (
        <ul class="rows">{items.map((one) => (
          <li key={one.id}><Icon name={one.kind === 'audio' ? 'mic' : 'cam'} /><div class="two grow"><span class="strong">{t(one.kind === 'audio' ? 'recording_audio' : 'recording_video')}</span><span>{one.startedAt && dayAndTime(one.startedAt)}{one.bytes !== null && <> · <bdi dir="ltr">{size(one.bytes)}</bdi></>}</span></div>
            <State tone={one.status === 'ready' ? 'ok' : one.status === 'failed' ? 'failed' : 'idle'}>{t(`recording_${one.status}` as 'recording_ready')}</State>
            {one.status === 'ready' && playsRecordings() && <Player id={one.id} sound={one.kind === 'audio'} />}</li>))}</ul>
      ))}
    </section>
  );
}
