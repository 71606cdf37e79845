import { useRef, useState } from 'preact/hooks';
import { newKey, post } from '../base/api';
import { t } from '../base/i18n';
import { Button, Dialog, DialogActs, Failure, TextArea } from '../ui';
import type { Session } from './model';

// Cancels a visit with a reason. A lost answer is asked for again under the same key.
export function Cancel({ session, done }: { session: Session; done: () => Promise<void> | void }) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const key = useRef(newKey());
  const cancel = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await post(`/api/v1/sessions/${session.id}/cancel`, reason.trim() ? { reason: reason.trim() } : {}, { key: key.current });
      setOpen(false);
      await done();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button kind="quiet" onPress={() => setOpen(true)}>{t('cancel_visit')}</Button>
      <Dialog title={t('cancel_title')} open={open} onClose={() => setOpen(false)}>
        <p>{t('cancel_more')}</p>
        {error !== undefined && <Failure error={error} />}
        <TextArea label={t('cancel_reason')} value={reason} onText={setReason} maxLength={500} />
        <DialogActs>
          <Button onPress={() => setOpen(false)}>{t('cancel_keep')}</Button>
          <Button kind="danger" busy={busy} onPress={() => void cancel()}>{t('cancel_visit')}</Button>
        </DialogActs>
      </Dialog>
    </>
  );
}
