// The page of a call: one of its stages at a time.
import { useEffect, useRef } from 'preact/hooks';
import { problemText } from '../base/api';
import { t } from '../base/i18n';
import { Button, ClinicPhone, Failure, H1, LinkButton, PhonePage, Skeleton, usePage } from '../ui';
import { After } from './After';
import { useKeys } from './Bar';
import { Before, Emergency } from './Before';
import * as calling from './calling';
import { Check } from './Check';
import { chime } from './devices';
import { InCall } from './InCall';
import { id, open, problem, said, stage } from './visit';
import { WaitingRoom } from './Waiting';
import { unread } from './records';

function Plain({ title, children }: { title: string; children: preact.ComponentChildren }) {
  usePage(title);
  return <PhonePage home="/"><H1 class="t22">{title}</H1>{children}</PhonePage>;
}

function Stage() {
  switch (stage.value) {
    case 'loading':
      return <Plain title={t('loading')}><Skeleton /></Plain>;
    case 'gone':
      return <Plain title={t('call_gone')}><Failure error={problem.value} again={() => void open(id.value)} /><p><LinkButton href="/">{t('call_home')}</LinkButton></p><Emergency /></Plain>;
    case 'before':
      return <Before />;
    case 'check':
      return <Check />;
    case 'waiting':
      return <WaitingRoom />;
    case 'joining':
      return <Plain title={t('call_connecting')}><Skeleton /></Plain>;
    case 'failed':
      return <Plain title={t('call_failed')}><p>{t('call_failed_text')}</p>{problem.value !== null && <p>{problemText(problem.value)}</p>}<p><Button kind="primary" onPress={() => void calling.again()}>{t('retry')}</Button></p><ClinicPhone block /><Emergency /></Plain>;
    case 'in':
      return <InCall />;
    case 'after':
      return <After />;
  }
}

export function Call({ session }: { session: string }) {
  useKeys();
  const was = useRef(stage.value);
  const alone = session === 'check';
  useEffect(() => void (alone || open(session)), [session]);
  const now = stage.value;
  useEffect(() => {
    // Admitted: heard and felt, also when the screen is locked.
    if (was.current === 'waiting' && (now === 'joining' || now === 'in')) {
      void chime().catch(() => {});
      navigator.vibrate?.([200, 100, 200]);
    }
    if (was.current !== now && now !== 'in') requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus());
    if (now === 'after') calling.stop();
    was.current = now;
  }, [now]);
  const count = unread.value;
  useEffect(() => {
    document.title = document.title.replace(/^\(\d+\) /, '');
    if (count && now === 'in') document.title = `(${count}) ${document.title}`;
  }, [count, now]);
  const { text, loud } = said.value;
  return (
    <>
      {alone ? <Check alone /> : <Stage />}
      <p class="hidden" role="status" aria-live="polite">{loud ? '' : text}</p>
      <p class="hidden" role="alert" aria-live="assertive">{loud ? text : ''}</p>
    </>
  );
}
