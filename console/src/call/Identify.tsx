// Before the visit begins the doctor, or the nurse who was admitted, hears two identifiers of the patient. The hub says by a warning
// of the session that it waits for this.
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../base/i18n';
import { Button, Icon, Identifiers, nameOf, nationalOf } from '../ui';
import { plainName } from './types';
import * as visit from './visit';

export const identifies = (): boolean =>
  (visit.isHost.value || visit.role.value === 'nurse') && ['scheduled', 'waiting'].includes(visit.session.value?.status ?? '')
  && !!visit.session.value?.warnings?.includes('identity.unconfirmed');

// Above everything that writes: nothing is written before the visit has begun.
export function Identify() {
  const heading = useRef<HTMLHeadingElement>(null);
  const asks = identifies();
  useEffect(() => {
    if (asks) visit.announce(t('identify_said'));
  }, [asks]);
  if (!asks) return null;
  const record = visit.patient.value;
  const part = visit.patientPart.value;
  const mrn = record?.mrn || record?.identifiers?.find(({ kind }) => kind === 'mrn')?.value || visit.session.value?.context?.medicalRecordNumber;
  return (
    <section class="identify stack stack-8" aria-labelledby="identify-h" id="identify">
      <h3 id="identify-h" tabIndex={-1} ref={heading} class="row row-8"><Icon name="shield" /> <span>{t('identify')}</span></h3>
      <Identifiers of={{ name: record ? plainName(nameOf(record)) : visit.nameOfPart(part), birthDate: record?.birthDate, mrn, nationalId: nationalOf(record?.identifiers) }}
        confirm={visit.identified} act={t('identify_start')} />
    </section>
  );
}
// The hospital has changed the appointment since the visit began, which goes on as it is.
export function Changed() {
  const changed = !!visit.session.value?.warnings?.includes('appointment.changed');
  useEffect(() => {
    if (changed) visit.announce(t('call_appointment_changed'));
  }, [changed]);
  if (!changed) return null;
  const reason = visit.session.value?.chiefComplaint;
  return (
    <div class="notice notice-parked" role="status"><div><p>{t('call_appointment_changed')}</p>
      {reason && <p>{t('complaint')}: <bdi dir="auto">{reason}</bdi></p>}</div></div>
  );
}
// Over the picture: the visit has not begun, and where to go on.
export function NotBegun() {
  if (!identifies()) return null;
  return (
    <div class="door" role="status"><Icon name="shield" /><span class="grow wraps">{t('identify_first')}</span>
      <Button kind="primary" size="small" onPress={() => document.getElementById('identify-h')?.focus()}>{t('identify_go')}</Button></div>
  );
}
