// The number of the clinic, for whoever cannot go on by himself.
import { phone } from '../base/house';
import { t } from '../base/i18n';
import { LinkButton } from './Button';

export const ClinicPhone = ({ block, small }: { block?: boolean; small?: boolean }) =>
  phone ? <LinkButton block={block} size={small ? 'small' : undefined} icon="phone" class="clinic-phone" href={`tel:${phone.replace(/[^+\d]/g, '')}`}>{t('call_clinic')} <bdi dir="ltr">{phone}</bdi></LinkButton> : null;
