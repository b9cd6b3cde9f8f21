import { TLS_FILE_ROLES, tlsFileProblems, type TlsFileRole } from '../kernel/tls-files.ts';
import type { Config } from './config.ts';
import type { ConfigProblem } from './constraints.ts';
import type { ReadFile } from './section-builder.ts';

type Files = Readonly<Partial<Record<TlsFileRole, string>>>;

/** The certificate files that can be read and not be used, of as much of the configuration as there is. Those that are `unread` have a problem already. */
export function unusableTlsFiles(
  { provider, redis, routes = [] }: Partial<Config>,
  unread: readonly ConfigProblem[],
  readFile: ReadFile,
): readonly ConfigProblem[] {
  const problemsOf = (section: string, files: Files): readonly ConfigProblem[] => {
    const pathOf = (role: TlsFileRole): string => `${section}.${role}`;
    const readable = TLS_FILE_ROLES.filter((role) => !unread.some(({ path }) => path === pathOf(role)));
    return tlsFileProblems(contentsOf(files, readable, readFile)).map(({ role, message }) => ({ path: pathOf(role), message }));
  };
  return [
    ...(provider?.caFile === undefined ? [] : problemsOf('provider', { caFile: provider.caFile })),
    ...(redis?.caFile === undefined ? [] : problemsOf('redis', { caFile: redis.caFile })),
    ...routes.flatMap(({ tls }, index) => (tls === undefined ? [] : problemsOf(`routes[${index}].tls`, tls))),
  ];
}

function contentsOf(files: Files, roles: readonly TlsFileRole[], readFile: ReadFile): Files {
  return Object.fromEntries(roles.flatMap((role) => (files[role] === undefined ? [] : [[role, readFile(files[role])]])));
}
