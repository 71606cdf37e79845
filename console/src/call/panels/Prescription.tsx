import { useRef, useState } from 'preact/hooks';
import { newKey, Problem, problemText } from '../../base/api';
import { t, type Key } from '../../base/i18n';
import { Button, Dialog, DialogActs, Icon, Pill } from '../../ui';
import { items, kNoMedication, prescribe, prescriptions } from '../records';
import type { Medication } from '../types';
import { Identity } from './Panel';

const kFields: [keyof Medication, Key][] = [
  ['name', 'call_drug'], ['dosage', 'call_dose'], ['frequency', 'call_freq'], ['duration', 'call_dur'], ['instructions', 'call_instructions'],
];

// Written, read over once more with the patient's name above, then issued.
export function Prescription() {
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  const key = useRef(newKey());
  const all = items.value;
  const put = (at: number, name: keyof Medication, text: string) => {
    items.value = all.map((one, i) => (i === at ? { ...one, [name]: text } : one));
  };
  const filled = all.filter(({ name }) => name.trim());
  const review = () => {
    const half = all.findIndex(({ name, dosage }) => name.trim() && !dosage.trim());
    setWrong(!filled.length ? t('call_rx_none') : half >= 0 ? t('call_rx_dose') : '');
    if (filled.length && half < 0) setAsks(true);
    else document.getElementById(`rx-${half < 0 ? 0 : half}-${half < 0 ? 'name' : 'dosage'}`)?.focus();
  };
  const issue = async () => {
    setBusy(true);
    try {
      await prescribe(key.current);
      key.current = newKey();
      setAsks(false);
    } catch (error) {
      setWrong(error instanceof Problem && error.code === 'licence.missing' ? t('call_rx_licence')
        : error instanceof Problem && error.status === 409 ? t('call_not_now') : problemText(error));
      setAsks(false);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <div class="panel-scroll stack stack-16" tabIndex={0}>
        {prescriptions.value.map((one) => (
          <article key={one.id} class="signed stack stack-8">
            <p class="row between row-wrap"><bdi dir="ltr" class="strong">{one.prescriptionNumber}</bdi><Pill tone={one.status === 'cancelled' ? 'idle' : 'ok'}>{t(one.status === 'cancelled' ? 'call_rx_cancelled' : one.status === 'dispensed' ? 'rx_dispensed' : 'call_rx_is_issued')}</Pill></p>
            <ul>{one.items.map((item) => <li key={item.name}><bdi class="long strong">{item.name}</bdi> <bdi class="long">{item.dosage}</bdi> {item.frequency && <bdi class="long muted">{item.frequency}</bdi>}</li>)}</ul>
          </article>
        ))}
        {all.map((one, i) => (
          <fieldset key={i} class="rx-item stack stack-8">
            <legend class="small muted">{t('call_rx_item', { n: i + 1 })}</legend>
            {kFields.map(([name, text]) => (
              <div key={name} class="field"><label for={`rx-${i}-${name}`}>{t(text)}</label>
                <input id={`rx-${i}-${name}`} dir="auto" autoComplete="off" maxLength={500} value={one[name] ?? ''} onInput={(event) => put(i, name, event.currentTarget.value)} /></div>
            ))}
          </fieldset>
        ))}
        <p><Button kind="quiet" size="small" icon="plus" onPress={() => (items.value = [...all, { ...kNoMedication }])}>{t('call_rx_more')}</Button></p>
      </div>
      <footer class="panel-foot">
        <span class="grow" role="status">{wrong && <span class="error"><Icon name="alert" /> <span>{wrong}</span></span>}</span>
        <Button kind="primary" onPress={review}>{t('call_rx_review')}</Button>
      </footer>
      <Dialog title={t('call_rx_q')} open={asks} onClose={() => setAsks(false)}>
        <div class="in-dialog"><Identity /></div>
        <ol class="stack stack-8">{filled.map((one) => <li key={one.name}><p class="strong"><bdi class="long">{one.name}</bdi> · <bdi class="long">{one.dosage}</bdi></p>
          <p class="small muted"><bdi class="long">{[one.frequency, one.duration, one.instructions].filter((text) => text?.trim()).join(' · ')}</bdi></p></li>)}</ol>
        <p>{t('call_rx_text')}</p>
        <DialogActs>
          <Button onPress={() => setAsks(false)}>{t('cancel')}</Button>
          <Button kind="primary" icon="pen" busy={busy} onPress={() => void issue()}>{t('call_rx_issue')}</Button>
        </DialogActs>
      </Dialog>
    </>
  );
}
