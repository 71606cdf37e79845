import type { ComponentChildren } from 'preact';
import { Icon } from './Icon';

type Kind = 'primary' | 'quiet' | 'plain' | 'danger' | 'outlined';
interface Look {
  kind?: Kind;
  size?: 'small' | 'large';
  block?: boolean;
  icon?: string;
  // The name of a button that shows its symbol alone.
  label?: string;
  children?: ComponentChildren;
  class?: string;
}
const classOf = ({ kind = 'outlined', size, block, label, children, class: more }: Look) =>
  ['btn', kind !== 'outlined' && `btn-${kind}`, size && `btn-${size}`, block && 'btn-block', label && !children && 'btn-icon', more].filter(Boolean).join(' ');
// An arrow turns round with the text.
const inside = ({ icon, children }: Look) => (
  <>
    {icon && <Icon name={icon} flip={icon === 'prev'} />}
    {children !== undefined && <span>{children}</span>}
  </>
);

// While `busy` the button stays where it is and does nothing.
export function Button(props: Look & { busy?: boolean; onPress?: () => void; submit?: boolean; disabled?: boolean; [more: `aria-${string}`]: string | boolean | undefined }) {
  const { kind, size, block, icon, label, children, class: more, busy, onPress, submit, disabled, ...rest } = props;
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={classOf(props)}
      aria-label={label}
      aria-busy={busy || undefined}
      disabled={disabled}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onPress?.();
      }}
      {...(rest as object)}
    >
      {inside(props)}
    </button>
  );
}
// `tab`: opens in a tab of its own.
export function LinkButton(props: Look & { href: string; tab?: boolean; [more: `aria-${string}`]: string | undefined }) {
  const { kind, size, block, icon, label, children, class: more, href, tab, ...rest } = props;
  return (
    <a class={classOf(props)} href={href} aria-label={label} target={tab ? '_blank' : undefined} rel={tab ? 'noopener' : undefined} {...(rest as object)}>
      {inside(props)}
    </a>
  );
}
