// Why there is no camera or no microphone: what is said, and what is offered (a table: condition -> text and acts).
import type { Key } from '../base/i18n';

export type Fault = 'not-allowed' | 'dismissed' | 'blocked-by-system' | 'not-found' | 'in-use' | 'insecure' | 'in-app' | 'overconstrained' | 'unknown';
export type Act = 'retry' | 'sound-only' | 'listen-only' | 'other-device' | 'copy-link';

export const kFaults: Record<Fault, { text: Key; acts: Act[] }> = {
  'not-allowed': { text: 'call_fault_not_allowed', acts: ['retry', 'sound-only'] },
  dismissed: { text: 'call_fault_dismissed', acts: ['retry', 'sound-only'] },
  'blocked-by-system': { text: 'call_fault_system', acts: ['retry'] },
  'not-found': { text: 'call_fault_not_found', acts: ['retry', 'sound-only', 'listen-only'] },
  overconstrained: { text: 'call_fault_gone', acts: ['other-device', 'sound-only'] },
  'in-use': { text: 'call_fault_in_use', acts: ['retry', 'sound-only'] },
  insecure: { text: 'call_fault_insecure', acts: [] },
  'in-app': { text: 'call_fault_in_app', acts: ['copy-link'] },
  unknown: { text: 'call_fault_unknown', acts: ['retry', 'sound-only'] },
};

// Browsers inside WhatsApp, X, Instagram and Facebook, of which many have no camera.
const isInApp = (agent: string): boolean => /WhatsApp|Twitter|Instagram|FBAN|FBAV|Snapchat|\bwv\)/.test(agent);

// denied: the browser remembers a no. It tells that apart from a question that was closed.
export function faultOf(error: unknown, denied: boolean, agent = navigator.userAgent): Fault {
  if (!navigator.mediaDevices) return isInApp(agent) ? 'in-app' : 'insecure';
  const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (/system/i.test(message)) return 'blocked-by-system';
      return denied ? 'not-allowed' : 'dismissed';
    case 'NotFoundError':
      return 'not-found';
    case 'OverconstrainedError':
      return 'overconstrained';
    case 'NotReadableError':
    case 'AbortError':
      return 'in-use';
    default:
      return 'unknown';
  }
}
