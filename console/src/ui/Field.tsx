import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from './Icon';

interface Base {
  label: string;
  hint?: string;
  error?: string;
  // The label is heard, not seen.
  quiet?: boolean;
}
const Errors = ({ id, error }: { id: string; error?: string }) =>
  error ? (
    <p class="error" id={`${id}-e`}>
      <Icon name="alert" />
      <span>{error}</span>
    </p>
  ) : null;
const described = (id: string, { hint, error }: Base) => [hint && `${id}-h`, error && `${id}-e`].filter(Boolean).join(' ') || undefined;

function Around({ id, base, children }: { id: string; base: Base; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id} class={base.quiet ? 'hidden' : undefined}>{base.label}</label>
      {base.hint && <span class="hint" id={`${id}-h`}>{base.hint}</span>}
      {children}
      <Errors id={id} error={base.error} />
    </div>
  );
}

// Arabic-Indic digits become Latin ones: ٣ is 3 for a dose, a code, a phone number.
export const latinDigits = (text: string) =>
  text.replace(/[٠-٩۰-۹]/g, (c) => String((c.charCodeAt(0) & 0xf) % 16)).replace(/٫/g, '.');

export interface FieldProps extends Base {
  value: string;
  onText: (value: string) => void;
  type?: 'text' | 'password' | 'email' | 'tel' | 'date' | 'search';
  // Numbers and codes: digits of both scripts are taken.
  digits?: boolean;
  end?: ComponentChildren;
  [more: string]: unknown;
}
export function Field({ label, hint, error, quiet, value, onText, type = 'text', digits, end, ...rest }: FieldProps) {
  const id = useId();
  const base = { label, hint, error, quiet };
  const input = (
    <input
      id={id}
      type={type as 'text'}
      value={value}
      dir={type === 'text' || type === 'search' ? (digits ? 'ltr' : 'auto') : 'ltr'}
      inputMode={digits ? 'decimal' : undefined}
      aria-invalid={error ? true : undefined}
      aria-describedby={described(id, base)}
      onInput={(event) => {
        const typed = (event.currentTarget as HTMLInputElement).value;
        onText(digits ? latinDigits(typed) : typed);
      }}
      {...(rest as object)}
    />
  );
  return (
    <Around id={id} base={base}>
      {end ? <div class="affix">{input}{end}</div> : input}
    </Around>
  );
}
export function TextArea({ label, hint, error, quiet, value, onText, rows = 3, ...rest }: Base & { value: string; onText: (value: string) => void; rows?: number; [more: string]: unknown }) {
  const id = useId();
  const base = { label, hint, error, quiet };
  return (
    <Around id={id} base={base}>
      <textarea id={id} rows={rows} dir="auto" value={value} aria-invalid={error ? true : undefined} aria-describedby={described(id, base)}
        onInput={(event) => onText((event.currentTarget as HTMLTextAreaElement).value)} {...(rest as object)} />
    </Around>
  );
}
export function Select({ label, hint, error, quiet, value, onText, options, ...rest }: Base & { value: string; onText: (value: string) => void; options: { value: string; text: string }[]; [more: string]: unknown }) {
  const id = useId();
  const base = { label, hint, error, quiet };
  return (
    <Around id={id} base={base}>
      <select id={id} value={value} aria-invalid={error ? true : undefined} aria-describedby={described(id, base)}
        onChange={(event) => onText((event.currentTarget as HTMLSelectElement).value)} {...(rest as object)}>
        {options.map((one) => <option key={one.value} value={one.value}>{one.text}</option>)}
      </select>
    </Around>
  );
}
// Answers as cards. Nothing is answered in advance unless `value` says so.
export function Choices({ legend, name, value, onText, options, quiet }: { legend: string; name: string; value: string; onText: (value: string) => void; quiet?: boolean; options: { value: string; text: string; more?: string }[] }) {
  return (
    <fieldset class="field">
      <legend class={quiet ? 'hidden' : 'label walk-legend'}>{legend}</legend>
      <div class="stack stack-8">
        {options.map((one) => (
          <label key={one.value} class="choice">
            <input type="radio" name={name} value={one.value} checked={value === one.value} onChange={() => onText(one.value)} />
            <span><span class="strong">{one.text}</span>{one.more && <><br /><span class="small muted">{one.more}</span></>}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
export function Check({ text, more, checked, onCheck }: { text: string; more?: string; checked: boolean; onCheck: (on: boolean) => void }) {
  return (
    <label class="choice">
      <input type="checkbox" checked={checked} onChange={(event) => onCheck((event.currentTarget as HTMLInputElement).checked)} />
      <span><span class="strong">{text}</span>{more && <><br /><span class="small muted">{more}</span></>}</span>
    </label>
  );
}
