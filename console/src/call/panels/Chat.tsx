import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../base/i18n';
import { Button, Empty, Icon, State, Time } from '../../ui';
import { chatProblem, kMostText, rows, send, typed, unread } from '../records';
import { myId, nameOfPart, partOf } from '../visit';

// Messages in the order of the hub. Addresses in a text are text: nobody is led elsewhere by a press.
export function Chat() {
  const end = useRef<HTMLDivElement>(null);
  const all = rows.value;
  useEffect(() => {
    unread.value = 0;
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [all.length]);
  const long = typed.value.length > kMostText;
  const submit = () => {
    const text = typed.value.trim();
    if (!text || long) return;
    typed.value = '';
    void send(text);
  };
  return (
    <>
      <div class="panel-scroll" tabIndex={0}>
        {all.length === 0 && <Empty icon="chat" text={t('call_chat_empty')} />}
        <div role="log" aria-label={t('call_chat')}><ol class="messages">
          {all.map((row) => {
            const own = row.from === myId.value;
            return (
              <li key={row.clientId} class={own ? 'message own' : 'message'}>
                <p class="small muted"><bdi class="long">{own ? t('call_you') : nameOfPart(partOf(row.from))}</bdi> {row.sentAt && <>· <Time at={row.sentAt} /></>}</p>
                <p class="bubble wraps" dir="auto">{row.text}</p>
                {row.state === 'sending' && <p class="small muted">{t('call_sending')}</p>}
                {row.state === 'failed' && <p class="row row-8 row-wrap"><State tone="failed">{t('call_not_sent')}</State> <Button size="small" onPress={() => void send(row.text, row.clientId)}>{t('retry')}</Button></p>}
              </li>
            );
          })}
        </ol></div>
        <div ref={end} />
      </div>
      <form class="panel-write" onSubmit={(event) => { event.preventDefault(); submit(); }}>
        {(chatProblem.value || long) && <p class="error" id="chat-e" role="alert"><Icon name="alert" /> <span>{long ? t('call_too_long', { n: kMostText }) : chatProblem.value}</span></p>}
        <div class="row row-8">
          <label class="hidden" for="chat-text">{t('call_write_message')}</label>
          <textarea id="chat-text" class="input" rows={1} dir="auto" maxLength={5 * kMostText} placeholder={t('call_write_message')} value={typed.value}
            aria-invalid={!!chatProblem.value || long || undefined} aria-describedby={chatProblem.value || long ? 'chat-e' : undefined}
            onInput={(event) => { typed.value = event.currentTarget.value; chatProblem.value = ''; }}
            onKeyDown={(event) => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); } }} />
          <button type="submit" class="btn btn-primary btn-icon" aria-label={t('call_send')}><Icon name="send" flip /></button>
        </div>
      </form>
    </>
  );
}
