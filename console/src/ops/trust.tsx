// The audit log, the report on one patient, emergency access and its review, why somebody may do something, and the keys.
import { useState } from 'preact/hooks';
import { get, post, query } from '../base/api';
import { t, word, type Key } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { hasRole } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Empty, Failure, Field, H1, Notice, Skeleton, State, TextArea, type Tone } from '../ui';
import { Proof } from '../ui/Proof';
import { Frame } from './frame';
import type { Page } from './model';
import { loadTodos } from './todo';
import { Code, Facts, Grid, Id, Json, moment, Moment, Pane, ReasonDialog, When } from './widgets';

interface AuditEntry { seq: number; at: string; actor: string; act: string; object?: string; result: string; detail?: unknown; purpose?: string | null; client?: string | null; request?: string | null }
function EntryRows({ items, caption, chosen, href }: { items: AuditEntry[]; caption: string; chosen?: number; href?: (seq: number) => string }) {
  return (
    <Grid caption={caption} heads={[{ text: t('number_word'), num: true }, { text: t('time') }, { text: t('act_word') }, { text: t('actor') }, { text: t('object_word') }, { text: t('result') }]}>
      {items.map((one) => <tr key={one.seq} aria-selected={one.seq === chosen ? 'true' : undefined}><th scope="row" class="num fit">{href ? <a href={href(one.seq)}>{one.seq}</a> : one.seq}</th><td class="fit"><When at={one.at} /></td><td class="fit"><Code>{one.act}</Code></td><td class="fit"><Code soft>{one.actor}</Code></td><td class="fit"><Code soft>{one.object ?? ''}</Code></td><td><State tone={one.result === 'success' || one.result === 'ok' ? 'ok' : one.result === 'refused' || one.result === 'denied' ? 'parked' : 'idle'}>{word('result', one.result)}</State></td></tr>)}
    </Grid>
  );
}
interface Report {
  instances: string[];
  disclosures: { seq: number; time: string; recipient: string; capability: string; fields: string[]; purpose?: string; outcome?: string | null }[];
  accesses: { seq: number; time: string; act: string; result: string; actor: string; purpose?: string; reason?: string }[];
  complete: boolean;
}
// The report on one person: posted with its reason, gone when the page is left.
function PatientReport() {
  const [asking, setAsking] = useState(false);
  const [patient, setPatient] = useState('');
  const [from, setFrom] = useState('');
  const [report, setReport] = useState<Report>();
  return (
    <Pane title={t('report')} id="report" body acts={<Button size="small" icon="user" onPress={() => setAsking(true)}>{t('report_ask')}</Button>}>
      {!report ? <p class="muted">{t('report_more')}</p> : <>
        <Notice icon="lock" tone={report.complete ? 'idle' : 'parked'}>{t(report.complete ? 'report_audited' : 'report_partial')}</Notice>
        <h3>{t('report_disclosed')}</h3>
        {!report.disclosures.length ? <p class="muted">{t('empty_word')}</p> : <Grid caption={t('report_disclosed')} heads={[{ text: t('number_word'), num: true }, { text: t('time') }, { text: t('recipient') }, { text: t('act_word') }, { text: t('fields') }]}>
          {report.disclosures.map((one) => <tr key={one.seq}><th scope="row" class="num">{one.seq}</th><td class="fit"><When at={one.time} /></td><td><Code>{one.recipient}</Code></td><td><Code>{one.capability}</Code></td><td class="wrap">{one.fields.map((field) => <Code key={field} soft>{field} </Code>)}</td></tr>)}</Grid>}
        <h3>{t('report_read')}</h3>
        {!report.accesses.length ? <p class="muted">{t('empty_word')}</p> : <Grid caption={t('report_read')} heads={[{ text: t('number_word'), num: true }, { text: t('time') }, { text: t('actor') }, { text: t('act_word') }, { text: t('reason_word') }]}>
          {report.accesses.map((one) => <tr key={one.seq}><th scope="row" class="num">{one.seq}</th><td class="fit"><When at={one.time} /></td><td><Code>{one.actor}</Code></td><td><Code>{one.act}</Code></td><td class="wrap"><bdi>{one.reason}</bdi></td></tr>)}</Grid>}
        <p class="row row-8"><Button icon="print" onPress={() => print()}>{t('print_word')}</Button><Button onPress={() => setReport(undefined)}>{t('close')}</Button></p>
      </>}
      {asking && <ReasonDialog title={t('report')} text={t('report_text')} act={t('report_ask')} ready={!!patient.trim()} onClose={() => setAsking(false)}
        onAct={async (reason) => { setReport(await post<Report>('/api/v1/audit/report', { patient: patient.trim(), ...(from ? { from } : {}) }, { reason })); setAsking(false); }}>
        <Field label={t('report_patient')} hint={t('report_patient_more')} value={patient} onText={setPatient} dir="ltr" autocomplete="off" required />
        <Field label={t('from')} type="date" value={from} onText={setFrom} />
      </ReasonDialog>}
    </Pane>
  );
}
export function Audit() {
  const given = place.value.query;
  const values = Object.fromEntries(['act', 'actor', 'object', 'from', 'to'].map((name) => [name, given.get(name) ?? '']));
  const chosen = Number(given.get('entry') ?? 0);
  const [vkey, setVkey] = useState('');
  const key = JSON.stringify(values);
  const [typed, setTyped] = useState(values);
  const [rest, setRest] = useState<Page<AuditEntry>>({ items: [] });
  const loaded = useLoad(() => { setRest({ items: [] }); return get<Page<AuditEntry>>(`/api/v1/audit/entries${query({ ...values, limit: 50 })}`); }, key);
  const more = useAct();
  const first = loaded.data.value;
  const items = first && [...first.items, ...rest.items];
  const next = rest.items.length ? rest.next : first?.next;
  const one = items?.find((each) => each.seq === chosen);
  const field = (name: string, label: Key, type: 'text' | 'date' = 'text') => <Field label={t(label)} type={type} value={typed[name]} onText={(text) => setTyped({ ...typed, [name]: text })} dir="ltr" autocomplete="off" />;
  return (
    <Frame name="audit">
      <div class="chead"><H1>{t('audit')}</H1><span class="sub">{t('audit_sub')}</span></div>
      <form class="fbar" aria-label={t('filter')} onSubmit={(event) => { event.preventDefault(); setQuery({ ...typed, entry: '' }); }}>
        {field('act', 'act_word')}{field('actor', 'actor')}{field('object', 'object_word')}{field('from', 'from', 'date')}{field('to', 'to', 'date')}
        <Button submit icon="search">{t('find_word')}</Button>
      </form>
      <div class="panes">
        <div class={one ? 'split split-detail' : 'split'}>
          <section class="pane" aria-label={t('audit')}>
            {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : !items ? <div class="pane-body"><Skeleton lines={6} /></div> : !items.length ? <Empty icon="log" text={t('audit_none')} />
              : <EntryRows items={items} caption={t('audit')} chosen={chosen} href={(seq) => `/console/audit${query({ ...values, entry: seq })}`} />}
            {more.error !== undefined && <div class="pane-body"><Failure error={more.error} detail /></div>}
            {next && <div class="pager"><span class="push"><Button size="small" busy={more.busy} onPress={() => void more.run(async () => { const got = await get<Page<AuditEntry>>(next); setRest({ items: [...rest.items, ...got.items], next: got.next }); })}>{t('show_more')}</Button></span></div>}
          </section>
          {one && <Pane title={t('entry_n', { n: one.seq })} id="entry" body>
            <Facts rows={[[t('time'), <Moment at={one.at} />], [t('act_word'), <Code>{one.act}</Code>], [t('actor'), <Code>{one.actor}</Code>], [t('object_word'), one.object && <Code>{one.object}</Code>], [t('purpose'), one.purpose && <Code>{one.purpose}</Code>], [t('from_address'), one.client && <Code>{one.client}</Code>], [t('request'), one.request && <Code>{one.request}</Code>]]} />
            {one.detail != null && <Json value={one.detail} />}
            <Field label={t('proof_under')} hint={t('proof_under_more')} value={vkey} onText={setVkey} dir="ltr" autocomplete="off" />
            {vkey.trim() && <Proof key={`${one.seq} ${vkey}`} at={`/api/v1/audit/entries/${one.seq}/proof`} seq={one.seq} vkey={vkey} about={one.act} />}
          </Pane>}
        </div>
        {hasRole('auditor', 'security_officer') && <PatientReport />}
      </div>
    </Frame>
  );
}

