// When a doctor can be had: hours of the week, and what is booked in the next days.
import { useState } from 'preact/hooks';
import { get, newKey, put } from '../base/api';
import { clock, dayKey, gregorian, hijri, weekday } from '../base/dates';
import { t, type Key } from '../base/i18n';
import { useLoad } from '../base/load';
import { face, me } from '../base/me';
import { Button, Card, Empty, Failure, Field, H1, Notice, nameOf, Select, Skeleton, State } from '../ui';
import { Presence } from './doctor';
import { Frame } from './frame';
import { allProviders } from './model';

const kDays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
interface Row { on: boolean; from: string; to: string }
interface Slot { id: string; startsAt: string; endsAt: string; status: string }

export function Availability() {
  const desk = face.value === 'desk';
  const providers = useLoad(async () => (desk ? [...(await allProviders()).values()] : []));
  const [chosen, setChosen] = useState('');
  const provider = desk ? chosen || providers.data.value?.[0]?.id || '' : (me.value?.id ?? '');
  return (
    <Frame name="availability">
      <div class="page-head"><div class="grow"><H1>{t('availability')}</H1><p class="muted">{t('availability_lead')}</p></div>{!desk && <Presence />}</div>
      {desk && <div class="filter-row"><Select label={t('role_doctor')} value={provider} onText={setChosen} options={(providers.data.value ?? []).map((one) => ({ value: one.id, text: nameOf(one) }))} /></div>}
      {provider && <Week key={provider} provider={provider} />}
    </Frame>
  );
}

function Week({ provider }: { provider: string }) {
  const loaded = useLoad(() => get<{ slots: Slot[] }>(`/api/v1/providers/${provider}/availability`), provider);
  const [rows, setRows] = useState<Row[]>(kDays.map((_, i) => ({ on: i < 5, from: '09:00', to: '12:00' })));
  const [minutes, setMinutes] = useState('20');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [saved, setSaved] = useState(false);
  const set = (i: number, change: Partial<Row>) => setRows(rows.map((row, at) => (at === i ? { ...row, ...change } : row)));
  const wrong = rows.findIndex((row) => row.on && row.from >= row.to);
  const save = async () => {
    setBusy(true);
    setError(undefined);
    setSaved(false);
    try {
      // Times of visits within the hours of four weeks: patients book one each.
      const slots: { startsAt: string; endsAt: string }[] = [];
      const length = Number(minutes) * 60_000;
      for (let ahead = 0; ahead < 28; ++ahead) {
        const key = dayKey(Date.now() + ahead * 86_400_000);
        const row = rows[new Date(`${key}T12:00:00Z`).getUTCDay()];
        if (!row.on) continue;
        const end = Date.parse(`${key}T${row.to}:00+03:00`);
        for (let at = Date.parse(`${key}T${row.from}:00+03:00`); at + length <= end; at += length)
          if (at > Date.now()) slots.push({ startsAt: new Date(at).toISOString(), endsAt: new Date(at + length).toISOString() });
      }
      await put(`/api/v1/providers/${provider}/availability`, { slots: slots.slice(0, 2000) }, { key: newKey() });
      setSaved(true);
      await loaded.again();
    } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  const coming = (loaded.data.value?.slots ?? []).filter((one) => Date.parse(one.endsAt) > Date.now());
  const days = [...new Set(coming.map((one) => dayKey(one.startsAt)))].slice(0, 7);
  return (
    <div class="cols">
      <section class="card stack stack-16" aria-labelledby="hours-h">
        <h2 id="hours-h">{t('hours')}</h2>
        <Notice>{t('hours_more')}</Notice>
        <div class="hours">
          {kDays.map((day, i) => (
            <div key={day} role="group" aria-label={t(`day_${day}` as Key)}>
              <label class="switch"><input type="checkbox" checked={rows[i].on} onChange={(event) => set(i, { on: (event.currentTarget as HTMLInputElement).checked })} /> <span>{t(`day_${day}` as Key)}</span></label>
              {rows[i].on ? <div class="row row-8"><Field quiet label={t('from')} type={'time' as 'text'} value={rows[i].from} onText={(value) => set(i, { from: value })} /><span class="muted" aria-hidden="true">–</span><Field quiet label={t('to')} type={'time' as 'text'} value={rows[i].to} onText={(value) => set(i, { to: value })} error={wrong === i ? t('hours_wrong') : undefined} /></div>
                : <span class="muted">{t('closed')}</span>}
            </div>
          ))}
        </div>
        <Select label={t('visit_length')} value={minutes} onText={setMinutes} options={['15', '20', '30', '45', '60'].map((one) => ({ value: one, text: t('minutes', { n: Number(one) }) }))} />
        {error !== undefined && <Failure error={error} />}
        {saved && <Notice tone="ok" alert>{t('hours_saved')}</Notice>}
        <div><Button kind="primary" busy={busy} disabled={wrong >= 0} onPress={() => void save()}>{t('hours_save')}</Button></div>
      </section>
      <Card title={t('next_days')} id="nd-h">
        {loaded.error.value !== undefined ? <div class="pad"><Failure error={loaded.error.value} again={() => void loaded.again()} /></div> : !loaded.data.value ? <div class="pad"><Skeleton /></div>
          : !days.length ? <Empty icon="clock" text={t('hours_none')} />
          : <ul class="rows">{days.map((day) => {
              const of = coming.filter((one) => dayKey(one.startsAt) === day);
              const booked = of.filter((one) => one.status === 'booked').length;
              return <li key={day}><div class="two grow"><span class="strong">{weekday(of[0].startsAt)} {gregorian(of[0].startsAt)}</span><span><span class="hijri">{hijri(of[0].startsAt)}</span><br /><bdi dir="ltr">{clock(of[0].startsAt)}–{clock(of[of.length - 1].endsAt)}</bdi></span></div>
                <State tone={booked ? 'ok' : 'idle'} icon="cal">{t('booked_of', { n: booked, all: of.length })}</State></li>;
            })}</ul>}
      </Card>
    </div>
  );
}
