import type { Secret } from '../../kernel/secret.ts';
import { Between, Form, Satisfies, Sections, Sized } from '../constraints.ts';
import { KEY_RULE, isStrongKey } from '../key-material.ts';
import { Option } from '../option.ts';
import { flag, integer, secret, size, text } from '../scalar-types.ts';
import { KIB } from '../size.ts';

/** One key of the ring that seals our cookies. */
export class CookieKeySection {
  @Between(1, 9999)
  @Option({ type: integer(), required: true, doc: 'Names the key in `activeKey`; unique.' })
  readonly id!: number;

  @Satisfies(isStrongKey, KEY_RULE)
  @Option({
    type: secret(),
    required: true,
    doc: 'At least 32 random bytes, as `cloakroom keygen` prints them (base64url, base64, hex or plain text).',
  })
  readonly secret!: Secret;
}

/** The session cookie. Bytes. */
export class CookieSection {
  @Form(/^[a-z0-9-]{1,32}$/, '1 to 32 lower-case letters, digits or hyphens')
  @Option({ type: text(), doc: 'Base name; on the wire `__Host-Http-<name>`.' })
  readonly name: string = 'cloakroom';

  @Satisfies((keys: readonly CookieKeySection[]) => keys.length > 0, 'needs at least one key')
  @Satisfies((keys: readonly CookieKeySection[]) => new Set(keys.map((it) => it.id)).size === keys.length, 'must not use the same id twice')
  @Sections({ listOf: CookieKeySection, required: true, doc: 'Every key that may open a cookie.' })
  readonly keys: readonly CookieKeySection[] = [];

  @Satisfies(
    (id: number, { keys }: CookieSection) => keys.length === 0 || keys.some((key) => key.id === id),
    'must be the id of one of cookie.keys',
  )
  @Option({
    type: integer(),
    derive: (cookie: CookieSection) => (cookie.keys.length === 1 ? cookie.keys[0]?.id : undefined),
    defaultWords: 'the only key',
    doc: 'Id of the key that seals new cookies; required when there is more than one.',
  })
  readonly activeKey!: number;

  @Option({
    type: flag(),
    doc: 'Plain cookie names without Secure, for browsers that refuse Secure cookies on http://localhost. Loopback only.',
  })
  readonly devCookies: boolean = false;

  @Sized('1KiB', '16KiB')
  @Option({ type: size(), doc: 'The most that session cookies and the ID-token hint may weigh together in a request.' })
  readonly budget: number = 6 * KIB;

  @Between(1, 4)
  @Option({ type: integer(), doc: 'The most cookies one session may be split into.' })
  readonly maxChunks: number = 4;

  @Option({ type: flag(), planned: true, doc: '`SameSite=None; Secure; Partitioned`, for an app inside an iframe.' })
  readonly partitioned: boolean = false;
}
