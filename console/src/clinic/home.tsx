// The patient's page: when is it, am I ready, what was before.
import { useState } from 'preact/hooks';
import { dayName, duration, gregorian, hijri } from '../base/dates';
import { get, query } from '../base/api';
import { t } from '../base/i18n';
import { useEvery, useLoad } from '../base/load';
import { Avatar, Card, DatesLine, Empty, Failure, H1, Icon, kShapeOf, LinkButton, Pill, Skeleton, State, statusText, Time, tone } from '../ui';
import { Cancel } from './cancel';
import { Frame } from './frame';
import { greeting } from './doctor';
import { allProviders, doctorName, isOver, mayJoin, startOf, type Page, type Provider, type Session } from './model';

export const Emergency = () => (
  <p class="emergency"><Icon name="phone" /> <span>{t('urgent_call')} <a href="tel:997" class="tap"><bdi dir="ltr">997</bdi></a></span></p>
);

function NextVisit({ session, providers, again }: { session: Session; providers: Map<string, Provider>; again: () => Promise<void> }) {
  const [now, tick] = useState(Date.now());
  useEvery(10_000, () => tick(Date.now()));
  const start = startOf(session);
  const left = Date.parse(start) - now;
  const name = doctorName(session, providers);
  const specialty = session.provider ? providers.get(session.provider)?.specialty : undefined;
  const open = mayJoin(session, now);
  return (
    <section class="card visit stack stack-16" aria-labelledby="visit-h">
      <div class="row between"><h2 id="visit-h">{t('your_visit')}</h2><Pill tone={tone(session.status)} icon={kShapeOf[session.status]}>{statusText(session.status)}</Pill></div>
      <div class="row row-16"><Avatar name={name} large /><div><p class="t18 strong"><bdi>{name}</bdi></p>{specialty && <p class="muted"><bdi>{specialtyText(specialty)}</bdi></p>}</div></div>
      <div class="count">
        {session.scheduledStart && <>
          <p class="row between"><span class="muted">{left > 0 ? t('starts_in') : t('started')}</span> <span class="t28 strong nowrap" role="timer">{left > 0 ? duration(left) : t('now')}</span></p>
          <hr />
        </>}
        <p class="row between"><span class="strong">{dayName(start)}</span> <Time at={start} class="strong" /></p>
        <p class="row between small"><span class="nowrap">{gregorian(start)}</span> <span class="hijri nowrap">{hijri(start)}</span></p>
      </div>
      <div class="stack stack-8">
        {session.status === 'requested' ? <p class="muted">{t('requested_more')}</p>
          : open ? <LinkButton kind="primary" size="large" block href={`/call/${session.id}`}>{t('go_waiting')}</LinkButton>
          : <p class="muted row row-8"><Icon name="clock" /> <span>{t('opens_before')}</span></p>}
        {session.status === 'scheduled' && !open && <LinkButton block icon="cam" href={`/call/${session.id}`}>{t('check_device')}</LinkButton>}
      </div>
      <details>
        <summary class="strong"><Icon name="note" /> <span>{t('prepare')}</span> <Icon name="chev" class="chev" /></summary>
        <ul class="bullets"><li>{t('prepare_1')}</li><li>{t('prepare_2')}</li><li>{t('prepare_3')}</li></ul>
      </details>
      {['scheduled', 'requested'].includes(session.status) && <Cancel session={session} done={again} />}
    </section>
  );
}
export const specialtyText = (name: string) => {
  const key = `specialty_${name.toLowerCase().replace(/\W+/g, '_')}`;
  const said = t(key as 'specialty_cardiology');
  return said === key ? name : said;
};

export function PatientHome() {
  const loaded = useLoad(async () => {
    const [{ items }, providers] = await Promise.all([get<Page<Session>>(`/api/v1/sessions${query({ limit: 50 })}`), allProviders()]);
    return { items, providers };
  });
  useEvery(30_000, () => void loaded.again());
  const data = loaded.data.value;
  const coming = (data?.items ?? []).filter((one) => !isOver(one)).sort((a, b) => startOf(a).localeCompare(startOf(b)));
  const past = (data?.items ?? []).filter(isOver).sort((a, b) => startOf(b).localeCompare(startOf(a)));
  return (
    <Frame name="home">
      <H1 class="t22">{greeting()}</H1>
      {loaded.error.value !== undefined && <Failure error={loaded.error.value} again={() => void loaded.again()} />}
      {!data ? (loaded.error.value === undefined && <Skeleton lines={6} />) : <>
        {coming[0] ? <NextVisit session={coming[0]} providers={data.providers} again={loaded.again} />
          : <section class="card"><Empty text={t('no_visit')}><LinkButton kind="primary" href="/clinic/book">{t('book')}</LinkButton></Empty></section>}
        <Emergency />
        {coming.length > 1 && (
          <Card title={t('later_visits')} id="later-h">
            <ul class="rows">{coming.slice(1).map((one) => <Row key={one.id} session={one} providers={data.providers} />)}</ul>
          </Card>
        )}
        <Card title={t('past_visits')} id="past-h" acts={<LinkButton kind="quiet" size="small" href="/clinic/sessions">{t('show_all')}</LinkButton>}>
          {past.length ? <ul class="rows">{past.slice(0, 4).map((one) => <Row key={one.id} session={one} providers={data.providers} />)}</ul> : <Empty text={t('past_none')} />}
        </Card>
      </>}
    </Frame>
  );
}
function Row({ session, providers }: { session: Session; providers: Map<string, Provider> }) {
  return (
    <li>
      <div class="two grow"><a class="cover" href={`/clinic/sessions/${session.id}`}><bdi>{doctorName(session, providers)}</bdi></a><span><DatesLine at={startOf(session)} /></span></div>
      <State tone={tone(session.status)} icon={kShapeOf[session.status]}>{statusText(session.status)}</State>
    </li>
  );
}
