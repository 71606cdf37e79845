// Dialogs of the session, which stand over every page: it has ended, it will end, two factors have to be shown again.
import { useEffect, useState } from 'preact/hooks';
import { get, post, signedOut, stepUpNeeded } from '../base/api';
import { duration } from '../base/dates';
import { t } from '../base/i18n';
import { useEvery } from '../base/load';
import { loadMe, me, signOut } from '../base/me';
import { Button, Dialog, DialogActs, Failure, Field } from '../ui';
import { SignInForm } from './signin';

// `home`: where another person is led who signs in over this one's page.
export function Dialogs({ home = '/clinic' }: { home?: string }) {
  return signedOut.value ? <Again home={home} /> : stepUpNeeded.value ? <StepUp /> : <Expiry />;
}

// The session has ended: the page stays as it is for the same person. Another person gets a new page.
function Again({ home }: { home: string }) {
  const was = me.value;
  return (
    <Dialog title={t('again_title')} open onClose={() => undefined} alert>
      <p>{t('again_more')}</p>
      <SignInForm tab user={was?.username} onDone={async () => {
        const now = await loadMe();
        if (!now || now.id !== was?.id) location.replace(home);
      }} />
      <Button kind="quiet" onPress={() => location.replace('/login')}>{t('sign_out')}</Button>
    </Dialog>
  );
}

function StepUp() {
  const [otp, setOtp] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post('/api/v1/auth/step-up', { otp });
      stepUpNeeded.value = false;
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('stepup_title')} open onClose={() => (stepUpNeeded.value = false)}>
      <form class="stack stack-16" onSubmit={submit} noValidate>
        <p>{t('stepup_more')}</p>
        {error !== undefined && <Failure error={error} />}
        <Field label={t('code')} value={otp} onText={setOtp} digits autocomplete="one-time-code" />
        <DialogActs>
          <Button onPress={() => (stepUpNeeded.value = false)}>{t('cancel')}</Button>
          <Button kind="primary" submit busy={busy}>{t('confirm')}</Button>
        </DialogActs>
      </form>
    </Dialog>
  );
}

const kWarnBefore = 120_000;
// Two minutes before the session ends a dialog asks; any answer of the hub may have moved the end.
function Expiry() {
  const [ends, setEnds] = useState(0);
  const [, tick] = useState(0);
  const look = async () => {
    const { items } = await get<{ items: { current?: boolean; ends?: string }[] }>('/api/v1/me/sessions');
    const mine = items.find((one) => one.current);
    setEnds(mine?.ends ? Date.parse(mine.ends) : 0);
  };
  useEffect(() => void look().catch(() => undefined), []);
  useEvery(15_000, () => tick(Date.now()));
  const left = ends - Date.now();
  if (!ends || left > kWarnBefore) return null;
  return (
    <Dialog title={t('expires_title')} open onClose={() => void look().catch(() => undefined)} alert>
      <p>{t('expires_more', { time: duration(left) })}</p>
      <DialogActs>
        <Button onPress={() => void signOut()}>{t('sign_out')}</Button>
        <Button kind="primary" onPress={() => void look().catch(() => undefined)}>{t('stay')}</Button>
      </DialogActs>
    </Dialog>
  );
}
