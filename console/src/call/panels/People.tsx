import { useState } from 'preact/hooks';
import { problemText } from '../../base/api';
import { t } from '../../base/i18n';
import { Avatar, Button, Dialog, DialogActs, Icon, LangButton, Notice, State, TextArea, ThemeButton, Time } from '../../ui';
import { keysOn, listing } from '../Bar';
import * as calling from '../calling';
import { DeviceChoice, Meter } from '../Check';
import { show } from '../panel';
import type { Participant } from '../types';
import * as visit from '../visit';

// A heading below the panel's own, which stands below the patient's name where there is one.
const Sub = ({ id, children }: { id?: string; children: preact.ComponentChildren }) => (visit.isClinical.value ? <h4 id={id}>{children}</h4> : <h3 id={id}>{children}</h3>);

export function People() {
  const [asked, setAsked] = useState<{ who: Participant; act: 'decline' | 'remove' } | null>(null);
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState('');
  const run = async (name: string, act: () => Promise<void>) => {
    setBusy(name);
    setError('');
    try {
      await act();
      setAsked(null);
      setReason('');
    } catch (failed) {
      setError(problemText(failed));
    }
    setBusy('');
  };
  const row = (one: Participant, acts: preact.ComponentChildren, line: preact.ComponentChildren) => (
    <li key={one.id} class="person"><Avatar name={visit.nameOfPart(one)} />
      <div class="grow"><p class="strong wraps"><bdi class="long">{visit.nameOfPart(one)}</bdi></p><p class="small muted">{line}</p></div>{acts}</li>
  );
  const here = visit.participants.value.filter((one) => one.admission === 'admitted');
  return (
    <div class="panel-scroll stack stack-24" tabIndex={0}>
      {error && <Notice tone="failed" alert><p>{error}</p></Notice>}
      {visit.isClinical.value && (
        <section class="stack stack-8" aria-labelledby="waits-h">
          <div class="row between row-wrap"><Sub id="waits-h">{t('call_waiting_room')}</Sub>
            {visit.waiting.value.length > 1 && <Button size="small" busy={busy === 'all'} onPress={() => void run('all', async () => {
              for (const { participant } of visit.waiting.value) await visit.admit(participant);
            })}>{t('call_admit_all')}</Button>}</div>
          {visit.waiting.value.length === 0 && <p class="muted">{t('call_nobody_waits')}</p>}
          <ul class="stack stack-8">{visit.waiting.value.map(({ participant: one, since }) => row(one,
            <span class="row row-8 row-wrap"><Button kind="primary" size="small" busy={busy === one.id} onPress={() => void run(one.id, () => visit.admit(one))}>{t('call_admit')}</Button>
              <Button size="small" kind="plain" onPress={() => setAsked({ who: one, act: 'decline' })}>{t('call_decline')}</Button></span>,
            <>{t(`call_role_${one.role}` as 'call_role_patient')} · {t('call_since')} <Time at={since} /></>))}</ul>
        </section>
      )}
      <section class="stack stack-8" aria-labelledby="in-h">
        <Sub id="in-h">{t('call_in_call')}</Sub>
        <ul class="stack stack-8">{here.map((one) => {
          const remote = calling.remotes.value[one.identity ?? ''] ?? calling.remotes.value[one.id];
          return row(one,
            visit.isHost.value && one.id !== visit.myId.value ? <Button size="small" kind="plain" onPress={() => setAsked({ who: one, act: 'remove' })}>{t('call_remove')}</Button> : null,
            <>{t(`call_role_${one.role}` as 'call_role_patient')} · {one.id === visit.myId.value ? t('call_you')
              : remote ? <State tone="ok">{t(remote.muted ? 'call_here_muted' : 'call_here')}</State> : t('call_not_here')}</>);
        })}</ul>
      </section>
      <Dialog title={asked?.act === 'remove' ? t('call_remove_q') : t('call_decline_q')} open={!!asked} onClose={() => setAsked(null)}>
        {asked && <p><bdi class="long strong">{visit.nameOfPart(asked.who)}</bdi></p>}
        {asked?.act === 'decline' && <TextArea label={t('call_decline_reason')} value={reason} maxLength={500} onText={setReason} />}
        <DialogActs>
          <Button onPress={() => setAsked(null)}>{t('cancel')}</Button>
          <Button kind="danger" busy={busy === 'asked'} onPress={() => asked && void run('asked', () => (asked.act === 'remove' ? visit.remove(asked.who) : visit.decline(asked.who, reason.trim())))}>
            {asked?.act === 'remove' ? t('call_remove') : t('call_decline')}</Button>
        </DialogActs>
      </Dialog>
    </div>
  );
}

// Things that are needed seldom: devices, recording, language, keys.
export function More() {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const on = visit.session.value?.recordingActive === true;
  const own = visit.session.value?.consents?.filter(({ kind }) => kind === 'recording').at(-1);
  const run = async (act: () => Promise<void>) => {
    setBusy(true);
    setError('');
    try {
      await act();
    } catch (failed) {
      const code = (failed as { code?: string }).code ?? '';
      setError(code.startsWith('consent.') ? t('call_rec_no_consent') : code.startsWith('capability.') ? t('call_rec_cannot') : problemText(failed));
    }
    setBusy(false);
  };
  return (
    <div class="panel-scroll stack stack-24" tabIndex={0}>
      <section class="stack stack-12"><Sub>{t('call_your_device')}</Sub><div class="row row-8"><Icon name="mic" /><Meter quiet /></div><DeviceChoice /></section>
      {error && <Notice tone="failed" alert><p>{error}</p></Notice>}
      {visit.isHost.value && <section class="stack stack-8"><Sub>{t('call_recording')}</Sub>
        <p class="small muted">{t('call_rec_rule')}</p>
        <p><Button icon="rec" busy={busy} onPress={() => void run(() => visit.record(!on))}>{t(on ? 'call_rec_stop' : 'call_rec_start')}</Button></p></section>}
      {visit.role.value === 'patient' && <section class="stack stack-8"><Sub>{t('call_consent_q')}</Sub>
        <p class="small muted">{t('call_consent_hint')}</p>
        <p class="row row-8 row-wrap">
          <Button aria-pressed={own?.given === true && !own.ended} busy={busy} onPress={() => void run(() => visit.consent(true).then(visit.reread))}>{t('call_agree')}</Button>
          <Button aria-pressed={own?.given === false} busy={busy} onPress={() => void run(() => visit.consent(false).then(visit.reread))}>{t('call_disagree')}</Button></p></section>}
      <section class="stack stack-8"><Sub>{t('language')}</Sub><p class="row row-8 row-wrap"><LangButton /><ThemeButton /></p></section>
      <p class="row row-8 row-wrap">
        {!visit.isClinical.value && <Button icon="file" onPress={() => show('documents')}>{t('call_documents')}</Button>}
        {!visit.isClinical.value && <Button icon="people" onPress={() => show('people')}>{t('call_people')}</Button>}
        <Button icon="key" onPress={() => (listing.value = true)}>{t('call_keys')}{!keysOn.value && ` · ${t('call_keys_off')}`}</Button>
      </p>
    </div>
  );
}
