import { t } from '../base/i18n';
import { H1, LinkButton, PhonePage, usePage } from '../ui';

export function NotFound() {
  usePage(t('not_found_title'));
  return (
    <PhonePage home="/">
      <H1>{t('not_found_title')}</H1>
      <p class="muted">{t('not_found_text')}</p>
      <LinkButton href="/" kind="primary">{t('home')}</LinkButton>
    </PhonePage>
  );
}
export const App = () => <NotFound />;
