import { t } from '../../base/i18n';
import { Button, Empty, Notice, Time } from '../../ui';
import { captions } from '../calling';
import { nameOfPart, partOf } from '../visit';

// Transcript made by a machine. Screen readers do not announce it: they would talk over the call.
export function Transcript() {
  const lines = captions.value.filter(({ final }) => final);
  const copy = () => void navigator.clipboard?.writeText(lines.map((line) => `${nameOfPart(partOf(line.id))}: ${line.text}`).join('\n'));
  return (
    <div class="panel-scroll stack stack-16" tabIndex={0}>
      <Notice tone="idle" icon="cc"><p>{t('call_machine')}</p></Notice>
      {lines.length === 0
        ? <Empty icon="text" text={t('call_transcript_empty')} />
        : <><p><Button size="small" onPress={copy}>{t('copy')}</Button></p>
            <div role="log" aria-live="off" aria-label={t('call_transcript')}><ol class="messages">
              {lines.map((line) => <li key={line.id + line.at} class="message"><p class="small muted"><bdi class="long">{nameOfPart(partOf(line.id))}</bdi> · <Time at={line.at} /></p><p dir="auto" lang={line.lang} class="wraps">{line.text}</p></li>)}
            </ol></div></>}
    </div>
  );
}
