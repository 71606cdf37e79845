// After the call: what happened, how long it was, a rating, and what comes next.
import { useState } from 'preact/hooks';
import { post } from '../base/api';
import { duration } from '../base/dates';
import { t, type Key } from '../base/i18n';
import { Button, ClinicPhone, Failure, H1, Icon, LinkButton, Notice, PhonePage, TextArea, usePage } from '../ui';
import { Emergency } from './Before';
import { ended, isClinical, path, session } from './visit';

function Stars({ name, legend, value, onPick }: { name: string; legend: string; value: number; onPick: (value: number) => void }) {
  return (
    <fieldset class="stack stack-8">
      <legend class="label">{legend}</legend>
      <div class="stars">
        {[1, 2, 3, 4, 5].map((one) => (
          <label key={one} class="star"><input type="radio" name={name} value={one} checked={value === one} onChange={() => onPick(one)} />
            <span aria-hidden="true" class="num">{one}</span><span class="hidden">{t(`call_rate_${one}` as Key)}</span></label>
        ))}
      </div>
      <p class="row between small muted" aria-hidden="true"><span>{t('call_rate_1')}</span><span>{t('call_rate_5')}</span></p>
    </fieldset>
  );
}

export function After() {
  const [care, setCare] = useState(0);
  const [line, setLine] = useState(0);
  const [comments, setComments] = useState('');
  const [state, setState] = useState<'open' | 'busy' | 'sent'>('open');
  const [error, setError] = useState<unknown>(null);
  usePage(t('call_after'));
  const why = ended.value;
  const now = session.value;
  const minutes = now?.startedAt && now.endedAt ? Date.parse(now.endedAt) - Date.parse(now.startedAt) : 0;
  const rates = now?.status === 'completed' && why === 'ended';
  const send = async () => {
    setState('busy');
    setError(null);
    try {
      await post(path('/feedback'), { rating: care, ...(line ? { connectionRating: line } : {}), ...(comments.trim() ? { comments: comments.trim() } : {}) });
      setState('sent');
    } catch (failed) {
      setError(failed);
      setState('open');
    }
  };
  return (
    <PhonePage home="/" below={rates && state !== 'sent' && care > 0 ? <footer class="thumb"><Button kind="primary" size="large" block busy={state === 'busy'} onPress={() => void send()}>{t('call_rate_send')}</Button></footer> : undefined}>
      <div class="stack stack-8 center">
        <Icon name={why === 'ended' || why === 'left' ? 'ok' : 'alert'} class="after-mark" />
        <H1 class="t28">{t(`call_after_${why}`)}</H1>
        <p class="muted">{t(`call_after_${why}_text`)}</p>
        {minutes > 0 && <p class="muted">{t('call_lasted', { length: duration(minutes) })}</p>}
      </div>
      {(why === 'left' || why === 'moved') && now?.status !== 'completed' && <p class="center"><Button kind="primary" onPress={() => location.reload()}>{t('call_rejoin')}</Button></p>}
      {rates && (state === 'sent'
        ? <Notice tone="ok" alert><p class="strong">{t('call_rate_thanks')}</p></Notice>
        : <section class="card stack stack-24" aria-label={t('call_rate')}>
            <Stars name="care" legend={t('call_rate')} value={care} onPick={setCare} />
            <Stars name="line" legend={t('call_rate_conn')} value={line} onPick={setLine} />
            <TextArea label={t('call_comments')} value={comments} rows={2} maxLength={4000} onText={setComments} />
            {error !== null && <Failure error={error} />}
          </section>)}
      {!isClinical.value && !['ended', 'moved'].includes(why) && <ClinicPhone block />}
      <p class="center"><LinkButton href={isClinical.value ? '/clinic' : '/'} kind="quiet">{t('call_home')}</LinkButton></p>
      {!isClinical.value && <Emergency />}
    </PhonePage>
  );
}
