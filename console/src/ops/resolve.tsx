// The answer to an action that waits for a person: what happened in the outside system, or what shall happen.
import { useState } from 'preact/hooks';
import { post } from '../base/api';
import { t, type Key } from '../base/i18n';
import { Choices, TextArea } from '../ui';
import { Code, ReasonDialog } from './widgets';

const kOutcomes = ['done', 'again', 'transient', 'permanent'];
export function parsed(text: string): { value?: unknown; wrong: boolean } {
  if (!text.trim()) return { wrong: false };
  try {
    return { value: JSON.parse(text), wrong: false };
  } catch {
    return { wrong: true };
  }
}
export function ResolveDialog({ id, action, onClose, onDone }: { id: string; action: string; onClose: () => void; onDone: () => void }) {
  const [outcome, setOutcome] = useState('');
  const [output, setOutput] = useState('');
  const { value, wrong } = parsed(output);
  return (
    <ReasonDialog title={t('decide_title')} act={t('decide')} ready={!!outcome && !wrong} onClose={onClose}
      text={<>{t('decide_text')} <Code>{action}</Code></>}
      onAct={async (reason) => {
        await post(`/api/v1/instances/${id}/resolve`, { outcome, reason, ...(outcome === 'done' && value !== undefined ? { output: value } : {}) });
        onDone();
      }}>
      <Choices legend={t('answer')} name="outcome" value={outcome} onText={setOutcome} options={kOutcomes.map((one) => ({ value: one, text: t(`outcome_call_parked_${one}` as Key), more: t(`outcome_call_parked_${one}_more` as Key) }))} />
      {outcome === 'done' && <TextArea label={t('output')} hint={t('output_more')} value={output} onText={setOutput} error={wrong ? t('output_wrong') : undefined} dir="ltr" class="mono" />}
      {outcome && <p class="notice notice-idle"><span>{t('goes_to_log')} <strong>{t(`outcome_call_parked_${outcome}_log` as Key)}</strong></span></p>}
    </ReasonDialog>
  );
}
