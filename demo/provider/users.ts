/** A user of the development provider is a situation: picking one decides what the application meets. */
export interface DemoUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
  /** One line for the sign-in page. */
  readonly situation: string;
  /** Refuses consent: the authorization response is `access_denied`. */
  readonly refusesConsent?: boolean;
  /** The provider hands out no refresh token, although `offline_access` was asked for. */
  readonly noRefreshToken?: boolean;
  /** Size of this user's access tokens. */
  readonly accessTokenBytes?: number;
}

const manyGroups = Array.from({ length: 150 }, (_, index) => `department-${String(index).padStart(3, '0')}`);

export const DEMO_USERS: readonly DemoUser[] = [
  {
    id: 'alice',
    name: 'Alice Ordinary',
    email: 'alice@example.com',
    emailVerified: true,
    groups: ['staff'],
    situation: 'An ordinary account',
  },
  {
    id: 'bob',
    name: 'Bob Manygroups',
    email: 'bob@example.com',
    emailVerified: true,
    groups: ['staff', ...manyGroups],
    situation: 'A member of 150 groups, with large tokens',
    accessTokenBytes: 1600,
  },
  {
    id: 'carol',
    name: 'Carol Refuses',
    email: 'carol@example.com',
    emailVerified: true,
    groups: ['staff'],
    situation: 'Refuses consent, so the login fails',
    refusesConsent: true,
  },
  {
    id: 'dave',
    name: 'Dave Short',
    email: 'dave@example.com',
    emailVerified: true,
    groups: ['staff'],
    situation: 'Gets no refresh token',
    noRefreshToken: true,
  },
  {
    id: 'erin',
    name: 'Erin Unverified',
    email: 'erin@example.com',
    emailVerified: false,
    groups: [],
    situation: 'Never confirmed the e-mail address',
  },
];

/** Finds the user a `login_hint` names, by id or e-mail. */
export function userByHint(users: readonly DemoUser[], hint: unknown): DemoUser | undefined {
  return users.find((user) => user.id === hint || user.email === hint);
}

export function claimsOf(user: DemoUser): Record<string, unknown> & { sub: string } {
  return {
    sub: user.id,
    name: user.name,
    preferred_username: user.id,
    email: user.email,
    email_verified: user.emailVerified,
    groups: user.groups,
  };
}
