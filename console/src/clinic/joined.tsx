// Records that are read as one patient, and taking that back.
import { useState } from 'preact/hooks';
import { post } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t } from '../base/i18n';
import { useAct } from '../base/load';
import { hasRole } from '../base/me';
import { Button, Dialog, DialogActs, Failure, Notice, TextArea } from '../ui';
import type { Person } from './model';

// A pointer between two records. `patient`: the other one.
export interface Pointer { patient: string; state: 'in_force' | 'waiting'; reason: string; at: string }
export type Merged = Person & { version?: number; mergedInto?: Pointer; mergedFrom?: Pointer[] };

export const mayMerge = () => hasRole('admin', 'desk');

// Says that records are read as one, and takes it back. `person`: as the hub gives it, which is the one that stays.
export function Joined({ person, again }: { person: Merged; again: () => void }) {
  const [undoing, setUndoing] = useState<string>();
  const [reason, setReason] = useState('');
  const [undone, setUndone] = useState(false);
  const act = useAct();
  const undo = () => act.run(async () => {
    await post(`/api/v1/patients/${undoing}/unmerge`, { reason: reason.trim() });
    setUndoing(undefined);
    setReason('');
    setUndone(true);
    again();
  });
  const said = (one: Pointer, into: boolean) => (
    <Notice key={one.patient} tone={one.state === 'waiting' ? 'waits' : 'idle'} icon="file">
      <p class="strong">{t(one.state === 'waiting' ? 'merge_is_waiting' : into ? 'merge_is_merged' : 'merge_is_joined')}</p>
      <p>{t('merge_since', { when: dayAndTime(one.at) })} <bdi>{one.reason}</bdi></p>
      {mayMerge() && <p><Button size="small" onPress={() => { setUndone(false); setUndoing(into ? person.id : one.patient); }}>{t('merge_undo')}</Button></p>}
    </Notice>
  );
  return (
    <>
      {undone && <Notice tone="ok" alert>{t('merge_undone')}</Notice>}
      {person.mergedInto && said(person.mergedInto, true)}
      {person.mergedFrom?.map((one) => said(one, false))}
      <Dialog title={t('merge_undo_title')} open={undoing !== undefined} onClose={() => setUndoing(undefined)}>
        <p>{t('merge_undo_more')}</p>
        {act.error !== undefined && <Failure error={act.error} />}
        <TextArea label={t('merge_undo_reason')} value={reason} onText={setReason} rows={2} maxLength={1000} required />
        <DialogActs>
          <Button onPress={() => setUndoing(undefined)}>{t('cancel')}</Button>
          <Button kind="primary" busy={act.busy} disabled={!reason.trim()} onPress={() => void undo()}>{t('merge_undo')}</Button>
        </DialogActs>
      </Dialog>
    </>
  );
}
