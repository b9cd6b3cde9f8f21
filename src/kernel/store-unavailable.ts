/**
 * The store that replicas share gave no answer within its time limit, or said that it cannot serve now. Never "there is no such
 * entry": that is an answer. `reason` is a word for the log. `sent`: the command may have been carried out all the same.
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'store_unavailable';
  readonly reason: string;
  readonly sent: boolean;

  constructor(reason: string, sent: boolean) {
    super(`the shared store is unavailable: ${reason}`);
    this.reason = reason;
    this.sent = sent;
  }
}

/** `undefined` when the store is away: for what may be left unanswered. */
export async function unlessAway<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    return undefined;
  }
}
