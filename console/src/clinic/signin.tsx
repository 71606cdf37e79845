// Sign-in: password, one-time code, passkey, issuer; a first password by code; the first administrator.
import { useEffect, useState } from 'preact/hooks';
import { call, post, Problem, signedOut } from '../base/api';
import { issuers, issuerText } from '../base/house';
import { has, t, type Key } from '../base/i18n';
import { useAct } from '../base/load';
import { home, loadMe } from '../base/me';
import { go, place, setQuery } from '../base/router';
import { Brand, BrandMark, Button, Failure, Field, H1, Icon, LangButton, LinkButton, Notice, Skip, ThemeButton, usePage } from '../ui';

interface SignedIn {
  mustEnrol?: boolean;
}
// True for what a person may be sent to after signing in: a page of the clinic, of a call or of the console.
const isPage = (path: string | null): path is string => !!path && /^\/(clinic|call|console|account)(\/[A-Za-z0-9_\-/]*)?$/.test(path);

async function enter(answer: SignedIn) {
  signedOut.value = false;
  if (answer.mustEnrol) return go('/login?enrol=1', true);
  await loadMe();
  const to = place.value.query.get('to');
  go(isPage(to) ? to : home(), true);
}

// The half with the form beside the half for guests and emergencies.
function Gate({ name, lead, children }: { name: Key; lead?: Key; children: preact.ComponentChildren }) {
  usePage(t(name));
  return (
    <>
      <Skip />
      <div class="gate">
        <main class="gate-form" id="main">
          <div class="row between">
            <Brand />
            <span class="row row-8"><LangButton /><ThemeButton /></span>
          </div>
          <div class="gate-box stack stack-24">
            <div class="stack stack-4">
              <H1>{t(name)}</H1>
              {lead && <p class="muted">{t(lead)}</p>}
            </div>
            {children}
          </div>
          <p class="small muted">{t('forgot')}</p>
        </main>
        <aside class="gate-side" aria-label={t('gate_side')}>
          <BrandMark class="gate-mark" />
          <div class="stack stack-32 gate-words">
            <p class="t28 strong">{t('gate_slogan')}</p>
            <div class="stack stack-16">
              <p class="row row-top"><Icon name="chat" /> <span><strong>{t('gate_message')}</strong><br />{t('gate_message_more')}</span></p>
              <p class="row row-top"><Icon name="phone" /> <span><strong>{t('urgent')}</strong><br />{t('urgent_more')}</span></p>
            </div>
          </div>
        </aside>
      </div>
    </>
  );
}

function Password({ value, onText, label, fresh, error }: { value: string; onText: (value: string) => void; label?: string; fresh?: boolean; error?: string }) {
  const [shown, show] = useState(false);
  return (
    <Field label={label ?? t('password')} value={value} onText={onText} type={shown ? 'text' : 'password'} error={error} dir="ltr"
      hint={fresh ? t('password_rule') : undefined} name={fresh ? 'new-password' : 'password'} autocomplete={fresh ? 'new-password' : 'current-password'} required
      end={<Button kind="plain" class="affix-btn" icon="eye" aria-pressed={shown} onPress={() => show(!shown)}>{t('show')}</Button>} />
  );
}

// A button for each issuer. `tab`: it opens in a tab of its own, and this page stays.
function Issuers({ tab }: { tab?: boolean }) {
  const to = place.value.query.get('to');
  const back = tab ? '/login?done=1' : isPage(to) ? to : '/';
  return <>{issuers.map((one) => (
    <LinkButton key={one.name} size="large" block icon="building" tab={tab} href={`/auth/oidc/${encodeURIComponent(one.name)}/login?return_to=${encodeURIComponent(back)}`}>
      {t('sign_in_with', { name: issuerText(one) })}</LinkButton>
  ))}{tab && <p class="small muted center">{t('sign_in_tab')}</p>}</>;
}

