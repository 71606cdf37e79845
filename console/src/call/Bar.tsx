// The bar of the call: a toolbar that arrow keys walk through. Toggles keep their name and say their state.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../base/i18n';
import { Button, Dialog, DialogActs, Failure, Icon } from '../ui';
import * as calling from './calling';
import * as devices from './devices';
import { panel, show, type Part } from './panel';
import { draftEmpty, unread } from './records';
import * as visit from './visit';

export const ending = signal(false);
export const listing = signal(false);
// Single keys can be switched off (WCAG 2.1.4).
export const keysOn = signal(localStorage.getItem('rabt-keys') !== 'off');

interface Item { name: string; icon: string; text: string; act: () => void; pressed?: boolean; off?: boolean; lit?: boolean; count?: number; countText?: string }

function items(phone: boolean): Item[] {
  const mic = calling.micOn.value && !!devices.audio.value;
  const cam = calling.camOn.value && !!devices.video.value;
  const opens = (part: Part, icon: string, text: string, more: Partial<Item> = {}): Item =>
    ({ name: part, icon, text, act: () => show(part), pressed: panel.value === part, lit: true, ...more });
  const all: Item[] = [
    { name: 'mic', icon: mic ? 'mic' : 'mic-off', text: t('call_microphone'), act: () => calling.toggleMic(), pressed: mic, off: !mic },
    { name: 'cam', icon: cam ? 'cam' : 'cam-off', text: t('call_camera'), act: () => void calling.toggleCam(), pressed: cam, off: !cam },
  ];
  if (calling.canShare.value && !phone)
    all.push({ name: 'share', icon: 'share', text: t('call_share'), act: () => void calling.toggleShare(), pressed: !!calling.shared.value, lit: true });
  if (calling.captions.value.length && !phone)
    all.push({ name: 'captions', icon: 'cc', text: t('call_captions'), act: () => (calling.captionsOn.value = !calling.captionsOn.value), pressed: calling.captionsOn.value, lit: true });
  const messages = { count: unread.value, countText: t('call_unread', { n: unread.value }) };
  if (!visit.isClinical.value) all.push(opens('chat', 'chat', t('call_chat'), messages));
  if (!phone)
    all.push(opens('people', 'people', t('call_people'), { count: visit.waiting.value.length, countText: t('call_waiting_count', { n: visit.waiting.value.length }) }));
  all.push(opens('more', 'more', t('call_more')));
  return all;
}

export function Bar({ phone = false }: { phone?: boolean }) {
  const bar = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const all = items(phone);
  const move = (event: KeyboardEvent) => {
    const rtl = document.documentElement.dir === 'rtl';
    const step = event.key === (rtl ? 'ArrowLeft' : 'ArrowRight') ? 1 : event.key === (rtl ? 'ArrowRight' : 'ArrowLeft') ? -1 : 0;
    const buttons = [...(bar.current?.querySelectorAll('button') ?? [])];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : step ? (at + step + buttons.length) % buttons.length : -1;
    if (to < 0) return;
    event.preventDefault();
    setAt(to);
    buttons[to]?.focus();
  };
  const disc = (icon: string) => (phone ? <span class="disc"><Icon name={icon} /></span> : <Icon name={icon} />);
  const endText = t(visit.isHost.value ? 'call_end' : 'call_leave');
  const end = (
    <button type="button" class="callbtn callbtn-end" aria-haspopup="dialog" tabIndex={at === all.length ? 0 : -1} onFocus={() => setAt(all.length)}
      onClick={() => (ending.value = true)}>
      {disc('end')} <span>{endText}</span>
    </button>
  );
  return (
    <div class="callbar" id="bar" role="toolbar" aria-label={t('call_controls')} ref={bar} onKeyDown={move}>
      {all.map((one, i) => (
        <button key={one.name} type="button" aria-pressed={one.pressed} tabIndex={i === at ? 0 : -1} onFocus={() => setAt(i)} onClick={one.act} data-act={one.name}
          class={`callbtn${one.off ? ' is-off' : ''}${one.lit && one.pressed ? ' toggle-on' : ''}`}>
          {disc(one.icon)} <span class="callbtn-word">{one.text}</span>
          {!!one.count && <> <span class="badge"><span aria-hidden="true">{one.count}</span><span class="hidden">{one.countText}</span></span></>}
        </button>
      ))}
      {phone ? end : <div class="apart">{end}</div>}
    </div>
  );
}

export function EndDialog() {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState('');
  const close = () => {
    ending.value = false;
    setError(null);
    setBusy('');
  };
  const act = async (what: 'leave' | 'end') => {
    setBusy(what);
    try {
      await (what === 'end' ? visit.endForAll() : visit.leave());
      calling.stop();
      close();
    } catch (failed) {
      setError(failed);
      setBusy('');
    }
  };
  const host = visit.isHost.value;
  return (
    <Dialog title={t(host ? 'call_end_q' : 'call_leave_q')} open={ending.value} onClose={close} alert>
      {host ? <p>{t(draftEmpty.value ? 'call_end_text' : 'call_end_draft')}</p> : <p>{t('call_leave_text')}</p>}
      {error !== null && <Failure error={error} />}
      <DialogActs>
        <Button onPress={close}>{t('cancel')}</Button>
        <Button kind={host ? 'outlined' : 'danger'} busy={busy === 'leave'} onPress={() => void act('leave')}>{t('call_leave')}</Button>
        {host && <Button kind="danger" busy={busy === 'end'} onPress={() => void act('end')}>{t('call_end_all')}</Button>}
      </DialogActs>
    </Dialog>
  );
}

const kKeys: [string, 'call_microphone' | 'call_camera' | 'call_share' | 'call_captions' | 'call_chat' | 'call_people' | 'call_end' | 'call_keys'][] = [
  ['M', 'call_microphone'], ['V', 'call_camera'], ['S', 'call_share'], ['C', 'call_captions'], ['T', 'call_chat'], ['P', 'call_people'],
  ['Shift+E', 'call_end'], ['?', 'call_keys'],
];
export function KeysDialog() {
  return (
    <Dialog title={t('call_keys')} open={listing.value} onClose={() => (listing.value = false)}>
      <dl class="facts">{kKeys.map(([key, text]) => <div key={key} class="key-row"><dt><kbd dir="ltr">{key}</kbd></dt><dd>{t(text)}</dd></div>)}</dl>
      <label class="switch"><input type="checkbox" role="switch" checked={keysOn.value} onChange={() => {
        keysOn.value = !keysOn.value;
        localStorage.setItem('rabt-keys', keysOn.value ? 'on' : 'off');
      }} /> <span>{t('call_keys_on')}</span></label>
      <DialogActs><Button onPress={() => (listing.value = false)}>{t('close')}</Button></DialogActs>
    </Dialog>
  );
}

// Keys by where they lie on the board, so that they work with an Arabic layout, too.
export function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (!keysOn.value || visit.stage.value !== 'in' || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      if (target.closest('input, textarea, select, [contenteditable], dialog')) return;
      const acts: Record<string, () => void> = {
        KeyM: () => calling.toggleMic(), KeyV: () => void calling.toggleCam(),
        KeyS: () => calling.canShare.value && void calling.toggleShare(),
        KeyC: () => (calling.captionsOn.value = !calling.captionsOn.value), KeyT: () => show('chat'), KeyP: () => show('people'),
      };
      const act = event.key === '?' ? () => (listing.value = true)
        : event.shiftKey ? (event.code === 'KeyE' ? () => (ending.value = true) : undefined) : acts[event.code];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
