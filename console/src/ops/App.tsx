import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../base/i18n';
import { hasRole, loadMe, me, signOut } from '../base/me';
import { go, match, place } from '../base/router';
import { Button, Failure, H1, LinkButton, PhonePage, Skeleton, usePage } from '../ui';
import { AlertsPage } from './alerts';
import { Deliveries, Webhooks } from './deliveries';
import { Frame } from './frame';
import { Instances } from './instances';
import { InstancePage } from './instance';
import { Night } from './night';
import { Overview } from './overview';
import { Approvals, Clients, Users } from './people';
import { Deploy, Plugins } from './platform';
import { Repairs } from './repairs';
import { firstPlace, kPlaces, maySee } from './rights';
import { Tasks } from './tasks';
import { Audit, Explain, Grants, KeysPage } from './trust';

const kRoutes: [string, FunctionComponent<any>][] = [
  ['/console', Overview],
  ['/console/instances', Instances],
  ['/console/instances/:id', InstancePage],
  ['/console/repairs', Repairs],
  ['/console/repairs/:id', Repairs],
  ['/console/tasks', Tasks],
  ['/console/tasks/:id', Tasks],
  ['/console/status', Night],
  ['/console/alerts', AlertsPage],
  ['/console/deliveries', Deliveries],
  ['/console/webhooks', Webhooks],
  ['/console/webhooks/:id', Webhooks],
  ['/console/plugins', Plugins],
  ['/console/plugins/:id', Plugins],
  ['/console/deploy', Deploy],
  ['/console/audit', Audit],
  ['/console/grants', Grants],
  ['/console/approvals', Approvals],
  ['/console/users', Users],
  ['/console/users/:id', Users],
  ['/console/clients', Clients],
  ['/console/clients/:id', Clients],
  ['/console/explain', Explain],
  ['/console/keys', KeysPage],
];

// The page of the list that an address belongs to: /console/instances/<id> to /console/instances.
const ownerOf = (path: string) => kPlaces.filter(({ href }) => path === href || path.startsWith(href + '/')).sort((a, b) => b.href.length - a.href.length)[0]?.href;

function NotForYou() {
  usePage(t('console'));
  const patient = hasRole('patient', 'guest');
  return (
    <PhonePage home="/clinic">
      <H1>{t(patient ? 'not_patients_title' : 'not_yours_title')}</H1>
      <p>{t(patient ? 'not_patients_text' : 'not_yours_text')}</p>
      <LinkButton href="/clinic" kind="primary" block>{t(patient ? 'to_my_visits' : 'to_clinic')}</LinkButton>
      <Button onPress={() => void signOut()}>{t('sign_out')}</Button>
    </PhonePage>
  );
}
const NotHere = ({ denied }: { denied?: boolean }) => (
  <Frame name={denied ? 'not_yours_title' : 'not_found_title'}>
    <H1>{t(denied ? 'not_yours_title' : 'not_found_title')}</H1>
    <p class="muted">{t(denied ? 'page_denied' : 'not_found_text')}</p>
  </Frame>
);

function Signed({ path }: { path: string }) {
  const first = firstPlace();
  useEffect(() => { if (first && path === '/console' && first !== path) go(first, true); }, [path, first]);
  if (!first) return <NotForYou />;
  for (const [pattern, Page] of kRoutes) {
    const values = match(pattern, path);
    if (!values) continue;
    const owner = ownerOf(path);
    return owner && maySee(owner) ? <Page key={path} {...values} /> : <NotHere denied />;
  }
  return <NotHere />;
}

export function App() {
  const { path } = place.value;
  const [state, setState] = useState<'asking' | 'in' | 'failed'>('asking');
  const [error, setError] = useState<unknown>();
  const ask = () => void loadMe().then(
    (who) => (who ? setState('in') : location.replace(`/login?to=${encodeURIComponent(path)}`)),
    (failed) => { setError(failed); setState('failed'); });
  useEffect(ask, []);
  if (state === 'failed') return <PhonePage><H1>{t('console')}</H1><Failure error={error} again={ask} /></PhonePage>;
  if (state !== 'in' || !me.value) return <PhonePage><H1 class="hidden">{t('console')}</H1><Skeleton lines={4} /></PhonePage>;
  return <Signed path={path} />;
}