// The form of a sign-in; also in the dialog of a session that has ended.
export function SignInForm({ onDone, user, tab }: { onDone: (answer: SignedIn) => Promise<void> | void; user?: string; tab?: boolean }) {
  const [name, setName] = useState(user ?? '');
  const [password, setPassword] = useState('');
  const [otp, setOtp] = useState('');
  const [fresh, setFresh] = useState('');
  const [step, setStep] = useState<'password' | 'code' | 'expired'>('password');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const attempt = async (act: () => Promise<SignedIn>) => {
    setBusy(true);
    setError(undefined);
    try {
      await onDone(await act());
    } catch (failed) {
      const code = failed instanceof Problem ? failed.code : '';
      if (code === 'auth.mfa_required') setStep('code');
      else if (code === 'auth.password_expired') setStep('expired');
      else setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void attempt(() => post<SignedIn>('/api/v1/auth/login', {
      username: name.trim(), password, cookie: true,
      ...(step === 'code' ? { otp: otp.trim() } : {}), ...(step === 'expired' ? { newPassword: fresh } : {}),
    }));
  };
  const passkeys = typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
  const withPasskey = () => attempt(async () => {
    const asked = await post<{ ceremony: string; publicKey: unknown }>('/api/v1/auth/passkey/options');
    const parse = (PublicKeyCredential as unknown as { parseRequestOptionsFromJSON: (json: unknown) => PublicKeyCredentialRequestOptions }).parseRequestOptionsFromJSON;
    const credential = (await navigator.credentials.get({ publicKey: parse(asked.publicKey) })) as PublicKeyCredential & { toJSON: () => unknown };
    return post<SignedIn>('/api/v1/auth/passkey', { ceremony: asked.ceremony, credential: credential.toJSON(), cookie: true });
  });
  return (
    <form class="stack stack-24" onSubmit={submit} noValidate>
      {error !== undefined && <Failure error={error} />}
      {step === 'code' && <Notice tone="waits" icon="shield">{t('code_more')}</Notice>}
      {step === 'expired' && <Notice tone="parked" alert>{t('password_expired')}</Notice>}
      {step === 'code'
        ? <Field label={t('code')} value={otp} onText={setOtp} digits name="otp" autocomplete="one-time-code" autoFocus required />
        : <div class="stack stack-16">
            <Field label={t('user_name')} value={name} onText={setName} name="username" autocomplete="username webauthn" dir="ltr" autocapitalize="none" spellcheck={false} required />
            <Password value={password} onText={setPassword} />
            {step === 'expired' && <Password value={fresh} onText={setFresh} label={t('password_new')} fresh />}
          </div>}
      <div class="stack stack-12">
        <Button kind="primary" size="large" block submit busy={busy}>{t('sign_in')}</Button>
        {step === 'password' && (passkeys || issuers.length > 0) && <>
          <p class="or"><span>{t('or')}</span></p>
          {issuers.length > 0 && <Issuers tab={tab} />}
          {passkeys && <Button size="large" block icon="key" busy={busy} onPress={() => void withPasskey()}>{t('passkey_use')}</Button>}
        </>}
        {step === 'code' && <Button kind="quiet" block onPress={() => { setStep('password'); setOtp(''); }}>{t('back_to_password')}</Button>}
      </div>
    </form>
  );
}

// The tab of an issuer, after the sign-in: the tab that waits for it has heard of it.
function Done() {
  const [state, setState] = useState<'asking' | 'in' | 'out'>('asking');
  useEffect(() => void loadMe().then((who) => setState(who ? 'in' : 'out'), () => setState('out')), []);
  if (state === 'asking') return null;
  if (state === 'out') return <Failed code="auth.oidc" />;
  return <>
    <Notice tone="ok" alert>{t('sign_in_done')}</Notice>
    <Button size="large" block onPress={() => go(home(), true)}>{t('home')}</Button>
  </>;
}
// Refusal of a sign-in at an issuer: the address carries its code.
const Failed = ({ code }: { code: string }) => <Failure error={new Problem(0, has(`problem_${code.replaceAll('.', '_')}`) ? code : 'auth.oidc', '', '', '')} />;

export function Login() {
  const { query } = place.value;
  const [failed] = useState(query.get('failed'));
  useEffect(() => { if (failed) setQuery({ failed: undefined }); }, []);
  if (query.get('enrol')) return <Enrol />;
  if (query.get('done')) return <Gate name="sign_in"><Done /></Gate>;
  return (
    <Gate name="sign_in" lead="sign_in_lead">
      {failed && <Failed code={failed} />}
      <SignInForm onDone={enter} />
      <p class="small center"><a class="tap" href="/activate">{t('activate_link')}</a></p>
    </Gate>
  );
}

// A picture that the hub drew, as a file of the page: no markup of it runs.
const asImage = (svg: string) => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;

function Codes({ codes, onGo }: { codes: string[]; onGo: () => void }) {
  return (
    <div class="stack stack-16">
      <Notice tone="parked" alert>{t('recovery_more')}</Notice>
      <ul class="codes">{codes.map((code) => <li key={code}><bdi dir="ltr">{code}</bdi></li>)}</ul>
      <Button kind="primary" size="large" block onPress={onGo}>{t('recovery_kept')}</Button>
    </div>
  );
}
function Secret({ enrolment }: { enrolment: { secret: string; qr: string } }) {
  return (
    <div class="stack stack-12">
      <p>{t('enrol_scan')}</p>
      <img class="qr" src={asImage(enrolment.qr)} alt={t('enrol_qr')} />
      <p class="small muted">{t('enrol_secret')}<br /><bdi dir="ltr" class="trace">{enrolment.secret}</bdi></p>
    </div>
  );
}

function Enrol() {
  const [enrolment, setEnrolment] = useState<{ secret: string; qr: string }>();
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<string[]>();
  const { busy, error, run } = useAct();
  return (
    <Gate name="enrol" lead="enrol_lead">
      {error !== undefined && <Failure error={error} />}
      {codes ? <Codes codes={codes} onGo={() => void enter({})} />
        : !enrolment ? <Button kind="primary" size="large" block busy={busy} onPress={() => void run(async () => setEnrolment(await post('/api/v1/me/mfa')))}>{t('enrol_begin')}</Button>
        : <form class="stack stack-16" noValidate onSubmit={(event) => {
            event.preventDefault();
            void run(async () => setCodes((await post<{ recoveryCodes: string[] }>('/api/v1/me/mfa/confirm', { code })).recoveryCodes));
          }}>
            <Secret enrolment={enrolment} />
            <Field label={t('code')} value={code} onText={setCode} digits autocomplete="one-time-code" required />
            <Button kind="primary" size="large" block submit busy={busy}>{t('confirm')}</Button>
          </form>}
    </Gate>
  );
}

export function Activate() {
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const [done, setDone] = useState(false);
  const { busy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      await call('POST', '/api/v1/auth/activate', { body: { username: name.trim(), code: code.trim(), password } });
      setDone(true);
    });
  };
  return (
    <Gate name="activate" lead="activate_lead">
      {done ? <>
        <Notice tone="ok" alert>{t('activate_done')}</Notice>
        <Button kind="primary" size="large" block onPress={() => go('/login')}>{t('sign_in')}</Button>
      </> : <form class="stack stack-16" onSubmit={submit} noValidate>
        {error !== undefined && <Failure error={error} />}
        <Field label={t('user_name')} value={name} onText={setName} dir="ltr" autocomplete="username" autocapitalize="none" required />
        <Field label={t('activate_code')} hint={t('activate_code_more')} value={code} onText={setCode} dir="ltr" autocomplete="off" required />
        <Password value={password} onText={setPassword} label={t('password_new')} fresh />
        <Button kind="primary" size="large" block submit busy={busy}>{t('activate_set')}</Button>
      </form>}
    </Gate>
  );
}

