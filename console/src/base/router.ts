// Addresses of the pages. They hold ids and filters, never data of a person.
import { signal } from '@preact/signals';

export interface Place {
  path: string;
  query: URLSearchParams;
}
const here = (): Place => ({ path: location.pathname.replace(/(.)\/$/, '$1'), query: new URLSearchParams(location.search) });
export const place = signal<Place>(here());

function arrive(keepScroll: boolean) {
  place.value = here();
  if (!keepScroll) scrollTo(0, 0);
}
addEventListener('popstate', () => arrive(true));

// Addresses of another page of the hub (the call, the console or the clinic, the sign-in of an issuer) load it.
const isConsole = (path: string) => /^\/console(\/|$)/.test(path);
const isOurs = (path: string) => !/^\/(call|auth|api)(\/|$)/.test(path) && isConsole(path) === isConsole(location.pathname);

export function go(to: string, replace = false): void {
  const target = new URL(to, location.origin);
  if (!isOurs(target.pathname)) {
    location.assign(target.href);
    return;
  }
  history[replace ? 'replaceState' : 'pushState'](null, '', target.pathname + target.search + target.hash);
  arrive(false);
  // A new page is read from its heading on.
  requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus());
}
// Filters of a list stand in the address.
export function setQuery(values: Record<string, string | undefined>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) value ? query.set(name, value) : query.delete(name);
  const text = query.toString();
  history.replaceState(null, '', location.pathname + (text ? '?' + text : ''));
  arrive(true);
}

// Links need no handler of their own: a plain click on one of ours stays in the page.
addEventListener('click', (event) => {
  const link = (event.target as Element | null)?.closest?.('a[href^="/"]') as HTMLAnchorElement | null;
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute('download') || !isOurs(link.pathname)) return;
  event.preventDefault();
  go(link.getAttribute('href')!);
});

// match: "/clinic/sessions/:id" and a path give {id}; undefined when they do not fit.
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const found: Record<string, string> = {};
  for (let i = 0; i < wanted.length; ++i) {
    if (wanted[i].startsWith(':')) found[wanted[i].slice(1)] = decodeURIComponent(given[i]);
    else if (wanted[i] !== given[i]) return undefined;
  }
  return found;
}
export const title = (page: string, brand: string) => {
  document.title = `${page} · ${brand}`;
};
