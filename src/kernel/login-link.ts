export interface LoginLink {
  /** Where the login comes back to: path-absolute. */
  readonly returnTo?: string | undefined;
  /** Asks the provider for another account, or the user would come back as the same one (OIDC Core §3.1.2.1). */
  readonly otherAccount?: boolean;
}

/** `loginUrl` (path-absolute, without a query) with what a login can be told. */
export function loginLink(loginUrl: string, { returnTo, otherAccount = false }: LoginLink): string {
  const query = [
    ...(otherAccount ? ['prompt=select_account'] : []),
    ...(returnTo === undefined ? [] : [`returnTo=${encodeURIComponent(returnTo)}`]),
  ];
  return query.length === 0 ? loginUrl : `${loginUrl}?${query.join('&')}`;
}
