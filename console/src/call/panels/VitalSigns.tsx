import { t } from '../../base/i18n';
import { Button, Empty, Time } from '../../ui';
import { kSigns, useVitalsForm } from '../../ui/VitalsForm';
import { recordVitals, vitals } from '../records';

// Kept while another panel is open.
const typed: Record<string, string> = {};

export function VitalSigns() {
  const { form, save, busy, problem } = useVitalsForm(typed, recordVitals);
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
        {form}
      </div>
      <footer class="panel-foot">
        <span class="grow" role="status">{problem}</span>
        <Button kind="primary" busy={busy} onPress={() => void save()}>{t('call_vitals_save')}</Button>
      </footer>
    </>
  );
}
