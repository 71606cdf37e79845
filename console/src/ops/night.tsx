// The status for a phone at night: must somebody get up? Two languages, one column, the way to the most urgent at the thumb.
import { useEffect } from 'preact/hooks';
import { number, t } from '../base/i18n';
import { useEvery, useLoad } from '../base/load';
import { Brand, Failure, H1, Icon, LangButton, LinkButton, Skeleton, Skip, State, ThemeButton, usePage } from '../ui';
import { Dialogs } from '../clinic/dialogs';
import { health } from './model';
import { partsOf } from './overview';
import { isUrgent, loadTodos, placeOf, textOf, todos, todosAt, todosError, type Todo } from './todo';
import { age, Code, Old } from './widgets';

function Line({ one, first }: { one: Todo; first: boolean }) {
  const to = placeOf(one);
  const inside = <>
    <span class="n nums">{number(one.count)}</span>
    <span><b>{textOf(one)}</b><small>{one.oldest && t('oldest', { age: age(one.oldest) })} {one.code && <Code>{one.code}</Code>}</small></span>
    {to ? <Icon name="next" flip /> : <span />}
  </>;
  return <li class={first ? 'first' : undefined}>{to ? <a href={to}>{inside}</a> : <div>{inside}</div>}</li>;
}

export function Night() {
  usePage(t('status'));
  const parts = useLoad(health);
  useEffect(() => void loadTodos(), []);
  useEvery(15_000, () => { void loadTodos(); void parts.again(); });
  const now = todos.value;
  const urgent = now?.items.filter(isUrgent) ?? [];
  const ill = parts.data.value && partsOf(parts.data.value);
  const good = ill?.filter((one) => one.tone === 'ok').length ?? 0;
  const most = urgent[0] ?? now?.items[0];
  return (
    <div class="night">
      <Skip />
      <header class="night-top"><Brand href="/console" /><span class="push row row-8"><LangButton /><ThemeButton /></span></header>
      <main id="main">
        <div class="night-sum"><H1>{!now ? t('status') : urgent.length ? t('night_act', { n: urgent.length }) : t(now.items.length ? 'night_wait' : 'night_good')}</H1>
          {now && <p class="muted">{t(urgent.length ? (urgent.length < now.items.length ? 'night_rest' : 'night_now') : now.items.length ? 'night_morning' : 'night_sleep')}</p>}</div>
        <Old at={todosAt.value} error={todosError.value} again={() => void loadTodos()} />
        {!now && (todosError.value !== undefined ? <Failure error={todosError.value} again={() => void loadTodos()} detail /> : <Skeleton lines={4} />)}
        {now && now.items.length > 0 && <section class="pane" aria-label={t('needs_you')}><ul class="night-needs">{now.items.map((one, i) => <Line key={i} one={one} first={i === 0 && isUrgent(one)} />)}</ul></section>}
        {ill && <section class="pane" aria-labelledby="night-health"><div class="pane-head"><h2 id="night-health">{t('health')}</h2><span class="push small muted">{t('parts_good', { n: good, all: ill.length })}</span></div>
          <ul class="night-health">{ill.filter((one) => one.tone !== 'ok').slice(0, 6).map((one) => <li key={one.name}><State tone={one.tone}><bdi>{one.name}</bdi>: {one.says}</State></li>)}
            <li><State tone="ok">{t('others_good', { n: good })}</State></li></ul></section>}
        {most && placeOf(most) && <p class="night-act"><LinkButton kind="primary" size="large" block href={placeOf(most)!}>{t('look_now')}</LinkButton></p>}
      </main>
      <Dialogs home="/console" />
    </div>
  );
}
