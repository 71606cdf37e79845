// Messages that came to nothing: which, why, what to do; the body of one, for a reason, to who may. Webhooks: what the hub tells others.
import { useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { number, t, word, type Key } from '../base/i18n';
import { useAct, useEvery, useLoad } from '../base/load';
import { hasRole } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Empty, Failure, H1, Icon, Notice, Select, Skeleton, State, type Tone } from '../ui';
import { Frame } from './frame';
import { mayAct } from './rights';
import type { Deliveries as Came, Delivery, Page } from './model';
import { Ago, Code, Facts, Grid, Moment, Old, Pane, ReasonDialog, seconds } from './widgets';

const kOutcomes = ['signature', 'unreadable', 'not_taken', 'unused'];
const kLooks: Record<string, [Tone, string]> = { signature: ['failed', 'ban'], unreadable: ['failed', 'dead'], not_taken: ['parked', 'alert'], unused: ['idle', 'unused'] };
const lookOf = (outcome: string): [Tone, string] => kLooks[outcome] ?? ['idle', 'info'];

function Body({ id }: { id: number }) {
  const [asking, setAsking] = useState(false);
  const [body, setBody] = useState<string>();
  return (
    <>
      {body === undefined ? <p><Button size="small" icon="eye" onPress={() => setAsking(true)}>{t('body_show')}</Button></p>
        : <><Notice tone="parked" icon="eye">{t('body_warning')}</Notice><pre class="json" dir="ltr" tabIndex={0}>{body}</pre><p><Button size="small" icon="lock" onPress={() => setBody(undefined)}>{t('hide')}</Button></p></>}
      {asking && <ReasonDialog title={t('body_title')} text={t('data_text')} act={t('show')} onClose={() => setAsking(false)}
        onAct={async (reason) => { setBody(await get<string>(`/api/v1/deliveries/${id}/body`, { reason, raw: true, accept: '*/*' })); setAsking(false); }} />}
    </>
  );
}
// Take a kept message once more, after saying what that would be; or give it up.
function Acts({ one, onDone }: { one: Delivery; onDone: () => void }) {
  const [asking, setAsking] = useState<'replay' | 'discard'>();
  const [was, setWas] = useState('');
  const { busy, error, run } = useAct();
  const act = async (reason: string) => { await post(`/api/v1/deliveries/${one.id}/${asking}`, { reason }); setAsking(undefined); onDone(); };
  const look = () => void run(async () => { setWas((await post<{ was: string }>(`/api/v1/deliveries/${one.id}/replay`, { dryRun: true })).was); setAsking('replay'); });
  return (
    <>
      {error !== undefined && <Failure error={error} detail />}
      <p class="row row-8">{one.bodyKept && <Button size="small" icon="retry" busy={busy} onPress={look}>{t('delivery_replay')}</Button>}<Button size="small" icon="ban" onPress={() => setAsking('discard')}>{t('delivery_discard')}</Button></p>
      {asking && <ReasonDialog title={t(`delivery_${asking}_act` as Key)} text={t(asking === 'discard' ? 'delivery_discard_more' : (`delivery_was_${was}` as Key))} act={t(`delivery_${asking}_act` as Key)} onClose={() => setAsking(undefined)} onAct={act} />}
    </>
  );
}
function Detail({ one, onDone }: { one: Delivery; onDone: () => void }) {
  const [tone, icon] = lookOf(one.outcome);
  return (
    <Pane title={t('delivery_n', { n: one.id })} id="delivery" body>
      <p><State tone={tone} icon={icon}>{word('delivery', one.outcome)}</State></p>
      <p>{t(`delivery_${one.outcome}_more` as Key)}</p>
      {one.settled ? <Notice tone="ok">{word('delivery_settled', one.settled)}</Notice> : mayAct() && <Acts key={one.id} one={one} onDone={onDone} />}
      {one.reason && <p lang="en" dir="auto">{one.reason}</p>}
      <Facts rows={[[t('time'), <Moment at={one.at} />], [t('source'), <Code>{one.source}</Code>], [t('code_word'), one.code && <Code>{one.code}</Code>], [t('from_address'), one.client && <Code>{one.client}</Code>], [t('request'), one.request && <Code>{one.request}</Code>], [t('size'), one.length !== undefined && t('bytes', { n: one.length })]]} />
      {one.bodyKept ? hasRole('admin') ? <Body key={one.id} id={one.id} /> : <p class="muted row row-8"><Icon name="lock" />{t('body_admin')}</p> : <p class="muted">{t('body_none')}</p>}
    </Pane>
  );
}

