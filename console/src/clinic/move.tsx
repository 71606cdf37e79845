// Moves a visit to another time: a free time of its doctor, or any date and time.
import { useEffect, useState } from 'preact/hooks';
import { call, get, Problem } from '../base/api';
import { clock, gregorian, hijri, weekday } from '../base/dates';
import { t } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { face } from '../base/me';
import { Button, Failure, Field, H1, Icon, LinkButton, Notice, Skeleton } from '../ui';
import { Frame } from './frame';
import { allProviders, doctorName, isOver, mayMove, movedElsewhere, movesVisits, nameOfParticipant, patientOf, startOf, typeText, type Provider, type Session } from './model';
import { freeTimes, Times, type Slot } from './times';

const kAhead = 28 * 86_400_000;
// The next free times after one that is taken, three at most.
const offersFor = async (session: Session, wanted: number): Promise<Slot[]> => {
  const from = Math.max(Date.now(), wanted - 4 * 3_600_000);
  const free = await freeTimes(session.provider!, from, from + kAhead, session.plannedMinutes).catch(() => []);
  return free.sort((a, b) => Math.abs(Date.parse(a.startsAt) - wanted) - Math.abs(Date.parse(b.startsAt) - wanted)).slice(0, 3).sort((a, b) => a.startsAt.localeCompare(b.startsAt));
};
const When = ({ at }: { at: string }) => <div><p class="t22 strong">{weekday(at)} <bdi dir="ltr">{clock(at)}</bdi></p><p>{gregorian(at)}</p><p class="hijri">{hijri(at)}</p></div>;

export function MovePage({ id }: { id: string }) {
  const loaded = useLoad(async () => {
    const [session, providers] = await Promise.all([get<Session>(`/api/v1/sessions/${encodeURIComponent(id)}`), allProviders()]);
    return { session, providers };
  }, id);
  const data = loaded.data.value;
  return (
    <Frame name="move" wide>
      <div class="page">
        <nav class="crumbs" aria-label={t('crumbs')}><a href="/clinic/sessions">{t('visits')}</a> <Icon name="next" flip /> <a href={`/clinic/sessions/${id}`}>{t('visit')}{data && <> <bdi dir="ltr">{data.session.number}</bdi></>}</a></nav>
        <div class="page-head"><div class="grow stack stack-8"><H1>{t('move')}</H1>
          {data && <p class="muted">{[nameOfParticipant(patientOf(data.session)), doctorName(data.session, data.providers), typeText(data.session.type)].filter(Boolean).map((one, i) => <>{i > 0 && ' · '}<bdi>{one}</bdi></>)}</p>}</div></div>
        {loaded.error.value !== undefined && <Failure error={loaded.error.value} again={() => void loaded.again()} />}
        {!data ? loaded.error.value === undefined && <Skeleton lines={6} /> : <Move {...data} again={loaded.again} />}
      </div>
    </Frame>
  );
}

