// The call: picture, bar and panel. The doctor has the patient's panel beside the picture; on a phone panels lie over it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { t } from '../base/i18n';
import { channel } from '../base/live';
import { Button, Icon, usePage } from '../ui';
import { Bar, EndDialog, KeysDialog } from './Bar';
import * as calling from './calling';
import * as devices from './devices';
import { NotBegun } from './Identify';
import { Sound, Video } from './Media';
import { panel } from './panel';
import { Panel } from './panels/Panel';
import * as visit from './visit';

const narrow = signal(matchMedia('(max-width: 900px)').matches);
matchMedia('(max-width: 900px)').addEventListener('change', ({ matches }) => (narrow.value = matches));
const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

const two = (value: number): string => String(value).padStart(2, '0');
export function length(from: number): string {
  const seconds = Math.max(0, Math.floor((now.value - from) / 1000));
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:` : ''}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
export function Timer() {
  const from = visit.session.value?.startedAt ? Date.parse(visit.session.value.startedAt) : calling.since.value;
  if (!from) return null;
  return <bdi dir="ltr" class="num" role="timer" aria-label={t('call_length')}>{length(from)}</bdi>;
}

const kBars = { excellent: 4, good: 4, fair: 3, poor: 2, bad: 1 };
export function LineWord() {
  if (calling.link.value === 'reconnecting' || channel.value === 'broken')
    return <><Icon name="wifi" /> <span>{t('call_reconnecting')}</span></>;
  const word = calling.word.value;
  return <><span class="bars" aria-hidden="true">{[0, 1, 2, 3].map((i) => <i key={i} data-on={i < kBars[word] ? '' : undefined} />)}</span> <span>{t(`call_q_${word}`)}</span></>;
}

// Seen by everybody, in words and not by colour alone.
export function Recording() {
  const from = useRef(0);
  const on = visit.session.value?.recordingActive === true;
  const was = useRef(on);
  if (on && !from.current) from.current = Date.now();
  if (!on) from.current = 0;
  useEffect(() => {
    if (was.current !== on) visit.announce(t(on ? 'call_rec_began' : 'call_rec_ended'));
    was.current = on;
  }, [on]);
  if (!on) return null;
  return <span class="stage-pill stage-pill-rec"><Icon name="rec" /> <span>{t('call_recording')}</span> <bdi dir="ltr" class="num">{length(from.current)}</bdi></span>;
}

// Identities of others that are in the call and that the hub has admitted.
const present = (): string[] =>
  Object.keys(calling.remotes.value).filter((one) => visit.others.value.some(({ id, identity }) => id === one || identity === one));
const mainOf = (ids: string[]): string | undefined => {
  const first = visit.isClinical.value ? visit.patientPart.value : visit.doctorPart.value;
  return ids.find((one) => one === first?.identity || one === first?.id) ?? ids.find((one) => calling.speaking.value.includes(one)) ?? ids[0];
};

function Captions() {
  if (!calling.captionsOn.value) return null;
  const lines = calling.captions.value.filter(({ at }) => now.value - at < 8000).slice(-2);
  if (!lines.length) return null;
  return (
    <div class="captions">
      <span class="on-picture static"><Icon name="cc" /> <span>{t('call_machine')}</span></span>
      {lines.map((line) => <p key={line.id + line.at} dir="auto" lang={line.lang}><b><bdi>{visit.nameOfPart(visit.partOf(line.id))}</bdi>:</b> {line.text}</p>)}
    </div>
  );
}

function Self() {
  const track = calling.camOn.value && !calling.saved.value ? devices.video.value : null;
  return (
    <div class={`self${track ? '' : ' self-off'}`}>
      {track ? <Video track={track} label={t('call_your_picture')} mirror /> : <Icon name="cam-off" />}
      <span class="on-picture">{!calling.micOn.value && <Icon name="mic-off" />}{t('call_you')}</span>
    </div>
  );
}

export function Picture({ children }: { children?: ComponentChildren }) {
  const ids = present();
  const main = mainOf(ids);
  const sharing = ids.find((one) => calling.remotes.value[one]?.screen);
  const remote = main ? calling.remotes.value[main] : undefined;
  const who = visit.partOf(main);
  const name = visit.nameOfPart(who);
  const shown = sharing ? calling.remotes.value[sharing]?.screen : remote?.video;
  const small = ids.filter((one) => (sharing ? true : one !== main)).filter((one) => calling.remotes.value[one]?.video).slice(0, 3);
  return (
    <div class="picture">
      {children}
      {shown
        ? <Video track={shown} label={t(sharing ? 'call_screen_of' : 'call_picture_of', { name: visit.nameOfPart(visit.partOf(sharing ?? main)) })} class={sharing ? 'whole' : ''} />
        : <div class="no-picture">
            <Icon name={main ? 'cam-off' : 'user'} />
            <p>{main ? t('call_no_picture_of', { name }) : t(visit.isClinical.value ? 'call_alone_doctor' : 'call_alone_patient')}</p>
          </div>}
      {ids.map((one) => <Sound key={one} track={calling.remotes.value[one]?.audio} />)}
      {small.length > 0 && <div class="others">{small.map((one) => <div key={one} class="other"><Video track={calling.remotes.value[one]?.video} label={t('call_picture_of', { name: visit.nameOfPart(visit.partOf(one)) })} /><span class="on-picture"><bdi>{visit.nameOfPart(visit.partOf(one))}</bdi></span></div>)}</div>}
      {remote?.muted && <span class="on-picture muted-note"><Icon name="mic-off" /> <span>{t('call_is_muted', { name })}</span></span>}
      {!calling.micOn.value && devices.audio.value && <span class="on-picture own-muted" role="status"><Icon name="mic-off" /> <span>{t('call_muted_hint')}</span></span>}
      <Captions />
      <Self />
      {calling.silent.value && <button type="button" class="tap-sound" onClick={() => { void devices.audioContext().resume(); calling.silent.value = false; }}><Icon name="speaker" /> <span>{t('call_tap_sound')}</span></button>}
      {calling.link.value === 'reconnecting' && <p class="stage-note"><Icon name="wifi" /> <span>{t('call_reconnecting')}</span></p>}
      {calling.link.value === 'failed' && <p class="stage-note"><Icon name="alert" /> <span>{t('call_failed_text')}</span> <Button size="small" onPress={() => void calling.again()}>{t('retry')}</Button></p>}
      {calling.saved.value && <p class="stage-note"><Icon name="cam-off" /> <span>{t('call_video_saved')}</span></p>}
      {calling.shared.value && <p class="stage-note"><Icon name="share" /> <span>{t('call_sharing')}</span> <Button size="small" onPress={() => void calling.toggleShare()}>{t('call_stop_share')}</Button></p>}
    </div>
  );
}

// Somebody waits: said on the picture, admitted by one press.
function Door() {
  const first = visit.isClinical.value ? visit.waiting.value[0] : undefined;
  const [busy, setBusy] = useState(false);
  if (!first) return null;
  const more = visit.waiting.value.length - 1;
  const name = visit.nameOfPart(first.participant);
  return (
    <div class="door" role="status">
      <Icon name="bell" />
      <span class="grow wraps">{t('call_waits', { name })}{more > 0 && <> · {t('call_waits_more', { n: more })}</>}</span>
      <Button kind="primary" size="small" busy={busy} onPress={() => { setBusy(true); void visit.admit(first.participant).finally(() => setBusy(false)); }}>{t('call_admit')}</Button>
    </div>
  );
}

const kAloneAsk = 10 * 60_000;
const kAloneLeave = 15 * 60_000;
// Alone for ten minutes: asked; for fifteen: out, so that no call runs for days.
function useAlone(): [boolean, () => void] {
  const from = useRef(Date.now());
  const alone = present().length === 0;
  if (!alone) from.current = Date.now();
  const past = now.value - from.current;
  useEffect(() => {
    if (past > kAloneLeave) {
      calling.stop();
      void visit.leave();
    }
  }, [past > kAloneLeave]);
  return [alone && past > kAloneAsk, () => { from.current = Date.now(); }];
}

export function InCall() {
  const heading = useRef<HTMLHeadingElement>(null);
  usePage(t('call_in_call'));
  useEffect(() => heading.current?.focus(), []);
  const [alone, stay] = useAlone();
  const clinical = visit.isClinical.value;
  const who = clinical ? visit.patientPart.value : visit.doctorPart.value;
  const title = <h1 tabIndex={-1} ref={heading}><bdi class="long">{visit.nameOfPart(who) || t('call_in_call')}</bdi></h1>;
  const asks = alone && <p class="stage-note" role="alert"><span>{t('call_alone_q')}</span> <Button size="small" onPress={stay}>{t('call_stay')}</Button></p>;
  const phone = narrow.value && !clinical;
  return (
    <>
      <a class="skip" href="#bar">{t('call_skip_bar')}</a>
      {phone
        ? <main class={`call-phone${panel.value ? ' has-sheet' : ''}`} id="main">
            <Picture>
              <header class="phone-over">
                <div class="grow">{title}
                  <p class="row row-8 small phone-line"><LineWord /> <span aria-hidden="true">·</span> <Timer /></p></div>
                <Recording />
              </header>
              {asks}
            </Picture>
            {panel.value && <div class="sheet"><Panel /></div>}
            <Bar phone />
          </main>
        : <main class={`call${clinical || panel.value ? '' : ' call-wide'}`} id="main">
            <section class="stage" aria-label={t('call_stage')}>
              <header class="stage-top">
                <div class="grow">{title}<p class="small muted">{visit.session.value && t(`call_type_${visit.session.value.type}` as 'call_type_doctor_patient')}</p></div>
                <Recording />
                <span class="stage-pill"><LineWord /></span>
                <span class="strong t18"><Timer /></span>
              </header>
              <Picture>{visit.waiting.value.length ? <Door /> : <NotBegun />}{asks}</Picture>
              <Bar />
            </section>
            {(clinical || panel.value) && <Panel />}
          </main>}
      <EndDialog />
      <KeysDialog />
    </>
  );
}
