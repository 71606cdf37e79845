// Booking: specialty, language and the doctor's gender narrow the list and never close it; a week in both calendars; times by doctor.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, newKey, post, Problem, query } from '../base/api';
import { clock, dayKey, dayNumber, gregorian, hijri, weekday } from '../base/dates';
import { t, type Key } from '../base/i18n';
import { useLoad } from '../base/load';
import { face, me } from '../base/me';
import { lang } from '../base/prefs';
import { go, place } from '../base/router';
import { Avatar, Button, Empty, Failure, Field, H1, Icon, nameOf, Notice, Segment, Select, Skeleton, TextArea } from '../ui';
import { Frame } from './frame';
import { specialtyText } from './home';
import { allProviders, type Page, type Person, type Provider, type Session } from './model';
import { Banner } from './records';

interface Slot { id: string; startsAt: string; endsAt: string; status: string; available: boolean }
const kDay = 86_400_000;
const noon = (key: string) => Date.parse(`${key}T12:00:00+03:00`);
// Weeks begin on Sunday.
function weekOf(offset: number): string[] {
  const today = new Date(noon(dayKey(Date.now())));
  const first = today.getTime() - today.getUTCDay() * kDay + offset * 7 * kDay;
  return Array.from({ length: 7 }, (_, i) => dayKey(first + i * kDay));
}