export function Bootstrap() {
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const [otp, setOtp] = useState('');
  const [enrolment, setEnrolment] = useState<{ secret: string; qr: string }>();
  const [codes, setCodes] = useState<string[]>();
  const { busy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const who = { code: code.trim(), username: name.trim() };
      if (!enrolment) setEnrolment(await post('/api/v1/auth/bootstrap/options', who));
      else setCodes((await post<{ recoveryCodes: string[] }>('/api/v1/auth/bootstrap', { ...who, password, otp })).recoveryCodes);
    });
  };
  return (
    <Gate name="bootstrap" lead="bootstrap_lead">
      {codes ? <Codes codes={codes} onGo={() => go('/login')} /> : <form class="stack stack-16" onSubmit={submit} noValidate>
        {error !== undefined && <Failure error={error} />}
        {!enrolment ? <>
          <Field label={t('activate_code')} hint={t('bootstrap_code_more')} value={code} onText={setCode} dir="ltr" autocomplete="off" required />
          <Field label={t('user_name')} value={name} onText={setName} dir="ltr" autocomplete="username" autocapitalize="none" required />
        </> : <>
          <Secret enrolment={enrolment} />
          <Password value={password} onText={setPassword} label={t('password_new')} fresh />
          <Field label={t('code')} value={otp} onText={setOtp} digits autocomplete="one-time-code" required />
        </>}
        <Button kind="primary" size="large" block submit busy={busy}>{enrolment ? t('bootstrap_make') : t('next_step')}</Button>
      </form>}
    </Gate>
  );
}
