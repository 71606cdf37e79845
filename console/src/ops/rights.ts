// Pages of the console, and who may see them: the roles of the hub's table of rights. The hub decides; a page that somebody may not
// see is only left out here.
import type { Key } from '../base/i18n';
import { hasRole, type Role } from '../base/me';

const kWatch: Role[] = ['security_officer', 'engineer', 'operator', 'auditor'];
const kTreat: Role[] = ['doctor', 'specialist', 'nurse'];
// Roles that read the data of instances.
export const kReaders: Role[] = [...kTreat, 'integration'];
export type Group = 'work' | 'hub' | 'trust';
export interface Place {
  href: string;
  text: Key;
  icon: string;
  roles: Role[];
  group?: Group;
}
export const kPlaces: Place[] = [
  { href: '/console', text: 'overview', icon: 'overview', roles: [...kWatch, 'admin'] },
  { href: '/console/instances', text: 'instances', icon: 'flow', roles: [...kWatch, ...kTreat], group: 'work' },
  { href: '/console/repairs', text: 'repairs', icon: 'retry', roles: ['engineer', 'operator'], group: 'work' },
  { href: '/console/tasks', text: 'decisions', icon: 'decide', roles: [...kWatch, ...kTreat, 'admin', 'desk'], group: 'work' },
  { href: '/console/alerts', text: 'alerts', icon: 'alert', roles: ['engineer', 'operator', 'admin'], group: 'work' },
  { href: '/console/deliveries', text: 'deliveries', icon: 'inbox', roles: ['security_officer', 'engineer', 'operator', 'admin'], group: 'work' },
  { href: '/console/webhooks', text: 'webhooks', icon: 'wake', roles: ['admin'], group: 'work' },
  { href: '/console/deploy', text: 'deploy', icon: 'deploy', roles: kWatch, group: 'hub' },
  { href: '/console/plugins', text: 'plugins', icon: 'plug', roles: [...kWatch, 'admin'], group: 'hub' },
  { href: '/console/audit', text: 'audit', icon: 'log', roles: ['auditor', 'security_officer', 'admin'], group: 'trust' },
  { href: '/console/grants', text: 'grants', icon: 'shieldok', roles: ['auditor', 'security_officer'], group: 'trust' },
  { href: '/console/approvals', text: 'approvals', icon: 'personok', roles: ['security_officer', 'engineer', 'admin'], group: 'trust' },
  { href: '/console/users', text: 'users', icon: 'users', roles: ['admin', 'security_officer', 'auditor'], group: 'trust' },
  { href: '/console/clients', text: 'clients', icon: 'layers', roles: ['admin', 'security_officer', 'auditor'], group: 'trust' },
  { href: '/console/explain', text: 'explain', icon: 'search', roles: ['security_officer', 'auditor'], group: 'trust' },
  { href: '/console/keys', text: 'keys', icon: 'key', roles: ['security_officer', 'auditor'], group: 'trust' },
];
export const places = () => kPlaces.filter(({ roles }) => hasRole(...roles));
export const maySee = (href: string) => places().some((one) => one.href === href);
// The first page of a person: the overview, else what he has.
export const firstPlace = () => places()[0]?.href;

export const mayAct = () => hasRole('engineer', 'operator');
export const mayDeploy = () => hasRole('engineer');
export const mayFindByPerson = () => hasRole('operator', 'auditor', ...kReaders);
export const mayReadData = () => hasRole(...kReaders);
export const mayManagePeople = () => hasRole('admin');
