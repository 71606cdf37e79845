// Alerts: what is wrong with the hub and its surroundings. Acknowledge, snooze, try a channel.
import { useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { t, word } from '../base/i18n';
import { lang } from '../base/prefs';
import { useAct, useEvery, useLoad } from '../base/load';
import { place, setQuery } from '../base/router';
import { Button, Check, Dialog, DialogActs, Empty, Failure, H1, Notice, Select, Skeleton, State, TextArea, type Tone } from '../ui';
import { Frame } from './frame';
import { loadTodos } from './todo';
import { Ago, Code, Facts, Moment, Pane } from './widgets';

interface Alert {
  id: string; rule: string; object: string | null; severity: 'page' | 'warn'; state: 'open' | 'closed'; value: string; worst: string; opened: string; closed: string | null;
  count: number; told: string | null; snoozed: string | null; text: { ar: string; en: string }; command: string; acknowledged?: { by: string; at: string; note: string | null };
}
interface Alerts { items: Alert[]; open: number; snoozes: { rule: string; object: string | null; until: string }[]; next?: string }
const kSpans = ['1h', '4h', '24h'] as const;
const kChannels = ['mail', 'sms', 'webhook'] as const;
const toneOf = (one: Alert): Tone => (one.state === 'closed' ? 'ok' : one.severity === 'page' ? 'failed' : 'parked');

function AckDialog({ one, onClose, onDone }: { one: Alert; onClose: () => void; onDone: () => void }) {
  const [note, setNote] = useState('');
  const act = useAct();
  return (
    <Dialog title={t('alert_ack')} open onClose={onClose}>
      <form class="stack stack-16" noValidate onSubmit={(event) => { event.preventDefault(); void act.run(async () => { await post(`/api/v1/alerts/${one.id}/ack`, note.trim() ? { note: note.trim() } : {}); onDone(); }); }}>
        <p>{t('alert_ack_text')}</p>
        <TextArea label={t('alert_note')} value={note} onText={setNote} rows={2} />
        {act.error !== undefined && <Failure error={act.error} detail />}
        <DialogActs><Button onPress={onClose}>{t('back')}</Button><Button kind="primary" submit busy={act.busy}>{t('alert_ack')}</Button></DialogActs>
      </form>
    </Dialog>
  );
}

function One({ one, onChange, onAck }: { one: Alert; onChange: () => void; onAck: () => void }) {
  const act = useAct();
  const snooze = (span: string) => void act.run(async () => {
    await post(`/api/v1/alerts/${one.id}/snooze`, { for: span });
    onChange();
  });
  const open = one.state === 'open';
  return (
    <Pane title={one.text[lang.value]} id={`alert-${one.id}`} body more={<State tone={toneOf(one)} icon={open ? 'alert' : 'ok'}>{open ? word('severity', one.severity) : t('alert_over')}</State>}
      acts={open && <>
        {!one.acknowledged && <Button size="small" kind="primary" onPress={onAck}>{t('alert_ack')}</Button>}
        {one.snoozed ? <Button size="small" busy={act.busy} onPress={() => snooze('0s')}>{t('alert_wake')}</Button> : kSpans.map((span) => <Button key={span} size="small" busy={act.busy} onPress={() => snooze(span)}>{t('alert_snooze', { n: parseInt(span, 10) })}</Button>)}
      </>}>
      {act.error !== undefined && <Failure error={act.error} detail />}
      <Facts rows={[
        [t('alert_since'), <><Moment at={one.opened} /> <Ago at={one.opened} /></>], [t('alert_closed_at'), one.closed && <Moment at={one.closed} />],
        [t('alert_worst'), <bdi lang="en" dir="ltr">{one.worst}</bdi>], [t('alert_times'), t('times', { n: one.count })],
        [t('alert_told'), one.told ? <Moment at={one.told} /> : t('alert_untold')], [t('alert_snoozed'), one.snoozed && <Moment at={one.snoozed} />],
        [t('alert_acked'), one.acknowledged && <><Code>{one.acknowledged.by}</Code> {one.acknowledged.note && <bdi>{one.acknowledged.note}</bdi>}</>],
        [t('alert_rule'), <Code soft>{one.rule}</Code>], [t('alert_helps'), open && <Code>{one.command}</Code>],
      ]} />
    </Pane>
  );
}

export function AlertsPage() {
  const all = place.value.query.get('state') === 'all';
  const loaded = useLoad(() => get<Alerts>(`/api/v1/alerts${query({ state: all ? 'all' : 'open' })}`), String(all));
  const [acking, setAcking] = useState<Alert>();
  const [channel, setChannel] = useState<string>('mail');
  const [said, setSaid] = useState('');
  const trying = useAct();
  useEvery(15_000, () => void loaded.again());
  const changed = () => void Promise.all([loaded.again(), loadTodos()]);
  const now = loaded.data.value;
  return (
    <Frame name="alerts">
      <div class="chead"><H1>{t('alerts')}</H1>{now && <span class="sub">{t('alerts_open', { n: now.open })}</span>}</div>
      {said && <Notice tone="ok" alert>{said}</Notice>}
      <div class="row row-8"><Check text={t('alerts_all')} checked={all} onCheck={(on) => setQuery({ state: on ? 'all' : undefined })} /></div>
      {loaded.error.value !== undefined ? <Failure error={loaded.error.value} again={() => void loaded.again()} detail /> : !now ? <Skeleton lines={4} /> : <div class="panes">
        {!now.items.length && <section class="pane"><Empty icon="ok" text={t(all ? 'alerts_none_ever' : 'alerts_none')} /></section>}
        {now.items.map((one) => <One key={one.id} one={one} onChange={changed} onAck={() => setAcking(one)} />)}
        {now.snoozes.length > 0 && <Pane title={t('alerts_snoozed')} id="snoozed" count={now.snoozes.length}><ul class="lines">{now.snoozes.map((one) => <li key={one.rule + one.object}><Code>{one.rule}</Code>{one.object && <Code soft>{one.object}</Code>}<span class="muted">{t('good_until')} <Moment at={one.until} /></span></li>)}</ul></Pane>}
        <Pane title={t('alerts_try')} id="try" body>
          {trying.error !== undefined && <Failure error={trying.error} detail />}
          <div class="row row-8">
            <Select label={t('alerts_channel')} value={channel} onText={setChannel} options={kChannels.map((one) => ({ value: one, text: word('channel', one) }))} />
            <Button busy={trying.busy} onPress={() => void trying.run(async () => { setSaid(''); await post('/api/v1/alerts/test', { channel }); setSaid(t('alerts_tried')); })}>{t('alerts_try_act')}</Button>
          </div>
        </Pane>
      </div>}
      {acking && <AckDialog one={acking} onClose={() => setAcking(undefined)} onDone={() => { setAcking(undefined); changed(); }} />}
    </Frame>
  );
}
