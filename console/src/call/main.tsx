import { render } from 'preact';
import { loadTexts } from '../base/i18n';
import { loadMe } from '../base/me';
import { Call } from './Call';

await loadTexts();
await loadMe().catch(() => null);
render(<Call session={decodeURIComponent(location.pathname.split('/')[2] ?? '')} />, document.getElementById('app')!);
