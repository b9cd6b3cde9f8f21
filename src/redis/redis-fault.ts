import { errorCode } from '../kernel/error-code.ts';
import { StoreUnavailableError } from '../kernel/store-unavailable.ts';

/** What an error of the connection, or an error that Redis replied, means for us. */
export interface RedisFault {
  /** One of our words or an error code: never text of the server, which may quote keys and arguments. */
  readonly reason: string;
  /** The command may have been carried out all the same. */
  readonly sent: boolean;
  /** This connection is of no more use: another one may lead to a server that can serve. */
  readonly leave: boolean;
}

const refusal = (reason: string, leave = false): RedisFault => ({ reason, sent: false, leave });

/** A script may have written before it came to the command or key that its user has no right to. */
const NO_PERMISSION: RedisFault = { reason: 'noperm', sent: true, leave: false };

/** The first words of error replies by which a server says that it did not carry the command out. */
const REFUSALS: ReadonlyMap<string, RedisFault> = new Map([
  ['READONLY', refusal('readonly', true)],
  ['MASTERDOWN', refusal('masterdown', true)],
  ['LOADING', refusal('loading', true)],
  ['CLUSTERDOWN', refusal('clusterdown', true)],
  ['NOAUTH', refusal('noauth', true)],
  ['WRONGPASS', refusal('wrongpass', true)],
  ['DENIED', refusal('denied', true)],
  ['OOM', refusal('oom')],
  ['MISCONF', refusal('misconf')],
  ['NOREPLICAS', refusal('noreplicas')],
  ['BUSY', refusal('busy')],
  ['TRYAGAIN', refusal('tryagain')],
  ['CROSSSLOT', refusal('crossslot')],
  ['MOVED', refusal('moved')],
  ['ASK', refusal('moved')],
  ['NOSCRIPT', refusal('noscript')],
  ['NOPERM', NO_PERMISSION],
]);

/** Words without which an operator would look for the wrong thing; Redis says plain ERR for these. */
const ERRORS: readonly (readonly [RegExp, RedisFault])[] = [
  [/^ERR max number of clients/, refusal('maxclients', true)],
  [/^ERR .*The user executing the script can't /s, NO_PERMISSION],
  [/^ERR (?:AUTH|Client sent AUTH)/, refusal('unexpected_password', true)],
];

/** Reasons that somebody has to do something about: waiting does not help. */
const CREDENTIALS: ReadonlySet<string> = new Set(['noauth', 'wrongpass', 'noperm', 'unexpected_password', 'denied', 'password_file']);
export const isAboutCredentials = (reason: string): boolean => CREDENTIALS.has(reason);

/** Redis 6 puts what a script ran into behind words of its own: `ERR Error running script (…): … -READONLY You can't …`. */
const INSIDE_SCRIPT = /^ERR Error running script .*?: ?-?([A-Z]+) /s;

/** What an error reply means. The text itself goes no further than this. */
export function replyFault(message: string): RedisFault {
  const word = INSIDE_SCRIPT.exec(message)?.[1] ?? /^[A-Z]+/.exec(message)?.[0] ?? '';
  const known = REFUSALS.get(word) ?? ERRORS.find(([pattern]) => pattern.test(message))?.[1];
  return known ?? { reason: 'error_reply', sent: true, leave: false };
}

/** What it means when a connection cannot be made or is lost. */
export const connectionFault = (error: unknown, sent: boolean): RedisFault => ({
  reason: errorCode(error)?.toLowerCase() ?? 'connection_lost',
  sent,
  leave: true,
});

export const unavailable = ({ reason, sent }: RedisFault): StoreUnavailableError => new StoreUnavailableError(reason, sent);
