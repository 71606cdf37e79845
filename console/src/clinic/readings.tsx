// Readings and disclosures of the data of the person who is signed in. The page itself checks each row against the log.
import { useState } from 'preact/hooks';
import { get, query } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t, word, type Key } from '../base/i18n';
import { useLoad } from '../base/load';
import { Button, Card, Check, Empty, Failure, nameOf, Notice, Pill, Select, Skeleton } from '../ui';
import { Proof } from '../ui/Proof';

interface Access {
  seq: number; time: string; act: string; result: string; own: boolean; emergency: boolean;
  who?: { name: string; nameAr: string; roles: string[] } | null; system?: string; purpose?: string | null; of?: string | null;
}
interface Disclosure { seq: number; time: string; recipient: string; capability: string; fields: string[]; purpose: string; outcome?: string | null }
interface Readings { accesses: Access[]; disclosures: Disclosure[]; others: number; leftOut: number; complete: boolean; from: string; made: string }

const kDay = 86_400_000;
const kSpans = [30, 365, 3650];
const kAtOnce = 10;

export function Readings() {
  const [days, setDays] = useState(365);
  const [own, setOwn] = useState(false);
  const [most, setMost] = useState(kAtOnce);
  const loaded = useLoad(async () => {
    const from = new Date(Date.now() - days * kDay).toISOString();
    const [list, log] = await Promise.all([get<Readings>(`/api/v1/me/readings${query({ from })}`), get<{ key: string }>('/api/v1/audit/checkpoint')]);
    return { list, key: log.key };
  }, String(days));
  const data = loaded.data.value;
  if (!data) return <section class="card">{loaded.error.value === undefined ? <Skeleton lines={6} /> : <Failure error={loaded.error.value} again={() => void loaded.again()} />}</section>;
  const { list, key } = data;
  const accesses = list.accesses.filter((one) => own || !one.own).sort((a, b) => b.seq - a.seq);
  const disclosures = [...list.disclosures].sort((a, b) => b.seq - a.seq);
  const hidden = list.accesses.length - list.accesses.filter((one) => !one.own).length;
  return (
    <div class="stack stack-24">
      <section class="card stack stack-12" aria-labelledby="rd-h">
        <h2 id="rd-h">{t('readings')}</h2>
        <p>{t('readings_more')}</p>
        <Select label={t('readings_since')} value={String(days)} onText={(text) => setDays(Number(text))} options={kSpans.map((one) => ({ value: String(one), text: t(`readings_${one}` as Key) }))} />
        {hidden > 0 && <Check text={t('readings_own', { n: hidden })} checked={own} onCheck={setOwn} />}
        {!list.complete && <Notice tone="waits">{t('readings_cut')}</Notice>}
        <p class="muted small">{t('readings_key')} <bdi dir="ltr" class="mono long">{key}</bdi></p>
      </section>
      <Card title={t('readings_accesses')} count={accesses.length} id="ra-h">
        {!accesses.length ? <Empty icon="shield" text={t('readings_none')} />
          : <ul class="rows">{accesses.slice(0, most).map((one) => <AccessRow key={one.seq} one={one} vkey={key} />)}
            {accesses.length > most && <li><Button onPress={() => setMost(most + kAtOnce)}>{t('show_more')}</Button></li>}</ul>}
      </Card>
      <Card title={t('readings_disclosures')} count={disclosures.length} id="ru-h">
        {!disclosures.length ? <Empty icon="shield" text={t('disclosures_none')} />
          : <ul class="rows">{disclosures.slice(0, most).map((one) => (
            <li key={one.seq} class="reading">
              <div class="two grow"><span class="strong"><bdi>{one.recipient}</bdi></span>
                <span>{dayAndTime(one.time)} · {word('purpose', one.purpose)} · {t('fields_sent', { n: one.fields.length })}</span></div>
              <Proof at={`/api/v1/me/readings/${one.seq}/proof`} seq={one.seq} vkey={key} about={one.recipient} />
            </li>))}</ul>}
      </Card>
    </div>
  );
}

function AccessRow({ one, vkey }: { one: Access; vkey: string }) {
  const who = one.own ? t('you') : one.who ? nameOf(one.who) : t('readings_system');
  const roles = one.who && !one.own ? one.who.roles.map((role) => word('role', role)).join(' · ') : '';
  return (
    <li class="reading">
      <div class="two grow">
        <span class="strong"><bdi>{who}</bdi>{roles && ` · ${roles}`} {one.emergency && <Pill tone="waits">{t('readings_emergency')}</Pill>}</span>
        <span>{word('reading', (one.of ? `${one.act}_${one.of}` : one.act).replaceAll('.', '_'))}</span>
        <span class="muted">{dayAndTime(one.time)}{one.purpose && ` · ${word('purpose', one.purpose)}`}{one.result !== 'ok' && ` · ${t('readings_refused')}`}</span>
      </div>
      <Proof at={`/api/v1/me/readings/${one.seq}/proof`} seq={one.seq} vkey={vkey} about={who} />
    </li>
  );
}
