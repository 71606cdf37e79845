// Booking: specialty, language and the doctor's gender narrow the list and never close it.
import { useRef, useState } from 'preact/hooks';
import { get, newKey, post, Problem } from '../base/api';
import { clock, gregorian, hijri, weekday } from '../base/dates';
import { t, type Key } from '../base/i18n';
import { useLoad } from '../base/load';
import { face, me } from '../base/me';
import { lang } from '../base/prefs';
import { go, place } from '../base/router';
import { Avatar, Button, Failure, Field, H1, nameOf, Notice, Segment, Select, TextArea } from '../ui';
import { Frame } from './frame';
import { specialtyText } from './home';
import { allProviders, type Page, type Person, type Provider, type Session } from './model';
import { Banner } from './records';
import { Times, type Slot } from './times';

export function Booking() {
  const own = face.value === 'patient';
  const [patient, setPatient] = useState<Person | undefined>(own ? (me.value as Person) : undefined);
  const [specialty, setSpecialty] = useState('');
  const [language, setLanguage] = useState('');
  const [gender, setGender] = useState<'' | 'female' | 'male'>('');
  const [chosen, choose] = useState<{ provider: Provider; slot: Slot }>();
  const [complaint, setComplaint] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const key = useRef(newKey());
  const wanted = place.value.query.get('patient');
  const providers = useLoad(async () => [...(await allProviders()).values()]);
  useLoad(async () => {
    if (!own && wanted) setPatient(await get<Person>(`/api/v1/patients/${encodeURIComponent(wanted)}`));
  }, wanted ?? '');
  const fits = (providers.data.value ?? []).filter((one) => (!specialty || one.specialty === specialty) && (!language || one.languages?.includes(language)) && (!gender || one.gender === gender));
  const specialties = [...new Set((providers.data.value ?? []).map((one) => one.specialty).filter((one): one is string => !!one))];
  const confirm = async () => {
    if (!chosen || !patient) return;
    setBusy(true);
    setError(undefined);
    const { slot, provider } = chosen;
    try {
      const session = await post<Session>('/api/v1/sessions', {
        type: 'doctor_patient', bookingType: 'direct', provider: provider.id, patient: patient.id, scheduledStart: slot.startsAt,
        plannedMinutes: Math.min(own ? 60 : 480, Math.max(5, Math.round((Date.parse(slot.endsAt) - Date.parse(slot.startsAt)) / 60_000))),
        language: language || lang.value, ...(complaint.trim() ? { chiefComplaint: complaint.trim() } : {}),
        ...(!own ? { organizer: { person: provider.id, role: 'doctor' } } : {}),
      }, { key: key.current });
      go(`/clinic/sessions/${session.id}`);
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
        {providers.error.value !== undefined && <Failure error={providers.error.value} again={() => void providers.again()} />}
        <div class="cols">
          <Times all={providers.data.value} fits={fits} chosen={chosen?.slot.id} onChoose={(provider, slot) => { choose({ provider, slot }); setError(undefined); key.current = newKey(); }} />
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
