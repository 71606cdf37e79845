import sprite from '../styles/icons.sprite.svg';

let own = { names: new Set<string>(), sprite };
// Symbols that only one page has, in a file of their own.
export const addSymbols = (names: string, address: string) => void (own = { names: new Set(names.split(' ')), sprite: address });
// One symbol of the sprite. It is never read aloud: a word stands beside it, or the control has a label.
export function Icon({ name, flip, class: more = '' }: { name: string; flip?: boolean; class?: string }) {
  return (
    <svg class={`icon${flip ? ' flip' : ''}${more ? ' ' + more : ''}`} aria-hidden="true" focusable="false">
      <use href={`${own.names.has(name) ? own.sprite : sprite}#${name}`} />
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
