import { useState } from 'preact/hooks';
import { Problem, textOf } from '../base/api';
import { number, t, type Key } from '../base/i18n';
import { keepFile } from '../base/keep';
import { useAct } from '../base/load';
import { checkProof, Refused, type Checked } from '../base/proof';
import { Button } from './Button';
import { Failure, State } from './Feedback';

// Fetches the proof of an entry, checks it here, and says which step does not hold.
export function Proof({ at, seq, vkey, about }: { at: string; seq: number; vkey: string; about: string }) {
  const [checked, setChecked] = useState<Checked>();
  const [refused, setRefused] = useState('');
  const [file, setFile] = useState('');
  const act = useAct();
  const check = () => act.run(async () => {
    setRefused('');
    try {
      const proof = await textOf(at);
      setFile(proof);
      setChecked(await checkProof(proof, vkey));
    } catch (failed) {
      if (failed instanceof Refused) return setRefused(failed.step);
      if (failed instanceof Problem && failed.code === 'audit.not_signed') return setRefused('early');
      throw failed;
    }
  });
  const keep = () => keepFile(`rabt-${seq}.tlog-proof`, file, 'text/plain');
  if (act.error !== undefined) return <Failure error={act.error} again={() => void check()} />;
  return (
    <div class="stack stack-4" role="status">
      {refused ? <State tone={refused === 'early' ? 'idle' : 'failed'}>{t(`proof_${refused}` as Key)}</State>
        : checked && <State tone="ok">{t(checked.signed ? 'proof_holds' : 'proof_unsigned', { at: number(checked.position), of: number(checked.entries) })}</State>}
      <div class="row row-8">
        {file && <Button size="small" kind="quiet" icon="file" onPress={keep}>{t('proof_keep')}</Button>}
        {(!checked || refused) && <Button size="small" busy={act.busy} onPress={() => void check()} aria-label={`${t('proof_check')}: ${about}, ${seq}`}>{t('proof_check')}</Button>}
      </div>
    </div>
  );
}
