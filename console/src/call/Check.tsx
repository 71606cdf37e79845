// The device check: own picture, microphone, speaker. Nobody sees the person yet; permission is asked by a press of a button.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../base/i18n';
import { Button, ClinicPhone, Failure, H1, Icon, LinkButton, Notice, PhonePage, Select, State, usePage } from '../ui';
import { Emergency, Steps } from './Before';
import { camOn, claimTab, micOn } from './calling';
import * as devices from './devices';
import { kFaults, type Act } from './faults';
import { Video } from './Media';
import { before, consent, isClinical, join, problem } from './visit';

export function Meter({ of = 12, quiet }: { of?: number; quiet?: boolean }) {
  const now = Math.round((devices.loudness.value * of) / 12);
  const bars = Array.from({ length: of }, (_, i) => <i key={i} data-on={i < now ? '' : undefined} />);
  if (quiet) return <div class="meter grow" aria-hidden="true">{bars}</div>;
  return <div class="meter" role="meter" aria-label={t('call_level')} aria-valuemin={0} aria-valuemax={of} aria-valuenow={now}>{bars}</div>;
}

// The fault of a device, and the ways out of it.
export function FaultNotice({ onListen }: { onListen: () => void }) {
  const [copied, setCopied] = useState(false);
  const fault = devices.fault.value;
  if (!fault) return null;
  const { text, acts } = kFaults[fault];
  const device = t(devices.faulty.value === 'camera' ? 'call_the_camera' : devices.faulty.value === 'microphone' ? 'call_the_microphone' : 'call_the_both');
  const kActs: Record<Act, [string, () => void]> = {
    retry: [t('retry'), () => void devices.ask()],
    'sound-only': [t('call_audio_only'), () => { camOn.value = false; void devices.ask(false); }],
    'listen-only': [t('call_listen_only'), onListen],
    'other-device': [t('call_other_device'), () => void devices.ask()],
    'copy-link': [copied ? t('copied') : t('call_copy_link'), () => void navigator.clipboard?.writeText(location.href).then(() => setCopied(true))],
  };
  // With sound at hand, more of the same is not offered.
  const offered = acts.filter((act) => !(act === 'sound-only' && devices.audio.value));
  return (
    <Notice tone="parked" alert>
      <div class="stack stack-8">
        <p class="strong">{t(text, { device })}</p>
        {devices.audio.value && <p>{t('call_sound_works')}</p>}
        <p class="row row-8 row-wrap">{offered.map((act) => <Button key={act} size="small" onPress={kActs[act][1]}>{kActs[act][0]}</Button>)}{!isClinical.value && <ClinicPhone small />}</p>
      </div>
    </Notice>
  );
}

function Pick({ kind, label }: { kind: 'audioinput' | 'videoinput' | 'audiooutput'; label: string }) {
  const all = devices.list.value.filter((one) => one.kind === kind);
  const of = kind === 'audioinput' ? devices.audio.value : devices.video.value;
  if (all.length < 2 || (kind === 'audiooutput' && !devices.canPickSpeaker)) return null;
  const now = kind === 'audiooutput' ? devices.speaker.value || all[0]?.id : of?.getSettings().deviceId;
  return (
    <Select label={label} value={now ?? ''} onText={(id) => void devices.pick(kind, id)}
      options={all.map((one) => ({ value: one.id, text: one.label }))} />
  );
}
export function DeviceChoice() {
  return (
    <div class="stack stack-12">
      <Pick kind="videoinput" label={t('call_camera')} />
      <Pick kind="audioinput" label={t('call_microphone')} />
      <Pick kind="audiooutput" label={t('call_speaker')} />
    </div>
  );
}

// alone: the check by itself, on another day than the visit.
export function Check({ alone = false }: { alone?: boolean }) {
  const [heard, setHeard] = useState<'' | 'playing' | 'yes'>('');
  const [busy, setBusy] = useState(false);
  const [loudest, setLoudest] = useState(0);
  usePage(t('call_check'));
  const level = devices.loudness.value;
  useEffect(() => { if (level > loudest) setLoudest(level); }, [level]);
  const go = async () => {
    setBusy(true);
    devices.audioContext();
    if (!devices.audio.value) micOn.value = false;
    if (!devices.video.value) camOn.value = false;
    const { recording } = before.value;
    try {
      if (recording) await consent(recording === 'yes');
    } catch (error) {
      problem.value = error;
      setBusy(false);
      return;
    }
    claimTab();
    await join();
    setBusy(false);
  };
  const asked = devices.asked.value;
  const into = isClinical.value ? t('call_enter') : t('call_to_waiting');
  return (
    <PhonePage home="/" below={
      <footer class="thumb">
        {problem.value !== null && <Failure error={problem.value} />}
        {asked && alone
          ? <LinkButton kind="primary" size="large" block href="/">{t('call_check_done')}</LinkButton>
          : asked
          ? <Button kind="primary" size="large" block busy={busy} onPress={() => void go()}>{into}</Button>
          : <>
              <Button kind="primary" size="large" block busy={devices.asking.value} onPress={() => void devices.ask()}>{t('call_ask_both')}</Button>
              <Button kind="quiet" block onPress={() => { camOn.value = false; void devices.ask(false); }}>{t('call_audio_only')}</Button>
            </>}
        {asked && !devices.audio.value && <p class="small muted center">{t('call_listen_hint')}</p>}
      </footer>
    }>
      {isClinical.value || alone
        ? <p class="small muted">{t('call_nobody_sees')}</p>
        : <Steps at={2} text={t('call_nobody_sees')} />}
      <H1 class="t22">{t('call_check')}</H1>
      <div class="preview">
        {devices.video.value
          ? <Video track={devices.video.value} label={t('call_your_picture')} mirror />
          : <p class="no-picture"><Icon name="cam-off" /> <span>{asked ? t('call_no_picture') : t('call_ask_first')}</span></p>}
        {devices.video.value && <span class="on-picture preview-note"><Icon name="ok" /> <span>{t('call_camera_works')}</span></span>}
        {devices.video.value && devices.cameras.value.length > 1 && <Button class="preview-flip" icon="flip-cam" onPress={() => void devices.nextCamera()}>{t('call_flip')}</Button>}
      </div>
      <FaultNotice onListen={() => void go()} />
      {asked && (
        <ul class="card card-flush rows checks">
          {devices.audio.value && (
            <li><Icon name="mic" />
              <div class="grow stack stack-8">
                <div class="row between row-wrap"><span class="strong">{t('call_microphone')}</span>
                  {loudest > 3 ? <State tone="ok">{t('call_heard')}</State> : <span class="small muted">{t('call_speak')}</span>}</div>
                <Meter />
              </div></li>
          )}
          <li><Icon name="speaker" />
            <div class="grow"><p class="strong">{t('call_speaker')}</p>
              <p class="small muted">{heard === 'yes' ? t('call_speaker_works') : t('call_tone_q')}</p></div>
            {heard === 'playing'
              ? <Button size="small" onPress={() => setHeard('yes')}>{t('call_tone_yes')}</Button>
              : <Button size="small" onPress={() => { setHeard('playing'); void devices.chime(); }}>{t('call_test_sound')}</Button>}</li>
        </ul>
      )}
      {asked && <DeviceChoice />}
      {!isClinical.value && <Emergency />}
    </PhonePage>
  );
}