interface Grant { id: string; state: string; opened: string; expires: string; ended?: string; openedBy?: string; patient?: string; instance?: string; reason?: string; reviewed?: string; reviewedBy?: string; reads: { seq: number; time: string; act: string; actor: string; object?: string; reason?: string }[] }
export function Grants() {
  const [reason, setReason] = useState('');
  const [all, setAll] = useState(false);
  const [got, setGot] = useState<{ complete: boolean; items: Grant[] }>();
  const act = useAct();
  const look = (whole: boolean) => act.run(async () => { setAll(whole); setGot(await get(`/api/v1/break-glass${query({ reviewed: whole && 'all' })}`, { reason: reason.trim() })); });
  const review = (one: Grant) => void act.run(async () => {
    await post(`/api/v1/break-glass/${one.id}/review`);
    setGot(await get(`/api/v1/break-glass${query({ reviewed: all && 'all' })}`, { reason: reason.trim() }));
    await loadTodos();
  });
  return (
    <Frame name="grants">
      <div class="chead"><H1>{t('grants')}</H1><span class="sub">{t('grants_sub')}</span></div>
      {act.error !== undefined && <Failure error={act.error} detail />}
      {!got ? (
        <section class="pane pane-body"><form class="stack stack-12" noValidate onSubmit={(event) => { event.preventDefault(); void look(false); }}>
          <p>{t('grants_why')}</p>
          <TextArea label={t('reason_kept')} value={reason} onText={setReason} rows={2} />
          <p><Button kind="primary" submit busy={act.busy}>{t('grants_show')}</Button></p>
        </form></section>
      ) : <div class="panes">
        {!got.complete && <Notice tone="failed" alert>{t('grants_incomplete')}</Notice>}
        <p class="row row-8"><Button size="small" busy={act.busy} aria-pressed={all} onPress={() => void look(!all)}>{t('grants_all')}</Button></p>
        {!got.items.length && <section class="pane"><Empty icon="shieldok" text={t('grants_none')} /></section>}
        {got.items.map((one) => (
          <Pane key={one.id} title={t('grant_by', { who: one.openedBy ?? '', when: moment(one.opened) })} id={`g-${one.id}`} body more={<State tone={one.reviewed ? 'ok' : one.state === 'open' ? 'parked' : 'idle'}>{one.reviewed ? t('reviewed') : word('grant', one.state)}</State>} acts={!one.reviewed && one.state !== 'open' && <Button size="small" kind="primary" busy={act.busy} onPress={() => review(one)}>{t('review')}</Button>}>
            <Facts rows={[[t('opened_at'), <Moment at={one.opened} />], [t('good_until'), <Moment at={one.ended ?? one.expires} />], [t('reason_word'), one.reason && <bdi>{one.reason}</bdi>], [t('instance'), one.instance && <Id id={one.instance} href={`/console/instances/${one.instance}`} />], [t('reviewed_by'), one.reviewedBy && <Code>{one.reviewedBy}</Code>]]} />
            {one.reads.length ? <Grid caption={t('grant_reads', { id: one.id.slice(-4) })} heads={[{ text: t('number_word'), num: true }, { text: t('time') }, { text: t('act_word') }, { text: t('object_word') }]}>{one.reads.map((read) => <tr key={read.seq}><th scope="row" class="num">{read.seq}</th><td class="fit"><When at={read.time} /></td><td><Code>{read.act}</Code></td><td><Code soft>{read.object ?? ''}</Code></td></tr>)}</Grid> : <p class="muted">{t('grant_no_reads')}</p>}
          </Pane>))}
      </div>}
    </Frame>
  );
}

