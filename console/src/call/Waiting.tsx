// The waiting room of a patient: his place in the queue, messages of the clinic, his device.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../base/i18n';
import { channel } from '../base/live';
import { Button, ClinicPhone, H1, Icon, PhonePage, Time, usePage } from '../ui';
import { Emergency } from './Before';
import { Meter } from './Check';
import * as devices from './devices';
import { Video } from './Media';
import { rows } from './records';
import { stop } from './calling';
import { doctorPart, leave, mine, nameOfPart, participants, reread, session, stage, myId } from './visit';

// Visits of the doctor that come first, and those of this visit who came earlier.
const place = (): number => {
  const own = mine.value?.since ?? '';
  return 1 + (session.value?.ahead ?? 0) + participants.value.filter((one) => one.id !== myId.value && one.admission === 'waiting' && one.here && (one.since ?? '') < own).length;
};

const kLong = 10;

export function WaitingRoom() {
  const [opened] = useState(Date.now);
  usePage(t('call_waiting_room'));
  const [minutes, setMinutes] = useState(0);
  useEffect(() => {
    // From the arrival, which a page that was loaded again does not begin anew; nobody waits before the planned time.
    const from = () => Math.max(Date.parse(mine.value?.since ?? '') || opened, Date.parse(session.value?.scheduledStart ?? '') || 0);
    const look = () => setMinutes(Math.floor((Date.now() - from()) / 60_000));
    look();
    const timer = setInterval(look, 10_000);
    // The live channel tells of this visit alone; those of others move the queue, too.
    const queue = setInterval(() => void reread().catch(() => {}), 30_000);
    return () => {
      clearInterval(timer);
      clearInterval(queue);
    };
  }, []);
  const at = place();
  const messages = rows.value.filter((row) => row.from !== myId.value).slice(-2);
  const doctor = nameOfPart(doctorPart.value);
  return (
    <PhonePage below={
      <footer class="thumb">
        <div class="row row-8">
          <Button kind="plain" class="grow" onPress={() => { stop(); void leave(); }}>{t('call_leave_wait')}</Button>
        </div>
      </footer>
    }>
      <div class="stack stack-8 center">
        <p class="muted">{t('call_waiting_room')}</p>
        <H1 class="t28">{t('call_soon')}</H1>
        {doctor && <p class="muted"><bdi class="long">{doctor}</bdi></p>}
      </div>
      <section class="card queue stack stack-16" aria-labelledby="place">
        <p class="center" id="place"><span class="muted">{t('call_place')}</span><br /><span class="t36 strong num">{at}</span></p>
        <ol class="line" aria-label={t('call_queue')}>
          <li class="now"><span class="dot"><Icon name="headset" /></span><span class="small">{t('call_queue_doctor')}</span></li>
          {at > 1 && <li><span class="dot"><Icon name="people" /></span><span class="small">{t('call_queue_before', { n: at - 1 })}</span></li>}
          <li class="me" aria-current="true"><span class="dot"><Icon name="user" /></span><span class="small strong">{t('call_you')}</span></li>
        </ol>
      </section>
      {channel.value === 'broken' && <p class="notice notice-parked" role="status"><Icon name="alert" /> <span>{t('call_reconnecting')}</span></p>}
      {session.value?.warnings?.includes('emergency.unanswered') && <p class="notice notice-failed" role="alert"><Icon name="phone" /> <a class="tap" href="tel:997">{t('call_no_doctor')}</a></p>}
      {minutes >= kLong && <div class="notice notice-waits" role="status"><Icon name="clock" /> <div class="stack stack-8"><p>{t('call_long_wait', { n: minutes })}</p><ClinicPhone small /></div></div>}
      {messages.map((row) => (
        <div key={row.clientId} class="notice notice-waits" role="status"><Icon name="chat" />
          <div><p class="small">{t('call_from_clinic')} · {row.sentAt && <Time at={row.sentAt} />}</p><p class="strong wraps" dir="auto">{row.text}</p></div></div>
      ))}
      <section class="card row row-16 mine" aria-label={t('call_your_device')}>
        <span class="thumbnail">{devices.video.value ? <Video track={devices.video.value} label={t('call_your_picture')} mirror /> : <Icon name="cam-off" />}</span>
        <div class="grow stack stack-8">
          <p class="row row-8 small strong state-ok"><Icon name="ok" /> <span>{t(devices.audio.value ? 'call_device_ready' : 'call_listen_only')}</span></p>
          {devices.audio.value && <div class="row row-8"><Icon name="mic" /><Meter of={10} quiet /></div>}
        </div>
        <Button size="small" onPress={() => (stage.value = 'check')}>{t('call_change')}</Button>
      </section>
      <p class="row row-top muted small wait-note"><Icon name="bell" /> <span>{t('call_ring_note')}</span></p>
      <Emergency />
    </PhonePage>
  );
}
