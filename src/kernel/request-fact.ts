/** One request that was answered, for the access log and metrics: nothing in here can hold a token or grow without bound but the id. */
export interface RequestFact {
  readonly requestId: string;
  /** Empty for a request that could not be read. */
  readonly method: string;
  /** The configured prefix, the endpoint, `spa`, or `refused` for what never got that far: never the path that was asked for. */
  readonly route: string;
  /** 0 when the client left before it had an answer. */
  readonly status: number;
  readonly durationMs: number;
}

export type OnAnswered = (fact: RequestFact) => void;
