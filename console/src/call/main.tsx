import { render } from 'preact';
import { loadTexts, t } from '../base/i18n';
import { H1, PhonePage, usePage } from '../ui';

function Call() {
  usePage(t('not_found_title'));
  return <PhonePage home="/"><H1>{t('not_found_title')}</H1></PhonePage>;
}

await loadTexts();
render(<Call />, document.getElementById('app')!);
