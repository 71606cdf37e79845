// Data of a page: loading, there, old, or refused. What was there stays on the page while it is fetched again.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { signal, type Signal } from '@preact/signals';

export interface Loaded<T> {
  data: Signal<T | undefined>;
  error: Signal<unknown>;
  busy: Signal<boolean>;
  // When the data came; 0 before.
  at: Signal<number>;
  again: () => Promise<void>;
}

// useLoad: fetches when the page opens and when `key` changes. An answer that comes after a newer question is dropped.
export function useLoad<T>(fetch: () => Promise<T>, key = ''): Loaded<T> {
  const loaded = useMemo(() => {
    const data = signal<T | undefined>(undefined);
    const error = signal<unknown>(undefined);
    const busy = signal(true);
    const at = signal(0);
    let asked = 0;
    const state = { fetch };
    const again = async () => {
      const mine = ++asked;
      busy.value = true;
      try {
        const got = await state.fetch();
        if (mine !== asked) return;
        data.value = got;
        error.value = undefined;
        at.value = Date.now();
      } catch (failed) {
        if (mine === asked) error.value = failed;
      } finally {
        if (mine === asked) busy.value = false;
      }
    };
    return { data, error, busy, at, again, state };
  }, [key]);
  loaded.state.fetch = fetch;
  useEffect(() => void loaded.again(), [loaded]);
  return loaded;
}

// useAct: an act of a person, such as sending a form: busy while it runs, then its error if it failed.
export function useAct(): { busy: boolean; error: unknown; run: (act: () => Promise<void>) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async (act: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try { await act(); } catch (failed) { setError(failed); } finally { setBusy(false); }
  };
  return { busy, error, run };
}

// useEvery: calls `act` every so many milliseconds while the page is seen.
export function useEvery(milliseconds: number, act: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && act(), milliseconds);
    return () => clearInterval(timer);
  });
}
