import { tlsFileProblems, type TlsFileRole } from '../kernel/tls-files.ts';
import type { Config } from './config.ts';
import type { ConfigProblem } from './constraints.ts';
import type { ReadFile } from './section-builder.ts';
import type { RouteTlsSection } from './sections/route-section.ts';

const ROLES: readonly TlsFileRole[] = ['caFile', 'certFile', 'keyFile'];

/** The certificate files of routes that can be read and not be used. Those that are `unread` have a problem already. */
export function unusableTlsFiles({ routes }: Config, unread: readonly ConfigProblem[], readFile: ReadFile): readonly ConfigProblem[] {
  return routes.flatMap(({ tls }, index) => {
    if (tls === undefined) return [];
    const pathOf = (role: TlsFileRole): string => `routes[${index}].tls.${role}`;
    const readable = ROLES.filter((role) => !unread.some(({ path }) => path === pathOf(role)));
    return tlsFileProblems(contentsOf(tls, readable, readFile)).map(({ role, message }) => ({ path: pathOf(role), message }));
  });
}

function contentsOf(tls: RouteTlsSection, roles: readonly TlsFileRole[], readFile: ReadFile): Partial<Record<TlsFileRole, string>> {
  return Object.fromEntries(roles.flatMap((role) => (tls[role] === undefined ? [] : [[role, readFile(tls[role])]])));
}
