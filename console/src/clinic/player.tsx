// Plays a recording of a visit. The hub writes down who opens it, once for each viewing; an office says why.
import { useEffect, useRef, useState } from 'preact/hooks';
import { post, signedOut } from '../base/api';
import { t } from '../base/i18n';
import { face, hasRole } from '../base/me';
import { Button, Dialog, DialogActs, Failure, Notice, Skeleton, TextArea } from '../ui';

// Roles of which somebody may play a recording; the hub decides about each one.
export const playsRecordings = () => face.value === 'doctor' || face.value === 'patient' || hasRole('admin');

export function Player({ id, sound }: { id: string; sound: boolean }) {
  const office = face.value !== 'doctor' && face.value !== 'patient';
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState('');
  const [url, setUrl] = useState('');
  const [ended, setEnded] = useState(false);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  // Place that was reached: another viewing goes on from it.
  const at = useRef(0);
  // Counts viewings that were asked for: the answer of an earlier one comes to nothing.
  const turn = useRef(0);
  const begin = async () => {
    const mine = ++turn.current;
    setBusy(true);
    setError(undefined);
    setEnded(false);
    setUrl('');
    try {
      const viewing = await post<{ url: string }>(`/api/v1/recordings/${id}/views`, {}, { reason: why.trim() });
      if (mine === turn.current) setUrl(viewing.url);
    } catch (failed) {
      if (mine === turn.current) setError(failed);
    } finally {
      if (mine === turn.current) setBusy(false);
    }
  };
  const show = () => {
    setOpen(true);
    if (!office) void begin();
  };
  const close = () => {
    turn.current++;
    at.current = 0;
    setBusy(false);
    setOpen(false);
    setUrl('');
    setWhy('');
    setError(undefined);
    setEnded(false);
  };
  const over = signedOut.value;
  useEffect(() => {
    if (over) close();
  }, [over]);
  const media = {
    class: 'player',
    src: url,
    controls: true,
    controlsList: 'nodownload',
    // The first request has to come within a minute.
    preload: 'metadata',
    'aria-label': t(sound ? 'recording_audio' : 'recording_video'),
    onLoadedMetadata: (event: { currentTarget: HTMLMediaElement }) => void (event.currentTarget.currentTime = at.current),
    onTimeUpdate: (event: { currentTarget: HTMLMediaElement }) => void (at.current = event.currentTarget.currentTime || at.current),
    onError: () => setEnded(true),
  } as const;
  const asks = office && !url;
  return (
    <>
      <Button size="small" icon="eye" onPress={show}>{t('recording_play')}</Button>
      <Dialog title={t(sound ? 'recording_audio' : 'recording_video')} open={open} onClose={close}>
        {error !== undefined && <Failure error={error} />}
        {asks && <TextArea label={t('recording_why')} hint={t('record_why_more')} value={why} onText={setWhy} rows={2} maxLength={300} required />}
        {busy && !office && <Skeleton lines={3} />}
        {url && !ended && (sound ? <audio {...media} /> : <video {...media} />)}
        {ended && <Notice tone="waits" alert>{t('recording_stopped')}</Notice>}
        <DialogActs>
          <Button onPress={close}>{t('close')}</Button>
          {(asks || ended || error !== undefined) && <Button kind="primary" busy={busy} disabled={office && !why.trim()} onPress={() => void begin()}>{t('recording_play')}</Button>}
        </DialogActs>
      </Dialog>
    </>
  );
}
