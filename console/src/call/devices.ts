// Camera, microphone and speaker of this device. They are opened once, by a press of a button, and together: a second open of a camera
// inherits the size of the first.
import { computed, signal } from '@preact/signals';
import { faultOf, type Fault } from './faults';

type Kind = 'audioinput' | 'videoinput' | 'audiooutput';
export interface Device { id: string; label: string; kind: Kind }

const kSaved = 'rabt-devices';
const kVideo = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const kLevels = 12;

// Remembered by label, since ids change; a label is the maker's name of a device.
const remembered = (): Partial<Record<Kind, string>> => {
  try {
    return JSON.parse(localStorage.getItem(kSaved) ?? '{}') as Partial<Record<Kind, string>>;
  } catch {
    return {};
  }
};

export const audio = signal<MediaStreamTrack | null>(null);
export const video = signal<MediaStreamTrack | null>(null);
export const list = signal<Device[]>([]);
export const fault = signal<Fault | null>(null);
// The device that the fault is about.
export const faulty = signal<'both' | 'camera' | 'microphone'>('both');
export const asking = signal(false);
export const asked = signal(false);
// Loudness of the own microphone: 0 to 12.
export const loudness = signal(0);
export const speaker = signal('');
export const canPickSpeaker = 'setSinkId' in HTMLMediaElement.prototype;
// A device that was in use and is gone: another one of its kind took its place.
export const replaced = signal<Kind | null>(null);
export const ready = computed(() => asked.value && !asking.value);

async function denied(name: 'camera' | 'microphone'): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: name as PermissionName })).state === 'denied';
  } catch {
    return false;
  }
}

let listening = false;
async function relist(): Promise<void> {
  const all = await navigator.mediaDevices.enumerateDevices();
  list.value = all.filter(({ deviceId }) => deviceId)
    .map(({ deviceId, label, kind }) => ({ id: deviceId, label, kind: kind as Kind }));
}
const idOf = (kind: Kind): string | undefined => list.value.find((one) => one.kind === kind && one.label === remembered()[kind])?.id;

function hold(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    const of = track.kind === 'audio' ? audio : video;
    of.value?.stop();
    of.value = track;
    track.onended = () => {
      if (of.value === track) void lost(track.kind === 'audio' ? 'audioinput' : 'videoinput');
    };
  }
  if (stream.getAudioTracks().length) measure();
}

async function open(wants: { sound: boolean; picture: boolean }): Promise<void> {
  const of = (kind: Kind, more: object): MediaTrackConstraints => {
    const id = idOf(kind);
    return { ...more, ...(id ? { deviceId: { ideal: id } } : {}) };
  };
  hold(await navigator.mediaDevices.getUserMedia({
    audio: wants.sound && of('audioinput', { echoCancellation: true, noiseSuppression: true, autoGainControl: true }),
    video: wants.picture && of('videoinput', kVideo),
  }));
}

// Asks for camera and microphone; when that fails, once more for the microphone alone. What failed stays in `fault`.
export async function ask(picture = true): Promise<void> {
  asking.value = true;
  fault.value = null;
  try {
    if (!navigator.mediaDevices) throw new Error('no mediaDevices');
    if (!listening) {
      listening = true;
      navigator.mediaDevices.addEventListener('devicechange', () => void changed());
    }
    await relist();
    try {
      await open({ sound: true, picture });
    } catch (error) {
      fault.value = faultOf(error, picture ? await denied('camera') : await denied('microphone'));
      faulty.value = picture ? 'both' : 'microphone';
      if (!picture) throw error;
      await open({ sound: true, picture: false });
      faulty.value = 'camera';
    }
    await relist();
  } catch (error) {
    fault.value ??= faultOf(error, await denied('microphone'));
  } finally {
    asking.value = false;
    asked.value = true;
  }
}

export async function pick(kind: Kind, id: string): Promise<void> {
  const device = list.value.find((one) => one.kind === kind && one.id === id);
  if (!device) return;
  localStorage.setItem(kSaved, JSON.stringify({ ...remembered(), [kind]: device.label }));
  if (kind === 'audiooutput') {
    speaker.value = id;
    return;
  }
  // Some browsers keep the old device while its track lives.
  const of = kind === 'audioinput' ? audio : video;
  of.value?.stop();
  try {
    await open({ sound: kind === 'audioinput', picture: kind === 'videoinput' });
    fault.value = null;
  } catch (error) {
    fault.value = faultOf(error, false);
    faulty.value = kind === 'audioinput' ? 'microphone' : 'camera';
  }
}

// Front and back camera of a phone, or the next of several.
export const cameras = computed(() => list.value.filter(({ kind }) => kind === 'videoinput'));
export async function nextCamera(): Promise<void> {
  const now = cameras.value.findIndex(({ id }) => id === video.value?.getSettings().deviceId);
  const next = cameras.value[(now + 1) % cameras.value.length];
  if (next) await pick('videoinput', next.id);
}

export function cameraOff(): void {
  video.value?.stop();
  video.value = null;
}
export async function cameraOn(): Promise<void> {
  try {
    await open({ sound: false, picture: true });
    fault.value = null;
  } catch (error) {
    fault.value = faultOf(error, await denied('camera'));
    faulty.value = 'camera';
  }
}

async function lost(kind: 'audioinput' | 'videoinput'): Promise<void> {
  const of = kind === 'audioinput' ? audio : video;
  of.value = null;
  await relist();
  const other = list.value.find((one) => one.kind === kind);
  if (!other) return;
  await open({ sound: kind === 'audioinput', picture: kind === 'videoinput' }).catch(() => {});
  if (of.value) replaced.value = kind;
}
async function changed(): Promise<void> {
  await relist();
  for (const [kind, of] of [['audioinput', audio], ['videoinput', video]] as const) {
    const id = of.value?.getSettings().deviceId;
    if (id && !list.value.some((one) => one.kind === kind && one.id === id)) await lost(kind);
  }
}

// ---- Sound

let sound: AudioContext | null = null;
// To be called first from a press of a button: browsers make no sound before.
export const audioContext = (): AudioContext => (sound ??= new AudioContext());
let timer = 0;
function measure(): void {
  clearInterval(timer);
  const track = audio.value;
  if (!track) return;
  const context = audioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  timer = window.setInterval(() => {
    if (audio.value !== track) {
      clearInterval(timer);
      loudness.value = 0;
      return;
    }
    analyser.getFloatTimeDomainData(samples);
    const power = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    const decibels = 20 * Math.log10(Math.max(power, 1e-5));
    loudness.value = Math.max(0, Math.min(kLevels, Math.round(((decibels + 60) / 50) * kLevels)));
  }, 100);
}

// Two soft notes, through the chosen speaker where the browser can.
export async function chime(): Promise<void> {
  const context = audioContext();
  await context.resume();
  const sink = context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
  if (speaker.value && sink.setSinkId) await sink.setSinkId(speaker.value).catch(() => {});
  [660, 880].forEach((pitch, at) => {
    const from = context.currentTime + at * 0.25;
    const gain = context.createGain();
    const tone = context.createOscillator();
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(0.2, from + 0.03);
    gain.gain.linearRampToValueAtTime(0, from + 0.4);
    tone.connect(gain).connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.45);
  });
}

export function release(): void {
  clearInterval(timer);
  for (const of of [audio, video]) {
    of.value?.stop();
    of.value = null;
  }
  loudness.value = 0;
}
