// Frame of the console's pages: the way to other pages by role, what needs somebody, the way to an id.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { t, type Key } from '../base/i18n';
import { useEvery } from '../base/load';
import { me } from '../base/me';
import { go, place } from '../base/router';
import { Dialogs } from '../clinic/dialogs';
import { Avatar, Brand, Dialog, Field, Icon, LangButton, nameOf, Skip, ThemeButton, usePage } from '../ui';
import { places, type Group } from './rights';
import { countFor, loadTodos, todosAt } from './todo';

const kGroups: Group[] = ['work', 'hub', 'trust'];
const isHere = (href: string) => place.value.path === href || (href !== '/console' && place.value.path.startsWith(href + '/'));
const isId = (text: string) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(text);

function NavItem({ href, text, icon }: { href: string; text: Key; icon: string }) {
  const count = countFor(href);
  return (
    <a href={href} aria-current={isHere(href) ? 'page' : undefined}>
      <Icon name={icon} /><span>{t(text)}</span>{count > 0 && <span class="navcount">{count}<span class="hidden"> {t('need_you')}</span></span>}
    </a>
  );
}

// Finds a page or an id of an instance; never a person.
function Find({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const wanted = text.trim();
  const found = useMemo(() => places().filter((one) => t(one.text).toLowerCase().includes(wanted.toLowerCase())), [wanted]);
  const to = isId(wanted) ? `/console/instances/${wanted.toUpperCase()}` : wanted ? found[0]?.href : undefined;
  const open = (href: string) => { onClose(); go(href); };
  return (
    <Dialog title={t('find_any')} open onClose={onClose}>
      <form class="stack stack-12" onSubmit={(event) => { event.preventDefault(); if (to) open(to); }}>
        <Field label={t('find_label')} hint={t('find_hint')} type="search" value={text} onText={setText} autocomplete="off" />
        <ul class="rows found-places">
          {isId(wanted) ? <li><a href={to} onClick={onClose}>{t('find_instance')} <code dir="ltr">{wanted.toUpperCase()}</code></a></li>
            : found.map((one) => <li key={one.href}><a href={one.href} onClick={onClose}><Icon name={one.icon} /> {t(one.text)}</a></li>)}
        </ul>
        {!isId(wanted) && !found.length && <p class="muted" role="status">{t('find_nothing')}</p>}
      </form>
    </Dialog>
  );
}

export function Frame({ name, children, head }: { name: Key; children: ComponentChildren; head?: string }) {
  usePage(head ?? t(name));
  const [finding, setFinding] = useState(false);
  useEffect(() => {
    if (!todosAt.value) void loadTodos();
    const keys = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); setFinding(true); }
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, []);
  useEvery(30_000, () => void loadTodos());
  const shown = places();
  return (
    <div class="console">
      <Skip />
      <header class="ctop">
        <Brand href="/console" />
        <bdi class="tenant">{me.value?.tenant}</bdi>
        <button type="button" class="cfind" aria-keyshortcuts="Control+K" onClick={() => setFinding(true)}><Icon name="search" /><span>{t('find_any')}</span><kbd>Ctrl K</kbd></button>
        <span class="push row row-8">
          <LangButton /><ThemeButton />
          <a class="me" href="/account"><Avatar name={nameOf(me.value) || me.value?.username || me.value?.actor || ''} /><bdi>{nameOf(me.value) || me.value?.username}</bdi><span class="hidden"> {t('account')}</span></a>
        </span>
      </header>
      <nav class="cnav" aria-label={t('console')} tabIndex={-1}>
        {shown.filter(({ group }) => !group).map((one) => <NavItem key={one.href} {...one} />)}
        {kGroups.map((group) => {
          const items = shown.filter((one) => one.group === group);
          return items.length > 0 && <div key={group} class="navgroup"><h2>{t(`group_${group}` as Key)}</h2>{items.map((one) => <NavItem key={one.href} {...one} />)}</div>;
        })}
      </nav>
      <main class="cmain" id="main">{children}</main>
      {finding && <Find onClose={() => setFinding(false)} />}
      <Dialogs home="/console" />
    </div>
  );
}

// Keys of a list that has the focus: j and k move, Enter opens.
export function useListKeys(count: number, open: (at: number) => void): [number, (event: KeyboardEvent) => void] {
  const [at, setAt] = useState(-1);
  useEffect(() => void document.querySelector('tr.cursor')?.scrollIntoView({ block: 'nearest' }), [at]);
  return [at, (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'j') setAt(Math.min(count - 1, at + 1));
    else if (event.key === 'k') setAt(Math.max(0, at - 1));
    else if (event.key === 'Enter' && event.target === event.currentTarget && at >= 0 && at < count) open(at);
  }];
}
