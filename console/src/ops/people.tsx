// Users with their roles, and what a second person has to confirm. Systems that call in their own name.
import { useState } from 'preact/hooks';
import { call, del, get, post, query } from '../base/api';
import { isolate, t, word } from '../base/i18n';
import { useAct, useLoad } from '../base/load';
import { me, type Role } from '../base/me';
import { place, setQuery } from '../base/router';
import { Button, Check, Dialog, DialogActs, Empty, Failure, Field, H1, LinkButton, Notice, Select, Skeleton, State } from '../ui';
import { Frame } from './frame';
import type { Approval, Page } from './model';
import { mayManagePeople } from './rights';
import { loadTodos } from './todo';
import { Ago, Code, Facts, Grid, Id, Json, Moment, Pane } from './widgets';

interface User { id: string; username?: string | null; name?: string | null; email?: string | null; roles: Role[]; active: boolean; number: number; signIn?: 'ready' | 'none'; codeUntil?: string; activation?: string }
const kRoles = ['admin', 'security_officer', 'engineer', 'operator', 'auditor', 'integration', 'doctor', 'specialist', 'nurse', 'desk', 'patient'];
const Roles = ({ roles }: { roles: string[] }) => <>{roles.map((one) => word('may', one)).join(t('comma'))}</>;

// The code by which somebody sets a first password, shown once.
const Activation = ({ code }: { code: string }) => <Notice tone="parked" alert><p class="strong">{t('activation_code')}</p><p><Id id={code} whole /></p><p>{t('activation_more')}</p></Notice>;
const AccountState = ({ one }: { one: User }) => !one.active ? <State tone="idle">{t('disabled_word')}</State>
  : one.signIn === 'none' ? <State tone="parked">{t('no_password_word')}</State> : <State tone="ok">{t('active_word')}</State>;
