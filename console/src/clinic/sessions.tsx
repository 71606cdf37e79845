// The list of visits with filters, which stand in the address.
import { useState } from 'preact/hooks';
import { get, query } from '../base/api';
import { t, type Key } from '../base/i18n';
import { useLoad } from '../base/load';
import { face } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Dates, Empty, Failure, H1, kShapeOf, LinkButton, Pill, Select, Field, Skeleton, statusText, Table, Time, tone } from '../ui';
import { Frame } from './frame';
import { allProviders, doctorName, nameOfParticipant, patientOf, startOf, typeText, type Page, type Provider, type Session } from './model';

const kStates = ['requested', 'scheduled', 'waiting', 'active', 'completed', 'cancelled', 'no_show', 'failed'];
const kTypes = ['doctor_patient', 'medical_team', 'family_consultation', 'second_opinion', 'emergency_consultation', 'remote_monitoring', 'training_session'];

export function SessionTable({ sessions, providers, caption, doctor = true, patient = true }: { sessions: Session[]; providers: Map<string, Provider>; caption: string; doctor?: boolean; patient?: boolean }) {
  return (
    <Table caption={caption} rows={sessions} rowKey={(one) => one.id} columns={[
      { head: t('date'), names: true, cell: (one) => <a class="row row-12 date-cell" href={`/clinic/sessions/${one.id}`}><Dates at={startOf(one)} day /><Time at={startOf(one)} class="strong" /></a> },
      ...(patient ? [{ head: t('role_patient'), cell: (one: Session) => <bdi>{nameOfParticipant(patientOf(one))}</bdi> }] : []),
      ...(doctor ? [{ head: t('role_doctor'), cell: (one: Session) => <bdi>{doctorName(one, providers)}</bdi> }] : []),
      { head: t('kind'), cell: (one) => typeText(one.type) },
      { head: t('state'), cell: (one) => <Pill tone={tone(one.status)} icon={kShapeOf[one.status]}>{statusText(one.status)}</Pill> },
    ]} />
  );
}

export function Sessions() {
  const given = place.value.query;
  const status = given.get('status') ?? '';
  const type = given.get('type') ?? '';
  const from = given.get('from') ?? '';
  const to = given.get('to') ?? '';
  const visit = given.get('visit') ?? '';
  const [more, setMore] = useState<Session[]>([]);
  const [next, setNext] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>();
  const loaded = useLoad(async () => {
    const [page, providers] = await Promise.all([
      get<Page<Session>>(`/api/v1/sessions${query({ status, type, visit, from: from && `${from}T00:00:00+03:00`, to: to && `${to}T23:59:59+03:00`, limit: 25 })}`),
      allProviders(),
    ]);
    setMore([]);
    setNext(page.next);
    return { items: page.items, providers };
  }, [status, type, visit, from, to].join('|'));
  const data = loaded.data.value;
  const onMore = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      const page = await get<Page<Session>>(next!);
      setMore([...more, ...page.items]);
      setNext(page.next);
    } catch (error) {
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  const some = status || type || visit || from || to;
  const sessions = [...(data?.items ?? []), ...more];
  return (
    <Frame name="visits">
      <div class="page-head"><div class="grow"><H1>{t('visits')}</H1></div>
        {face.value !== 'nurse' && face.value !== 'other' && <LinkButton icon="cal-plus" href="/clinic/book">{t('book')}</LinkButton>}</div>
      <form class="filter-row" aria-label={t('filter')} onSubmit={(event) => event.preventDefault()}>
        <Select label={t('state')} value={status} onText={(value) => setQuery({ status: value })} options={[{ value: '', text: t('all') }, ...kStates.map((one) => ({ value: one, text: statusText(one) }))]} />
        <Select label={t('kind')} value={type} onText={(value) => setQuery({ type: value })} options={[{ value: '', text: t('all') }, ...kTypes.map((one) => ({ value: one, text: t(`type_${one}` as Key) }))]} />
        <Field label={t('from')} type="date" value={from} onText={(value) => setQuery({ from: value })} />
        <Field label={t('to')} type="date" value={to} onText={(value) => setQuery({ to: value })} />
      </form>
      {loaded.error.value !== undefined && <Failure error={loaded.error.value} again={() => void loaded.again()} />}
      {!data ? (loaded.error.value === undefined && <Skeleton lines={6} />) : !sessions.length
        ? <section class="card"><Empty text={t(some ? 'sessions_filtered' : 'sessions_none')}>{some ? <Button onPress={() => setQuery({ status: '', type: '', visit: '', from: '', to: '' })}>{t('filter_clear')}</Button> : <LinkButton kind="primary" href="/clinic/book">{t('book')}</LinkButton>}</Empty></section>
        : <section class="card card-flush" aria-label={t('visits')}>
            <SessionTable sessions={sessions} providers={data.providers} caption={t('visits')} patient={face.value !== 'patient'} />
            {failed !== undefined && <div class="pad"><Failure error={failed} /></div>}
            {next && <p class="card-foot"><Button busy={busy} onPress={() => void onMore()}>{t('show_more')}</Button></p>}
          </section>}
    </Frame>
  );
}
