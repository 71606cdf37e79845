// Records that may be one patient: both of each pair side by side, and what differs. Shown on request, as each record is read.
import { useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t, type Key } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { place, setQuery } from '../base/router';
import { Button, Dates, Dialog, DialogActs, Empty, Failure, nameOf, nationalOf, Notice, Skeleton, State, Table } from '../ui';
import type { Page, Person } from './model';

interface Side { patient: Person; lastVisit: string | null }
interface Pair { reasons: (keyof typeof kReasons)[]; newer: Side; older: Side }

const kReasons = { identifier: 'pairs_identifier', name_birth: 'pairs_name_birth', phone_birth: 'pairs_phone_birth', name_phone: 'pairs_name_phone' } as const;
const kAtOnce = 5;
const load = (path: string) => get<Page<Pair>>(path, { reason: t('pairs_reading') });
const keyOf = ({ newer, older }: Pair) => `${newer.patient.id} ${older.patient.id}`;
const identityOf = ({ identifiers }: Person) => nationalOf(identifiers) ?? identifiers?.[0]?.value.slice(-4) ?? '';

interface Member { text: Key; shown: (side: Side) => preact.ComponentChildren; same?: (person: Person) => string }
const kMembers: Member[] = [
  { text: 'identifier_name', same: ({ name, nameAr }) => `${name ?? ''}|${nameAr ?? ''}`.toLowerCase(), shown: ({ patient }) => (
    <span><bdi>{nameOf(patient)}</bdi>{patient.name && patient.nameAr && patient.name !== patient.nameAr && <><br /><bdi class="small muted">{nameOf(patient) === patient.name ? patient.nameAr : patient.name}</bdi></>}</span>) },
  { text: 'birth', same: ({ birthDate }) => birthDate ?? '', shown: ({ patient }) => (patient.birthDate ? <Dates at={`${patient.birthDate}T12:00:00Z`} /> : t('unknown')) },
  { text: 'sex', same: ({ gender }) => gender ?? '', shown: ({ patient }) => (patient.gender ? t(patient.gender === 'female' ? 'female' : 'male') : t('unknown')) },
  { text: 'mrn', same: ({ mrn }) => mrn ?? '', shown: ({ patient }) => (patient.mrn ? <bdi dir="ltr">{patient.mrn}</bdi> : t('unknown')) },
  { text: 'merge_identity', same: identityOf, shown: ({ patient }) => (identityOf(patient) ? <bdi dir="ltr">…{identityOf(patient)}</bdi> : t('unknown')) },
  // One number, with its country or without.
  { text: 'mobile', same: ({ phone }) => (phone ?? '').replace(/\D/g, '').slice(-9), shown: ({ patient }) => (patient.phone ? <bdi dir="ltr">{patient.phone}</bdi> : t('unknown')) },
  { text: 'pairs_last', shown: ({ lastVisit }) => (lastVisit ? dayAndTime(lastVisit) : t('pairs_never')) },
];

function Beside({ pair, apart }: { pair: Pair; apart: () => void }) {
  const { newer, older } = pair;
  const name = nameOf(newer.patient);
  const differs = ({ same }: Member) => !!same && same(newer.patient) !== same(older.patient);
  return (
    <article class="stack stack-12" aria-label={name}>
      <h3><bdi>{name}</bdi></h3>
      <p class="row row-8 row-wrap"><span class="muted">{t('pairs_share')}</span>{pair.reasons.map((one) => <State key={one} tone="idle" icon="ok">{t(kReasons[one])}</State>)}</p>
      <Table caption={name} rows={kMembers} rowKey={({ text }) => text} columns={[
        { head: t('pairs_member'), names: true, quiet: true, cell: (one) => <>{t(one.text)}{differs(one) && <> <State tone="parked">{t('merge_differs')}</State></>}</> },
        { head: t('pairs_older'), cell: (one) => one.shown(older) },
        { head: t('pairs_newer'), cell: (one) => one.shown(newer) },
      ]} />
      <p class="row row-8 row-wrap"><Button kind="primary" aria-label={`${t('pairs_same')}: ${name}`} onPress={() => { setQuery({ a: older.patient.id, b: newer.patient.id }); scrollTo(0, 0); }}>{t('pairs_same')}</Button>
        <Button aria-label={`${t('pairs_apart')}: ${name}`} onPress={apart}>{t('pairs_apart')}</Button></p>
    </article>
  );
}

function List() {
  const first = useLoad(() => load(`/api/v1/patient-pairs${query({ limit: kAtOnce })}`));
  const [more, setMore] = useState<Page<Pair>>();
  const [decided, setDecided] = useState<string[]>([]);
  const [asked, setAsked] = useState<Pair>();
  const loading = useAct();
  const act = useAct();
  const got = first.data.value;
  if (first.error.value !== undefined) return <Failure error={first.error.value} again={() => void first.again()} />;
  if (!got) return <Skeleton lines={6} />;
  const pairs = [...got.items, ...(more?.items ?? [])].filter((one) => !decided.includes(keyOf(one)));
  const next = more ? more.next : got.next;
  const goOn = () => loading.run(async () => {
    const page = await load(next!);
    setMore({ ...page, items: [...(more?.items ?? []), ...page.items] });
  });
  const apart = () => act.run(async () => {
    await post(`/api/v1/patients/${asked!.newer.patient.id}/apart`, { from: asked!.older.patient.id });
    setDecided([...decided, keyOf(asked!)]);
    setAsked(undefined);
  });
  return (
    <div class="stack stack-24">
      {decided.length > 0 && <Notice tone="ok" alert>{t('pairs_done')}</Notice>}
      {pairs.map((one) => <Beside key={keyOf(one)} pair={one} apart={() => setAsked(one)} />)}
      {!pairs.length && !next && <Empty icon="people" text={t('pairs_none')} />}
      {loading.error !== undefined && <Failure error={loading.error} />}
      {next && <p><Button busy={loading.busy} onPress={() => void goOn()}>{t('show_more')}</Button></p>}
      <Dialog title={t('pairs_apart_title')} open={!!asked} onClose={() => setAsked(undefined)}>
        <p>{t('pairs_apart_more')}</p>
        {act.error !== undefined && <Failure error={act.error} />}
        <DialogActs>
          <Button onPress={() => setAsked(undefined)}>{t('cancel')}</Button>
          <Button kind="primary" busy={act.busy} onPress={() => void apart()}>{t('pairs_apart')}</Button>
        </DialogActs>
      </Dialog>
    </div>
  );
}

export function Pairs() {
  const shown = place.value.query.has('pairs');
  return (
    <section class="card stack stack-16" aria-labelledby="pairs-h">
      <h2 id="pairs-h">{t('pairs')}</h2>
      <p class="muted">{t('pairs_lead')}</p>
      {shown ? <List /> : <p><Button icon="eye" onPress={() => setQuery({ pairs: '1' })}>{t('pairs_show')}</Button></p>}
    </section>
  );
}
