import { render } from 'preact';
import { loadTexts } from '../base/i18n';
import sprite from '../styles/console.sprite.svg';
import { addSymbols } from '../ui';
import { App } from './App';
import { kSymbols } from './symbols';

addSymbols(kSymbols, sprite);
await loadTexts({ ar: () => import('../../strings/console.ar.json'), en: () => import('../../strings/console.en.json') });
render(<App />, document.getElementById('app')!);
