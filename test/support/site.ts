export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

/** Scheme and registrable domain. Addresses and one-label names are their own site; two labels stand in for the public suffix list. */
export function siteOf(url: URL): string {
  const isAddress = /^[\d.]+$/.test(url.hostname) || url.hostname.startsWith('[');
  const domain = isAddress ? url.hostname : url.hostname.split('.').slice(-2).join('.');
  return `${url.protocol}//${domain}`;
}

/** Value of Sec-Fetch-Site: how the target stands to who caused the request, the farthest hop counting (Fetch Metadata §2.3). */
export function fetchSite(initiator: URL | 'user', chain: readonly URL[]): 'none' | 'same-origin' | 'same-site' | 'cross-site' {
  if (initiator === 'user') return 'none';
  if (chain.some((url) => siteOf(url) !== siteOf(initiator))) return 'cross-site';
  return chain.some((url) => url.origin !== initiator.origin) ? 'same-site' : 'same-origin';
}
