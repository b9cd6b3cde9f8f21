/** What the world calls this frontend. Never read from a request. */
export interface PublicUrls {
  /** publicUrl's origin as browsers serialise it: `https://app.example.com`. */
  readonly origin: string;
  /** publicUrl's path without a trailing slash: `` or `/app`. */
  readonly path: string;
  /** publicUrl's path + the base path: `/app/bff`. */
  readonly base: string;
}

/** The start page: where every refused or missing returnTo leads. */
export const homeOf = (urls: PublicUrls): string => `${urls.path}/`;

/** Without a query; `loginLink` adds one. */
export const loginUrlOf = (urls: PublicUrls): string => `${urls.base}/login`;

/** RP-Initiated Logout 1.0 §2: must be registered at the provider. */
export const loggedOutUrlOf = (urls: PublicUrls): string => `${urls.origin}${urls.base}/logged-out`;
