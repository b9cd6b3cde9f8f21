interface Parts {
  readonly path: string;
  readonly pairs: readonly string[];
  readonly hash: string;
}

/** `returnTo` (path, query, fragment) with the failure of a silent login as the only value of this parameter. Whatever else is in it stays as it is spelled. */
export function withSilentError(returnTo: string, name: string, code: string): string {
  const { path, pairs, hash } = partsWithout(returnTo, name);
  return joined({ path, pairs: [...pairs, `${encodeURIComponent(name)}=${encodeURIComponent(code)}`], hash });
}

/** The same without it: what an earlier login has failed with is no news of the one that begins now. */
export function withoutSilentError(returnTo: string, name: string): string {
  return joined(partsWithout(returnTo, name));
}

function partsWithout(returnTo: string, name: string): Parts {
  const [, path = '', search = '', hash = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(returnTo) ?? [];
  const pairs = search.length < 2 ? [] : search.slice(1).split('&');
  return { path, pairs: pairs.filter((pair) => !new URLSearchParams(pair).has(name)), hash };
}

function joined({ path, pairs, hash }: Parts): string {
  return (pairs.length === 0 ? path : `${path}?${pairs.join('&')}`) + hash;
}
