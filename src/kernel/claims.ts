export type ClaimValue = string | number | boolean | null | readonly ClaimValue[] | { readonly [name: string]: ClaimValue };

/** Claims about the user, from the ID token or userinfo (OIDC Core §5.1). Only JSON values. */
export type Claims = Readonly<Record<string, ClaimValue>>;
