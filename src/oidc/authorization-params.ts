type Params = Readonly<Record<string, string>>;

/**
 * Parameters of one login over the configured ones. `prompt` is a list (OIDC Core §3.1.2.1): `select_account` keeps a configured
 * `consent`, without which some providers give no refresh token. `none` stands alone, as the specification demands.
 */
export function mergedParams(configured: Params, requested: Params): Params {
  const merged = { ...configured, ...requested };
  const prompt = mergedPrompt(configured['prompt'], requested['prompt']);
  return prompt === undefined ? merged : { ...merged, prompt };
}

function mergedPrompt(configured: string | undefined, requested: string | undefined): string | undefined {
  if (requested === undefined || configured === undefined) return requested ?? configured;
  if (requested === 'none' || configured === 'none') return requested;
  return [...new Set([...requested.split(' '), ...configured.split(' ')])].join(' ');
}
