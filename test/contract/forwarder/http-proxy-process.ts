/** http-proxy in a process of its own, for the case that ends it: takes an origin, and sends the port that it listens on. */
import { HttpProxyForwarder } from '../../support/http-proxy-forwarder.ts';
import { ForwarderStage } from './stage.ts';

const stage = new ForwarderStage((origin, limits) => new HttpProxyForwarder({ origin, ...limits }));
process.send?.(await stage.open(process.argv[2] ?? ''));
