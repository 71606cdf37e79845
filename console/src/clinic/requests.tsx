// Requests of patients about their own records (copy, correction, complaint) and the answers.
import { useRef, useState } from 'preact/hooks';
import { get, newKey, post, Problem } from '../base/api';
import { gregorian } from '../base/dates';
import { t, word, type Key } from '../base/i18n';
import { useEvery, useLoad } from '../base/load';
import { Button, Card, Choices, DatesLine, Empty, Failure, Notice, Pill, Skeleton, TextArea, type Tone } from '../ui';
import { ClinicPhone } from '../ui/Clinic';
import type { Page } from './model';

interface PatientRequest {
  id: string;
  kind: string;
  text: string;
  state: 'received' | 'in_progress' | 'answered';
  made: string;
  due: string;
  overdue?: boolean;
  answer?: { outcome: string; text: string };
  answeredAt?: string;
}
const kKinds = ['copy', 'correction', 'complaint'];
const kTone: Record<PatientRequest['state'], Tone> = { received: 'waits', in_progress: 'waits', answered: 'ok' };

export function Requests() {
  const loaded = useLoad(() => get<Page<PatientRequest>>('/api/v1/me/requests?limit=100'));
  // Each look is in the audit log: seldom.
  useEvery(300_000, () => void loaded.again());
  const items = loaded.data.value?.items;
  return (
    <div class="stack stack-24">
      <Ask again={loaded.again} />
      <Card title={t('req_list')} count={items?.length} id="rq-h">
        {loaded.error.value !== undefined && <div class="pad"><Failure error={loaded.error.value} again={() => void loaded.again()} /></div>}
        {!items ? loaded.error.value === undefined && <div class="pad"><Skeleton lines={3} /></div>
          : !items.length ? <Empty icon="file" text={t('req_none')} />
          : <ul class="rows">{items.map((one) => <Row key={one.id} one={one} />)}</ul>}
      </Card>
    </div>
  );
}

function Ask({ again }: { again: () => Promise<void> }) {
  const [kind, setKind] = useState('');
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [sent, setSent] = useState<PatientRequest>();
  const key = useRef(newKey());
  const send = async (event: Event) => {
    event.preventDefault();
    setWrong(!kind || !text.trim());
    if (!kind || !text.trim() || busy) return;
    setBusy(true);
    setError(undefined);
    setSent(undefined);
    try {
      setSent(await post<PatientRequest>('/api/v1/me/requests', { kind, text: text.trim() }, { key: key.current }));
      setKind('');
      setText('');
      key.current = newKey();
      await again();
    } catch (failed) {
      if (failed instanceof Problem && failed.status) key.current = newKey();
      setError(failed);
    } finally { setBusy(false); }
  };
  return (
    <section class="card" aria-labelledby="ra-h">
      <form class="stack stack-16" onSubmit={(event) => void send(event)} noValidate>
        <h2 id="ra-h">{t('req_title')}</h2>
        <p>{t('req_more')}</p>
        {sent && <Notice tone="ok" alert>{t('req_sent', { date: gregorian(sent.due) })}</Notice>}
        <Choices legend={t('req_kind')} name="request" value={kind} onText={setKind} options={kKinds.map((one) => ({ value: one, text: t(`req_${one}` as Key), more: t(`req_${one}_more` as Key) }))} />
        {wrong && !kind && <Notice tone="failed" alert>{t('req_kind_missing')}</Notice>}
        {kind && <TextArea label={t(`req_text_${kind}` as Key)} value={text} onText={setText} rows={5} maxLength={4000} error={wrong && !text.trim() ? t('req_text_missing') : undefined} />}
        {error !== undefined && <Failure error={error} />}
        <p><Button kind="primary" submit busy={busy}>{t('req_send')}</Button></p>
      </form>
    </section>
  );
}

function Row({ one }: { one: PatientRequest }) {
  return (
    <li class="reading">
      <div class="stack stack-8 grow">
        <div class="row between row-wrap"><h3>{t(`req_${one.kind}` as Key)}</h3><Pill tone={one.overdue && !one.answer ? 'parked' : kTone[one.state]}>{t(`req_${one.state}` as Key)}</Pill></div>
        <p class="muted small">{t('req_made', { date: gregorian(one.made) })}{!one.answer && <> · {t('req_due', { date: gregorian(one.due) })}</>}</p>
        <p class="pre" dir="auto">{one.text}</p>
        {one.overdue && !one.answer && <Notice tone="parked">{t('req_overdue')} <ClinicPhone small /></Notice>}
        {one.answer && (
          <div class="notice notice-ok"><div class="stack stack-8 grow">
            <p class="strong">{t('req_answer')}: {word('outcome', one.answer.outcome)}</p>
            <p class="pre" dir="auto">{one.answer.text}</p>
            {one.answeredAt && <p class="muted small"><DatesLine at={one.answeredAt} /></p>}
          </div></div>)}
      </div>
    </li>
  );
}
