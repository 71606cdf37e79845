// First step of a patient and of those with him: the privacy notice, where he is, a number to call back, and the recording's question.
import { useState } from 'preact/hooks';
import { t } from '../base/i18n';
import { Button, Choices, DatesLine, Field, H1, Icon, PhonePage, Time, usePage } from '../ui';
import { latinDigits } from '../ui/Field';
import { before, doctorPart, nameOfPart, role, session, stage } from './visit';

export const Emergency = () => (
  <p class="emergency"><Icon name="phone" /> <span>{t('call_emergency')} <a class="tap" href="tel:997"><bdi dir="ltr">997</bdi></a></span></p>
);
export function Steps({ at, text }: { at: number; text: string }) {
  return (
    <div class="stack stack-12">
      <ol class="steps" aria-label={t('call_step', { at, of: 3 })}>{[1, 2, 3].map((one) => <li key={one} data-done={one <= at ? '' : undefined} />)}</ol>
      <p class="small muted">{t('call_step', { at, of: 3 })} · {text}</p>
    </div>
  );
}
export const asksRecording = (): boolean => session.value?.recording !== 'off' && session.value?.recording !== 'none' && role.value === 'patient';

export function Before() {
  const [tried, setTried] = useState(false);
  usePage(t('call_before_title'));
  const { location, phone, recording } = before.value;
  const digits = latinDigits(phone).replace(/[^\d+]/g, '');
  const asks = asksRecording();
  const errors = {
    location: location.trim().length < 3 ? t('call_where_error') : '',
    phone: digits.length < 7 ? t('call_phone_error') : '',
    recording: asks && !recording ? t('call_consent_error') : '',
  };
  const next = () => {
    setTried(true);
    const first = (Object.keys(errors) as (keyof typeof errors)[]).find((one) => errors[one]);
    if (first) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid], .choice input')?.focus());
      return;
    }
    before.value = { ...before.value, phone: digits };
    stage.value = 'check';
  };
  const doctor = nameOfPart(doctorPart.value);
  const start = session.value?.scheduledStart;
  return (
    <PhonePage home="/" below={<footer class="thumb"><Button kind="primary" size="large" block onPress={next}>{t('call_before_next')}</Button></footer>}>
      <div class="stack stack-12">
        <Steps at={1} text={t('call_step_details')} />
        <H1 class="t22">{doctor ? t('call_before_with', { name: doctor }) : t('call_before_title')}</H1>
        {start && <p class="row row-8 row-wrap muted"><Icon name="cal" /> <Time at={start} /> · <DatesLine at={start} of={session.value?.scheduledStartHijri ?? undefined} /></p>}
      </div>
      <section class="card privacy" aria-labelledby="privacy-h">
        <h2 id="privacy-h" class="row row-8"><Icon name="shield" /> <span>{t('call_privacy')}</span></h2>
        <dl class="facts">
          <dt>{t('call_privacy_who')}</dt><dd>{t('call_privacy_who_text')}</dd>
          <dt>{t('call_privacy_why')}</dt><dd>{t('call_privacy_why_text')}</dd>
          <dt>{t('call_privacy_rights')}</dt><dd>{t('call_privacy_rights_text')}</dd>
        </dl>
      </section>
      <section class="stack stack-16" aria-labelledby="q-h">
        <h2 id="q-h">{t('call_questions')}</h2>
        <Field label={t('call_where')} hint={t('call_where_hint')} value={location} autoComplete="off" maxLength={300}
          error={tried ? errors.location : undefined} onText={(text: string) => (before.value = { ...before.value, location: text })} />
        <Field label={t('call_phone')} type="tel" inputMode="tel" autoComplete="tel" value={phone} maxLength={40}
          error={tried ? errors.phone : undefined} onText={(text: string) => (before.value = { ...before.value, phone: latinDigits(text) })} />
      </section>
      {asks && (
        <section class="stack stack-12">
          <Choices legend={t('call_consent_q')} name="recording" value={recording}
            onText={(value) => (before.value = { ...before.value, recording: value as 'yes' | 'no' })}
            options={[{ value: 'yes', text: t('call_agree') }, { value: 'no', text: t('call_disagree') }]} />
          <p class="hint">{t('call_consent_hint')}</p>
          {tried && errors.recording && <p class="error" role="alert"><Icon name="alert" /><span>{errors.recording}</span></p>}
        </section>
      )}
      <Emergency />
    </PhonePage>
  );
}