interface Explained { person: string; roles: string[]; active: boolean; rights: { right: string; allowed: boolean; rule?: string; code?: string; why?: string; rules: { rule: string; outcome: string }[] }[] }
export function Explain() {
  const [person, setPerson] = useState('');
  const [session, setSession] = useState('');
  const [got, setGot] = useState<Explained>();
  const act = useAct();
  return (
    <Frame name="explain">
      <div class="chead"><H1>{t('explain')}</H1><span class="sub">{t('explain_sub')}</span></div>
      <form class="fbar" aria-label={t('explain')} noValidate onSubmit={(event) => { event.preventDefault(); void act.run(async () => setGot(await post<Explained>('/api/v1/access/explain', { person: person.trim(), ...(session.trim() ? { session: session.trim() } : {}) }))); }}>
        <Field label={t('explain_person')} value={person} onText={setPerson} dir="ltr" autocomplete="off" required /><Field label={t('explain_session')} value={session} onText={setSession} dir="ltr" autocomplete="off" /><Button submit kind="primary" busy={act.busy}>{t('explain_ask')}</Button>
      </form>
      {act.error !== undefined && <Failure error={act.error} detail />}
      {got && <Pane title={t('rights_title')} id="rights" count={got.rights.filter((one) => one.allowed).length} more={got.roles.map((one) => word('may', one)).join(t('comma'))}>
        <Grid caption={t('rights_title')} heads={[{ text: t('right_word') }, { text: t('result') }, { text: t('rule_word') }]}>
          {got.rights.map((one) => <tr key={one.right}><th scope="row" class="fit"><Code>{one.right}</Code></th><td class="fit"><State tone={one.allowed ? 'ok' : 'idle'} icon={one.allowed ? 'ok' : 'ban'}>{t(one.allowed ? 'allowed_word' : 'refused_word')}</State></td><td class="wrap">{one.rule ? <Code>{one.rule}</Code> : <><Code soft>{one.code ?? ''}</Code> <bdi lang="en">{one.why}</bdi></>}</td></tr>)}
        </Grid></Pane>}
    </Frame>
  );
}

