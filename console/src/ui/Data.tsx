import type { ComponentChildren } from 'preact';
import { gregorian, hijri, clock, weekday } from '../base/dates';
import { lang } from '../base/prefs';

// Any value from data: it keeps its own direction.
export const Bdi = ({ children, ltr }: { children: ComponentChildren; ltr?: boolean }) => <bdi dir={ltr ? 'ltr' : undefined}>{children}</bdi>;
export const Time = ({ at, class: more }: { at: string | number; class?: string }) => <bdi dir="ltr" class={`num${more ? ' ' + more : ''}`}>{clock(at)}</bdi>;
// Gregorian first, Hijri second and smaller, always both. `of`: the Hijri date that the hub gives.
export function Dates({ at, of, day }: { at: string | number; of?: string; day?: boolean }) {
  return <span class="dates"><span>{day && `${weekday(at)} `}{gregorian(at)}</span><span>{hijri(at, of)}</span></span>;
}
export function DatesLine({ at, of, day }: { at: string | number; of?: string; day?: boolean }) {
  return <><span>{day && `${weekday(at)} `}{gregorian(at)}</span> · <span class="hijri">{hijri(at, of)}</span></>;
}
// First letters of the first and the last word of a name; without a title such as Dr.
export function initials(name: string): string {
  const words = name.replace(/^(Dr|Mr|Mrs|Ms|Prof|د|أ|أ\.د)\.?\s+/iu, '').split(/\s+/u).filter(Boolean);
  const strip = (word: string) => (word.startsWith('ال') && word.length > 4 ? word.slice(2) : word.replace(/^Al-?/i, (c) => (word.length > c.length + 1 ? '' : c)));
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ''].map((word) => (word ? Array.from(strip(word))[0] : '')).filter(Boolean);
  return letters.map((letter) => letter.toUpperCase()).join(/\p{Script=Arabic}/u.test(name) ? ' ' : '');
}
export function Avatar({ name, large, tint }: { name: string; large?: boolean; tint?: 2 | 3 }) {
  return <span class={`avatar${large ? ' avatar-large' : ''}${tint ? ` avatar-${tint}` : ''}`} aria-hidden="true">{initials(name)}</span>;
}
// The name of a person in the language of the page.
export const nameOf = (person: { name?: string; nameAr?: string } | undefined | null): string =>
  (lang.value === 'ar' && person?.nameAr) || person?.name || person?.nameAr || '';

export interface Column<Row> {
  head: string;
  cell: (row: Row) => ComponentChildren;
  // The cell that names the row.
  names?: boolean;
  end?: boolean;
  // The heading is heard, not seen.
  quiet?: boolean;
}
export function Table<Row>({ caption, columns, rows, rowKey }: { caption: string; columns: Column<Row>[]; rows: Row[]; rowKey: (row: Row) => string }) {
  return (
    <table class="table">
      <caption class="hidden">{caption}</caption>
      <thead><tr>{columns.map((column) => <th key={column.head} scope="col" class={column.end ? 'end' : undefined}>{column.quiet ? <span class="hidden">{column.head}</span> : column.head}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)}>
            {columns.map((column) => column.names
              ? <th key={column.head} scope="row">{column.cell(row)}</th>
              : <td key={column.head} class={[column.end && 'end', column.quiet && 'quiet'].filter(Boolean).join(' ') || undefined} data-head={column.head}>{column.cell(row)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
// A card with a heading and rows that reach its edges.
export function Card({ title, count, acts, children, foot, id, class: more = '' }: { title: string; count?: number; acts?: ComponentChildren; children: ComponentChildren; foot?: ComponentChildren; id: string; class?: string }) {
  return (
    <section class={`card card-flush${more ? ' ' + more : ''}`} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id} class={count === undefined ? 'grow' : undefined}>{title}</h2>
        {count !== undefined && <><span class="badge">{count}</span><span class="grow" /></>}
        {acts}
      </div>
      {children}
      {foot}
    </section>
  );
}
