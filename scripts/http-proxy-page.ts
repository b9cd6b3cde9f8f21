import { type Difference, HTTP_PROXY_DIFFERENCES, HTTP_PROXY_VERSION } from '../test/contract/http-proxy-differences.ts';

const HOW: Readonly<Record<Difference['how'], string>> = { fails: 'Differs', waits: 'Waits', crashes: 'Ends the process' };

/** docs/http-proxy.md: where http-proxy does not meet the forwarder contract, from the table that its suite reads. */
export function httpProxyPage(): string {
  const rows = HTTP_PROXY_DIFFERENCES.map(({ title, how, instead }) => `| ${title} | passes | **${HOW[how]}.** ${instead} |`);
  return [
    '# The forwarder contract, and http-proxy',
    `Generated from the suite’s own table (\`npm run docs\`). Cloakroom’s forwarder is held to a contract: what any proxy of HTTP/1.1 must do with requests, answers, and the ends of both. The same cases, byte for byte on bare sockets, run against \`http-proxy\` ${HTTP_PROXY_VERSION}, a widely used library for such proxies on Node (last released in 2020). The table lists every case that it does not meet. All others pass on both: bodies of every kind byte for byte, backpressure both ways, answers with a broken framing, 503 after one attempt, trailers, 1xx.`,
    ['| Case | Cloakroom | http-proxy ' + HTTP_PROXY_VERSION + ' |', '| --- | --- | --- |', ...rows].join('\n'),
    '## How it was run',
    '`http-proxy` is used as its documentation has it: `target`, `changeOrigin`, a keep-alive agent, `headers` for what is added, the `proxyReq` hook for what is taken off, `proxyTimeout`, an error callback that answers, and a cookie of ours set on the response before `web()`. Both forwarders stand behind the same Node server and in front of the same upstreams.',
    'Many of these can be worked around in code of one’s own: abort the upstream request when the response closes, destroy the response when the upstream is lost, merge `Set-Cookie` in `proxyRes`, take headers off the request instead of in `proxyReq`. The table says what happens without that. Limits that a plan of ours has and `http-proxy` has no option for (lifetimes of event streams, body sizes, refused heads) are not part of the comparison.',
    'A listed case must fail in the listed way: *differs*, an assertion fails; *waits*, there is no outcome after a second, where others take milliseconds; *ends the process*, exit code 1 by an uncaught error. A listed case that passes fails the suite, and so does a case that fails without being listed.',
    '```sh\nnpm run jest -- test/contract/http-proxy.spec.ts        # this table\nnpm run jest -- test/contract/undici-forwarder.spec.ts  # the same cases on Cloakroom’s forwarder\n```',
    '',
  ].join('\n\n');
}
