import { useState } from 'preact/hooks';
import { Problem, problemText } from '../../base/api';
import { t, type Key } from '../../base/i18n';
import { Button, Empty, Icon, Time } from '../../ui';
import { latinDigits } from '../../ui/Field';
import { recordVitals, vitals } from '../records';

interface Sign { name: string; text: Key; unit: string; from: number; to: number }
// Ranges of the hub (docs/records.md): what is outside is a slip of the finger.
export const kSigns: Sign[] = [
  { name: 'systolic', text: 'call_sys', unit: 'mmHg', from: 40, to: 300 },
  { name: 'diastolic', text: 'call_dia', unit: 'mmHg', from: 20, to: 200 },
  { name: 'heartRate', text: 'call_pulse', unit: '/min', from: 20, to: 300 },
  { name: 'temperatureC', text: 'call_temp', unit: '°C', from: 25, to: 45 },
  { name: 'oxygenSaturation', text: 'call_spo2', unit: '%', from: 40, to: 100 },
  { name: 'respiratoryRate', text: 'call_resp', unit: '/min', from: 4, to: 80 },
  { name: 'glucoseMmol', text: 'call_glucose', unit: 'mmol/L', from: 0.5, to: 60 },
  { name: 'weightKg', text: 'call_weight', unit: 'kg', from: 0.3, to: 400 },
  { name: 'painScale', text: 'call_pain', unit: '0-10', from: 0, to: 10 },
];
const typed: Record<string, string> = {};

export function VitalSigns() {
  const [values, setValues] = useState<Record<string, string>>({ ...typed });
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const put = (name: string, text: string) => {
    // Kept while another panel is open.
    typed[name] = latinDigits(text).replace(',', '.');
    setValues({ ...typed });
  };
  const save = async () => {
    const wrong: Record<string, string> = {};
    const signs: Record<string, number> = {};
    for (const { name, from, to } of kSigns) {
      const text = (values[name] ?? '').trim();
      if (!text) continue;
      const value = Number(text);
      if (!Number.isFinite(value) || value < from || value > to) wrong[name] = t('call_range', { from, to });
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
      await recordVitals(signs);
      for (const name of Object.keys(typed)) delete typed[name];
      setValues({});
    } catch (error) {
      setProblem(error instanceof Problem && error.status === 409 ? t('call_not_now') : problemText(error));
    } finally {
      setBusy(false);
    }
  };
  const last = vitals.value.at(-1);
  const bp = last?.systolic && last.diastolic ? `${String(last.systolic)}/${String(last.diastolic)}` : '';
  return (
    <>
      <div class="panel-scroll stack stack-24" tabIndex={0}>
        {last
          ? <section class="stack stack-12"><p class="small muted">{t(last.source === 'patient' ? 'call_by_patient' : 'call_by_staff')} · <Time at={last.takenAt} /></p>
              <dl class="vitals">
                {bp && <div class="vital"><dt>{t('call_bp')}</dt><dd><bdi dir="ltr">{bp}</bdi> <small dir="ltr">mmHg</small></dd></div>}
                {kSigns.filter(({ name }) => last[name] !== undefined && !['systolic', 'diastolic'].includes(name)).map(({ name, text, unit }) =>
                  <div key={name} class="vital"><dt>{t(text)}</dt><dd><bdi dir="ltr">{String(last[name])}</bdi> <small dir="ltr">{unit}</small></dd></div>)}
              </dl></section>
          : <Empty icon="vitals" text={t('call_vitals_empty')} />}
        <form class="sign-form" id="vitals-form" onSubmit={(event) => { event.preventDefault(); void save(); }}>
          {kSigns.map(({ name, text, unit }) => (
            <div key={name} class="field">
              <label for={`v-${name}`}>{t(text)} <small class="muted" dir="ltr">{unit}</small></label>
              <input id={`v-${name}`} inputMode="decimal" dir="ltr" autoComplete="off" value={values[name] ?? ''} aria-invalid={!!errors[name] || undefined}
                aria-describedby={errors[name] ? `v-${name}-e` : undefined} onInput={(event) => put(name, event.currentTarget.value)} />
              {errors[name] && <p class="error" id={`v-${name}-e`}><Icon name="alert" /><span>{errors[name]}</span></p>}
            </div>
          ))}
        </form>
      </div>
      <footer class="panel-foot">
        <span class="grow" role="status">{problem && <span class="error"><Icon name="alert" /> <span>{problem}</span></span>}</span>
        <Button kind="primary" busy={busy} onPress={() => void save()}>{t('call_vitals_save')}</Button>
      </footer>
    </>
  );
}
