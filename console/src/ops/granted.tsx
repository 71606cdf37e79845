// A dialog that reads data of a person for a reason. Who has no open grant of his own may open one in an emergency.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { post, Problem } from '../base/api';
import { t } from '../base/i18n';
import { useAct } from '../base/load';
import { Button, Failure } from '../ui';
import { mayReadData } from './rights';
import { ReasonDialog } from './widgets';

const kMinutes = 30;
export function GrantedDialog({ title, text, act, of, ready, onClose, onRead, children }: { title: string; text: string; act: string; of?: () => Record<string, string>; ready?: boolean; onClose: () => void; onRead: (reason: string) => Promise<void>; children?: ComponentChildren }) {
  const [refused, setRefused] = useState('');
  const grant = useAct();
  const read = async (reason: string) => {
    try {
      await onRead(reason);
    } catch (error) {
      if (error instanceof Problem && error.status === 403) setRefused(reason);
      throw error;
    }
    onClose();
  };
  return (
    <ReasonDialog title={title} text={text} act={act} ready={ready} onClose={onClose} onAct={read}>
      {children}
      {refused && of && mayReadData() && <div class="stack stack-8">
        {grant.error !== undefined && <Failure error={grant.error} detail />}
        <p>{t('grant_offer')}</p>
        <Button icon="shieldok" busy={grant.busy} onPress={() => void grant.run(async () => {
          await post('/api/v1/break-glass', { ...of(), reason: refused, minutes: kMinutes });
          await read(refused);
        })}>{t('grant_emergency')}</Button>
      </div>}
    </ReasonDialog>
  );
}