interface Keys {
  root: { provider: string; id: string; version: number; unavailable?: boolean; development?: boolean };
  generation: number;
  buckets: { bucket: string; state: string; dataKeys: number; expires?: string; hold?: string; destroyed?: string }[];
  holds: { case: string; dataKeys: number; since: string }[];
}
const kBuckets: Record<string, Tone> = { live: 'ok', expired: 'parked', destroyed: 'idle' };
export function KeysPage() {
  const loaded = useLoad(() => get<Keys>('/api/v1/keys'));
  const now = loaded.data.value;
  return (
    <Frame name="keys">
      <div class="chead"><H1>{t('keys')}</H1><span class="sub">{t('keys_sub')}</span></div>
      {!now ? (loaded.error.value !== undefined ? <Failure error={loaded.error.value} again={() => void loaded.again()} detail /> : <Skeleton lines={5} />) : <div class="panes">
        <Pane title={t('keys_root')} id="root" body><Facts rows={[[t('keys_where'), <Code>{now.root.provider}</Code>], [t('id_word'), <Code>{now.root.id}</Code>], [t('version'), <Code>{now.root.version}</Code>], [t('state'), <State tone={now.root.unavailable ? 'failed' : now.root.development ? 'parked' : 'ok'}>{t(now.root.unavailable ? 'not_there' : now.root.development ? 'keys_development' : 'good')}</State>]]} /></Pane>
        <Pane title={t('keys_buckets')} id="buckets" count={now.buckets.length}>{!now.buckets.length ? <Empty icon="key" text={t('empty_word')} /> : <Grid caption={t('keys_buckets')} heads={[{ text: t('keys_bucket') }, { text: t('state') }, { text: t('keys_count'), num: true }, { text: t('good_until') }, { text: t('hold') }]}>
          {now.buckets.map((one) => <tr key={one.bucket}><th scope="row"><Code>{one.bucket}</Code></th><td><State tone={kBuckets[one.state] ?? 'idle'}>{word('bucket', one.state)}</State></td><td class="num">{one.dataKeys}</td><td>{(one.destroyed ?? one.expires) && <Moment at={(one.destroyed ?? one.expires)!} />}</td><td>{one.hold && <Code>{one.hold}</Code>}</td></tr>)}</Grid>}</Pane>
        {now.holds.length > 0 && <Pane title={t('holds')} id="holds" count={now.holds.length}><ul class="lines">{now.holds.map((one) => <li key={one.case}><Code>{one.case}</Code><span class="muted"><Moment at={one.since} /></span></li>)}</ul></Pane>}
        <p class="muted">{t('keys_readonly')}</p>
      </div>}
    </Frame>
  );
}
