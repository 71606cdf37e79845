// Free times of doctors: a week in both calendars, then the times of a day by doctor.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, query } from '../base/api';
import { clock, dayKey, dayNumber, noon, weekday } from '../base/dates';
import { t } from '../base/i18n';
import { useLoad } from '../base/load';
import { lang } from '../base/prefs';
import { Avatar, Button, Empty, Failure, Icon, nameOf, Segment, Skeleton } from '../ui';
import { specialtyText } from './home';
import type { Provider } from './model';

export interface Slot { id: string; startsAt: string; endsAt: string; status: string; available: boolean }
const kDay = 86_400_000;

// Free times of a doctor from now on. `minutes`: those alone that have room for a visit of this length, over the edges of slots.
export async function freeTimes(provider: string, from: number, to: number, minutes = 0): Promise<Slot[]> {
  const { slots } = await get<{ slots: Slot[] }>(`/api/v1/providers/${provider}/availability${query({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })}`);
  const free = slots.filter((one) => one.available && Date.parse(one.startsAt) > Date.now()).sort((a, b) => Date.parse(a.startsAt) - Date.parse(b.startsAt));
  return free.filter((one, i) => {
    let end = Date.parse(one.endsAt);
    for (let next = i + 1; next < free.length && Date.parse(free[next].startsAt) === end; ++next) end = Date.parse(free[next].endsAt);
    return end - Date.parse(one.startsAt) >= minutes * 60_000;
  });
}
// Weeks begin on Sunday.
function weekOf(offset: number): string[] {
  const today = new Date(noon(dayKey(Date.now())));
  const first = today.getTime() - today.getUTCDay() * kDay + offset * 7 * kDay;
  return Array.from({ length: 7 }, (_, i) => dayKey(first + i * kDay));
}

// `all`: doctors whose times are asked for. `fits`: those that are shown. `again`: another number asks anew.
export function Times({ all, fits, minutes, again = 0, chosen, onChoose }: { all: Provider[] | undefined; fits: Provider[]; minutes?: number; again?: number; chosen?: string; onChoose: (provider: Provider, slot: Slot) => void }) {
  const [offset, setOffset] = useState(0);
  const [day, setDay] = useState('');
  const [first, setFirst] = useState<'gregorian' | 'hijri'>('gregorian');
  const week = weekOf(offset);
  const slots = useLoad(async () => {
    const from = Math.max(Date.now(), noon(week[0]) - kDay / 2);
    const each = await Promise.all((all ?? []).map((one) => freeTimes(one.id, from, noon(week[6]) + kDay / 2, minutes).catch(() => [])));
    return new Map((all ?? []).map((one, i) => [one.id, each[i]]));
  }, `${week[0]} ${all?.length ?? 0} ${again}`);
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
  const title = noon(week[3]);
  return (
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
                  const on = chosen === slot.id;
                  return <button key={slot.id} type="button" class="slot" aria-pressed={on} onClick={() => onChoose(one, slot)}><span dir="ltr">{clock(slot.startsAt)}</span>{on && <> <Icon name="check" /></>}</button>;
                })}</div></div></li>
          ))}
        </ul>
      )}
    </section>
  );
}
const part = (when: number, calendar: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(`${lang.value === 'ar' ? 'ar-SA' : 'en-GB'}-u-ca-${calendar}-nu-latn`, { timeZone: 'Asia/Riyadh', ...options }).format(when);
const monthText = (when: number, which: 'gregorian' | 'hijri') => part(when, which === 'hijri' ? 'islamic-umalqura' : 'gregory', { month: 'long', year: 'numeric' });
const hijriDayNumber = (when: number) => part(when, 'islamic-umalqura', { day: 'numeric' });
const gregorianDay = (when: number) => part(when, 'gregory', { day: 'numeric', month: 'short' });
