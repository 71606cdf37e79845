import sprite from '../styles/icons.sprite.svg';

// One symbol of the sprite. It is never read aloud: a word stands beside it, or the control has a label.
export function Icon({ name, flip, class: more = '' }: { name: string; flip?: boolean; class?: string }) {
  return (
    <svg class={`icon${flip ? ' flip' : ''}${more ? ' ' + more : ''}`} aria-hidden="true" focusable="false">
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
export function BrandMark({ class: more }: { class?: string }) {
  return (
    <svg class={more} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <use href={`${sprite}#brand`} />
    </svg>
  );
}