export function Deliveries() {
  const given = place.value.query;
  const [source, outcome] = [given.get('source') ?? '', given.get('outcome') ?? ''];
  const chosen = Number(given.get('id') ?? 0);
  const loaded = useLoad(() => get<Came>(`/api/v1/deliveries${query({ source, limit: 200 })}`), source);
  useEvery(10_000, () => void loaded.again());
  const got = loaded.data.value;
  const items = got?.items.filter((one) => !outcome || one.outcome === outcome) ?? [];
  const one = got?.items.find((each) => each.id === chosen);
  const totalOf = (name: string) => (got?.totals ?? []).filter((each) => (!source || each.source === source) && each.outcome === name).reduce((sum, each) => sum + each.total, 0);
  return (
    <Frame name="deliveries">
      <div class="chead"><H1>{t('deliveries')}</H1><span class="sub">{t('deliveries_sub')}</span></div>
      <form class="fbar" aria-label={t('filter')} onSubmit={(event) => event.preventDefault()}>
        {['', ...kOutcomes].map((name) => <button key={name} type="button" class="chip" aria-pressed={outcome === name} onClick={() => setQuery({ outcome: name })}>{name ? <span class={lookOf(name)[0]}><Icon name={lookOf(name)[1]} /></span> : null}<span>{name ? word('delivery', name) : t('all')}</span>{name && <span class="nums">{number(totalOf(name))}</span>}</button>)}
        <Select label={t('source')} value={source} onText={(value) => setQuery({ source: value })} options={[{ value: '', text: t('all') }, ...[...new Set([...(got?.totals ?? []).map((each) => each.source), ...(source ? [source] : [])])].map((value) => ({ value, text: value }))]} />
      </form>
      <div class={one ? 'split split-detail' : 'split'}>
        <section class="pane" aria-label={t('deliveries')}>
          <Old at={loaded.at.value} error={loaded.error.value} again={() => void loaded.again()} />
          {!got ? (loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : <div class="pane-body"><Skeleton lines={5} /></div>)
            : !items.length ? <Empty icon="inbox" text={t('deliveries_none')} /> : (
              <Grid caption={t('deliveries')} heads={[{ text: t('time') }, { text: t('source') }, { text: t('became') }, { text: t('code_word') }, { text: t('age') , num: true }]}>
                {items.map((each) => {
                  const [tone, icon] = lookOf(each.outcome);
                  return <tr key={each.id} aria-selected={each.id === chosen ? 'true' : undefined}><th scope="row" class="fit"><a href={`/console/deliveries${query({ source, outcome, id: each.id })}`}><bdi dir="ltr" class="nums">{seconds(each.at)}</bdi></a></th><td class="fit"><Code>{each.source}</Code></td><td><State tone={tone} icon={icon}>{word('delivery', each.outcome)}</State></td><td class="fit">{each.code && <Code>{each.code}</Code>}</td><td class="num muted"><Ago at={each.at} /></td></tr>;
                })}
              </Grid>)}
        </section>
        {one && <Detail key={one.id} one={one} onDone={() => void loaded.again()} />}
      </div>
    </Frame>
  );
}

