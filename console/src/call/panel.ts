// The panel beside the picture: which part of it is open, and what had the focus before.
import { signal } from '@preact/signals';

export type Part = 'chat' | 'documents' | 'vitals' | 'notes' | 'prescription' | 'transcript' | 'people' | 'more';
export const panel = signal<Part | null>(null);
export const isIn = (part: Part): boolean => panel.value === part;
let opener: HTMLElement | null = null;

export function show(part: Part): void {
  if (panel.value === part) return hide();
  opener = document.activeElement as HTMLElement | null;
  panel.value = part;
  requestAnimationFrame(() => document.getElementById('panel-h')?.focus());
}
export function hide(): void {
  panel.value = null;
  opener?.focus();
  opener = null;
}
