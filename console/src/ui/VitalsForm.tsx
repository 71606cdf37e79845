// Vital signs as staff and patients write them: the same fields in the call, on the page of a visit and in the record.
import { useState } from 'preact/hooks';
import { Problem, problemText } from '../base/api';
import { t, type Key } from '../base/i18n';
import { latinDigits } from './Field';
import { Icon } from './Icon';

export interface Sign { name: string; text: Key; unit: string; from: number; to: number; whole?: boolean }
// Ranges of the hub (docs/records.md): what is outside is a slip of the finger.
export const kSigns: Sign[] = [
  { name: 'systolic', text: 'call_sys', unit: 'mmHg', from: 40, to: 300, whole: true },
  { name: 'diastolic', text: 'call_dia', unit: 'mmHg', from: 20, to: 200, whole: true },
  { name: 'heartRate', text: 'call_pulse', unit: '/min', from: 20, to: 300, whole: true },
  { name: 'temperatureC', text: 'call_temp', unit: '°C', from: 25, to: 45 },
  { name: 'oxygenSaturation', text: 'call_spo2', unit: '%', from: 40, to: 100 },
  { name: 'respiratoryRate', text: 'call_resp', unit: '/min', from: 4, to: 80, whole: true },
  { name: 'glucoseMmol', text: 'call_glucose', unit: 'mmol/L', from: 0.5, to: 60 },
  { name: 'weightKg', text: 'call_weight', unit: 'kg', from: 0.3, to: 400 },
  { name: 'heightCm', text: 'height', unit: 'cm', from: 20, to: 260 },
  { name: 'painScale', text: 'call_pain', unit: '0-10', from: 0, to: 10, whole: true },
];

// `typed`: what was written and not sent, which its owner keeps while the form is away. `record` sends values that are in their ranges.
export function useVitalsForm(typed: Record<string, string>, record: (signs: Record<string, number>) => Promise<void>) {
  const [values, setValues] = useState<Record<string, string>>({ ...typed });
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const put = (name: string, text: string) => {
    typed[name] = latinDigits(text).replace(',', '.');
    setValues({ ...typed });
  };
  const save = async () => {
    const wrong: Record<string, string> = {};
    const signs: Record<string, number> = {};
    for (const { name, from, to, whole } of kSigns) {
      const text = (values[name] ?? '').trim();
      if (!text) continue;
      const value = Number(text);
      if (!Number.isFinite(value) || value < from || value > to) wrong[name] = t('call_range', { from, to });
      else if (whole && !Number.isInteger(value)) wrong[name] = t('call_whole');
      else signs[name] = value;
    }
    if (signs.diastolic !== undefined && signs.systolic !== undefined && signs.diastolic >= signs.systolic) wrong.diastolic = t('call_bp_order');
    setErrors(wrong);
    setProblem('');
    const first = kSigns.find(({ name }) => wrong[name]);
    if (first) {
      document.getElementById(`v-${first.name}`)?.focus();
      return;
    }
    if (!Object.keys(signs).length) {
      setProblem(t('call_vitals_none'));
      return;
    }
    setBusy(true);
    try {
      await record(signs);
      for (const name of Object.keys(typed)) delete typed[name];
      setValues({});
    } catch (error) {
      setProblem(error instanceof Problem && error.status === 409 ? t('call_not_now') : problemText(error));
    } finally {
      setBusy(false);
    }
  };
  const form = (
    <form class="sign-form" id="vitals-form" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
      {kSigns.map(({ name, text, unit }) => (
        <div key={name} class="field">
          <label for={`v-${name}`}>{t(text)} <small class="muted" dir="ltr">{unit}</small></label>
          <input id={`v-${name}`} inputMode="decimal" dir="ltr" autoComplete="off" value={values[name] ?? ''} aria-invalid={!!errors[name] || undefined}
            aria-describedby={errors[name] ? `v-${name}-e` : undefined} onInput={(event) => put(name, event.currentTarget.value)} />
          {errors[name] && <p class="error" id={`v-${name}-e`}><Icon name="alert" /><span>{errors[name]}</span></p>}
        </div>
      ))}
    </form>
  );
  return { form, save, busy, problem: problem && <span class="error"><Icon name="alert" /> <span>{problem}</span></span> };
}