interface Webhook { id: string; name: string; origin: string; url: string; state: string; events: string[]; waiting: number; dead: number }
interface Told { id: string; event: string; type: string; state: string; attempts: number; createdAt: string; triedAt?: string | null; status?: number | null; code?: string | null }
function Given({ hook, onDone }: { hook: Webhook; onDone: () => void }) {
  const state = place.value.query.get('state') ?? 'dead';
  const loaded = useLoad(() => get<Page<Told>>(`/api/v1/webhooks/${hook.id}/deliveries${query({ state, limit: 50 })}`), hook.id + state);
  const act = useAct();
  const [said, setSaid] = useState('');
  const rows = loaded.data.value?.items;
  const replay = (body: Record<string, unknown>) => void act.run(async () => {
    const { replayed } = await post<{ replayed: number }>(`/api/v1/webhooks/${hook.id}/replay`, body);
    setSaid(t('replayed', { n: replayed }));
    onDone();
    await loaded.again();
  });
  return (
    <Pane title={hook.name} id="hook" acts={hook.dead > 0 && <Button kind="primary" size="small" icon="retry" busy={act.busy} onPress={() => replay({ dead: true })}>{t('replay_dead', { n: hook.dead })}</Button>}>
      <div class="pane-body stack stack-8">
        {act.error !== undefined && <Failure error={act.error} detail />}
        {said && <Notice tone="ok" alert>{said}</Notice>}
        <Facts rows={[[t('address'), <Code>{hook.url}</Code>], [t('events'), hook.events.map((one) => <Code key={one}>{one} </Code>)]]} />
        <Select label={t('state')} value={state} onText={(value) => setQuery({ state: value })} options={['dead', 'open', 'done'].map((one) => ({ value: one, text: word('told', one) }))} />
      </div>
      {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} detail /></div> : !rows ? <div class="pane-body"><Skeleton /></div> : !rows.length ? <Empty icon="ok" text={t('told_none')} /> : (
        <Grid caption={hook.name} heads={[{ text: t('kind') }, { text: t('tries') , num: true }, { text: t('code_word') }, { text: t('age'), num: true }, { text: t('acts'), quiet: true }]}>
          {rows.map((one) => <tr key={one.id}><th scope="row"><Code>{one.type}</Code></th><td class="num">{number(one.attempts)}</td><td><Code>{one.code ?? one.status ?? ''}</Code></td><td class="num muted"><Ago at={one.createdAt} /></td><td class="fit">{one.state === 'dead' && <Button size="small" busy={act.busy} aria-label={`${t('send_again')}: ${one.id}`} onPress={() => replay({ delivery: one.id })}>{t('send_again')}</Button>}</td></tr>)}
        </Grid>)}
    </Pane>
  );
}
export function Webhooks({ id }: { id?: string }) {
  const loaded = useLoad(() => get<{ items: Webhook[] }>('/api/v1/webhooks'));
  const rows = loaded.data.value?.items;
  const hook = rows?.find((one) => one.id === id);
  return (
    <Frame name="webhooks">
      <div class="chead"><H1>{t('webhooks')}</H1></div>
      <div class={hook ? 'split split-detail' : 'split'}>
        <section class="pane" aria-label={t('webhooks')}>
          {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : !rows ? <div class="pane-body"><Skeleton /></div> : !rows.length ? <Empty icon="wake" text={t('webhooks_none')} /> : (
            <Grid caption={t('webhooks')} heads={[{ text: t('name_word') }, { text: t('state') }, { text: t('waiting_word'), num: true }, { text: t('given_up'), num: true }]}>
              {rows.map((one) => <tr key={one.id} aria-selected={one.id === id ? 'true' : undefined}><th scope="row"><a href={`/console/webhooks/${one.id}`}><bdi>{one.name}</bdi></a></th><td><State tone={one.dead ? 'failed' : one.state === 'active' ? 'ok' : 'idle'}>{word('webhook', one.state)}</State></td><td class="num">{number(one.waiting)}</td><td class="num">{number(one.dead)}</td></tr>)}
            </Grid>)}
        </section>
        {hook && <Given key={hook.id} hook={hook} onDone={() => void loaded.again()} />}
      </div>
    </Frame>
  );
}
