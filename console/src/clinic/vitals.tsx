// Vital signs taken outside of the call: by a nurse at the bedside, by a doctor, before or during the visit.
import { useRef } from 'preact/hooks';
import { post } from '../base/api';
import { t } from '../base/i18n';
import { Button, useAnnounce } from '../ui';
import { useVitalsForm } from '../ui/VitalsForm';
import { isOver, isStaffOf, patientOf, type Session } from './model';

// True if the person takes part as staff and the visit still takes values: they may be measured before it begins.
export const takesVitals = (session: Session): boolean =>
  !isOver(session) && session.status !== 'requested' && (!!session.patient || !!patientOf(session))
  && isStaffOf(session);

export function VitalsForm({ session, done }: { session: Session; done: () => Promise<void> }) {
  const typed = useRef<Record<string, string>>({});
  const [said, say] = useAnnounce();
  const { form, save, busy, problem } = useVitalsForm(typed.current, async (signs) => {
    await post(`/api/v1/sessions/${session.id}/vitals`, { source: 'manual', ...signs });
    say(t('vitals_saved'));
    await done();
  });
  return (
    <section class="card stack stack-16 gap-below" aria-labelledby="vf-h">
      <h2 id="vf-h">{t('vitals_take')}</h2>
      {form}
      {said}
      <div class="row row-16 row-wrap"><Button kind="primary" busy={busy} onPress={() => void save()}>{t('call_vitals_save')}</Button><span role="status">{problem}</span></div>
    </section>
  );
}