export function Booking() {
  const own = face.value === 'patient';
  const [patient, setPatient] = useState<Person | undefined>(own ? (me.value as Person) : undefined);
  const [specialty, setSpecialty] = useState('');
  const [language, setLanguage] = useState('');
  const [gender, setGender] = useState<'' | 'female' | 'male'>('');
  const [offset, setOffset] = useState(0);
  const [day, setDay] = useState('');
  const [first, setFirst] = useState<'gregorian' | 'hijri'>('gregorian');
  const [chosen, choose] = useState<{ provider: Provider; slot: Slot }>();
  const [complaint, setComplaint] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const key = useRef(newKey());
  const wanted = place.value.query.get('patient');
  const known = useLoad(async () => [...(await allProviders()).values()]);
  useLoad(async () => {
    if (!own && wanted) setPatient(await get<Person>(`/api/v1/patients/${encodeURIComponent(wanted)}`));
  }, wanted ?? '');
  const week = weekOf(offset);
  const fits = (known.data.value ?? []).filter((one) => (!specialty || one.specialty === specialty) && (!language || one.languages?.includes(language)) && (!gender || one.gender === gender));
  const slots = useLoad(async () => {
    const all = known.data.value ?? [];
    const from = new Date(Math.max(Date.now(), noon(week[0]) - kDay / 2)).toISOString();
    const to = new Date(noon(week[6]) + kDay / 2).toISOString();
    const each = await Promise.all(all.map((one) => get<{ slots: Slot[] }>(`/api/v1/providers/${one.id}/availability${query({ from, to })}`).then((got) => got.slots, () => [])));
    return new Map(all.map((one, i) => [one.id, each[i].filter((slot) => slot.available && Date.parse(slot.startsAt) > Date.now())]));
  }, `${week[0]} ${known.data.value?.length ?? 0}`);
  const free = (id: string, on: string) => (slots.data.value?.get(id) ?? []).filter((slot) => dayKey(slot.startsAt) === on);
  const count = (on: string) => fits.reduce((sum, one) => sum + free(one.id, on).length, 0);
  const strip = useRef<HTMLDivElement>(null);
  const shown = day && week.includes(day) ? day : (week.find((one) => count(one) > 0) ?? '');
  // On a phone the week is wider than the page: the chosen day is brought into it.
  useEffect(() => {
    const box = strip.current;
    const chosenDay = box?.querySelector<HTMLElement>('[aria-pressed="true"]');
    if (box && chosenDay && box.scrollWidth > box.clientWidth) box.scrollTo({ left: chosenDay.offsetLeft - box.offsetLeft - (box.clientWidth - chosenDay.offsetWidth) / 2 });
  }, [shown]);
  const specialties = [...new Set((known.data.value ?? []).map((one) => one.specialty).filter((one): one is string => !!one))];
  const title = noon(week[3]);
  const confirm = async () => {
    if (!chosen || !patient) return;
    setBusy(true);
    setError(undefined);
    const { slot, provider } = chosen;
    try {
      const made = await post<Session>('/api/v1/sessions', {
        type: 'doctor_patient', bookingType: 'direct', provider: provider.id, patient: patient.id, scheduledStart: slot.startsAt,
        plannedMinutes: Math.min(own ? 60 : 480, Math.max(5, Math.round((Date.parse(slot.endsAt) - Date.parse(slot.startsAt)) / 60_000))),
        language: language || lang.value, ...(complaint.trim() ? { chiefComplaint: complaint.trim() } : {}),
        ...(!own ? { organizer: { person: provider.id, role: 'doctor' } } : {}),
      }, { key: key.current });
      go(`/clinic/sessions/${made.id}`);
    } catch (failed) {
      if (failed instanceof Problem && failed.status) key.current = newKey();
      setError(failed);
    } finally { setBusy(false); }
  };
  return (
    <Frame name="book" wide>
      {!own && patient && <Banner person={patient} heading="p" />}
      <div class="page">
        <div class="page-head"><H1 class="grow">{t('book')}</H1></div>
        {!own && !patient && <FindPatient onFound={setPatient} />}
        <div class="filters">
          <Select label={t('specialty')} value={specialty} onText={setSpecialty} options={[{ value: '', text: t('all_specialties') }, ...specialties.map((one) => ({ value: one, text: specialtyText(one) }))]} />
          <Select label={t('visit_language')} value={language} onText={setLanguage} options={[{ value: '', text: t('any_language') }, { value: 'ar', text: t('arabic') }, { value: 'en', text: t('english') }]} />
          <div class="field"><span class="label" aria-hidden="true">{t('pref_gender')}</span>
            <Segment wide label={t('pref_gender')} current={gender || ('any' as '')} onPick={(name) => setGender((name as string) === 'any' ? '' : name)} options={[{ name: 'any', text: t('no_pref') }, { name: 'female', text: t('female_dr') }, { name: 'male', text: t('male_dr') }] as { name: 'female'; text: string }[]} /></div>
        </div>
        {known.error.value !== undefined && <Failure error={known.error.value} again={() => void known.again()} />}
        <div class="cols">
          <section class="card card-flush" aria-labelledby="mo-h">
            <div class="card-head week-head">
              <div class="grow"><h2 id="mo-h">{monthText(title, first)}</h2><p class="hijri">{monthText(title, first === 'gregorian' ? 'hijri' : 'gregorian')}</p></div>
              <Segment label={t('calendar_first')} current={first} onPick={setFirst} options={[{ name: 'gregorian' as 'gregorian' | 'hijri', text: t('gregorian') }, { name: 'hijri', text: t('hijri') }]} />
              <div class="row"><button type="button" class="btn btn-plain btn-icon" aria-label={t('week_before')} disabled={offset === 0} onClick={() => setOffset(offset - 1)}><Icon name="prev" flip /></button>
                <button type="button" class="btn btn-plain btn-icon" aria-label={t('week_after')} disabled={offset >= 7} onClick={() => setOffset(offset + 1)}><Icon name="next" flip /></button></div>
            </div>
            <div class="week week-pad" ref={strip} role="group" aria-label={t('week')}>
              {week.map((one) => {
                const n = count(one);
                const past = one < dayKey(Date.now());
                const [big, small] = first === 'gregorian' ? [dayNumber(noon(one)), t('hijri_day', { day: hijriDayNumber(noon(one)) })] : [hijriDayNumber(noon(one)), gregorianDay(noon(one))];
                return (
                  <button key={one} type="button" class="day" aria-pressed={one === shown} aria-disabled={past || !n || undefined} onClick={() => n && setDay(one)}>
                    <span class="small">{weekday(noon(one), 'short')}</span><span class="t22 num">{big}</span><span class="small muted">{small}</span><span class="small">{past ? '—' : slots.data.value ? (n ? t('free_short', { n }) : t('none_free')) : '…'}</span>
                  </button>
                );
              })}
            </div>
            {slots.error.value !== undefined && <div class="pad"><Failure error={slots.error.value} /></div>}
            {!slots.data.value ? <div class="pad"><Skeleton lines={4} /></div> : !shown ? <Empty text={t('no_times')}>{offset < 7 && <Button onPress={() => setOffset(offset + 1)}>{t('week_after')}</Button>}</Empty> : (
              <ul class="rows doctors">
                {fits.filter((one) => free(one.id, shown).length).map((one, i) => (
                  <li key={one.id} class="row-top"><Avatar name={nameOf(one)} tint={i % 2 ? 2 : undefined} />
                    <div class="grow stack stack-12"><div class="two"><span class="strong"><bdi>{nameOf(one)}</bdi></span><span>{[one.specialty && specialtyText(one.specialty), one.languages?.length && one.languages.map((l) => t(l === 'ar' ? 'arabic' : 'english')).join('، ')].filter(Boolean).join(' · ')}</span></div>
                      <div class="slots" role="group" aria-label={t('times_of', { name: nameOf(one) })}>{free(one.id, shown).map((slot) => {
                        const on = chosen?.slot.id === slot.id;
                        return <button key={slot.id} type="button" class="slot" aria-pressed={on} onClick={() => { choose({ provider: one, slot }); setError(undefined); key.current = newKey(); }}><span dir="ltr">{clock(slot.startsAt)}</span>{on && <> <Icon name="check" /></>}</button>;
                      })}</div></div></li>
                ))}
              </ul>
            )}
          </section>
          <section class="card stack stack-16" aria-labelledby="s-h">
            <h2 id="s-h" class="muted">{t('your_choice')}</h2>
            {chosen ? <>
              <div><p class="t22 strong">{weekday(chosen.slot.startsAt)} <bdi dir="ltr">{clock(chosen.slot.startsAt)}</bdi></p><p>{gregorian(chosen.slot.startsAt)}</p><p class="hijri">{hijri(chosen.slot.startsAt)}</p></div>
              <p class="row row-8"><Avatar name={nameOf(chosen.provider)} /> <span><bdi class="strong">{nameOf(chosen.provider)}</bdi><br /><span class="muted small">{t('video_visit', { n: Math.round((Date.parse(chosen.slot.endsAt) - Date.parse(chosen.slot.startsAt)) / 60_000) })}</span></span></p>
              <TextArea label={t('complaint_q')} value={complaint} onText={setComplaint} rows={2} maxLength={4000} />
              {!patient && <Notice tone="parked">{t('book_needs_patient')}</Notice>}
              {error !== undefined && <Failure error={error} />}
              <Button kind="primary" size="large" block busy={busy} disabled={!patient} onPress={() => void confirm()}>{t('confirm_visit')}</Button>
            </> : <p class="muted">{t('choose_time')}</p>}
          </section>
        </div>
      </div>
    </Frame>
  );
}
const part = (when: number, calendar: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(`${lang.value === 'ar' ? 'ar-SA' : 'en-GB'}-u-ca-${calendar}-nu-latn`, { timeZone: 'Asia/Riyadh', ...options }).format(when);
const monthText = (when: number, which: 'gregorian' | 'hijri') => part(when, which === 'hijri' ? 'islamic-umalqura' : 'gregory', { month: 'long', year: 'numeric' });
const hijriDayNumber = (when: number) => part(when, 'islamic-umalqura', { day: 'numeric' });
const gregorianDay = (when: number) => part(when, 'gregory', { day: 'numeric', month: 'short' });

// Finds a patient by an identifier. The value goes in the body and stays in no address.
export function FindPatient({ onFound, plain }: { onFound: (person: Person) => void; plain?: boolean }) {
  const [kind, setKind] = useState('mrn');
  const [value, setValue] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [items, setItems] = useState<Person[]>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const found = (await post<Page<Person>>('/api/v1/patients/search', { identifier: `${kind}:${value.trim()}` }, { reason: t('reason_desk') })).items;
      setItems(found);
      if (found.length === 1) onFound(found[0]);
    } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  const form = (
    <form class="stack stack-12" onSubmit={submit} noValidate>
      <Select label={t('find_by')} value={kind} onText={setKind} options={['mrn', 'identifier', 'phone', 'email'].map((one) => ({ value: one, text: t(`find_${one}` as Key) }))} />
      <Field label={t('find_value')} value={value} onText={setValue} digits={kind !== 'email'} dir="ltr" autocomplete="off" inputMode={kind === 'email' ? 'email' : 'text'} required />
      {error !== undefined && <Failure error={error} />}
      {items && !items.length && <Notice tone="parked" alert>{t('find_none')}</Notice>}
      <Button submit icon="search" busy={busy} disabled={!value.trim()}>{t('find')}</Button>
    </form>
  );
  return plain ? form : <section class="card stack stack-16 gap-below" aria-labelledby="fp-h"><h2 id="fp-h">{t('find_patient')}</h2>{form}</section>;
}
