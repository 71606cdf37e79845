// The person who is signed in. Another one in the same browser means another page: names and drafts of the first are gone.
import { computed, signal } from '@preact/signals';
import { get, post, Problem, signedOut } from './api';
import { close } from './live';

export type Role =
  | 'admin' | 'security_officer' | 'engineer' | 'operator' | 'auditor' | 'integration' | 'desk' | 'doctor' | 'specialist' | 'nurse' | 'patient' | 'guest';
export interface Me {
  id?: string;
  actor: string;
  tenant: string;
  roles: Role[];
  name?: string;
  nameAr?: string;
  username?: string;
  mustEnrol?: boolean;
  [more: string]: unknown;
}

const tabs = new BroadcastChannel('rabt-person');
export const me = signal<Me | null>(null);
export const hasRole = (...any: Role[]) => any.some((role) => me.value?.roles?.includes(role));
// Roles that have pages in the console alone.
export const kConsoleRoles: Role[] = ['security_officer', 'engineer', 'operator', 'auditor'];
// The page that a role sees at /clinic: the first that fits.
export const face = computed<'doctor' | 'nurse' | 'desk' | 'patient' | 'other'>(() => {
  if (hasRole('doctor', 'specialist')) return 'doctor';
  if (hasRole('nurse')) return 'nurse';
  if (hasRole('admin', 'desk')) return 'desk';
  if (hasRole('patient', 'guest')) return 'patient';
  return 'other';
});

// The first page of who is signed in.
export const home = () => (face.value === 'other' && hasRole(...kConsoleRoles) ? '/console' : '/clinic');

// loadMe: asks who is signed in; null when nobody is.
export async function loadMe(): Promise<Me | null> {
  try {
    me.value = await get<Me>('/api/v1/me');
    signedOut.value = false;
    tabs.postMessage(me.value.actor);
    // An issuer showed one factor of a person whose roles need two.
    if (me.value.mustEnrol && location.pathname !== '/login') {
      location.replace(`/login?enrol=1&to=${encodeURIComponent(location.pathname)}`);
      await new Promise(() => undefined);
    }
  } catch (error) {
    // 403: the browser holds the link of a visit, and nobody has signed in.
    if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 403)) throw error;
    me.value = null;
  }
  return me.value;
}

export async function signOut(): Promise<void> {
  try {
    await post('/api/v1/auth/logout');
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
  }
  close();
  me.value = null;
  tabs.postMessage('');
  location.replace('/login');
}

// All tabs of a browser act for one person. A tab that shows another one's names starts anew.
function follow(actor: string) {
  if (!me.value) return;
  if (me.value.actor === actor) {
    // The same person has signed in again, in another tab.
    signedOut.value = false;
    return;
  }
  me.value = null;
  location.replace(actor ? '/clinic' : '/login');
}
tabs.onmessage = ({ data }) => follow(String(data));
// A tab that slept, or a sign-in of another window that it did not hear of.
addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible' || !me.value) return;
  void get<Me>('/api/v1/me').then((now) => follow(now.actor), () => undefined);
});
