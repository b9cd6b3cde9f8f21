import { UndiciForwarder } from '../../src/proxy/undici-forwarder.ts';
import { forwarderContract } from './forwarder.contract.ts';

forwarderContract('undici forwarder', (origin, limits) => new UndiciForwarder({ origin, ...limits }));
