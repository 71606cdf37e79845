// Elements that play tracks. The page owns them; no adapter does.
import { useEffect, useRef } from 'preact/hooks';
import { silent } from './calling';
import { speaker } from './devices';

export function Video({ track, label, mirror, class: more = '' }: { track: MediaStreamTrack | null | undefined; label: string; mirror?: boolean; class?: string }) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (track) video.play().catch(() => {});
  }, [track]);
  return <video ref={element} class={`film${mirror ? ' mirror' : ''} ${more}`} aria-label={label} muted playsInline autoPlay />;
}

// Plays a person's sound. When the browser refuses, the page asks for one press.
export function Sound({ track }: { track: MediaStreamTrack | null | undefined }) {
  const element = useRef<HTMLAudioElement>(null);
  const at = speaker.value;
  const waits = silent.value;
  useEffect(() => {
    const audio = element.current as (HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }) | null;
    if (!audio) return;
    audio.srcObject = track ? new MediaStream([track]) : null;
    if (at) void audio.setSinkId?.(at).catch(() => {});
    if (track) audio.play().then(() => {}, (error: Error) => {
      if (error.name === 'NotAllowedError') silent.value = true;
    });
  }, [track, at, waits]);
  return <audio ref={element} autoPlay />;
}
