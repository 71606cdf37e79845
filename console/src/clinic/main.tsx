import { render } from 'preact';
import { loadTexts } from '../base/i18n';
import { App } from './App';

await loadTexts();
render(<App />, document.getElementById('app')!);