function Move({ session, providers, again }: { session: Session; providers: Map<string, Provider>; again: () => Promise<void> }) {
  const [slot, setSlot] = useState<Slot>();
  const [day, setDay] = useState('');
  const [time, setTime] = useState('');
  const [changed, setChanged] = useState(false);
  const [offers, setOffers] = useState<Slot[]>();
  const [asked, setAsked] = useState(0);
  const [done, setDone] = useState<Session>();
  const act = useAct();
  // Moves the focus to the heading, so that screen readers begin there.
  useEffect(() => { if (done) document.querySelector<HTMLElement>('h1')?.focus(); }, [done]);
  const doctor: Provider | undefined = session.provider ? (providers.get(session.provider) ?? { id: session.provider, status: '' }) : undefined;
  const typed = day && time ? Date.parse(`${day}T${time}:00+03:00`) : NaN;
  const wanted = slot?.startsAt ?? (Number.isNaN(typed) ? '' : new Date(typed).toISOString());
  const wrong = !wanted ? '' : Date.parse(wanted) <= Date.now() ? t('move_past') : Date.parse(wanted) === Date.parse(startOf(session)) ? t('move_same') : '';
  const choose = (one?: Slot) => { setSlot(one); setDay(''); setTime(''); setOffers(undefined); };
  const type = (set: (text: string) => void) => (text: string) => { setSlot(undefined); setOffers(undefined); set(text); };
  const move = () => act.run(async () => {
    setOffers(undefined);
    setChanged(false);
    try {
      setDone((await call<Session>('PATCH', `/api/v1/sessions/${session.id}`, { body: { scheduledStart: wanted }, etag: `"${session.version}"` })).data);
    } catch (failed) {
      if (!(failed instanceof Problem)) throw failed;
      // Somebody else was quicker: the page shows what is there now, and what was chosen stays.
      if (failed.status === 412 || (failed.status === 409 && failed.code.startsWith('session.'))) {
        await again();
        setChanged(true);
        return;
      }
      if (failed.code === 'provider.busy') {
        setOffers(await offersFor(session, Date.parse(wanted)));
        setSlot(undefined);
        setAsked(asked + 1);
      }
      throw failed;
    }
  });
  const back = <LinkButton href={`/clinic/sessions/${session.id}`}>{t('open_visit')}</LinkButton>;
  if (done) return (
    <section class="card stack stack-16" aria-label={t('move')}>
      <Notice tone="ok" alert>{t('move_done')}</Notice>
      <When at={startOf(done)} />
      {done.warnings?.includes('provider.overlap') && <Notice tone="parked" alert>{t('move_overlap')}</Notice>}
      <div class="row row-8 row-wrap">{face.value === 'desk' && <LinkButton kind="primary" href="/clinic">{t('today')}</LinkButton>}{back}</div>
    </section>
  );
  if (!mayMove(session)) return (
    <section class="card stack stack-16" aria-label={t('move')}>
      <Notice tone="parked" alert>{t(isOver(session) ? 'move_over' : session.status === 'active' ? 'move_begun' : movedElsewhere(session) ? 'move_hospital' : !movesVisits(session) ? 'move_denied' : 'move_unplanned')}</Notice>
      <When at={startOf(session)} />
      <div class="row row-8 row-wrap">{back}</div>
    </section>
  );
  return (
    <div class="cols">
      <div class="fill">
        {doctor && <Times all={[doctor]} fits={[doctor]} minutes={session.plannedMinutes} again={asked} chosen={slot?.id} onChoose={(_, one) => choose(one)} />}
        <section class="card stack stack-12" aria-labelledby="mv-h">
          <h2 id="mv-h">{t('move_any')}</h2>
          <p class="muted">{t('move_any_more')}</p>
          <div class="pair-fields pair-even"><Field label={t('date')} type="date" value={day} onText={type(setDay)} />
            <Field label={t('time')} type={'time' as 'text'} dir="ltr" value={time} onText={type(setTime)} /></div>
        </section>
      </div>
      <section class="card stack stack-16" aria-labelledby="mc-h">
        <h2 id="mc-h" class="muted">{t('your_choice')}</h2>
        {session.status === 'waiting' && <Notice tone="waits">{t('move_waits')}</Notice>}
        <div class="stack stack-8"><h3 class="muted small">{t('move_now')}</h3><When at={startOf(session)} /></div>
        <div class="stack stack-8"><h3 class="muted small">{t('move_new')}</h3>{wanted ? <When at={wanted} /> : <p class="muted">{t('choose_time')}</p>}</div>
        {wrong && <Notice tone="parked" alert>{wrong}</Notice>}
        <ul class="told stack stack-8"><li>{t('move_told')}</li><li>{t('move_reminders')}</li><li>{t('move_free')}</li>{session.clinicSession && <li>{t('move_hours')}</li>}{!!session.appointment && <li>{t('move_linked')}</li>}</ul>
        {changed && <Notice tone="parked" alert>{t('move_changed')}</Notice>}
        {act.error !== undefined && <Failure error={act.error} />}
        {offers && <div class="stack stack-8"><h3 class="muted small">{t('move_offers')}</h3>
          {!offers.length ? <p>{t('move_no_offers')}</p> : <div class="slots slots-column" role="group" aria-label={t('move_offers')}>{offers.map((one) => <button key={one.id} type="button" class="slot" aria-pressed={false} onClick={() => choose(one)}><span>{weekday(one.startsAt)} {gregorian(one.startsAt)} <bdi dir="ltr">{clock(one.startsAt)}</bdi></span></button>)}</div>}</div>}
        <Button kind="primary" size="large" block busy={act.busy} disabled={!wanted || !!wrong} onPress={() => void move()}>{t('move')}</Button>
      </section>
    </div>
  );
}
