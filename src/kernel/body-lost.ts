/**
 * Event of a request that has no answer yet and whose body will not come whole: no byte of it has come for `listen.bodyIdleTimeout`,
 * or what came is no HTTP. Its argument is the Failure to answer with. Whoever listens answers it; without a listener the http
 * server's owner does. The connection is closed afterwards.
 */
export const BODY_LOST = Symbol('body lost');
