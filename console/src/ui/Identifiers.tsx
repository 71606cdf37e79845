// Identifiers of the patient, before the visit: he says two of these, and whoever sees him compares. The hub keeps which two, not what was said.
import { useState } from 'preact/hooks';
import { gregorian, hijri } from '../base/dates';
import { t } from '../base/i18n';
import { Button } from './Button';
import { Failure } from './Feedback';
import { Icon } from './Icon';

export interface Identifiable { name: string; birthDate?: string | null; mrn?: string | null; nationalId?: string }
export type Identifier = 'name' | 'birth_date' | 'record_number' | 'national_id';
export interface Identification { identifiers: Identifier[]; by: string; at: string }
const kAll: Identifier[] = ['name', 'birth_date', 'record_number', 'national_id'];
export const identifierText = (one: Identifier): string => t(`identifier_${one}`);

// Of a national id or iqama, the last four digits are enough to compare.
export const nationalOf = (all: { kind: string; value: string }[] | null | undefined): string | undefined =>
  all?.find(({ kind }) => kind === 'national_id' || kind === 'iqama')?.value.slice(-4);

export function Identifiers({ of, confirm, act }: { of: Identifiable; confirm: (two: Identifier[]) => Promise<void>; act: string }) {
  const [said, setSaid] = useState<Identifier[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [few, setFew] = useState(false);
  const values: Record<Identifier, string> = {
    name: of.name,
    birth_date: of.birthDate ? `${gregorian(`${of.birthDate.slice(0, 10)}T12:00:00Z`)} · ${hijri(`${of.birthDate.slice(0, 10)}T12:00:00Z`)}` : '',
    record_number: of.mrn ?? '',
    national_id: of.nationalId ? `…${of.nationalId}` : '',
  };
  const take = (one: Identifier, on: boolean) => {
    setFew(false);
    setSaid(on ? [...said, one].slice(-2) : said.filter((each) => each !== one));
  };
  const go = async () => {
    if (said.length < 2) return setFew(true);
    setBusy(true);
    setError(undefined);
    try { await confirm(said); } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  return (
    <div class="stack stack-12">
      <fieldset class="stack stack-8" aria-describedby={few ? 'identifiers-few' : undefined}>
        <legend>{t('identify_ask')}</legend>
        <div class="identifiers">{kAll.map((one) => (
          <label key={one} class="choice">
            <input type="checkbox" checked={said.includes(one)} disabled={!values[one]} onChange={(event) => take(one, event.currentTarget.checked)} />
            <span><span class="small muted">{identifierText(one)}</span><br />
              {values[one] ? <bdi class="strong wraps" dir={one === 'record_number' || one === 'national_id' ? 'ltr' : undefined}>{values[one]}</bdi> : <span class="muted">{t('identify_unknown')}</span>}</span>
          </label>))}</div>
      </fieldset>
      {few && <p class="error" id="identifiers-few" role="alert"><Icon name="alert" /><span>{t('identify_both')}</span></p>}
      {error !== undefined && <Failure error={error} />}
      <p><Button kind="primary" icon="ok" busy={busy} onPress={() => void go()}>{act}</Button></p>
    </div>
  );
}
