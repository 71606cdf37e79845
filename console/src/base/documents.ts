// Documents of a visit, as the clinic and the call show them (docs/records.md, patient data in chat and documents).
import { post, Problem, visitHeader } from './api';

export interface SharedDocument {
  id: string;
  session: string;
  documentType: string;
  title?: string;
  contentType: string;
  bytes: number;
  sha256: string;
  sharedBy: string | null;
  // Roles; none: everybody.
  shownTo: string[];
  unscreened: boolean;
  withheld: boolean;
  createdAt: string;
}
// One document as a row. familySees: a clinician shared what was withheld.
export type DocumentRow = SharedDocument & { familySees?: boolean };

const isForFamily = ({ shownTo }: SharedDocument): boolean => !shownTo.length || shownTo.includes('family_member');
// True if the family would see it, were it not withheld.
export const isHeld = (one: SharedDocument): boolean => one.withheld && isForFamily(one);

// A clinician shares what is withheld by sharing the same bytes: both are one row, which is withheld no more.
export function rowsOf(documents: SharedDocument[]): DocumentRow[] {
  const copies = new Set<SharedDocument>();
  const rows = documents.map((one) => {
    const same = isHeld(one)
      ? documents.filter((other) => !other.withheld && isForFamily(other) && other.sha256 === one.sha256 && other.session === one.session) : [];
    for (const copy of same) copies.add(copy);
    return same.length ? { ...one, withheld: false, familySees: true } : one;
  });
  return rows.filter((one) => !copies.has(one));
}

export async function bytesOf({ id, contentType }: SharedDocument): Promise<Blob> {
  const answer = await fetch(`/api/v1/documents/${id}/content`, { credentials: 'same-origin', headers: visitHeader() });
  if (!answer.ok) throw new Problem(answer.status, '', '', '', answer.headers.get('X-Request-Id') ?? '');
  return new Blob([await answer.arrayBuffer()], { type: contentType });
}
export const base64 = (bytes: Blob): Promise<string> => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(bytes);
});
// Shares the same bytes as the caller's own, with those for whom they were meant. A page sends JSON alone.
export async function showFamily(one: SharedDocument): Promise<void> {
  const { documentType, contentType, title, shownTo } = one;
  const data = await base64(await bytesOf(one));
  await post(`/api/v1/sessions/${one.session}/documents`, {
    documentType, contentType, ...(title ? { title } : {}), data, ...(shownTo.length ? { shownTo } : {}),
  });
}
