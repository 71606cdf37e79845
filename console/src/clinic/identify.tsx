// The identity of the patient, checked before the call, on the telephone or at the bedside.
import { useState } from 'preact/hooks';
import { post } from '../base/api';
import { dayAndTime } from '../base/dates';
import { t } from '../base/i18n';
import { Button, Dialog, DialogActs, Identifiers, identifierText, nameOf, nationalOf } from '../ui';
import { isStaffOf, nameOfParticipant, patientOf, type Person, type Session } from './model';

// True for staff of a visit whose patient was not identified yet.
const mayIdentify = (session: Session): boolean =>
  ['scheduled', 'waiting', 'active'].includes(session.status) && !session.identification && !!patientOf(session)
  && isStaffOf(session);

export function Identify({ session, person, done }: { session: Session; person?: Person; done: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  if (!mayIdentify(session)) return null;
  return (
    <>
      <Button icon="shield" onPress={() => setOpen(true)}>{t('identify_open')}</Button>
      <Dialog title={t('identify')} open={open} onClose={() => setOpen(false)}>
        <Identifiers of={{ name: nameOf(person) || nameOfParticipant(patientOf(session)), birthDate: person?.birthDate, mrn: person?.mrn, nationalId: nationalOf(person?.identifiers) }}
          act={t('identify_match')} confirm={async (identifiers) => {
            await post(`/api/v1/sessions/${session.id}/identification`, { identifiers });
            setOpen(false);
            await done();
          }} />
        <DialogActs><Button onPress={() => setOpen(false)}>{t('cancel')}</Button></DialogActs>
      </Dialog>
    </>
  );
}

// Names who checked which identifiers, and when: one of the facts of a visit.
export function Identified({ session }: { session: Session }) {
  const identification = session.identification;
  if (!identification) return null;
  const who = session.participants?.find((one) => one.person === identification.by);
  const list = new Intl.ListFormat(document.documentElement.lang, { type: 'conjunction' });
  return <div><dt>{t('identified')}</dt><dd>{t('identified_by', { which: list.format(identification.identifiers.map(identifierText)), name: who ? nameOfParticipant(who) : identification.by, when: dayAndTime(identification.at) })}</dd></div>;
}