function RoleChecks({ roles, onRoles }: { roles: string[]; onRoles: (roles: string[]) => void }) {
  return <fieldset class="field"><legend class="label">{t('roles')}</legend><div class="schema">{kRoles.map((one) => <Check key={one} text={word('may', one)} checked={roles.includes(one)} onCheck={(on) => onRoles(on ? [...roles, one] : roles.filter((each) => each !== one))} />)}</div></fieldset>;
}
function NewUser({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [username, setUsername] = useState('');
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<string[]>([]);
  const [user, setUser] = useState<User>();
  const act = useAct();
  return (
    <Dialog title={t('user_new')} open onClose={onClose}>
      {user ? <><p>{t('user_made')}</p>{user.activation && <Activation code={user.activation} />}<DialogActs><Button kind="primary" onPress={() => { onDone(); onClose(); }}>{t('close')}</Button></DialogActs></>
        : <form class="stack stack-16" noValidate onSubmit={(event) => { event.preventDefault(); void act.run(async () => setUser(await post<User>('/api/v1/users', { username: username.trim(), name: name.trim(), roles }))); }}>
            <Field label={t('user_name')} value={username} onText={setUsername} dir="ltr" autocomplete="off" required />
            <Field label={t('name_word')} value={name} onText={setName} autocomplete="off" required />
            <RoleChecks roles={roles} onRoles={setRoles} />
            {act.error !== undefined && <Failure error={act.error} detail />}
            <DialogActs><Button onPress={onClose}>{t('back')}</Button><Button kind="primary" submit busy={act.busy}>{t('user_make')}</Button></DialogActs>
          </form>}
    </Dialog>
  );
}
function OneUser({ id, onChange }: { id: string; onChange: () => void }) {
  const loaded = useLoad(() => call<User>('GET', `/api/v1/users/${id}`), id);
  const [roles, setRoles] = useState<string[]>();
  const [code, setCode] = useState('');
  const [said, setSaid] = useState('');
  const act = useAct();
  const got = loaded.data.value;
  if (!got) return loaded.error.value !== undefined ? <Failure error={loaded.error.value} detail /> : <Skeleton />;
  const one = got.data;
  const change = (body: Record<string, unknown>) => void act.run(async () => {
    const { data } = await call<User>('PATCH', `/api/v1/users/${id}`, { body, etag: got.etag });
    setCode(data.activation ?? '');
    setRoles(undefined);
    setSaid(t('saved_word'));
    onChange();
    await loaded.again();
  });
  return (
    <Pane title={one.username ?? one.name ?? shortName(one)} id="user" body>
      {act.error !== undefined && <Failure error={act.error} detail />}
      {said && <Notice tone="ok" alert>{said}</Notice>}
      {code && <Activation code={code} />}
      <Facts rows={[[t('name_word'), one.name && <bdi>{one.name}</bdi>], [t('id_word'), <Id id={one.id} />], [t('roles'), <Roles roles={one.roles} />], [t('state'), <AccountState one={one} />], [t('activation_until'), one.codeUntil && <Moment at={one.codeUntil} />]]} />
      {mayManagePeople() && one.id !== me.value?.id && <>
        {roles ? <form class="stack stack-12" onSubmit={(event) => { event.preventDefault(); change({ roles }); }}><RoleChecks roles={roles} onRoles={setRoles} /><div class="row row-8"><Button onPress={() => setRoles(undefined)}>{t('back')}</Button><Button kind="primary" submit busy={act.busy}>{t('roles_save')}</Button></div></form>
          : <div class="row row-8 wrap-row">
              <Button size="small" onPress={() => setRoles(one.roles)}>{t('roles_change')}</Button>
              <Button size="small" busy={act.busy} onPress={() => change({ active: !one.active })}>{t(one.active ? 'user_disable' : 'user_enable')}</Button>
              <Button size="small" busy={act.busy} onPress={() => change({ resetPassword: true })}>{t('reset_password')}</Button>
              <Button size="small" busy={act.busy} onPress={() => change({ resetMfa: true })}>{t('reset_factor')}</Button>
              <Button size="small" busy={act.busy} onPress={() => void act.run(async () => { await del(`/api/v1/users/${id}/sessions`); setSaid(t('signed_out_all')); })}>{t('sign_out_all')}</Button>
            </div>}
      </>}
    </Pane>
  );
}
const shortName = (one: User) => `#${one.number}`;

export function Users({ id }: { id?: string }) {
  const role = place.value.query.get('role') ?? '';
  // Not in the address: somebody may look for a patient.
  const [name, setName] = useState('');
  const [sought, setSought] = useState('');
  const loaded = useLoad(() => (sought ? post<Page<User> & { more?: boolean }>('/api/v1/users/search', { name: sought, ...(role && role !== 'patient' ? { role } : {}) })
    : get<Page<User> & { more?: boolean }>(`/api/v1/users${query({ role, limit: 100 })}`)), `${role} ${sought}`);
  const [rest, setRest] = useState<Page<User>>({ items: [] });
  const [making, setMaking] = useState(false);
  const more = useAct();
  const first = loaded.data.value;
  const items = first && [...first.items, ...rest.items];
  const next = rest.items.length ? rest.next : first?.next;
  return (
    <Frame name="users">
      <div class="chead"><H1>{t('users')}</H1>{mayManagePeople() && <span class="push"><Button icon="plus" onPress={() => setMaking(true)}>{t('user_new')}</Button></span>}</div>
      <form class="fbar" aria-label={t('filter')} onSubmit={(event) => { event.preventDefault(); setRest({ items: [] }); setSought(name.trim()); }}>
        <Field label={t('users_by_name')} hint={t('users_by_name_more')} type="search" value={name} onText={(text) => { setName(text); if (!text) setSought(''); }} autocomplete="off" minLength={2} maxLength={200}
          end={<Button submit icon="search" label={t('search')} />} />
        <Select label={t('role_word')} value={role} onText={(value) => { setRest({ items: [] }); setQuery({ role: value }); }} options={[{ value: '', text: t('all') }, ...kRoles.map((value) => ({ value, text: word('may', value) }))]} /></form>
      <div class={id ? 'split split-detail' : 'split'}>
        <section class="pane" aria-label={t('users')}>
          {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : !items ? <div class="pane-body"><Skeleton lines={5} /></div> : !items.length ? <Empty icon="users" text={t(sought ? 'users_not_found' : 'users_none')} /> : (
            <Grid caption={t('users')} heads={[{ text: t('user_name') }, { text: t('roles') }, { text: t('state') }]}>
              {items.map((one) => <tr key={one.id} aria-selected={one.id === id ? 'true' : undefined}><th scope="row" class="fit"><a href={`/console/users/${one.id}${location.search}`}><bdi>{one.username ?? shortName(one)}</bdi></a>{one.name && <span class="muted block"><bdi>{one.name}</bdi></span>}</th><td><Roles roles={one.roles} /></td><td class="fit"><AccountState one={one} /></td></tr>)}
            </Grid>)}
          {first?.more && <div class="pane-body"><Notice tone="waits">{t('users_more')}</Notice></div>}
          {more.error !== undefined && <div class="pane-body"><Failure error={more.error} detail /></div>}
          {next && <div class="pager"><span class="push"><Button size="small" busy={more.busy} onPress={() => void more.run(async () => { const got = await get<Page<User>>(next); setRest({ items: [...rest.items, ...got.items], next: got.next }); })}>{t('show_more')}</Button></span></div>}
        </section>
        {id && <OneUser key={id} id={id} onChange={() => void loaded.again()} />}
      </div>
      {making && <NewUser onClose={() => setMaking(false)} onDone={() => void loaded.again()} />}
    </Frame>
  );
}

export function Approvals() {
  const loaded = useLoad(() => get<{ items: Approval[] }>('/api/v1/approvals'));
  const act = useAct();
  const [said, setSaid] = useState('');
  const items = loaded.data.value?.items;
  const answer = (one: Approval, verb: 'confirm' | 'refuse') => void act.run(async () => {
    await post(`/api/v1/approvals/${one.id}/${verb}`);
    setSaid(t(verb === 'confirm' ? 'approval_confirmed' : 'approval_refused'));
    await Promise.all([loaded.again(), loadTodos()]);
  });
  return (
    <Frame name="approvals">
      <div class="chead"><H1>{t('approvals')}</H1><span class="sub">{t('approvals_sub')}</span></div>
      {act.error !== undefined && <Failure error={act.error} detail />}
      {said && <Notice tone="ok" alert>{said}</Notice>}
      {loaded.error.value !== undefined ? <Failure error={loaded.error.value} again={() => void loaded.again()} detail /> : !items ? <Skeleton lines={3} /> : !items.length ? <section class="pane"><Empty icon="personok" text={t('approvals_none')} /></section> : (
        <div class="panes">{items.map((one) => (
          <Pane key={one.id} title={`${word('approval_act', one.act.replaceAll('.', '_'))} · ${isolate(one.id.slice(-6))}`} id={`a-${one.id}`} body acts={one.confirmedBy ? <State tone="ok" icon="personok">{t('approval_done')}</State> : one.askedBy !== me.value?.actor && <><Button size="small" busy={act.busy} onPress={() => answer(one, 'refuse')}>{t('refuse')}</Button><Button size="small" kind="primary" busy={act.busy} onPress={() => answer(one, 'confirm')}>{t('confirm')}</Button></>}>
            <Facts rows={[[t('asked_by'), <Code>{one.askedBy}</Code>], [t('asked_at'), <Moment at={one.asked} />], [t('good_until'), <Moment at={one.until} />], [t('confirmed_by'), one.confirmedBy && <Code>{one.confirmedBy}</Code>]]} />
            <Json value={one.wish} />
            {one.askedBy === me.value?.actor && !one.confirmedBy && <p class="muted">{t('approval_own')}</p>}
          </Pane>))}</div>)}
    </Frame>
  );
}

interface Client { id: string; name?: string; active: boolean; roles: string[]; addresses?: string[]; keys: { id: string; created: string; expires: string; lastUsed?: string | null }[] }
export function Clients({ id }: { id?: string }) {
  const loaded = useLoad(() => get<{ items: Client[] }>('/api/v1/clients'));
  const act = useAct();
  const [key, setKey] = useState('');
  const items = loaded.data.value?.items;
  const one = items?.find((each) => each.id === id);
  return (
    <Frame name="clients">
      <div class="chead"><H1>{t('clients')}</H1><span class="sub">{t('clients_sub')}</span></div>
      <div class={one ? 'split split-detail' : 'split'}>
        <section class="pane" aria-label={t('clients')}>
          {loaded.error.value !== undefined ? <div class="pane-body"><Failure error={loaded.error.value} again={() => void loaded.again()} detail /></div> : !items ? <div class="pane-body"><Skeleton /></div> : !items.length ? <Empty icon="layers" text={t('clients_none')} /> : (
            <Grid caption={t('clients')} heads={[{ text: t('id_word') }, { text: t('roles') }, { text: t('state') }]}>
              {items.map((each) => <tr key={each.id} aria-selected={each.id === id ? 'true' : undefined}><th scope="row" class="fit"><a href={`/console/clients/${encodeURIComponent(each.id)}`}><Code>{each.id}</Code></a></th><td><Roles roles={each.roles} /></td><td class="fit"><State tone={each.active ? 'ok' : 'idle'}>{t(each.active ? 'active_word' : 'disabled_word')}</State></td></tr>)}
            </Grid>)}
        </section>
        {one && <Pane title={one.id} id="client" count={one.keys.length} body acts={mayManagePeople() && <Button size="small" icon="key" busy={act.busy} onPress={() => void act.run(async () => { setKey((await post<{ key: string }>(`/api/v1/clients/${one.id}/keys`, {})).key); await loaded.again(); })}>{t('key_new')}</Button>}>
          {act.error !== undefined && <Failure error={act.error} detail />}
          {key && <Notice tone="parked" alert><p class="strong">{t('key_once')}</p><p><Id id={key} whole /></p></Notice>}
          <Facts rows={[[t('name_word'), one.name && <bdi>{one.name}</bdi>], [t('networks'), one.addresses?.length ? one.addresses.map((each) => <Code key={each}>{each} </Code>) : t('any_network')]]} />
          {!one.keys.length ? <p class="muted">{t('client_no_key')}</p> : <ul class="lines">{one.keys.map((each) => <li key={each.id}><Code>{each.id}</Code><span class="muted">{t('good_until')} <Moment at={each.expires} /></span>{each.lastUsed && <span class="muted">{t('last_used')} <Ago at={each.lastUsed} /></span>}
            {mayManagePeople() && <span class="push"><Button size="small" busy={act.busy} aria-label={`${t('revoke')}: ${each.id}`} onPress={() => void act.run(async () => { await del(`/api/v1/clients/${one.id}/keys/${each.id}`); await loaded.again(); })}>{t('revoke')}</Button></span>}</li>)}</ul>}
          <p><LinkButton size="small" href="/console/clients">{t('close')}</LinkButton></p>
        </Pane>}
      </div>
    </Frame>
  );
}
