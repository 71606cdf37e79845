// The page of a call with the fake client in the place of a provider's; the test finds the client at window.fakes.
import { render } from 'preact';
import { loadTexts } from '../../console/src/base/i18n';
import { loadMe } from '../../console/src/base/me';
import { Call } from '../../console/src/call/Call';
import * as devices from '../../console/src/call/devices';
import * as calling from '../../console/src/call/calling';
import * as visit from '../../console/src/call/visit';
import { FakeClient } from '../../console/src/call/client/fake';

const fakes: FakeClient[] = [];
calling.kClients.fake = async () => {
  const made = new FakeClient();
  fakes.push(made);
  return made;
};
// Somebody else in the room, with a drawn picture.
async function enters(identity: string, room: string): Promise<FakeClient> {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 480;
  const brush = canvas.getContext('2d')!;
  const draw = () => {
    const sky = brush.createLinearGradient(0, 0, 640, 480);
    sky.addColorStop(0, '#87a09f');
    sky.addColorStop(1, '#4a5559');
    brush.fillStyle = sky;
    brush.fillRect(0, 0, 640, 480);
    brush.fillStyle = '#f4f1ea';
    brush.beginPath();
    brush.ellipse(320, 470, 190, 170, 0, 0, 7);
    brush.fill();
    brush.fillStyle = '#b58a6c';
    brush.beginPath();
    brush.ellipse(320, 220, 78, 100, 0, 0, 7);
    brush.fill();
  };
  draw();
  setInterval(draw, 200);
  const other = new FakeClient();
  const sound = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]!;
  await other.join({ provider: 'fake', identity, room }, { audio: sound, video: canvas.captureStream(5).getVideoTracks()[0]! });
  return other;
}
Object.assign(window, { fakes, enters, visit, calling, devices });

await loadTexts();
await loadMe().catch(() => null);
render(<Call session={decodeURIComponent(location.pathname.split('/')[2] ?? '')} />, document.getElementById('app')!);
