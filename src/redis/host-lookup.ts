import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { SingleFlight } from '../kernel/single-flight.ts';

/**
 * Name resolution that asks for one name once at a time. Each question occupies a thread for as long as the resolver is silent, and
 * cookies are unsealed on the same few threads: attempts to connect that are given up and made again must not take them all.
 */
export function hostLookup(resolve: (host: string) => Promise<LookupAddress[]> = (host) => lookup(host, { all: true })): LookupFunction {
  const questions = new SingleFlight<LookupAddress[]>();
  return (host, { all }, callback) => {
    const answer = (addresses: LookupAddress[]): void => {
      const [first] = addresses;
      if (all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    };
    questions.run(host, () => resolve(host)).then(answer, (error: unknown) => callback(error as NodeJS.ErrnoException, []));
  };
}
