// Acts that begin an instance: one that has ended once more from its beginning, and one of a workflow by hand.
import { useRef, useState } from 'preact/hooks';
import { get, newKey, post, Problem } from '../base/api';
import { t } from '../base/i18n';
import { useLoad } from '../base/load';
import { go } from '../base/router';
import { Field, Notice, Select, TextArea } from '../ui';
import { parsed } from './answers';
import { ReasonDialog } from './widgets';

// A new instance, whose calls outside systems take for new ones. Where calls of the old one stand, the hub lists them and takes the act
// once somebody has said how many they are.
export function RestartDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [stands, setStands] = useState(false);
  const [effects, setEffects] = useState('');
  const key = useRef(newKey());
  return (
    <ReasonDialog title={t('restart_title')} text={t('restart_text')} act={t('restart_act')} onClose={onClose} ready={!stands || /^\d{1,6}$/.test(effects)}
      onAct={async (reason) => {
        try {
          const instance = await post<{ id: string }>(`/api/v1/instances/${id}/restart`, { reason, ...(stands ? { effects: Number(effects) } : {}) }, { key: key.current });
          go(`/console/instances/${instance.id}`);
        } catch (error) {
          if (error instanceof Problem && error.status) key.current = newKey();
          if (error instanceof Problem && error.code === 'engine.restart_effects') setStands(true);
          throw error;
        }
      }}>
      {stands && <><Notice tone="parked">{t('restart_stands')}</Notice>
        <Field label={t('restart_effects')} value={effects} onText={setEffects} digits autocomplete="off" /></>}
    </ReasonDialog>
  );
}

interface Version { name: string; version: string; active?: boolean }
export function StartDialog({ workflow = '', onClose }: { workflow?: string; onClose: () => void }) {
  const workflows = useLoad(async () => (await get<{ items: Version[] }>('/api/v1/workflows')).items);
  const [chosen, choose] = useState(workflow);
  const [input, setInput] = useState('');
  const key = useRef(newKey());
  const { value, wrong } = parsed(input);
  const names = [...new Set([...(workflow ? [workflow] : []), ...(workflows.data.value ?? []).map(({ name }) => name)])].sort();
  return (
    <ReasonDialog title={t('start_title')} text={t('start_text')} act={t('start_act')} ready={!!chosen && !wrong} onClose={onClose}
      onAct={async (reason) => {
        try {
          const instance = await post<{ id: string }>('/api/v1/instances', { workflow: chosen, reason, ...(value !== undefined ? { input: value } : {}) }, { key: key.current });
          go(`/console/instances/${instance.id}`);
        } catch (error) {
          if (error instanceof Problem && error.status) key.current = newKey();
          throw error;
        }
      }}>
      <Select label={t('workflow')} value={chosen} onText={choose} options={[{ value: '', text: t('choose') }, ...names.map((one) => ({ value: one, text: one }))]} />
      <TextArea label={t('start_input')} hint={t('start_input_more')} value={input} onText={setInput} error={wrong ? t('output_wrong') : undefined} dir="ltr" class="mono" />
    </ReasonDialog>
  );
}
