import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../base/i18n';
import { useLoad } from '../base/load';
import { face, home, loadMe, me } from '../base/me';
import { go, match, place } from '../base/router';
import { Failure, H1, LinkButton, PhonePage, Skeleton, usePage } from '../ui';
import { Account } from './account';
import { Availability } from './availability';
import { Booking } from './booking';
import { Desk } from './desk';
import { DoctorHome } from './doctor';
import { Guest } from './guest';
import { PatientHome } from './home';
import { OwnRecord, PatientPage } from './patient';
import { SessionPage } from './session';
import { Sessions } from './sessions';
import { Activate, Bootstrap, Login } from './signin';
import { Frame } from './frame';

function Home() {
  if (face.value === 'doctor' || face.value === 'nurse') return <DoctorHome />;
  if (face.value === 'desk') return <Desk />;
  if (face.value === 'patient') return <PatientHome />;
  return <Frame name="dashboard"><H1>{t('no_clinic_title')}</H1><p class="muted">{t('no_clinic_text')}</p></Frame>;
}
const kOpen: [string, FunctionComponent<Record<string, string>>][] = [
  ['/login', Login],
  ['/activate', Activate],
  ['/bootstrap', Bootstrap],
  ['/i', Guest],
];
// Pages that are seldom looked at: loaded when one is.
const later = <Part,>(load: () => Promise<Part>, pick: (part: Part) => FunctionComponent<{ id: string }>) => ({ id }: { id: string }) => {
  const part = useLoad(load).data.value;
  const Shown = part && pick(part);
  return Shown ? <Shown id={id} /> : <PhonePage><H1 class="hidden">{t('brand')}</H1><Skeleton lines={4} /></PhonePage>;
};
const papers = () => import('./print');
const kClosed: [string, FunctionComponent<any>][] = [
  ['/clinic/prescriptions/:id/print', later(papers, ({ PrintPrescription }) => PrintPrescription)],
  ['/clinic/sessions/:id/print', later(papers, ({ PrintSummary }) => PrintSummary)],
  ['/clinic/sessions/:id/move', later(() => import('./move'), ({ MovePage }) => MovePage)],
  ['/clinic/days/:id/print', later(papers, ({ PrintDay }) => PrintDay)],
  ['/clinic/away', later(() => import('./away'), ({ Away }) => Away as FunctionComponent<any>)],
  ['/clinic/merge', later(() => import('./merge'), ({ Merge }) => Merge as FunctionComponent<any>)],
  ['/clinic', Home],
  ['/clinic/sessions', Sessions],
  ['/clinic/sessions/:id', SessionPage],
  ['/clinic/book', Booking],
  ['/clinic/availability', Availability],
  ['/clinic/record', OwnRecord],
  ['/clinic/patients/:id', PatientPage],
  ['/account', Account],
];

export function NotFound() {
  usePage(t('not_found_title'));
  return (
    <PhonePage home="/">
      <H1>{t('not_found_title')}</H1>
      <p class="muted">{t('not_found_text')}</p>
      <LinkButton href="/" kind="primary">{t('home')}</LinkButton>
    </PhonePage>
  );
}

function find(pages: typeof kClosed, path: string) {
  for (const [pattern, Page] of pages) {
    const values = match(pattern, path);
    if (values) return <Page key={path} {...values} />;
  }
  return undefined;
}

// Shows the sign-in to users without a session, and returns to the page afterwards.
function Guarded({ path }: { path: string }) {
  const [state, setState] = useState<'asking' | 'in' | 'out' | 'failed'>(me.value ? 'in' : 'asking');
  const [error, setError] = useState<unknown>();
  const ask = () => void loadMe().then((who) => setState(who ? 'in' : 'out'), (failed) => { setError(failed); setState('failed'); });
  useEffect(() => { if (!me.value) ask(); }, []);
  useEffect(() => {
    if (state === 'out') go(path === '/' || path === '/clinic' ? '/login' : `/login?to=${encodeURIComponent(path)}`, true);
    else if (state === 'in' && path === '/') go(home(), true);
  }, [state, path]);
  if (state === 'failed') return <PhonePage><H1>{t('brand')}</H1><Failure error={error} again={ask} /></PhonePage>;
  if (state !== 'in' || path === '/') return <PhonePage><H1 class="hidden">{t('brand')}</H1><Skeleton lines={4} /></PhonePage>;
  return find(kClosed, path) ?? <NotFound />;
}

export function App() {
  const { path } = place.value;
  return find(kOpen as typeof kClosed, path) ?? (path === '/' || kClosed.some(([pattern]) => match(pattern, path)) ? <Guarded path={path} /> : <NotFound />);
}
