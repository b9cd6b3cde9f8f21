/**
 * Event of a request of whose body no byte has come for `listen.bodyIdleTimeout`, as long as it has no answer. Whoever listens
 * answers it; without a listener the http server's owner does.
 */
export const BODY_IDLE = Symbol('body idle');
